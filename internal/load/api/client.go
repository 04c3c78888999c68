package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// client makes signed calls, one at a time.
type client struct {
	http    *http.Client
	base    *url.URL
	agent   string
	signer  signer
	answer  bytes.Buffer // of the last call
	elapsed time.Duration
}

// call is one request to make.
type call struct {
	method string
	path   string // below the endpoint
	query  string // encoded
	body   payload
}

// newTransport keeps one connection for each client and does nothing else
// that costs.
func newTransport(clients int) *http.Transport {
	return &http.Transport{
		MaxIdleConns:        clients,
		MaxIdleConnsPerHost: clients,
		DisableCompression:  true,
		ReadBufferSize:      64 << 10,
		WriteBufferSize:     64 << 10,
	}
}

func newClient(o Options, transport http.RoundTripper) (*client, error) {
	base, err := url.Parse(o.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	agent := "carillon-load api/chimesdkmeetings#1"
	if o.Flavour == "legacy" {
		agent = "carillon-load api/chime#1"
	}
	return &client{
		http: &http.Client{Transport: transport, Timeout: time.Minute}, base: base, agent: agent,
		signer: signer{accessKey: o.AccessKey, secretKey: o.SecretKey, token: o.Token, region: o.Region},
	}, nil
}

// emptyHash is the SHA-256 of no body.
var emptyHash = newPayload(nil).hash

// do makes the call and keeps answer and time. It fails on any status but 2xx.
func (c *client) do(ctx context.Context, k call) error {
	r := (&http.Request{
		Method: k.method, Host: c.base.Host, Header: http.Header{"User-Agent": {c.agent}},
		URL: &url.URL{Scheme: c.base.Scheme, Host: c.base.Host, Path: c.base.Path + k.path, RawQuery: k.query},
	}).WithContext(ctx)
	hash := emptyHash
	if k.body.bytes != nil {
		hash = k.body.hash
		r.Header["Content-Type"] = []string{"application/json"}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(k.body.bytes)), int64(len(k.body.bytes))
	}
	start := time.Now()
	c.signer.sign(r, hash, start)
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	c.answer.Reset()
	if _, err := c.answer.ReadFrom(resp.Body); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	c.elapsed = time.Since(start)
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", k.method, k.path, resp.Status, c.answer.Bytes()[:min(300, c.answer.Len())])
	}
	return nil
}
