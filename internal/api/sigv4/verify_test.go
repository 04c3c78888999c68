package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/carillon-meetings/carillon/internal/api/sigv4"
)

const (
	accessKey = "AKIDEXAMPLE"
	secret    = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var signedAt = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func clockAt(t time.Time) func() time.Time { return func() time.Time { return t } }

// request is a request to sign, before it goes over the wire.
func request(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

type signing struct {
	secret, token, service, region string
	at                             time.Time
	bodyHash                       string
}

// sign signs with the SDK's own signer; zero fields take the right values.
func sign(t testing.TB, r *http.Request, body string, s signing) {
	t.Helper()
	if s.secret == "" {
		s.secret = secret
	}
	if s.service == "" {
		s.service = "chime"
	}
	if s.region == "" {
		s.region = "us-east-1"
	}
	if s.at.IsZero() {
		s.at = signedAt
	}
	if s.bodyHash == "" {
		s.bodyHash = hashOf(body)
	}
	creds := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: s.secret, SessionToken: s.token}
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, s.bodyHash, s.service, s.region, s.at); err != nil {
		t.Fatal(err)
	}
}

// hashOf is the body's hash as it is sent.
func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// overTheWire returns the request and its body as a server would see them.
func overTheWire(t testing.TB, r *http.Request) (*http.Request, []byte) {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got, body
}

func check(v *sigv4.Verifier, r *http.Request, body []byte) (sigv4.Identity, error) {
	pending, err := v.Begin(r)
	if err != nil {
		return sigv4.Identity{}, err
	}
	return pending.Finish(body)
}

func verifier(t testing.TB, change func(*sigv4.Config)) *sigv4.Verifier {
	t.Helper()
	keys, err := sigv4.Single(accessKey, secret, "210987654321")
	if err != nil {
		t.Fatal(err)
	}
	cfg := sigv4.Config{Keys: keys, Window: 15 * time.Minute, Now: clockAt(signedAt)}
	if change != nil {
		change(&cfg)
	}
	return sigv4.New(cfg)
}

func TestAcceptsWhatTheSDKSigns(t *testing.T) {
	v := verifier(t, nil)
	for _, c := range []struct{ method, url, body string }{
		{"GET", "http://127.0.0.1:8480/meetings/5b1d7c02-90aa-4c3e-8f21-77a1c0de7979", ""},
		{"POST", "http://127.0.0.1:8480/meetings?operation=create-attendees", `{"Attendees":[]}`},
		{"GET", "http://host.example/tags?arn=arn%3Aaws%3Achime%3Aus-east-1%3A210987654321%3Ameeting%2Fx", ""},
		{"POST", "http://host.example/legacy/meetings/a%20b%2Fc/attendees?operation=batch-create&x=1%202", "{}"},
		{"GET", "http://host.example/console/meetings/?next-token=a%2Bb~c%2Fd&max-results=5", ""},
		{"DELETE", "http://host.example", ""},
		{"GET", "http://host.example/meetings//attendees/./x/../", ""},
	} {
		r := request(t, c.method, c.url, c.body)
		r.Header.Set("X-Amz-Note", "  two   spaces  inside ")
		r.Header.Add("X-Amz-Note", "and a second value")
		sign(t, r, c.body, signing{region: "eu-central-1"})
		got, body := overTheWire(t, r)
		id, err := check(v, got, body)
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.url, err)
		}
		if id.AccessKeyID != accessKey || id.Account != "210987654321" || id.Region != "eu-central-1" || !id.Allows("chime:GetMeeting") {
			t.Errorf("%s %s: identity %+v", c.method, c.url, id)
		}
	}
}

