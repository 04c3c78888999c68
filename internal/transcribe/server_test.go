package transcribe_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// patience only tells what hangs from a busy machine.
const patience = 60 * time.Second

// toneServer speaks the protocol of vosk-server and recognises tones: it calls
// them by the hundreds of their frequency. A word is said for every half second of
// a tone, and silence ends the utterance.
type toneServer struct {
	http *httptest.Server

	mu    sync.Mutex
	conns map[*websocket.Conn]bool
	down  bool
	said  time.Time // when it said a word first; see forget
	texts []string  // what it was told beside sound
}

func newToneServer(t *testing.T) *toneServer {
	s := &toneServer{conns: make(map[*websocket.Conn]bool)}
	s.http = httptest.NewServer(s)
	t.Cleanup(func() {
		s.hang(true)
		s.http.Close()
	})
	return s
}

// hang cuts all connections, and takes none while down.
func (s *toneServer) hang(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
	for ws := range s.conns {
		_ = ws.CloseNow()
	}
	clear(s.conns)
}

func (s *toneServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.conns[ws] = true
	s.mu.Unlock()
	defer func() { _ = ws.CloseNow() }()
	s.recognise(r.Context(), ws)
}

func (s *toneServer) recognise(ctx context.Context, ws *websocket.Conn) {
	var words []string
	loud, quiet := 0, 0
	for {
		kind, data, err := ws.Read(ctx)
		if err != nil {
			return
		}
		if kind == websocket.MessageText {
			s.mu.Lock()
			s.texts = append(s.texts, string(data))
			s.mu.Unlock()
		}
		text := strings.Join(words, " ")
		answer := fmt.Sprintf(`{"partial" : %q}`, text)
		switch {
		case kind == websocket.MessageBinary:
			if hz := pitch(data); hz == 0 {
				loud, quiet = 0, quiet+1
			} else if quiet, loud = 0, loud+1; loud%5 == 3 {
				words = append(words, fmt.Sprint("tone", (hz+50)/100))
				answer = fmt.Sprintf(`{"partial" : %q}`, strings.Join(words, " "))
				s.note()
			}
			if quiet == 5 && len(words) > 0 {
				answer, words = fmt.Sprintf(`{"text" : %q}`, text), nil
			}
		case string(data) == `{"eof" : 1}`:
			_ = ws.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"text" : %q}`, text))
			_ = ws.Close(websocket.StatusNormalClosure, "")
			return
		default:
			continue // settings
		}
		if ws.Write(ctx, websocket.MessageText, []byte(answer)) != nil {
			return
		}
	}
}

// note keeps the time of the first word.
func (s *toneServer) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said.IsZero() {
		s.said = time.Now()
	}
}

// pitch is the frequency of a frame, 0 for silence.
func pitch(frame []byte) int {
	crossings, loud, last := 0, 0, int16(0)
	for i := 0; i+1 < len(frame); i += 2 {
		v := int16(uint16(frame[i]) | uint16(frame[i+1])<<8)
		if v > 1000 || v < -1000 {
			loud++
			if (v > 0) != (last > 0) {
				crossings++
			}
			last = v
		}
	}
	if loud < len(frame)/8 {
		return 0
	}
	return crossings * 5 // in 100 ms, two a period
}

// meeting is one with people in it.
type meeting struct {
	t   *testing.T
	api *sdk.Client
	id  string
	url string
	ids map[string]types.Attendee

	pause int // frames of silence behind every three seconds of tone
}

func newMeeting(t *testing.T, s *servertest.Server, names ...string) *meeting {
	t.Helper()
	m := &meeting{t: t, pause: 150, ids: map[string]types.Attendee{}, api: sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(servertest.AccessKey, servertest.SecretKey, ""),
	})}
	in := &sdk.CreateMeetingWithAttendeesInput{ClientRequestToken: aws.String("token-" + strings.Join(names, "-")), ExternalMeetingId: aws.String("words"), MediaRegion: aws.String("us-east-1")}
	for _, name := range names {
		in.Attendees = append(in.Attendees, types.CreateAttendeeRequestItem{ExternalUserId: aws.String(name + "-external")})
	}
	out, err := m.api.CreateMeetingWithAttendees(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	m.id, m.url = aws.ToString(out.Meeting.MeetingId), aws.ToString(out.Meeting.MediaPlacement.SignalingUrl)
	for i, a := range out.Attendees {
		m.ids[names[i]] = a
	}
	return m
}

func (m *meeting) transcribe() {
	m.t.Helper()
	if err := m.start(&types.EngineTranscribeSettings{LanguageCode: types.TranscribeLanguageCodeEnUs}); err != nil {
		m.t.Fatal(err)
	}
}

func (m *meeting) start(s *types.EngineTranscribeSettings) error {
	_, err := m.api.StartMeetingTranscription(m.t.Context(), &sdk.StartMeetingTranscriptionInput{
		MeetingId: &m.id, TranscriptionConfiguration: &types.TranscriptionConfiguration{EngineTranscribeSettings: s},
	})
	return err
}

func (m *meeting) stop() {
	m.t.Helper()
	if _, err := m.api.StopMeetingTranscription(m.t.Context(), &sdk.StopMeetingTranscriptionInput{MeetingId: &m.id}); err != nil {
		m.t.Fatal(err)
	}
}

// reader is a client that gathers the events of the transcription.
type reader struct {
	t  *testing.T
	ws *websocket.Conn

	mu     sync.Mutex
	frames map[wire.Frame_Type]*wire.Frame
	events []*wire.TranscriptEvent
	at     []time.Time
	ended  error
}

// join connects the signaling of an attendee, and its sound if it has a tone.
func (m *meeting) join(name string, hertz float64) *reader {
	m.t.Helper()
	a := m.ids[name]
	ws, _, err := websocket.Dial(m.t.Context(), m.url, &websocket.DialOptions{Subprotocols: []string{"_aws_wt_session", aws.ToString(a.JoinToken)}})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = ws.CloseNow() })
	ws.SetReadLimit(wire.MaxMessage)
	r := &reader{t: m.t, ws: ws, frames: map[wire.Frame_Type]*wire.Frame{}}
	go r.read()
	r.send(door.Join(1))
	r.answer(wire.Frame_JOIN_ACK)
	cert, err := client.NewCertificate()
	if err != nil {
		m.t.Fatal(err)
	}
	line, err := client.New(cert)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = line.Close() })
	r.send(door.Subscribe(line.Offer(false, 0), false, nil, nil))
	ack := r.answer(wire.Frame_SUBSCRIBE_ACK)
	if err := line.Connect(m.t.Context(), ack.GetSubscribeAck().GetSdpAnswer()); err != nil {
		m.t.Fatal(err)
	}
	if hertz > 0 {
		go talk(m.t, line, hertz, m.pause)
	}
	return r
}

// talk says a tone for three seconds and is silent for so many frames, over and over.
func talk(t *testing.T, line *client.Client, hertz float64, pause int) {
	enc, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		t.Error(err)
		return
	}
	pcm, packet := make([]float32, opus.FrameSamples), make([]byte, opus.MaxPacket)
	for frame, begun := 0, time.Now(); t.Context().Err() == nil; frame++ {
		loud := frame%(150+pause) < 150
		for i := range pcm {
			if pcm[i] = 0; loud {
				pcm[i] = float32(0.3 * math.Sin(2*math.Pi*hertz*float64(frame*len(pcm)+i)/opus.SampleRate))
			}
		}
		n, err := enc.Encode(pcm, packet)
		if err != nil {
			t.Error(err)
			return
		}
		level := uint8(127)
		if loud {
			level = 0x80 | 15
		}
		line.SendAudio(packet[:n], level)
		time.Sleep(time.Until(begun.Add(time.Duration(frame+1) * 20 * time.Millisecond)))
	}
}

func (r *reader) send(f *wire.Frame) {
	r.t.Helper()
	f.TimestampMs = proto.Uint64(uint64(time.Now().UnixMilli()))
	msg, err := wire.Encode(f)
	if err == nil {
		err = r.ws.Write(r.t.Context(), websocket.MessageBinary, msg)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *reader) read() {
	for {
		_, msg, err := r.ws.Read(context.Background())
		var f *wire.Frame
		if err == nil {
			f, err = wire.Decode(msg)
		}
		r.mu.Lock()
		if err != nil {
			r.ended = err
			r.mu.Unlock()
			return
		}
		r.frames[f.GetType()] = f
		for _, m := range f.GetData().GetMessages() {
			var t wire.TranscriptFrame
			if m.GetTopic() != "aws:chime:transcription" || m.GetIngestTimeNs() == 0 || proto.Unmarshal(m.GetData(), &t) != nil {
				r.t.Errorf("message %v", m)
			}
			r.events = append(r.events, t.GetEvents()...)
			r.at = append(r.at, time.Now())
		}
		r.mu.Unlock()
	}
}

func (r *reader) until(what string, is func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		r.mu.Lock()
		ok, ended, events := is(), r.ended, r.events
		r.mu.Unlock()
		if ok {
			return
		}
		if ended != nil || time.Now().After(end) {
			r.t.Fatalf("no %s; the connection: %v; events %v", what, ended, events)
		}
	}
}

func (r *reader) answer(kind wire.Frame_Type) (f *wire.Frame) {
	r.t.Helper()
	r.until(kind.String(), func() bool { f = r.frames[kind]; return f != nil })
	return f
}

// status waits for a status of the transcription, and returns it.
func (r *reader) status(kind wire.TranscriptionStatus_Type) (st *wire.TranscriptionStatus) {
	r.t.Helper()
	r.until(kind.String(), func() bool {
		i := slices.IndexFunc(r.events, func(e *wire.TranscriptEvent) bool { return e.GetStatus() != nil && e.GetStatus().GetType() == kind })
		if i >= 0 {
			st = r.events[i].GetStatus()
		}
		return i >= 0
	})
	return st
}

// results returns those of an attendee.
func (r *reader) results(a types.Attendee) (list []*wire.TranscriptResult) {
	for _, e := range r.events {
		for _, one := range e.GetTranscript().GetResults() {
			if one.GetAlternatives()[0].GetItems()[0].GetSpeakerAttendeeId() == aws.ToString(a.AttendeeId) {
				list = append(list, one)
			}
		}
	}
	return list
}

// reads waits for a final result of an attendee that says the word and no other,
// and returns its partial ones and it.
func (r *reader) reads(a types.Attendee, word string) (list []*wire.TranscriptResult) {
	r.t.Helper()
	r.until("final result with "+word, func() bool {
		all := r.results(a)
		i := slices.IndexFunc(all, func(one *wire.TranscriptResult) bool { return !one.GetIsPartial() })
		if i >= 0 {
			list = all[:i+1]
		}
		return i >= 0
	})
	for _, one := range list {
		if one.GetResultId() != list[0].GetResultId() {
			r.t.Errorf("results of one utterance have the ids %s and %s", list[0].GetResultId(), one.GetResultId())
		}
		for _, item := range one.GetAlternatives()[0].GetItems() {
			if item.GetContent() != word || item.GetSpeakerExternalUserId() != aws.ToString(a.ExternalUserId) || item.GetType() != wire.TranscriptItem_PRONUNCIATION {
				r.t.Errorf("item %v of %s, want %s", item, aws.ToString(a.ExternalUserId), word)
			}
			if now := time.Now().UnixMilli(); item.GetStartTime() > item.GetEndTime() || item.GetEndTime() > now || item.GetStartTime() < now-patience.Milliseconds() {
				r.t.Errorf("the item is from %d to %d, and it is %d", item.GetStartTime(), item.GetEndTime(), now)
			}
		}
	}
	return list
}

// Two talk, each is read with their own words by all, also who comes late; the
// engine is lost and returns; the server dies, and the next one goes on.
func TestTwoPeopleAreReadByAThird(t *testing.T) {
	engine := newToneServer(t)
	server := servertest.Start(t, "--transcription-vosk", "ws"+strings.TrimPrefix(engine.http.URL, "http"))
	m := newMeeting(t, server, "ada", "bob", "eve", "late")
	eve := m.join("eve", 0)
	m.transcribe()
	if st := eve.status(wire.TranscriptionStatus_STARTED); st.GetConfiguration() != `{"EngineTranscribeSettings":{"LanguageCode":"en-US"}}` || st.GetEventTime() == 0 {
		t.Errorf("status %v", st)
	}
	m.join("ada", 600)
	m.join("bob", 1100)
	ada := eve.reads(m.ids["ada"], "tone6")
	bob := eve.reads(m.ids["bob"], "tone11")
	if len(ada) < 2 || len(bob) < 2 {
		t.Errorf("%d and %d results, of which one each is final", len(ada), len(bob))
	}
	late := m.join("late", 0)
	late.status(wire.TranscriptionStatus_STARTED)

	engine.hang(true)
	if st := late.status(wire.TranscriptionStatus_INTERRUPTED); st.GetMessage() == "" {
		t.Errorf("status %v", st)
	}
	engine.hang(false)
	late.status(wire.TranscriptionStatus_RESUMED)
	late.reads(m.ids["ada"], "tone6")

	server.Kill()
	server.Restart()
	back := m.join("eve", 0)
	back.status(wire.TranscriptionStatus_RESUMED)
	m.stop()
	back.status(wire.TranscriptionStatus_STOPPED)
}

func TestWithoutAnEngineItFails(t *testing.T) {
	server := servertest.Start(t)
	m := newMeeting(t, server, "ada")
	ada := m.join("ada", 0)
	m.transcribe()
	if st := ada.status(wire.TranscriptionStatus_FAILED); st.GetMessage() != "No transcription engine is configured" {
		t.Errorf("status %v", st)
	}
}
