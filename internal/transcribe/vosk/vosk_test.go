package vosk

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// patience only tells what hangs from a busy machine.
const patience = 30 * time.Second

// serve runs a server whose connections talk does. It returns its URL.
func serve(t *testing.T, talk func(ctx context.Context, ws *websocket.Conn)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = ws.CloseNow() }()
		talk(r.Context(), ws)
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// recogniser is a server that answers each message of sound with the next of its
// answers, and the last of them from then on.
type recogniser struct {
	t       *testing.T
	answers []string

	mu     sync.Mutex
	sound  int
	config string
	end    string
}

func (r *recogniser) talk(ctx context.Context, ws *websocket.Conn) {
	say := func(text string) bool { return ws.Write(ctx, websocket.MessageText, []byte(text)) == nil }
	for n := 0; ; {
		kind, data, err := ws.Read(ctx)
		if err != nil {
			return
		}
		r.mu.Lock()
		switch {
		case kind == websocket.MessageBinary:
			r.sound += len(data)
		case strings.Contains(string(data), "config"):
			r.config = string(data)
		default:
			r.end = string(data)
		}
		config, end := r.config, r.end
		r.mu.Unlock()
		switch {
		case config == "":
			r.t.Error("sound before the settings")
			return
		case end != "":
			say(`{"text" : "the end", "result" : []}`)
			_ = ws.Close(websocket.StatusNormalClosure, "")
			return
		case kind == websocket.MessageBinary:
			if !say(r.answers[min(n, len(r.answers)-1)]) {
				return
			}
			n++
		}
	}
}

// listener gathers hypotheses.
type listener chan speech.Hypothesis

func (l listener) heard(h speech.Hypothesis) { l <- h }

func (l listener) next(t *testing.T) speech.Hypothesis {
	t.Helper()
	select {
	case h := <-l:
		return h
	case <-time.After(patience):
		t.Fatal("nothing was heard")
		return speech.Hypothesis{}
	}
}