// Signatures of the test suite that AWS published for Signature Version 4.
func TestAcceptsPublishedVectors(t *testing.T) {
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	v := verifier(t, func(c *sigv4.Config) { c.Service, c.Now = "service", clockAt(at) })
	for _, c := range []struct{ name, method, target, signature string }{
		{"get-vanilla", "GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"post-vanilla", "POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	} {
		r := request(t, c.method, "http://example.amazonaws.com"+c.target, "")
		r.Header.Set("X-Amz-Date", "20150830T123600Z")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "+
			"SignedHeaders=host;x-amz-date, Signature="+c.signature)
		if _, err := check(v, r, nil); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// SDKs that tidy the path before they sign still send it as it was.
func TestAcceptsPathTidiedBeforeSigning(t *testing.T) {
	r := request(t, "GET", "http://host.example/meetings/attendees/x", "")
	sign(t, r, "", signing{})
	r.RequestURI = "/meetings//attendees/./y/../x"
	if _, err := check(verifier(t, nil), r, nil); err != nil {
		t.Error(err)
	}
	r.RequestURI = "/meetings//attendees/./y/x"
	if _, err := check(verifier(t, nil), r, nil); err == nil {
		t.Error("accepted another path")
	}
}

func TestRefusals(t *testing.T) {
	const url = "http://127.0.0.1:8480/meetings?operation=create-attendees"
	const body = `{"Attendees":[]}`
	edit := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			auth := r.Header.Get("Authorization")
			if !strings.Contains(auth, from) {
				panic("nothing to edit")
			}
			r.Header.Set("Authorization", strings.Replace(auth, from, to, 1))
		}
	}
	for _, c := range []struct {
		name    string
		signing signing
		config  func(*sigv4.Config)
		tamper  func(*http.Request)
		body    string // sent instead of what was signed
		want    string // exception name
		message string // part of the message
	}{
		{name: "no credentials", tamper: func(r *http.Request) { r.Header.Del("Authorization") },
			want: "MissingAuthenticationTokenException", message: "Missing Authentication Token"},
		{name: "other scheme", tamper: func(r *http.Request) { r.Header.Set("Authorization", "Bearer abc") },
			want: "IncompleteSignatureException", message: "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter."},
		{name: "empty header", tamper: func(r *http.Request) { r.Header.Set("Authorization", "") },
			want: "IncompleteSignatureException", message: "'Credential'"},
		{name: "no signature", tamper: edit("Signature=", "Sig="),
			want: "IncompleteSignatureException", message: "Authorization header requires 'Signature' parameter."},
		{name: "two signatures", tamper: edit("Signature=", "Signature=x, Signature="),
			want: "IncompleteSignatureException", message: "more than one 'Signature'"},
		{name: "short credential", tamper: edit("/us-east-1", ""),
			want: "IncompleteSignatureException", message: "exactly 5 slash-delimited elements"},
		{name: "no access key", tamper: edit(accessKey, ""),
			want: "IncompleteSignatureException", message: "exactly 5 slash-delimited elements"},
		{name: "two headers", tamper: func(r *http.Request) { r.Header.Add("Authorization", "x") },
			want: "IncompleteSignatureException", message: "more than one Authorization"},
		{name: "no date", tamper: func(r *http.Request) { r.Header.Del("X-Amz-Date") },
			want: "IncompleteSignatureException", message: "'X-Amz-Date' or a 'Date'"},
		{name: "bad date", tamper: func(r *http.Request) { r.Header.Set("X-Amz-Date", "yesterday") },
			want: "IncompleteSignatureException", message: "ISO-8601"},
		{name: "bad plain date", tamper: func(r *http.Request) { r.Header.Del("X-Amz-Date"); r.Header.Set("Date", "yesterday") },
			want: "IncompleteSignatureException", message: "ISO-8601"},
		{name: "unknown key", tamper: edit(accessKey, "AKIDOTHER"),
			want: "UnrecognizedClientException", message: "The security token included in the request is invalid."},
		{name: "unexpected session token", signing: signing{token: "t"},
			want: "UnrecognizedClientException", message: "The security token included in the request is invalid."},
		{name: "wrong secret", signing: signing{secret: "other"},
			want: "InvalidSignatureException", message: "does not match the signature you provided"},
		{name: "short signature", tamper: edit("Signature=", "Signature=0"),
			want: "InvalidSignatureException", message: "does not match the signature you provided"},
		{name: "body changed", body: `{"Attendees":[1]}`,
			want: "InvalidSignatureException", message: "does not match the signature you provided"},
		{name: "query changed", tamper: func(r *http.Request) { r.RequestURI = "/meetings?operation=batch-create" },
			want: "InvalidSignatureException", message: "does not match the signature you provided"},
		{name: "host changed", tamper: func(r *http.Request) { r.Host = "elsewhere" },
			want: "InvalidSignatureException", message: "does not match the signature you provided"},
		{name: "content hash of another body", tamper: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64)) },
			want: "InvalidSignatureException", message: "x-amz-content-sha256"},
		{name: "unsigned payload", signing: signing{bodyHash: "UNSIGNED-PAYLOAD"}, tamper: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") },
			want: "InvalidSignatureException", message: "x-amz-content-sha256"},
		{name: "too old", signing: signing{at: signedAt.Add(-16 * time.Minute)},
			want: "InvalidSignatureException", message: "Signature expired: 20260304T045007Z is now earlier than 20260304T045107Z (20260304T050607Z - 15 min.)"},
		{name: "too new", signing: signing{at: signedAt.Add(16 * time.Minute)},
			want: "InvalidSignatureException", message: "Signature not yet current: 20260304T052207Z is still later than 20260304T052107Z (20260304T050607Z + 15 min.)"},
		{name: "scope of another day", tamper: edit("/20260304/", "/20260303/"),
			want: "InvalidSignatureException", message: "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260303' != '20260304', from '20260304T050607Z'."},
		{name: "other service", signing: signing{service: "s3"},
			want: "InvalidSignatureException", message: "Credential should be scoped to correct service: 'chime'."},
		{name: "region not served", signing: signing{region: "eu-west-1"}, config: func(c *sigv4.Config) { c.Regions = []string{"us-east-1"} },
			want: "InvalidSignatureException", message: "Credential should be scoped to a valid region, not 'eu-west-1'."},
		{name: "region that is none", signing: signing{region: "Moon"},
			want: "InvalidSignatureException", message: "Credential should be scoped to a valid region, not 'Moon'."},
		{name: "other terminator", tamper: edit("aws4_request", "aws5_request"),
			want: "InvalidSignatureException", message: "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."},
		{name: "host not signed", tamper: edit(";host;", ";"),
			want: "InvalidSignatureException", message: "'Host' must be"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(t, "POST", url, body)
			sign(t, r, body, c.signing)
			r, sent := overTheWire(t, r)
			if c.signing == (signing{}) {
				if _, err := check(verifier(t, c.config), r, sent); err != nil {
					t.Fatalf("refused before anything was wrong: %v", err)
				}
			}
			if c.tamper != nil {
				c.tamper(r)
			}
			if c.body != "" {
				sent = []byte(c.body)
			}
			_, err := check(verifier(t, c.config), r, sent)
			var refused *sigv4.Error
			if !errors.As(err, &refused) {
				t.Fatalf("got %v, want a refusal", err)
			}
			if refused.Name != c.want || refused.Status != http.StatusForbidden || !strings.Contains(refused.Message, c.message) {
				t.Errorf("got %d %v", refused.Status, refused)
			}
		})
	}
}

