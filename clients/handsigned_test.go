package clients

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// shape is how an SDK that cannot be had here writes its requests: which headers
// it sends, and which of them it signs. The shapes are after what these SDKs are
// seen to send to other services; nothing of them ran here.
type shape struct {
	headers  map[string]string
	unsigned []string
}

func shapes() map[string]shape {
	return map[string]shape{
		"AWS SDK for Java 2": {map[string]string{
			"amz-sdk-invocation-id": "3d6a2f80-1f2e-4f0b-9d0f-2a0f6b1d0c11", "amz-sdk-request": "attempt=1; max=3", "content-type": "application/json",
			"user-agent": "aws-sdk-java/2.31.0 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1 lang/java#17.0.1 m/F,b", "x-amz-content-sha256": "",
		}, []string{"user-agent"}},
		"AWS SDK for Java 2, without the hash of the body": {map[string]string{
			"amz-sdk-invocation-id": "3d6a2f80-1f2e-4f0b-9d0f-2a0f6b1d0c12", "amz-sdk-request": "attempt=1; max=4", "content-type": "application/json",
			"user-agent": "aws-sdk-java/2.16.0 Linux/5.10 OpenJDK/11",
		}, []string{"user-agent"}},
		"AWS SDK for PHP 3": {map[string]string{
			"aws-sdk-invocation-id": "b7d1f0b0c7a1c1b0a1c1d1e1f1a1b1c1", "aws-sdk-retry": "0/0", "content-type": "application/json",
			"user-agent": "aws-sdk-php/3.342.0 ua/2.1 OS/Linux#6.1 lang/php#8.2.0 GuzzleHttp/7", "x-amz-user-agent": "aws-sdk-php/3.342.0 ua/2.1 OS/Linux#6.1 lang/php#8.2.0",
		}, []string{"user-agent", "content-type"}},
	}
}

// mac is one step of Signature Version 4.
func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// send signs a request by hand (Signature Version 4), sends it, and returns what
// came back.
func (s shape) send(t *testing.T, endpoint, method, path, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, endpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Format("20060102T150405Z")
	signed := map[string]string{"host": r.Host, "x-amz-date": now}
	r.Header.Set("X-Amz-Date", now)
	for name, value := range s.headers {
		if name == "x-amz-content-sha256" {
			value = digest(body)
		}
		r.Header.Set(name, value)
		if !slices.Contains(s.unsigned, name) {
			signed[name] = value
		}
	}
	names := slices.Sorted(maps.Keys(signed))
	canonical := method + "\n" + path + "\n\n"
	for _, name := range names {
		canonical += name + ":" + signed[name] + "\n"
	}
	list := strings.Join(names, ";")
	canonical += "\n" + list + "\n" + digest(body)
	scope := now[:8] + "/us-east-1/chime/aws4_request"
	key := []byte("AWS4" + servertest.SecretKey)
	for step := range strings.SplitSeq(scope, "/") {
		key = mac(key, step)
	}
	signature := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+now+"\n"+scope+"\n"+digest(canonical)))
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", servertest.AccessKey, scope, list, signature))
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, string(text)
}

// The quick starts of Java and PHP, as requests of their shapes: both calls are
// served, and one whose signature does not fit is not.
func TestRequestsOfTheShapeOfSDKsThatAreNotHere(t *testing.T) {
	s := servertest.Start(t)
	for name, shape := range shapes() {
		t.Run(name, func(t *testing.T) {
			var made struct {
				Meeting struct {
					MeetingID, ExternalMeetingID string
					MediaPlacement               struct{ SignalingURL string }
				}
				Attendee struct{ ExternalUserID, JoinToken string }
			}
			token := digest(name)
			status, answer := shape.send(t, s.Endpoint, "POST", "/meetings", `{"ClientRequestToken":"`+token+`","ExternalMeetingId":"standup","MediaRegion":"us-east-1"}`)
			if err := json.Unmarshal([]byte(answer), &made); err != nil || status != http.StatusCreated && status != http.StatusOK || made.Meeting.MediaPlacement.SignalingURL == "" {
				t.Fatalf("%d %s, %v", status, answer, err)
			}
			status, answer = shape.send(t, s.Endpoint, "POST", "/meetings/"+made.Meeting.MeetingID+"/attendees", `{"ExternalUserId":"ada"}`)
			if err := json.Unmarshal([]byte(answer), &made); err != nil || status/100 != 2 || made.Attendee.ExternalUserID != "ada" || made.Attendee.JoinToken == "" {
				t.Fatalf("%d %s, %v", status, answer, err)
			}
			damaged := shape
			damaged.headers = maps.Clone(shape.headers)
			damaged.headers["x-amz-date"] = "20200101T000000Z" // signed with another date than it is sent with
			if status, answer = damaged.send(t, s.Endpoint, "GET", "/meetings/"+made.Meeting.MeetingID, ""); status/100 != 4 {
				t.Errorf("a signature that does not fit: %d %s", status, answer)
			}
		})
	}
}
