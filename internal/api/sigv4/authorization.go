package sigv4

import (
	"net/http"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"

	isoBasic = "20060102T150405Z" // the form of X-Amz-Date

	maxSignedHeaders = 100
	maxAccessKey     = 128 // IAM's own limit for an access key id
)

// authorization is what a caller claims about a request and how it was signed.
type authorization struct {
	accessKey     string
	scope         scope
	signedHeaders string // as sent: lower-case names joined by ';'
	signature     string
	sessionToken  string
	date          time.Time
}

// scope is the credential scope: where and when a derived key is good for.
type scope struct {
	date, region, service, terminator string
}

func (s scope) String() string {
	return s.date + "/" + s.region + "/" + s.service + "/" + s.terminator
}

// signs reports whether a header, named in lower case, is among those signed.
func (a *authorization) signs(header string) bool {
	for rest, more := a.signedHeaders, true; more; {
		var name string
		if name, rest, more = strings.Cut(rest, ";"); name == header {
			return true
		}
	}
	return false
}

// parseHeader reads the value of an Authorization header. Every missing part
// is named in the one error, as AWS does.
func parseHeader(value string) (authorization, *Error) {
	var a authorization
	rest, ok := strings.CutPrefix(value, algorithm)
	if !ok || rest != "" && rest[0] != ' ' {
		rest = "" // another scheme: nothing in it can be used
	}
	var credential string
	for part := range strings.SplitSeq(rest, ",") {
		name, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		var target *string
		switch name {
		case "Credential":
			target = &credential
		case "SignedHeaders":
			target = &a.signedHeaders
		case "Signature":
			target = &a.signature
		default:
			continue
		}
		if *target != "" {
			return a, refuse(incompleteSignature, "Authorization header has more than one '%s' parameter.", name)
		}
		*target = v
	}
	var missing []string
	for _, p := range []struct{ name, value string }{
		{"Credential", credential}, {"Signature", a.signature}, {"SignedHeaders", a.signedHeaders},
	} {
		if p.value == "" {
			missing = append(missing, "Authorization header requires '"+p.name+"' parameter.")
		}
	}
	if missing != nil {
		return a, refuse(incompleteSignature, "%s", strings.Join(missing, " "))
	}
	return a, a.setCredential(credential)
}

// setCredential splits key/date/region/service/terminator. The key may hold
// slashes, the scope may not.
func (a *authorization) setCredential(credential string) *Error {
	parts := strings.Split(credential, "/")
	n := len(parts)
	if n < 5 {
		return refuse(incompleteSignature, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	a.accessKey = strings.Join(parts[:n-4], "/")
	a.scope = scope{parts[n-4], parts[n-3], parts[n-2], parts[n-1]}
	if a.accessKey == "" {
		return refuse(incompleteSignature, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	return nil
}

// fromHeader reads the claims of a request signed in its headers.
func fromHeader(r *http.Request) (authorization, *Error) {
	values := r.Header["Authorization"]
	if len(values) > 1 {
		return authorization{}, refuse(incompleteSignature, "The request has more than one Authorization header.")
	}
	a, refused := parseHeader(values[0])
	if refused != nil {
		return a, refused
	}
	a.sessionToken = r.Header.Get("X-Amz-Security-Token")
	a.date, refused = headerDate(r.Header)
	return a, refused
}

// headerDate reads the time of signing: X-Amz-Date, or Date without it.
func headerDate(h http.Header) (time.Time, *Error) {
	if value := h.Get("X-Amz-Date"); value != "" {
		t, err := time.Parse(isoBasic, value)
		if err != nil {
			return t, refuse(incompleteSignature, "Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601")
		}
		return t, nil
	}
	value := h.Get("Date")
	if value == "" {
		return time.Time{}, refuse(incompleteSignature, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if t, err := time.Parse(isoBasic, value); err == nil {
		return t, nil
	}
	t, err := http.ParseTime(value)
	if err != nil {
		return t, refuse(incompleteSignature, "Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601")
	}
	return t.UTC(), nil
}
