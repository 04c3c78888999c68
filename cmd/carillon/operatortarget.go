package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/identity"
)

// operatorTarget is the running server that an operator's command asks, and by
// what right.
type operatorTarget struct {
	Endpoint       string `help:"Base URL of the server, or of any node of a cluster." default:"http://127.0.0.1:8480" placeholder:"URL"`
	OperatorSecret string `help:"The operator secret; default: that in the data directory." placeholder:"SECRET"`
	Operator       string `help:"Name of an operator of --operators-file, whose secret --operator-secret is then." placeholder:"NAME"`
	Data           string `help:"Data directory of a server on this machine, to read the operator secret from." default:"carillon-data" type:"path" placeholder:"DIR"`
}

// operatorAnswer bounds how long an answer may take: some look at everything
// that was given up.
const operatorAnswer = time.Minute

// secret returns the operator secret, given or found.
func (t *operatorTarget) secret() (string, error) {
	if t.OperatorSecret != "" {
		return t.OperatorSecret, nil
	}
	if t.Operator != "" {
		return "", errors.New("--operator needs the secret of that operator: see --operator-secret")
	}
	raw, err := os.ReadFile(filepath.Join(t.Data, identity.OperatorSecretFile))
	if err != nil {
		return "", fmt.Errorf("--operator-secret is not given, and there is none in the data directory: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// ask makes a request, with in as its body unless it is nil, and decodes the
// answer into out, which may be nil. A refusal is an error in the server's
// words.
func (t *operatorTarget) ask(ctx context.Context, method, path string, in, out any) error {
	secret, err := t.secret()
	if err != nil {
		return err
	}
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(ctx, operatorAnswer)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(t.Endpoint, "/")+path, body)
	if err != nil {
		return fmt.Errorf("--endpoint: %w", err)
	}
	if t.Operator != "" {
		req.SetBasicAuth(t.Operator, secret)
	} else {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	return exchange(req, out, func(r refusal) string { return r.Error })
}

// refusal is where a door may say why it refused: those of operators in Error,
// the APIs in Message.
type refusal struct{ Error, Message string }

// exchange makes the request and decodes the answer into out, which may be nil.
// A refusal is an error in the server's words, as words finds them, or else its
// status.
func exchange(req *http.Request, out any, words func(refusal) string) error {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		var refused refusal
		if json.Unmarshal(raw, &refused) != nil {
			return errors.New(resp.Status)
		}
		return errors.New(cmp.Or(words(refused), resp.Status))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}