func TestWindowIsInclusive(t *testing.T) {
	for _, off := range []time.Duration{-15 * time.Minute, 15 * time.Minute} {
		r := request(t, "GET", "http://host.example/meetings", "")
		sign(t, r, "", signing{at: signedAt.Add(off)})
		if _, err := check(verifier(t, nil), r, nil); err != nil {
			t.Errorf("%v: %v", off, err)
		}
	}
}

func TestDateHeaderInsteadOfAmzDate(t *testing.T) {
	// The signer always adds X-Amz-Date; signing it unsigned and renaming it
	// afterwards leaves the same string to sign.
	r := request(t, "GET", "http://host.example/", "")
	sign(t, r, "", signing{})
	for _, date := range []string{signedAt.Format(http.TimeFormat), "20260304T050607Z"} {
		r.Header.Del("X-Amz-Date")
		r.Header.Set("Date", date)
		_, err := check(verifier(t, nil), r, nil)
		var refused *sigv4.Error
		if !errors.As(err, &refused) || refused.Name != "InvalidSignatureException" {
			t.Fatalf("%q must be read as the date and fail only in the signature: %v", date, err)
		}
	}
}

func TestContentHash(t *testing.T) {
	const body = `{}`
	sum := sha256.Sum256([]byte(body))
	r := request(t, "POST", "http://host.example/meetings", body)
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	sign(t, r, body, signing{})
	got, sent := overTheWire(t, r)
	if _, err := check(verifier(t, nil), got, sent); err != nil {
		t.Error(err)
	}
	r = request(t, "POST", "http://host.example/meetings", body)
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	sign(t, r, body, signing{bodyHash: "UNSIGNED-PAYLOAD"})
	allow := verifier(t, func(c *sigv4.Config) { c.AllowUnsignedPayload = true })
	got, _ = overTheWire(t, r)
	if _, err := check(allow, got, []byte("anything")); err != nil {
		t.Error(err)
	}
}

