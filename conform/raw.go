package conform

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Request is one HTTP request that no SDK would send. The zero value of each
// member stands for what a stock client does.
type Request struct {
	Method string
	Target string      // path below the client's base URL and query, as to be sent
	Body   []byte      // nil: none
	Header http.Header // added before signing
	Host   string      // Host header to send and sign
	Plain  bool        // not signed at all
	Keys   Credentials // zero: the client's
	Region string      // of the credential scope; empty: the client's
	Scope  string      // service of the credential scope; empty: chime
	Time   time.Time   // of the signature; zero: now
	Tamper func(*http.Request)
}

// prepare builds and signs the HTTP request.
func (c *Client) prepare(ctx context.Context, in Request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, in.Method, c.base+in.Target, bytes.NewReader(in.Body))
	if err != nil {
		return nil, err
	}
	if in.Body == nil {
		req.Body, req.ContentLength = http.NoBody, 0
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", c.userAgent())
	for name, values := range in.Header {
		if req.Header[name] = values; len(values) == 0 {
			delete(req.Header, name)
		}
	}
	if in.Host != "" {
		req.Host = in.Host
	}
	if !in.Plain {
		if err := c.sign(ctx, req, in); err != nil {
			return nil, err
		}
	}
	if in.Tamper != nil {
		in.Tamper(req)
	}
	return req, nil
}

// userAgent names the flavour the way SDKs do, so that a server which offers
// both behind one address can tell them apart (API decision D-01).
func (c *Client) userAgent() string {
	if c.flavour == Legacy {
		return "carillon-conform api/chime#1.0"
	}
	return "carillon-conform api/chime-sdk-meetings#1.0"
}

// sign signs the request as the SDK for Go v2 does.
func (c *Client) sign(ctx context.Context, req *http.Request, in Request) error {
	keys, region, service, at := in.Keys, in.Region, in.Scope, in.Time
	if keys == (Credentials{}) {
		keys = c.keys
	}
	if region == "" {
		region = c.region
	}
	if service == "" {
		service = "chime"
	}
	if at.IsZero() {
		at = time.Now()
	}
	hash := sha256.Sum256(in.Body)
	return v4.NewSigner().SignHTTP(ctx, aws.Credentials{
		AccessKeyID: keys.AccessKey, SecretAccessKey: keys.SecretKey, SessionToken: keys.SessionToken,
	}, req, hex.EncodeToString(hash[:]), service, region, at)
}

// Send sends a request that was built by hand.
func (c *Client) Send(in Request) Reply {
	r := Reply{t: c.t, flavour: c.flavour, what: in.Method + " " + in.Target}
	ctx := context.WithValue(c.t.ctx, wireKey{}, &r.Wire)
	req, err := c.prepare(ctx, in)
	if err != nil {
		r.err = err
		return r
	}
	res, err := (&http.Client{Transport: recorder{c}, CheckRedirect: noRedirect}).Do(req)
	if err != nil {
		r.err = err
		return r
	}
	_ = res.Body.Close()
	return r
}

// Raw sends a signed request. The body is sent as it is when it is a string
// or nil, else as JSON.
func (c *Client) Raw(method, target string, body any) Reply {
	in := Request{Method: method, Target: target}
	switch b := body.(type) {
	case nil:
	case string:
		in.Body = []byte(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			c.t.Fatalf("%s %s: body: %v", method, target, err)
		}
		in.Body = data
	}
	return c.Send(in)
}
