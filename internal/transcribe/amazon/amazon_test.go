package amazon

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

const (
	patience = 30 * time.Second
	secret   = "a-secret"
)

// standIn is a service that checks every signature by code of its own, and hears
// what it is told to.
type standIn struct {
	t      *testing.T
	refuse func(w http.ResponseWriter) bool // answers instead
	says   []string                         // events' JSON, one for each message of sound
	fails  string                           // an exception that follows them

	mu      sync.Mutex
	request *http.Request
	sound   int
	ended   bool
}

func (s *standIn) start() *Engine {
	server := httptest.NewUnstartedServer(s)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	s.t.Cleanup(server.Close)
	return New(Config{Endpoint: server.URL, Region: "eu-west-2", Client: NewClient(), Credentials: aws.CredentialsProviderFunc(
		func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: secret}, nil
		})})
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=AKID/(\d{8})/eu-west-2/transcribe/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)

// signed checks the request's signature and returns the scope, its key and the
// signature.
func (s *standIn) signed(r *http.Request) (scope string, key []byte, signature string) {
	m := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		s.t.Errorf("authorization %q", r.Header.Get("Authorization"))
		return "", nil, ""
	}
	scope = m[1] + "/eu-west-2/transcribe/aws4_request"
	key = []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	canonical := r.Method + "\n" + r.URL.EscapedPath() + "\n\n"
	for name := range strings.SplitSeq(m[2], ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		canonical += name + ":" + value + "\n"
	}
	canonical += "\n" + m[2] + "\n" + "STREAMING-AWS4-HMAC-SHA256-EVENTS"
	want := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+r.Header.Get("X-Amz-Date")+"\n"+scope+"\n"+sum([]byte(canonical))))
	if m[3] != want {
		s.t.Errorf("the request's signature is %s, want %s", m[3], want)
	}
	return scope, key, m[3]
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.request = r
	s.mu.Unlock()
	if s.refuse != nil && s.refuse(w) {
		return
	}
	scope, key, before := s.signed(r)
	w.Header().Set("Content-Type", eventStream)
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w).Flush
	_ = flush()
	for n := 0; ; {
		outer, err := eventstream.NewDecoder().Decode(r.Body, nil)
		if err != nil {
			return
		}
		before = s.chained(outer, scope, key, before)
		if len(outer.Payload) == 0 {
			s.mu.Lock()
			s.ended = true
			s.mu.Unlock()
			s.event(w, `{"Transcript":{"Results":[{"ResultId":"last","Alternatives":[{"Items":[{"Content":"bye","Type":"pronunciation"}]}]}]}}`)
			return
		}
		inner, err := eventstream.NewDecoder().Decode(bytes.NewReader(outer.Payload), nil)
		if err != nil || header(inner, ":event-type") != "AudioEvent" || header(inner, ":message-type") != "event" || header(inner, ":content-type") != "application/octet-stream" {
			s.t.Errorf("inner message %v (%v)", inner, err)
		}
		s.mu.Lock()
		s.sound += len(inner.Payload)
		s.mu.Unlock()
		if n < len(s.says) {
			s.event(w, s.says[n])
			n++
		} else if s.fails != "" {
			s.message(w, eventstream.Message{Payload: []byte(`{"Message":"no"}`)}, ":message-type", "exception", ":exception-type", s.fails)
			_ = flush()
			return
		}
		_ = flush()
	}
}

// chained checks a message's signature, which hangs on the one before it.
func (s *standIn) chained(m eventstream.Message, scope string, key []byte, before string) string {
	date, ok := m.Headers.Get(":date").(eventstream.TimestampValue)
	signature, _ := m.Headers.Get(":chunk-signature").(eventstream.BytesValue)
	if !ok {
		s.t.Error("a message without a date")
	}
	at := time.Time(date).UTC()
	head := append([]byte{5, ':', 'd', 'a', 't', 'e', 8}, make([]byte, 8)...)
	for i, ms := 0, at.UnixMilli(); i < 8; i++ {
		head[len(head)-1-i] = byte(ms >> (8 * i))
	}
	want := mac(key, "AWS4-HMAC-SHA256-PAYLOAD\n"+at.Format("20060102T150405Z")+"\n"+scope+"\n"+before+"\n"+sum(head)+"\n"+sum(m.Payload))
	if !bytes.Equal(signature, want) {
		s.t.Errorf("a message's signature is %x, want %x", signature, want)
	}
	return hex.EncodeToString(want)
}