func open(t *testing.T, url string) (speech.Session, listener) {
	t.Helper()
	l := make(listener, 1000)
	s, err := New(Config{URL: url, Languages: []string{"en-US"}}).Open(t.Context(), speech.Settings{LanguageCode: "en-US"}, l.heard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, l
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

func text(h speech.Hypothesis) string {
	var words []string
	for _, w := range h.Words {
		words = append(words, w.Text)
	}
	return strings.Join(words, " ")
}

func TestASessionSpeaksTheProtocol(t *testing.T) {
	t.Parallel()
	r := &recogniser{t: t, answers: []string{
		`{"partial" : ""}`, `{"partial" : "please"}`, `{"result" : [{"conf" : 1.0, "end" : 0.83, "start" : 0.55, "word" : "please"}], "text" : "please"}`, `{"partial" : "call"}`,
	}}
	s, l := open(t, serve(t, r.talk))
	frame := make([]byte, speech.FrameBytes)
	for range 4 {
		if dropped := s.Write(frame); dropped != 0 {
			t.Errorf("%d bytes dropped", dropped)
		}
	}
	for i, want := range []struct {
		text      string
		final     bool
		utterance int
	}{{"", false, 0}, {"please", false, 0}, {"please", true, 0}, {"call", false, 1}} {
		if h := l.next(t); text(h) != want.text || h.Final != want.final || h.Utterance != want.utterance || h.Language != "en-US" {
			t.Errorf("hypothesis %d: %+v", i, h)
		}
	}
	s.Close()
	if h := l.next(t); text(h) != "the end" || !h.Final || h.Utterance != 1 {
		t.Errorf("the last hypothesis: %+v", h)
	}
	if err := done(t, s); err != nil {
		t.Errorf("closed, and %v", err)
	}
	if dropped := s.Write(frame); dropped != len(frame) {
		t.Errorf("%d bytes dropped after the end", dropped)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.config != `{"config":{"sample_rate":16000,"words":true,"max_alternatives":0}}` || r.end != `{"eof" : 1}` || r.sound != 4*len(frame) {
		t.Errorf("the server was told %q and %q, and got %d bytes", r.config, r.end, r.sound)
	}
}

func TestAServerThatFailsEndsTheSession(t *testing.T) {
	t.Parallel()
	for name, talk := range map[string]func(context.Context, *websocket.Conn){
		"it dies":   func(ctx context.Context, ws *websocket.Conn) { _, _, _ = ws.Read(ctx) },
		"it closes": func(_ context.Context, ws *websocket.Conn) { _ = ws.Close(websocket.StatusNormalClosure, "") },
		"bytes": func(ctx context.Context, ws *websocket.Conn) {
			_ = ws.Write(ctx, websocket.MessageBinary, []byte("{}"))
		},
		"no JSON": func(ctx context.Context, ws *websocket.Conn) {
			_ = ws.Write(ctx, websocket.MessageText, []byte("<html>"))
		},
		"no answer": func(ctx context.Context, ws *websocket.Conn) {
			_ = ws.Write(ctx, websocket.MessageText, []byte(`{"x":1}`))
		},
		"far too large": func(ctx context.Context, ws *websocket.Conn) {
			_ = ws.Write(ctx, websocket.MessageText, make([]byte, maxAnswer+1))
		},
		"it is silent": func(ctx context.Context, ws *websocket.Conn) { readAll(ctx, ws) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := open(t, serve(t, talk))
			s.Write(make([]byte, speech.FrameBytes))
			if err := done(t, s); err == nil {
				t.Error("the session ended without an error")
			}
		})
	}
}

// readAll reads and never answers.
func readAll(ctx context.Context, ws *websocket.Conn) {
	for {
		if _, _, err := ws.Read(ctx); err != nil {
			return
		}
	}
}

func TestSoundThatTheServerIsTooSlowForIsDropped(t *testing.T) {
	t.Parallel()
	s, _ := open(t, serve(t, readAll))
	frame, dropped := make([]byte, speech.FrameBytes), 0
	for range maxUnanswered + speech.MaxQueued + 50 {
		dropped += s.Write(frame)
	}
	if most := 50 * len(frame); dropped < most || dropped > most+maxUnanswered*len(frame) {
		t.Errorf("%d bytes dropped, want about %d", dropped, most)
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	for _, url := range []string{"ws" + strings.TrimPrefix(s.URL, "http"), "ws://127.0.0.1:1"} {
		if _, err := New(Config{URL: url}).Open(t.Context(), speech.Settings{}, nil); err == nil {
			t.Errorf("a session with %s", url)
		}
	}
}

// A server behind a proxy that wants a token, with a certificate of its own.
func TestATokenIsSentOverTLS(t *testing.T) {
	t.Parallel()
	r := &recogniser{t: t}
	var token atomic.Value
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		token.Store(req.Header.Get("Authorization"))
		ws, err := websocket.Accept(w, req, nil)
		if err == nil {
			defer func() { _ = ws.CloseNow() }()
			r.talk(req.Context(), ws)
		}
	}))
	defer s.Close()
	url := "wss" + strings.TrimPrefix(s.URL, "https")
	trust := s.Client().Transport.(*http.Transport).TLSClientConfig
	e := New(Config{URL: url, Languages: []string{"en-US"}, Token: "secret", TLS: func() *tls.Config { return trust.Clone() }})
	session, err := e.Open(t.Context(), speech.Settings{LanguageCode: "en-US"}, func(speech.Hypothesis) {})
	if err != nil {
		t.Fatal(err)
	}
	session.Close()
	if err := done(t, session); err != nil || token.Load() != "Bearer secret" {
		t.Errorf("with %v: %v", token.Load(), err)
	}
	if _, err := New(Config{URL: url, Languages: []string{"en-US"}}).Open(t.Context(), speech.Settings{}, nil); err == nil {
		t.Error("a certificate that nobody knows is trusted")
	}
}

