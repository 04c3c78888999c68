package amazon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream/eventstreamapi"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// Config says where the service is. All fields but Languages are required.
type Config struct {
	Endpoint    string // https://host[:port]
	Region      string // that requests are signed for
	Credentials aws.CredentialsProvider
	Client      *http.Client // speaks HTTP/2; NewClient makes one
	Languages   []string     // that it is asked for; nil for whatever it knows
}

// NewClient returns a client for Config. Without TLS it speaks HTTP/2 with prior
// knowledge.
func NewClient() *http.Client {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, Protocols: new(http.Protocols),
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second}, // a way that is dead ends the sessions on it
	}
	t.Protocols.SetHTTP2(true)
	t.Protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: t}
}

// Engine opens sessions with the service. Its methods may be called from any
// goroutine.
type Engine struct{ cfg Config }

// New returns an Engine. It does not look whether the service is there.
func New(cfg Config) *Engine { return &Engine{cfg} }

// Check leaves to the service what it can do, but for its Region and
// the languages that it is meant for. The error is a
// *speech.Refused.
func (e *Engine) Check(s speech.Settings) error {
	if e.cfg.Languages != nil && s.LanguageCode != "" && !slices.Contains(e.cfg.Languages, s.LanguageCode) {
		return speech.RefuseLanguage(s.LanguageCode)
	}
	if s.Region != "" && s.Region != "auto" && s.Region != e.cfg.Region {
		return speech.Refuse("Transcription is not available in region %s", s.Region)
	}
	return nil
}

// Features says that a session without sound is ended by the service, and paid for.
func (e *Engine) Features() speech.Features {
	return speech.Features{Languages: e.cfg.Languages, Filters: true}
}

// Open begins a session; see vosk.Engine.Open.
func (e *Engine) Open(ctx context.Context, settings speech.Settings, heard func(speech.Hypothesis)) (speech.Session, error) {
	s := &session{Outgoing: speech.NewOutgoing(), heard: heard}
	stop := context.AfterFunc(ctx, func() { s.Fail(ctx.Err()) })
	defer stop()
	r, err := newRequest(s.Context(), e.cfg.Endpoint, settings)
	if err == nil {
		s.signer, err = e.sign(ctx, r)
	}
	if err != nil {
		s.Fail(err)
		return nil, fmt.Errorf("transcribe: %w", err)
	}
	body, writer := io.Pipe()
	r.Body, r.ContentLength = body, -1
	resp, err := e.cfg.Client.Do(r)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = refusal(resp)
	}
	if err != nil {
		s.Fail(err)
		return nil, err
	}
	s.body, s.answer = writer, resp.Body
	go s.run()
	return s, nil
}

// sign signs the request and returns what signs the messages that follow.
func (e *Engine) sign(ctx context.Context, r *http.Request) (*v4.StreamSigner, error) {
	keys, err := e.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, signedStream, "transcribe", e.cfg.Region, time.Now()); err != nil {
		return nil, err
	}
	seed, err := v4.GetSignedRequestSignature(r)
	if err != nil {
		return nil, err
	}
	return v4.NewStreamSigner(keys, "transcribe", e.cfg.Region, seed), nil
}

// maxAnswer bounds an answer that is not a stream, in bytes.
const maxAnswer = 64 << 10

// refusal returns the error that an answer tells of.
func refusal(resp *http.Response) error {
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // its status says enough
	name, _, _ := strings.Cut(resp.Header.Get("X-Amzn-Errortype"), ":")
	if name == "" && slices.Contains([]int{http.StatusBadRequest, http.StatusConflict}, resp.StatusCode) {
		name = "BadRequestException"
	}
	if name == "" {
		name = resp.Status
	}
	return exception(name, body)
}

// lastWithin is for the last answer after the end.
const lastWithin = 5 * time.Second

// errSilent is for a service that does not end after the end.
var errSilent = errors.New("transcribe: the service does not answer")

// session is one request. One goroutine writes its body, one reads the answer.
type session struct {
	*speech.Outgoing
	heard  func(speech.Hypothesis)
	signer *v4.StreamSigner
	body   *io.PipeWriter
	answer io.ReadCloser
}

// run reads and writes until the session is over.
func (s *session) run() {
	written := make(chan struct{})
	go func() {
		defer close(written)
		if err := s.write(); err != nil {
			s.Fail(err)
		}
	}()
	s.Fail(s.read())
	_ = s.answer.Close()
	_ = s.body.CloseWithError(io.ErrClosedPipe)
	<-written
	s.Over()
}

// write sends what is to be sent, and the end.
func (s *session) write() error {
	for {
		frame, end := s.Next(true)
		switch {
		case frame != nil:
			if err := s.sendSound(frame); err != nil {
				return err
			}
			s.Recycle(frame)
			continue
		case end:
			return s.finish()
		}
		select {
		case <-s.Wake():
		case <-s.Context().Done():
			return nil
		}
	}
}

// finish tells the service that no more sound comes, and bounds how long it may
// take to answer.
func (s *session) finish() error {
	if err := s.send(nil); err != nil {
		return err
	}
	if err := s.body.Close(); err != nil {
		return err
	}
	return s.AwaitEnd(lastWithin, errSilent)
}

// sendSound sends a frame.
func (s *session) sendSound(pcm []byte) error {
	m := eventstream.Message{Payload: pcm}
	m.Headers.Set(":message-type", eventstream.StringValue("event"))
	m.Headers.Set(":event-type", eventstream.StringValue("AudioEvent"))
	m.Headers.Set(":content-type", eventstream.StringValue("application/octet-stream"))
	var inner bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&inner, m); err != nil {
		return err
	}
	return s.send(inner.Bytes())
}

// send signs a message and sends it.
func (s *session) send(inner []byte) error {
	now := time.Now().UTC()
	var date eventstream.Headers
	date.Set(eventstreamapi.DateHeader, eventstream.TimestampValue(now))
	var encoded bytes.Buffer
	if err := eventstream.EncodeHeaders(&encoded, date); err != nil {
		return err
	}
	signature, err := s.signer.GetSignature(s.Context(), encoded.Bytes(), inner, now)
	if err != nil {
		return err
	}
	m := eventstream.Message{Headers: date, Payload: inner}
	m.Headers.Set(eventstreamapi.ChunkSignatureHeader, eventstream.BytesValue(signature))
	var outer bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&outer, m); err != nil {
		return err
	}
	_, err = s.body.Write(outer.Bytes())
	return err
}

// read passes on what the service says, until it ends.
func (s *session) read() error {
	decoder, said := eventstream.NewDecoder(), utterances{}
	for {
		m, err := decoder.Decode(s.answer, nil)
		if err != nil {
			return err
		}
		list, err := said.read(m)
		if err != nil {
			return err
		}
		for _, h := range list {
			s.heard(h)
		}
	}
}
