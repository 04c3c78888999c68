package sigv4_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/api/sigv4"
)

// hashSent is the bit of the change that has the body's hash sent and signed.
const hashSent = 1 << 7

// FuzzAgreesWithSDKSigner holds the hand-written canonical request to the one
// of the SDK: whatever the SDK signs is accepted, and any change to the
// method, path, query, a signed header or the body is refused.
func FuzzAgreesWithSDKSigner(f *testing.F) {
	f.Add("POST", "/meetings/x/attendees", "operation", "batch-create", " a  b ", "{}", byte(0))
	f.Add("GET", "/legacy//a b/../ü%2F+", "next-token", "a+b/c~*'", "", "", byte(1))
	f.Add("POST", "meetings", "operation", "create-attendees", "x", `{"Attendees":[]}`, byte(4+hashSent))
	f.Add("PUT", "/", "", "&=%", "\t x", "\x00\xff", byte(2))
	v := verifier(f, nil)
	f.Fuzz(func(t *testing.T, method, path, name, value, header, body string, change byte) {
		u := url.URL{Scheme: "http", Host: "host.example:8480", Path: "/" + path, RawQuery: url.Values{name: {value, "2"}, "operation": {value}}.Encode()}
		r, err := http.NewRequest(method, u.String(), strings.NewReader(body))
		if err != nil || !sendable(header) || strings.EqualFold(method, http.MethodConnect) {
			return
		}
		r.Header.Set("X-Amz-Note", header)
		if change >= hashSent {
			r.Header.Set("X-Amz-Content-Sha256", hashOf(body))
		}
		sign(t, r, body, signing{})
		got, sent := overTheWire(t, r)
		if _, err := check(v, got, sent); err != nil {
			t.Fatalf("the SDK signed %s %q and it was refused: %v", method, got.RequestURI, err)
		}
		switch change % hashSent % 5 {
		case 0:
			got.Method += "X"
		case 1:
			got.RequestURI = "/changed" + got.RequestURI
		case 2:
			got.RequestURI += "&changed=1"
		case 3:
			got.Header.Set("X-Amz-Note", header+" changed")
		case 4:
			sent = append(sent, ' ')
		}
		if _, err := check(v, got, sent); err == nil {
			t.Fatalf("change %d was not noticed", change)
		}
	})
}

// sendable reports whether a header value survives net/http unchanged.
func sendable(value string) bool {
	return !strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) && value == strings.TrimSpace(value)
}

// FuzzAuthorizationHeader throws anything at the header parser: never a panic,
// never an accepted request.
func FuzzAuthorizationHeader(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260304/us-east-1/chime/aws4_request, SignedHeaders=host;x-amz-date, Signature=0", "20260304T050607Z", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60")
	f.Add("AWS4-HMAC-SHA256 Credential=/////,SignedHeaders=;;;host;,Signature==,,=", "Wed, 04 Mar 2026 05:06:07 GMT", "%zz=%")
	f.Add("", "", "")
	strict := verifier(f, nil)
	lax := verifier(f, func(c *sigv4.Config) { c.AcceptAny = true })
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := &http.Request{Method: "GET", URL: &url.URL{}, RequestURI: "/?" + query, Host: "host.example", Header: http.Header{
			"X-Amz-Date": {date},
		}}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		if _, err := check(strict, r, nil); err == nil {
			t.Fatal("accepted without a signature")
		}
		id, err := check(lax, r, nil)
		if err != nil || len(id.Account) != 12 || id.Region == "" || len(id.AccessKeyID) > 128 {
			t.Fatalf("development mode: %+v, %v", id, err)
		}
	})
}

func FuzzKeyFile(f *testing.F) {
	f.Add([]byte("keys:\n  - access-key-id: A\n    secret-access-key: b\n    account: 000000000001\n    allow: [\"chime:*\"]\n"))
	f.Add([]byte(`{"keys":[{"access-key-id":"A","secret-access-key":"b","sessions":[{"token":"t","expires":"2030-01-01T00:00:00Z"}]}],"disabled-accounts":["111111111111"]}`))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := sigv4.ParseKeys("keys.yaml", data, []string{"chime:GetMeeting"})
		if (err == nil) != (keys != nil) || err == nil && keys.Len() == 0 {
			t.Fatalf("%v, %v", keys, err)
		}
	})
}
