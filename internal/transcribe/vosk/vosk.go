package vosk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// Config says where the server is. URL and Languages are required.
type Config struct {
	// URL is where the server is, ws:// or wss://.
	URL string
	// Languages are those that the server's model understands, such as en-US.
	Languages []string
	// Models are the names of language models for which the server stands.
	Models []string
	// Medical says that the model is one of medicine, which is asked for as such.
	Medical bool
	// Token is sent as the bearer token of each connection; empty for none.
	Token string
	// TLS is for wss:// servers whose authority the system does not know, asked for
	// each connection; nil for those that it knows.
	TLS func() *tls.Config
}

// Engine opens sessions with one server. Its methods may be called from any
// goroutine.
type Engine struct {
	cfg  Config
	dial *websocket.DialOptions
}

// New returns an Engine. It does not look whether the server is there.
func New(cfg Config) *Engine {
	e := &Engine{cfg: cfg, dial: &websocket.DialOptions{}}
	if cfg.Token != "" {
		e.dial.HTTPHeader = http.Header{"Authorization": {"Bearer " + cfg.Token}}
	}
	return e
}

// connect opens a connection, with what is trusted now.
func (e *Engine) connect(ctx context.Context) (*websocket.Conn, error) {
	dial := *e.dial
	if e.cfg.TLS != nil {
		way := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: e.cfg.TLS()}
		defer way.CloseIdleConnections() // of a server that answered something else
		dial.HTTPClient = &http.Client{Transport: way}
	}
	ws, resp, err := websocket.Dial(ctx, e.cfg.URL, &dial)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	return ws, err
}

// Features says that a session without sound stays open and costs nothing.
func (e *Engine) Features() speech.Features {
	return speech.Features{Languages: e.cfg.Languages, Waits: true}
}

// Check says whether the server can do what is asked for. The error is a
// *speech.Refused. Vocabularies are a hint and passed over; what is asked for to
// protect somebody never is. Filters are the service's matter.
func (e *Engine) Check(s speech.Settings) error {
	switch {
	case !s.IdentifyLanguage && !slices.Contains(e.cfg.Languages, s.LanguageCode):
		return speech.RefuseLanguage(s.LanguageCode)
	case s.IdentifyLanguage:
		return speech.Refuse("IdentifyLanguage is not available")
	case s.ContentIdentificationType != "":
		return speech.Refuse("Content identification is not available")
	case s.ContentRedactionType != "":
		return speech.Refuse("Content redaction is not available")
	case s.Medical && !e.cfg.Medical:
		return speech.Refuse("Medical transcription is not available")
	case s.LanguageModelName != "" && !slices.Contains(e.cfg.Models, s.LanguageModelName):
		return speech.Refuse("Language model %s is not available", s.LanguageModelName)
	}
	return nil
}

// The texts of the protocol. The server compares the end byte for byte, blanks
// included; with no alternatives it tells the words' confidences.
var (
	settings  = fmt.Sprintf(`{"config":{"sample_rate":%d,"words":true,"max_alternatives":0}}`, speech.SampleRate)
	endOfFile = `{"eof" : 1}`
)

const (
	maxAnswer     = 1 << 20                // bytes
	maxUnanswered = 20                     // messages: the server takes one after the other
	answerWithin  = 5 * time.Second        // else it has died
	lastWithin    = 5 * time.Second        // for the last answer after the end
	sendWithin    = 5 * time.Second        // one message
	pingEvery     = 20 * time.Second       // while there is nothing to say
	lookEvery     = 500 * time.Millisecond // at whether it is alive
)

// errSilent is for a server that does not answer any more.
var errSilent = errors.New("vosk: the server does not answer")

// Open begins a session. heard is called with each hypothesis, from one goroutine,
// and must not block for long. The session lives on when ctx, which bounds the
// beginning, ends.
func (e *Engine) Open(ctx context.Context, wanted speech.Settings, heard func(speech.Hypothesis)) (speech.Session, error) {
	ws, err := e.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("vosk: %w", err)
	}
	ws.SetReadLimit(maxAnswer)
	if err := ws.Write(ctx, websocket.MessageText, []byte(settings)); err != nil {
		_ = ws.CloseNow()
		return nil, fmt.Errorf("vosk: %w", err)
	}
	s := &session{Outgoing: speech.NewOutgoing(), ws: ws, heard: heard, language: wanted.LanguageCode}
	go s.run()
	return s, nil
}

// session is one connection. One goroutine writes, one reads.
type session struct {
	*speech.Outgoing
	ws       *websocket.Conn
	heard    func(speech.Hypothesis)
	language string

	mu         sync.Mutex // guards what follows
	unanswered int
	waiting    time.Time // since when an answer is
}

// run reads and writes until the session is over.
func (s *session) run() {
	read := make(chan struct{})
	go func() {
		defer close(read)
		s.Fail(s.read())
	}()
	s.Fail(s.write())
	_ = s.ws.CloseNow()
	<-read
	s.Over()
}

// write sends what is to be sent. It returns when the session is over; after the
// end that the client wanted, once the server has closed.
func (s *session) write() error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	lastSent := time.Now()
	for {
		frame, end := s.next()
		switch {
		case frame != nil:
			if err := s.send(websocket.MessageBinary, frame); err != nil {
				return err
			}
			s.Recycle(frame)
			lastSent = time.Now()
			continue
		case end:
			return s.finish()
		}
		select {
		case <-s.Wake():
		case <-look.C:
			if s.silent() {
				return errSilent
			}
			if time.Since(lastSent) > pingEvery {
				if err := s.ping(); err != nil {
					return err
				}
				lastSent = time.Now()
			}
		case <-s.Context().Done():
			return context.Cause(s.Context())
		}
	}
}

// next takes the next frame to send, nil for none now; end says that all is sent
// that ever will be.
func (s *session) next() (frame []byte, end bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if frame, end = s.Next(s.unanswered < maxUnanswered); frame == nil {
		return nil, end
	}
	if s.unanswered == 0 {
		s.waiting = time.Now()
	}
	s.unanswered++
	return frame, false
}

// silent reports whether the server owes an answer for too long.
func (s *session) silent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unanswered > 0 && time.Since(s.waiting) > answerWithin
}

func (s *session) send(kind websocket.MessageType, data []byte) error {
	ctx, cancel := context.WithTimeout(s.Context(), sendWithin)
	defer cancel()
	return s.ws.Write(ctx, kind, data)
}

func (s *session) ping() error {
	ctx, cancel := context.WithTimeout(s.Context(), answerWithin)
	defer cancel()
	return s.ws.Ping(ctx)
}

// finish tells the server that no more sound comes, and waits until it closes.
func (s *session) finish() error {
	if err := s.send(websocket.MessageText, []byte(endOfFile)); err != nil {
		return err
	}
	return s.AwaitEnd(lastWithin, errSilent)
}

// read passes on what the server says, until it closes.
func (s *session) read() error {
	utterance := 0
	for {
		kind, data, err := s.ws.Read(s.Context())
		if err != nil {
			return err
		}
		if kind != websocket.MessageText {
			return errAnswer
		}
		h, err := parse(data)
		if err != nil {
			return err
		}
		s.answered()
		h.Utterance, h.Language = utterance, s.language
		if h.Final {
			utterance++
		}
		s.heard(h)
	}
}

func (s *session) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unanswered = max(s.unanswered-1, 0)
	s.waiting = time.Now()
	s.Signal()
}