func TestWhatTheServerCannotDoIsRefused(t *testing.T) {
	t.Parallel()
	e := New(Config{URL: "ws://x", Languages: []string{"en-US", "en-GB"}})
	for want, s := range map[string]speech.Settings{
		"":                                        {LanguageCode: "en-US", VocabularyName: "hint", EnablePartialResultsStabilization: true},
		"Language fr-CA is not available":         {LanguageCode: "fr-CA"},
		"Language fr-FR is not available":         {LanguageCode: "fr-FR", ContentRedactionType: "PII", LanguageModelName: "acme"},
		"IdentifyLanguage is not available":       {IdentifyLanguage: true, LanguageOptions: "en-US,fr-CA"},
		"Content redaction is not available":      {LanguageCode: "en-US", ContentRedactionType: "PII"},
		"Content identification is not available": {LanguageCode: "en-US", ContentIdentificationType: "PII"},
		"Medical transcription is not available":  {Medical: true, LanguageCode: "en-US"},
		"Language model acme is not available":    {LanguageCode: "en-US", LanguageModelName: "acme"},
	} {
		got := ""
		if err := e.Check(s); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%+v: %q, want %q", s, got, want)
		}
	}
	clinic := New(Config{URL: "ws://x", Languages: []string{"en-US"}, Medical: true, Models: []string{"acme"}})
	if err := clinic.Check(speech.Settings{Medical: true, LanguageCode: "en-US", LanguageModelName: "acme"}); err != nil {
		t.Errorf("what this server stands for: %v", err)
	}
}

func TestAnswersAreRead(t *testing.T) {
	t.Parallel()
	number := func(f float64) *float64 { return &f }
	for data, want := range map[string]speech.Hypothesis{
		`{"partial" : ""}`:           {},
		`{"partial" : " one  two "}`: {Words: []speech.Word{{Text: "one"}, {Text: "two"}}},
		`{"text" : ""}`:              {Final: true},
		`{"text" : "one two"}`:       {Final: true, Words: []speech.Word{{Text: "one"}, {Text: "two"}}},
		`{"result" : [{"conf" : 1.02, "end" : 1.5, "start" : 1, "word" : "one"}], "text" : "one", "spk" : [0.1], "spk_frames" : 3}`: {
			Final: true, Words: []speech.Word{{Text: "one", Timed: true, Start: 1, End: 1.5, Confidence: number(1)}}},
		`{"result" : [{"conf" : -2, "end" : 1, "start" : 2, "word" : " one "}, {"word" : ""}], "text" : "one"}`: {
			Final: true, Words: []speech.Word{{Text: "one", Start: 2, End: 1, Confidence: number(0)}}},
		`{"partial" : "one", "partial_result" : [{"end" : 2, "start" : 1, "word" : "one"}]}`: {
			Words: []speech.Word{{Text: "one", Timed: true, Start: 1, End: 2}}},
		`{"alternatives" : [{"confidence" : 214.2, "result" : [{"end" : 2, "start" : 1, "word" : "one"}], "text" : " one"}, {"text" : "won"}]}`: {
			Final: true, Words: []speech.Word{{Text: "one", Timed: true, Start: 1, End: 2}}},
	} {
		got, err := parse([]byte(data))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v (%v), want %+v", data, got, err, want)
		}
	}
	for _, data := range []string{"", "{}", "[]", `{"partial" : 1}`, `{"text" : null}`, `{"alternatives" : [{}]}`} {
		if got, err := parse([]byte(data)); err == nil {
			t.Errorf("%q: %+v", data, got)
		}
	}
}

// FuzzAnswer: whatever a server says, it is an answer with few enough words, all of
// which have text and sane numbers, or an error.
func FuzzAnswer(f *testing.F) {
	for _, data := range []string{
		`{"partial" : "a b"}`, `{"result" : [{"conf" : 1.0, "end" : 0.83, "start" : 0.55, "word" : "call"}], "text" : "call"}`,
		`{"alternatives" : [{"text" : " a"}]}`, `{"text" : "` + strings.Repeat("a ", maxWords+1) + `"}`, `{"text" : "\ud800"}`,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := parse(data)
		if err != nil {
			return
		}
		if len(h.Words) > maxWords {
			t.Errorf("%d words", len(h.Words))
		}
		if slices.ContainsFunc(h.Words, func(w speech.Word) bool {
			return strings.TrimSpace(w.Text) == "" || w.Timed && (w.Start < 0 || w.End < w.Start) || w.Confidence != nil && !(*w.Confidence >= 0 && *w.Confidence <= 1)
		}) {
			t.Errorf("words %+v", h.Words)
		}
	})
}
