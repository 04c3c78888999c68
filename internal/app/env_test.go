package app_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/app"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// keyFile has two accounts, and keys of the first that may do less.
const keyFile = `keys:
  - {access-key-id: AKIDADA, secret-access-key: ada-secret, account: "111111111111"}
  - {access-key-id: AKIDBOB, secret-access-key: bob-secret, account: "222222222222"}
  - {access-key-id: AKIDREAD, secret-access-key: read-secret, account: "111111111111", allow: ["carillon:List*", "carillon:Get*"]}
  - {access-key-id: AKIDMEET, secret-access-key: meet-secret, account: "111111111111", allow: ["chime:*"]}
  - {access-key-id: AKIDOFF, secret-access-key: off-secret, account: "333333333333"}
disabled-accounts: ["333333333333"]
`

// start starts a server that knows the keys of keyFile.
func start(t *testing.T, args ...string) *servertest.Server {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.yaml")
	if err := os.WriteFile(path, []byte(keyFile), 0o600); err != nil {
		t.Fatal(err)
	}
	return servertest.Start(t, append([]string{"--key-file", path}, args...)...)
}

// backend is a program with a key.
type backend struct {
	t        *testing.T
	endpoint string
	key      aws.Credentials
	region   string
	service  string
}

func as(t *testing.T, s *servertest.Server, key, secret string) *backend {
	return &backend{t: t, endpoint: s.Endpoint, key: aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, region: "us-east-1", service: "chime"}
}

func ada(t *testing.T, s *servertest.Server) *backend { return as(t, s, "AKIDADA", "ada-secret") }
func bob(t *testing.T, s *servertest.Server) *backend { return as(t, s, "AKIDBOB", "bob-secret") }

// reply is what the server answered.
type reply struct {
	status int
	head   http.Header
	body   []byte
}

// send sends a request that is signed as the AWS SDK signs.
func (b *backend) send(method, path, body string) reply {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.endpoint+path, bytes.NewReader([]byte(body)))
	if err != nil {
		b.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	if b.key.AccessKeyID != "" {
		if err := v4.NewSigner().SignHTTP(b.t.Context(), b.key, r, hex.EncodeToString(sum[:]), b.service, b.region, time.Now()); err != nil {
			b.t.Fatal(err)
		}
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, raw}
}

// get reads the answer to a GET below app.Prefix that must succeed.
func get[T any](b *backend, path string) (v T) {
	b.t.Helper()
	got := b.send(http.MethodGet, app.Prefix+path, "")
	if got.status != http.StatusOK || got.head.Get("Content-Type") != "application/json" || got.head.Get("Cache-Control") != "no-store" {
		b.t.Fatalf("GET %s: %d %v\n%s", path, got.status, got.head, got.body)
	}
	decode(b.t, got.body, &v)
	return v
}

// decode reads an answer, which must have nothing in it that its type has not.
func decode(t *testing.T, body []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
}

// refused checks that a request is refused as told.
func (b *backend) refused(method, path, body string, status int, code string) app.Fault {
	b.t.Helper()
	got := b.send(method, path, body)
	var f app.Fault
	decode(b.t, got.body, &f)
	if got.status != status || f.Code != code || got.head.Get("X-Amzn-Errortype") != code || f.Message == "" || f.RequestID != got.head.Get("X-Amzn-Requestid") || f.RequestID == "" {
		b.t.Errorf("%s %s %s: %d %+v, want %d %s", method, path, body, got.status, f, status, code)
	}
	return f
}

// sdk is the AWS SDK with the backend's key.
func (b *backend) sdk() *chimesdkmeetings.Client {
	return chimesdkmeetings.New(chimesdkmeetings.Options{
		Region: b.region, BaseEndpoint: aws.String(b.endpoint), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(b.key.AccessKeyID, b.key.SecretAccessKey, ""),
	})
}

// meet creates a meeting with attendees and returns its id and theirs.
func (b *backend) meet(external string, tags map[string]string, users ...string) (id string, attendees []types.Attendee) {
	b.t.Helper()
	in := &chimesdkmeetings.CreateMeetingInput{
		ClientRequestToken: aws.String(fmt.Sprint(external, time.Now().UnixNano())), ExternalMeetingId: &external, MediaRegion: aws.String("eu-central-1"),
	}
	for k, v := range tags {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	out, err := b.sdk().CreateMeeting(b.t.Context(), in)
	if err != nil {
		b.t.Fatal(err)
	}
	id = *out.Meeting.MeetingId
	for _, user := range users {
		one, err := b.sdk().CreateAttendee(b.t.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: &id, ExternalUserId: &user})
		if err != nil {
			b.t.Fatal(err)
		}
		attendees = append(attendees, *one.Attendee)
	}
	return id, attendees
}

// end ends a meeting through the AWS API.
func (b *backend) end(id string) {
	b.t.Helper()
	if _, err := b.sdk().DeleteMeeting(b.t.Context(), &chimesdkmeetings.DeleteMeetingInput{MeetingId: &id}); err != nil {
		b.t.Fatal(err)
	}
}