func (s *standIn) event(w http.ResponseWriter, text string) {
	s.message(w, eventstream.Message{Payload: []byte(text)}, ":message-type", "event", ":event-type", "TranscriptEvent", ":content-type", "application/json")
}

func (s *standIn) message(w http.ResponseWriter, m eventstream.Message, headers ...string) {
	for i := 0; i < len(headers); i += 2 {
		m.Headers.Set(headers[i], eventstream.StringValue(headers[i+1]))
	}
	if err := eventstream.NewEncoder().Encode(w, m); err != nil {
		s.t.Log(err)
	}
}

func open(t *testing.T, e *Engine, settings speech.Settings) (speech.Session, chan speech.Hypothesis) {
	t.Helper()
	heard := make(chan speech.Hypothesis, 100)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := e.Open(ctx, settings, func(h speech.Hypothesis) { heard <- h })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, heard
}

func next(t *testing.T, heard chan speech.Hypothesis) speech.Hypothesis {
	t.Helper()
	select {
	case h := <-heard:
		return h
	case <-time.After(patience):
		t.Fatal("nothing was heard")
		return speech.Hypothesis{}
	}
}

func done(t *testing.T, s speech.Session) error {
	t.Helper()
	select {
	case <-s.Done():
		return s.Err()
	case <-time.After(patience):
		t.Fatal("the session does not end")
		return nil
	}
}

func TestASessionSpeaksAsTheServiceDoes(t *testing.T) {
	t.Parallel()
	s := &standIn{t: t, says: []string{
		`{"Transcript":{"Results":[{"ResultId":"r1","IsPartial":true,"LanguageCode":"en-GB","Alternatives":[{"Transcript":"hi","Items":[{"StartTime":0.1,"EndTime":0.4,"Type":"pronunciation","Content":"hi","Stable":false}]}]}]}}`,
		`{"Transcript":{"Results":[{"ResultId":"r1","Alternatives":[{"Items":[{"StartTime":0.1,"EndTime":0.4,"Type":"pronunciation","Content":"Hi","Confidence":1.5,"VocabularyFilterMatch":true},{"Type":"punctuation","Content":"."}],` +
			`"Entities":[{"StartTime":0.1,"EndTime":0.4,"Category":"PII","Type":"NAME","Content":"Hi","Confidence":0.9}]}]}]}}`,
		`{"Transcript":{"Results":[{"ResultId":"r2","IsPartial":true,"LanguageIdentification":[{"LanguageCode":"en-GB","Score":0.8}],"Alternatives":[]}]}}`,
	}}
	session, heard := open(t, s.start(), speech.Settings{LanguageCode: "en-GB", EnablePartialResultsStabilization: true, PartialResultsStability: "high", PiiEntityTypes: "NAME, PIN"})
	for range 3 {
		session.Write(make([]byte, speech.FrameBytes))
	}
	one, point9, no := 1.0, 0.9, false
	for i, want := range []speech.Hypothesis{
		{ID: "r1", Language: "en-GB", Words: []speech.Word{{Text: "hi", Timed: true, Start: 0.1, End: 0.4, Stable: &no}}},
		{
			ID: "r1", Final: true, Words: []speech.Word{{Text: "Hi", Timed: true, Start: 0.1, End: 0.4, Confidence: &one, Filtered: true}, {Text: ".", Punctuation: true, Timed: true}},
			Entities: []speech.Entity{{Category: "PII", Type: "NAME", Content: "Hi", Start: 0.1, End: 0.4, Confidence: &point9}},
		},
		{ID: "r2", Utterance: 1, Languages: []speech.Score{{Language: "en-GB", Score: 0.8}}},
	} {
		if got := next(t, heard); !reflect.DeepEqual(got, want) {
			t.Errorf("hypothesis %d: %+v, want %+v", i, got, want)
		}
	}
	session.Close()
	if h := next(t, heard); h.ID != "last" || h.Utterance != 2 {
		t.Errorf("the last: %+v", h)
	}
	if err := done(t, session); err != nil {
		t.Errorf("closed, and %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sound != 3*speech.FrameBytes || !s.ended || s.request.URL.Path != "/stream-transcription" || s.request.ProtoMajor != 2 {
		t.Errorf("it got %d bytes, the end %t, at %s by %s", s.sound, s.ended, s.request.URL.Path, s.request.Proto)
	}
	got := map[string]string{}
	for name := range s.request.Header {
		if short, ok := strings.CutPrefix(strings.ToLower(name), headerPrefix); ok {
			got[short] = s.request.Header.Get(name)
		}
	}
	if want := map[string]string{
		"language-code": "en-GB", "sample-rate": "16000", "media-encoding": "pcm", "enable-partial-results-stabilization": "true",
		"partial-results-stability": "high", "pii-entity-types": "NAME,PIN",
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("settings %v, want %v", got, want)
	}
}

func TestMedicalSessionsAreAskedForElsewhere(t *testing.T) {
	t.Parallel()
	s := &standIn{t: t}
	open(t, s.start(), speech.Settings{Medical: true, LanguageCode: "en-US", Specialty: "CARDIOLOGY", Type: "DICTATION"})
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.request.Header; s.request.URL.Path != "/medical-stream-transcription" || h.Get(headerPrefix+"specialty") != "CARDIOLOGY" || h.Get(headerPrefix+"type") != "DICTATION" {
		t.Errorf("%s with %v", s.request.URL.Path, h)
	}
}

func TestFailuresOfASession(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]bool{
		"BadRequestException": true, "ConflictException": true, "LimitExceededException": false, "InternalFailureException": false, "ServiceUnavailableException": false,
	} {
		s := &standIn{t: t, fails: name}
		session, _ := open(t, s.start(), speech.Settings{})
		session.Write(make([]byte, speech.FrameBytes))
		err := done(t, session)
		if r := new(speech.Refused); errors.As(err, &r) != refused || err == nil {
			t.Errorf("%s: %v", name, err)
		} else if refused && r.Reason != "no" {
			t.Errorf("%s: reason %q", name, r.Reason)
		}
	}
}