// A signed hash lets the signature be checked while the body is still on its
// way, and only then.
func TestASentAndSignedHashIsCheckedBeforeTheBody(t *testing.T) {
	const body = `{"Attendees":[]}`
	send := func(hash string, s signing, tamper func(*http.Request)) (sigv4.Pending, error) {
		r := request(t, "POST", "http://host.example/meetings", body)
		r.Header.Set("X-Amz-Content-Sha256", hash)
		s.bodyHash = hash
		sign(t, r, body, s)
		got, _ := overTheWire(t, r)
		if tamper != nil {
			tamper(got)
		}
		return verifier(t, nil).Begin(got)
	}
	p, err := send(hashOf(body), signing{}, nil)
	if err != nil || !p.Proven() {
		t.Fatalf("proven %t, %v", p.Proven(), err)
	}
	if _, err := p.Finish([]byte(body)); err != nil {
		t.Error(err)
	}
	if _, err := p.Finish([]byte(body + " ")); err == nil || !strings.Contains(err.Error(), "x-amz-content-sha256") {
		t.Errorf("another body than the one signed: %v", err)
	}
	for name, c := range map[string]struct {
		hash   string
		s      signing
		tamper func(*http.Request)
	}{
		"wrong secret":       {hashOf(body), signing{secret: "other"}, nil},
		"path changed":       {hashOf(body), signing{}, func(r *http.Request) { r.RequestURI = "/elsewhere" }},
		"hash changed":       {hashOf(body), signing{}, func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", hashOf("{}")) }},
		"unsigned payload":   {"UNSIGNED-PAYLOAD", signing{}, nil},
		"not a hash":         {"0", signing{}, nil},
		"in capital letters": {strings.ToUpper(hashOf(body)), signing{}, func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", hashOf(body)) }},
	} {
		p, err := send(c.hash, c.s, c.tamper)
		var refused *sigv4.Error
		if !errors.As(err, &refused) || refused.Name != "InvalidSignatureException" || p.ClaimedKey() != accessKey {
			t.Errorf("%s: %v, key %q", name, err, p.ClaimedKey())
		}
	}
	r := request(t, "POST", "http://host.example/meetings", body)
	sign(t, r, body, signing{secret: "other"})
	r.Header.Set("X-Amz-Content-Sha256", hashOf(body))
	if p, err := verifier(t, nil).Begin(r); err != nil || p.Proven() {
		t.Errorf("a hash that was not signed proves nothing: %t, %v", p.Proven(), err)
	}
}

func TestPresignedURLsAreRefused(t *testing.T) {
	r := request(t, "GET", "http://host.example/meetings/x?X-Amz-Expires=60", "")
	creds := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret}
	url, _, err := v4.NewSigner().PresignHTTP(context.Background(), creds, r, hashOf(""), "chime", "us-east-1", signedAt)
	if err != nil {
		t.Fatal(err)
	}
	_, err = check(verifier(t, nil), request(t, "GET", url, ""), nil)
	var refused *sigv4.Error
	if !errors.As(err, &refused) || refused.Name != "MissingAuthenticationTokenException" {
		t.Errorf("got %v", err)
	}
}

func TestTheClaimedKeyIsToldOfRefusedRequests(t *testing.T) {
	for header, want := range map[string]string{
		"": "", "Bearer x": "",
		"AWS4-HMAC-SHA256 Credential=AKIDOTHER/20260304/us-east-1/chime/aws4_request, SignedHeaders=host;x-amz-date, Signature=0":             "AKIDOTHER",
		"AWS4-HMAC-SHA256 Credential=AKID/20260304/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=0":                     "AKID",
		"AWS4-HMAC-SHA256 Credential=not a key\n/20260304/us-east-1/chime/aws4_request, SignedHeaders=host, Signature=0":                      "",
		"AWS4-HMAC-SHA256 Credential=" + strings.Repeat("A", 200) + "/20260304/us-east-1/chime/aws4_request, SignedHeaders=host, Signature=0": "",
	} {
		r := request(t, "GET", "http://host.example/", "")
		r.Header.Set("X-Amz-Date", "20260304T050607Z")
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		p, err := verifier(t, nil).Begin(r)
		if err == nil || p.ClaimedKey() != want {
			t.Errorf("%s: key %q, %v", header, p.ClaimedKey(), err)
		}
	}
}

func TestAcceptAnyReadsAccountAndRegion(t *testing.T) {
	v := verifier(t, func(c *sigv4.Config) { c.AcceptAny = true })
	for _, c := range []struct{ header, account, region, accessKey string }{
		{"", "000000000000", "us-east-1", ""},
		{"Basic xyz", "000000000000", "us-east-1", ""},
		{"AWS4-HMAC-SHA256 Credential=test/20200101/eu-west-2/chime/aws4_request, SignedHeaders=host, Signature=0", "000000000000", "eu-west-2", "test"},
		{"AWS4-HMAC-SHA256 Credential=123456789012/20200101/EVIL\"/chime/aws4_request, SignedHeaders=host, Signature=0", "123456789012", "us-east-1", "123456789012"},
		{"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20200101/eu-west-2/chime/aws4_request, SignedHeaders=host, Signature=0", "210987654321", "eu-west-2", "AKIDEXAMPLE"},
	} {
		r := request(t, "GET", "http://host.example/", "")
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
		}
		id, err := check(v, r, []byte("whatever"))
		if err != nil || id.Account != c.account || id.Region != c.region || id.AccessKeyID != c.accessKey || !id.Allows("chime:X") {
			t.Errorf("%s: %+v, %v", c.header, id, err)
		}
	}
}

