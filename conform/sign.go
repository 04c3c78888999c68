package conform

import (
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

// handwriting signs a request step by step, so that each step can be done in
// a way no SDK does it. Zero values stand for the right way. It is written
// apart from any SDK on purpose: a server that verifies with an SDK's signer
// is checked against something else.
type handwriting struct {
	keys       Credentials
	region     string
	at         time.Time
	date       string // text of the date header; empty: from at
	dateHeader string // empty: X-Amz-Date
	scopeDate  string // empty: the first eight digits of the date
	service    string
	terminator string
	headers    []string // signed headers, lower case; nil: host and the date's
	hash       string   // of the body, as in the canonical request; empty: computed
	separator  string   // between the parts of the header; empty: ", "
}

// sign puts the Authorization header on the request. The body is read and
// given back.
func (h handwriting) sign(req *http.Request) error {
	if err := h.defaults(req); err != nil {
		return err
	}
	return h.authorize(req)
}

// defaults fills in what was not asked for, and sets the date header.
func (h *handwriting) defaults(req *http.Request) error {
	if h.at.IsZero() {
		h.at = time.Now()
	}
	stamp := h.at.UTC().Format("20060102T150405Z")
	h.dateHeader = either(h.dateHeader, "X-Amz-Date")
	h.date = either(h.date, stamp)
	h.scopeDate = either(h.scopeDate, stamp[:8])
	h.service = either(h.service, "chime")
	h.terminator = either(h.terminator, "aws4_request")
	h.separator = either(h.separator, ", ")
	req.Header.Set(h.dateHeader, h.date)
	if h.headers == nil {
		h.headers = []string{"host", strings.ToLower(h.dateHeader)}
	}
	slices.Sort(h.headers)
	if h.hash != "" || req.GetBody == nil {
		h.hash = either(h.hash, digest(nil))
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return err
	}
	data, err := io.ReadAll(body)
	h.hash = digest(data)
	return err
}

// authorize computes the signature and sets the header.
func (h *handwriting) authorize(req *http.Request) error {
	signed := strings.Join(h.headers, ";")
	canonical := strings.Join([]string{
		req.Method, strictEscape(either(req.URL.EscapedPath(), "/"), true), canonicalQuery(req.URL.RawQuery),
		canonicalHeaders(req, h.headers), signed, h.hash,
	}, "\n")
	scope := strings.Join([]string{h.scopeDate, h.region, h.service, h.terminator}, "/")
	stamp := h.at.UTC().Format("20060102T150405Z")
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, digest([]byte(canonical))}, "\n")
	key := []byte("AWS4" + h.keys.SecretKey)
	for _, part := range []string{h.scopeDate, h.region, h.service, h.terminator, toSign} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	req.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s%sSignedHeaders=%s%sSignature=%x",
		h.keys.AccessKey, scope, h.separator, signed, h.separator, key))
	return nil
}

// either returns s, or otherwise when it is empty.
func either(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// digest returns the SHA-256 of data in hexadecimal.
func digest(data []byte) string {
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
			values = []string{either(req.Host, req.URL.Host)}
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

// Handwritten sends a request that is signed by hand, after prepare and before
// the rest had their way with it.
func (c *Client) Handwritten(in Request, h handwriting) Reply {
	if h.keys == (Credentials{}) {
		h.keys = c.keys
	}
	h.region = either(h.region, c.region)
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