func TestRefusalsAtTheBeginning(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  int
		header  string
		refused bool
	}{
		"by name":    {400, "BadRequestException:http://x/", true},
		"by status":  {400, "", true},
		"too many":   {429, "LimitExceededException", false},
		"not signed": {403, "UnrecognizedClientException", false},
		"down":       {503, "", false},
	} {
		s := &standIn{t: t, refuse: func(w http.ResponseWriter) bool {
			if c.header != "" {
				w.Header().Set("X-Amzn-Errortype", c.header)
			}
			w.WriteHeader(c.status)
			_, _ = fmt.Fprint(w, `{"Message":"no"}`)
			return true
		}}
		_, err := s.start().Open(t.Context(), speech.Settings{}, nil)
		if r := new(speech.Refused); errors.As(err, &r) != c.refused || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := New(Config{Endpoint: "http://127.0.0.1:1", Region: "r", Client: NewClient(), Credentials: aws.AnonymousCredentials{}})
	if _, err := e.Open(t.Context(), speech.Settings{}, nil); err == nil {
		t.Error("a session with nobody")
	}
}

func TestOnlyTheServicesRegionIsServed(t *testing.T) {
	t.Parallel()
	e := New(Config{Region: "eu-west-2"})
	for region, ok := range map[string]bool{"": true, "auto": true, "eu-west-2": true, "us-east-1": false} {
		if err := e.Check(speech.Settings{Region: region}); (err == nil) != ok {
			t.Errorf("%q: %v", region, err)
		}
	}
}

// FuzzMessage: whatever the service says, it is hypotheses with few enough words
// and sane numbers, or an error.
func FuzzMessage(f *testing.F) {
	f.Add("event", "TranscriptEvent", []byte(`{"Transcript":{"Results":[{"ResultId":"a","Alternatives":[{"Items":[{"Content":"b","StartTime":2,"EndTime":1}]}]}]}}`))
	f.Add("exception", "BadRequestException", []byte(`{"Message":"x"}`))
	f.Add("error", "", []byte{})
	f.Fuzz(func(t *testing.T, kind, name string, payload []byte) {
		m := eventstream.Message{Payload: payload}
		for header, value := range map[string]string{":message-type": kind, ":event-type": name, ":exception-type": name, ":error-code": name} {
			m.Headers.Set(header, eventstream.StringValue(value))
		}
		said := utterances{}
		list, err := said.read(m)
		if err != nil && list != nil {
			t.Error("both hypotheses and an error")
		}
		for _, h := range list {
			for _, w := range h.Words {
				if len(h.Words) > maxWords || w.Text == "" || w.Timed && (w.Start < 0 || w.End < w.Start) || w.Confidence != nil && !(*w.Confidence >= 0 && *w.Confidence <= 1) {
					t.Errorf("words %+v", h.Words)
				}
			}
		}
	})
}
