package sigv4

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Param is one name and value of a query string, percent-decoded once. A plus
// sign is a plus sign: SigV4 never writes a space that way.
type Param struct {
	Name, Value string
}

// Target returns the path and the query of a request exactly as they were
// sent, still percent-encoded. The path is never empty.
func Target(r *http.Request) (path, query string) {
	target := r.RequestURI
	if target == "" { // a request that was made by hand, not received
		target = r.URL.RequestURI()
	}
	if _, rest, absolute := strings.Cut(target, "://"); absolute && target[0] != '/' {
		target = "" // the absolute form, as proxies get it
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			target = rest[i:]
		}
	}
	path, query, _ = strings.Cut(target, "?")
	if path == "" {
		path = "/"
	}
	return path, query
}

// OneSlash leaves one slash of those that a path begins with. An endpoint that
// ends in a slash is joined with the path of an operation to two, which clients
// sign as they send it or without the empty segment; both are taken.
func OneSlash(path string) string {
	for strings.HasPrefix(path, "//") {
		path = path[1:]
	}
	return path
}

// ParseQuery splits a raw query string. A percent sign that starts no valid
// escape stands for itself.
func ParseQuery(raw string) []Param {
	if raw == "" {
		return nil
	}
	params := make([]Param, 0, strings.Count(raw, "&")+1)
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		params = append(params, Param{unescape(name), unescape(value)})
	}
	return params
}

func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if b, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(b))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// appendCanonical writes the canonical request: method, path, query, headers,
// names of the signed headers, hash of the body. path is as sent; it is
// encoded once more here, as every service but S3 does.
func appendCanonical(dst []byte, r *http.Request, path string, query []Param, signedHeaders, bodyHash string) []byte {
	dst = append(dst, r.Method...)
	dst = append(dst, '\n')
	dst = appendEscaped(dst, path, true)
	dst = append(dst, '\n')
	dst = appendQuery(dst, query)
	dst = append(dst, '\n')
	for name := range strings.SplitSeq(signedHeaders, ";") {
		dst = append(dst, name...)
		dst = append(dst, ':')
		dst = appendHeader(dst, r, name)
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	dst = append(dst, signedHeaders...)
	dst = append(dst, '\n')
	return append(dst, bodyHash...)
}

// appendHeader writes the canonical value of one header. net/http keeps a few
// of them outside the header map.
func appendHeader(dst []byte, r *http.Request, name string) []byte {
	switch name {
	case "host":
		return appendCollapsed(dst, r.Host)
	case "transfer-encoding":
		return append(dst, strings.Join(r.TransferEncoding, ",")...)
	}
	for i, value := range r.Header[http.CanonicalHeaderKey(name)] {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCollapsed(dst, value)
	}
	return dst
}

// appendCollapsed trims spaces at both ends and makes one of each inner run.
func appendCollapsed(dst []byte, s string) []byte {
	s = strings.Trim(s, " ")
	if !strings.Contains(s, "  ") {
		return append(dst, s...)
	}
	for i := range len(s) {
		if s[i] != ' ' || s[i-1] != ' ' { // s[0] is no space: i-1 is safe
			dst = append(dst, s[i])
		}
	}
	return dst
}

// appendQuery writes the parameters encoded, then sorted by name and value.
func appendQuery(dst []byte, query []Param) []byte {
	if len(query) == 0 {
		return dst
	}
	encoded := make([]Param, 0, len(query))
	for _, p := range query {
		encoded = append(encoded, Param{escape(p.Name), escape(p.Value)})
	}
	slices.SortFunc(encoded, func(a, b Param) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	})
	for i, p := range encoded {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, p.Name...)
		dst = append(dst, '=')
		dst = append(dst, p.Value...)
	}
	return dst
}

func escape(s string) string {
	for i := range len(s) {
		if !unreserved(s[i]) {
			return string(appendEscaped(nil, s, false))
		}
	}
	return s
}

func appendEscaped(dst []byte, s string, keepSlash bool) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; unreserved(c) || keepSlash && c == '/' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '_' || c == '.' || c == '~'
}

// normalised removes empty and dot segments. Some SDKs (botocore, JS v3, Java)
// do so before they sign, others (Go) do not, and all send the path as it was.
func normalised(path string) string {
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
		}
	}
	out := "/" + strings.Join(kept, "/")
	if len(kept) > 0 && strings.HasSuffix(path, "/") {
		out += "/"
	}
	return out
}
