package conform

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Handwriting signs a request step by step, so that each step can be done in
// a way no SDK does it. Zero values stand for the right way. It is written
// apart from any SDK on purpose: a server that verifies with an SDK's signer
// is checked against something else.
type Handwriting struct {
	Keys       Credentials // zero: the client's
	Region     string      // of the credential scope; empty: the client's
	At         time.Time   // of the signature; zero: now
	Date       string      // text of the date header; empty: from At
	DateHeader string      // empty: X-Amz-Date
	ScopeDate  string      // empty: the first eight digits of the date
	Service    string      // of the credential scope; empty: chime
	Terminator string      // of the credential scope; empty: aws4_request
	Headers    []string    // signed headers, lower case; nil: host and the date's
	Hash       string      // of the body, as in the canonical request; empty: computed
	Separator  string      // between the parts of the header; empty: ", "
}

// sign puts the Authorization header on the request. The body is read and
// given back.
func (h Handwriting) sign(req *http.Request) error {
	if err := h.defaults(req); err != nil {
		return err
	}
	return h.authorize(req)
}

// defaults fills in what was not asked for, and sets the date header.
func (h *Handwriting) defaults(req *http.Request) error {
	if h.At.IsZero() {
		h.At = time.Now()
	}
	stamp := h.At.UTC().Format("20060102T150405Z")
	h.DateHeader = cmp.Or(h.DateHeader, "X-Amz-Date")
	h.Date = cmp.Or(h.Date, stamp)
	h.ScopeDate = cmp.Or(h.ScopeDate, stamp[:8])
	h.Service = cmp.Or(h.Service, "chime")
	h.Terminator = cmp.Or(h.Terminator, "aws4_request")
	h.Separator = cmp.Or(h.Separator, ", ")
	req.Header.Set(h.DateHeader, h.Date)
	if h.Headers == nil {
		h.Headers = []string{"host", strings.ToLower(h.DateHeader)}
	}
	slices.Sort(h.Headers)
	if h.Hash != "" || req.GetBody == nil {
		h.Hash = cmp.Or(h.Hash, Digest(nil))
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return err
	}
	data, err := io.ReadAll(body)
	h.Hash = Digest(data)
	return err
}

// authorize computes the signature and sets the header.
func (h *Handwriting) authorize(req *http.Request) error {
	signed := strings.Join(h.Headers, ";")
	canonical := strings.Join([]string{
		req.Method, strictEscape(cmp.Or(req.URL.EscapedPath(), "/"), true), canonicalQuery(req.URL.RawQuery),
		canonicalHeaders(req, h.Headers), signed, h.Hash,
	}, "\n")
	scope := strings.Join([]string{h.ScopeDate, h.Region, h.Service, h.Terminator}, "/")
	stamp := h.At.UTC().Format("20060102T150405Z")
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, Digest([]byte(canonical))}, "\n")
	key := []byte("AWS4" + h.Keys.SecretKey)
	for _, part := range []string{h.ScopeDate, h.Region, h.Service, h.Terminator, toSign} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	req.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s%sSignedHeaders=%s%sSignature=%x",
		h.Keys.AccessKey, scope, h.Separator, signed, h.Separator, key))
	return nil
}

// Digest returns the SHA-256 of data in lower-case hexadecimal, as signatures
// have it of a body.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// strictEscape percent-encodes everything but unreserved characters, and
// slashes if they are to be kept. Applied to a path that is escaped already it
// gives the second encoding that the signature wants.
func strictEscape(s string, keepSlash bool) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.~", c) >= 0, keepSlash && c == '/':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// canonicalQuery sorts and re-encodes a raw query, in which a plus sign is a
// plus sign.
func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	var pairs []string
	for _, pair := range strings.Split(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		pairs = append(pairs, strictEscape(unescape(name), false)+"="+strictEscape(unescape(value), false))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// unescape undoes percent-encoding; what is not well formed stays.
func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// canonicalHeaders lists the signed headers with their values trimmed and inner
// runs of spaces collapsed.
func canonicalHeaders(req *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range names {
		values := slices.Clone(req.Header.Values(name))
		switch name {
		case "host":
			values = []string{cmp.Or(req.Host, req.URL.Host)}
		case "content-length":
			values = []string{fmt.Sprint(req.ContentLength)}
		}
		for i, v := range values {
			values[i] = strings.Join(strings.FieldsFunc(v, func(c rune) bool { return c == ' ' }), " ")
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	return b.String()
}

// Handwritten sends a request that is signed by hand. Its Tamper has its way
// with it after that.
func (c *Client) Handwritten(in Request, h Handwriting) Reply {
	if h.Keys == (Credentials{}) {
		h.Keys = c.keys
	}
	h.Region = cmp.Or(h.Region, c.region)
	rest := in.Tamper
	in.Plain = true
	in.Tamper = func(req *http.Request) {
		if err := h.sign(req); err != nil {
			c.t.Fatalf("%s %s: signing: %v", in.Method, in.Target, err)
		}
		if rest != nil {
			rest(req)
		}
	}
	return c.Send(in)
}