func TestSetKeysForgetsTheOldSecret(t *testing.T) {
	v := verifier(t, nil)
	r := request(t, "GET", "http://host.example/", "")
	sign(t, r, "", signing{})
	for range 2 { // the second time with a kept signing key
		if _, err := check(v, r, nil); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := sigv4.Single(accessKey, "rotated", "")
	if err != nil {
		t.Fatal(err)
	}
	v.SetKeys(keys)
	if _, err := check(v, r, nil); err == nil {
		t.Error("the old secret still works")
	}
}

func TestTarget(t *testing.T) {
	for _, c := range []struct{ uri, path, query string }{
		{"/meetings/a%2Fb?x=1&y", "/meetings/a%2Fb", "x=1&y"},
		{"http://host:80/meetings?x", "/meetings", "x"},
		{"http://host?x", "/", "x"},
		{"http://host", "/", ""},
		{"/redirect?to=http://elsewhere/x", "/redirect", "to=http://elsewhere/x"},
		{"*", "*", ""},
		{"?", "/", ""},
	} {
		r := request(t, "GET", "http://host.example/", "")
		r.RequestURI = c.uri
		if path, query := sigv4.Target(r); path != c.path || query != c.query {
			t.Errorf("%s: %q %q", c.uri, path, query)
		}
	}
}

func BenchmarkVerify100AttendeeBatch(b *testing.B) {
	body := "{\"Attendees\":[" + strings.Repeat(`{"ExternalUserId":"01234567-89ab-cdef-0123-456789abcdef","Capabilities":{"Audio":"SendReceive","Video":"SendReceive","Content":"SendReceive"}},`, 99) + "{}]}"
	r := request(b, "POST", "http://127.0.0.1:8480/meetings/5b1d7c02-90aa-4c3e-8f21-77a1c0de7979/attendees?operation=batch-create", body)
	r.Header.Set("Amz-Sdk-Invocation-Id", "5b1d7c02-90aa-4c3e-8f21-77a1c0de7979")
	r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
	sign(b, r, body, signing{})
	got, sent := overTheWire(b, r)
	v := verifier(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := check(v, got, sent); err != nil {
			b.Fatal(err)
		}
	}
}
