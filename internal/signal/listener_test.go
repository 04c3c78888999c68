package signal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// notebook is a listener that writes everything down but who is speaking.
type notebook struct {
	mu       sync.Mutex
	lines    []string
	speakers []string
}

func (n *notebook) note(parts ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, strings.TrimSuffix(fmt.Sprintln(parts...), "\n"))
}

func (n *notebook) Joined(attendee string, _ time.Time) { n.note("joined", attendee) }
func (n *notebook) Left(attendee string, _ time.Time)   { n.note("left", attendee) }
func (n *notebook) Over(time.Time)                      { n.note("over") }

func (n *notebook) Muted(attendee string, muted bool, _ time.Time) { n.note("muted", attendee, muted) }

func (n *notebook) Message(sender, topic string, data []byte, _ time.Time) {
	n.note("message", sender, topic, string(data))
}

func (n *notebook) Transcription(st speech.Status, _ time.Time) {
	n.note("transcription", st.State, st.Config)
}

func (n *notebook) Transcript(r speech.Result, _ time.Time) { n.note("transcript", r.Attendee, r.Text) }

func (n *notebook) Speaking(attendee string, _ time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.speakers = append(n.speakers, attendee)
}

// has waits until these are the lines.
func (n *notebook) has(t *testing.T, want ...string) {
	t.Helper()
	got := func() []string {
		n.mu.Lock()
		defer n.mu.Unlock()
		return slices.Clone(n.lines)
	}
	eventually(t, func() bool { return len(got()) >= len(want) }, func() string { return fmt.Sprintf("heard %q, want %q", got(), want) })
	if !slices.Equal(got(), want) {
		t.Errorf("heard %q, want %q", got(), want)
	}
}

// ear is the attendee that a listener is shown as.
var ear = meeting.ID{0xea, 15: 1}

func (p *party) listen(to Listener) (leave func()) {
	p.v.t.Helper()
	leave, err := p.v.server.Listen(Listening{Meeting: p.id, Attendee: ear, External: "aws:MediaPipeline-ea000", To: to})
	if err != nil {
		p.v.t.Fatal(err)
	}
	return leave
}

func TestAListenerHearsWhoComesAndGoesAndWhatIsSaid(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, n := p.join("ada"), new(notebook)
	leave := p.listen(n)
	n.has(t, "joined "+p.wire("ada"))
	bob := p.join("bob")
	want := []string{"joined " + p.wire("ada"), "joined " + p.wire("bob")}
	n.has(t, want...)
	ada.send(dataFrameOf("chat", "hello", 0))
	want = append(want, "message "+p.wire("ada")+" chat hello")
	n.has(t, want...)
	ada.send(&wire.Frame{Type: wire.Frame_AUDIO_CONTROL.Enum(), AudioControl: &wire.AudioControl{Muted: proto.Bool(true)}})
	want = append(want, "muted "+p.wire("ada")+" true")
	n.has(t, want...)
	p.join("ada#content")
	want = append(want, "joined "+p.wire("ada#content"))
	n.has(t, want...)
	bob.send(leaveFrame())
	want = append(want, "left "+p.wire("bob"))
	n.has(t, want...)
	leave()
	leave()
	p.join("bob")
	n.has(t, want...)
}

// A listener gets every event of the transcription once, apart from the data
// messages that clients get it in, and first how one that goes on is doing.
func TestAListenerFollowsTheTranscription(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	p.join("ada")
	n, late := new(notebook), new(notebook)
	p.listen(n)
	v.server.TellTranscription(p.id, status(speech.Started))
	v.server.TellTranscript(p.id, result(p.wire("ada"), "hello"))
	want := []string{"joined " + p.wire("ada"), "transcription 1 {}", "transcript " + p.wire("ada") + " hello"}
	n.has(t, want...)
	p.listen(late)
	late.has(t, "joined "+p.wire("ada"), "transcription 1 {}")
	p.end()
	n.has(t, append(want, "transcription 4 {}", "over")...)
}

func TestAListenerIsShownMutedUntilItLeaves(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada := p.join("ada")
	leave := p.listen(new(notebook))
	row := ada.sees(ear.String())
	if !row.GetMuted() || row.GetExternalUserId() != "aws:MediaPipeline-ea000" {
		t.Errorf("%v", row)
	}
	if late := p.join("bob").found(ear.String()); late.GetAudioStreamId() != row.GetAudioStreamId() {
		t.Errorf("who came later sees %v", late)
	}
	leave()
	if gone := ada.seesGone(row.GetAudioStreamId()); gone.GetDropped() {
		t.Errorf("%v", gone)
	}
	facts, err := v.control.Facts(context.Background(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []meeting.FactKind
	eventually(t, func() bool {
		facts, err = v.control.Facts(context.Background(), p.id)
		kinds = nil
		for _, f := range facts {
			if f.Attendee == ear {
				kinds = append(kinds, f.Kind)
			}
		}
		return err == nil && len(kinds) == 3
	}, func() string { return fmt.Sprint(kinds, err) })
	if want := []meeting.FactKind{meeting.Authorized, meeting.Joined, meeting.Left}; !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
}

func TestAListenerIsToldTheEnd(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	n := new(notebook)
	leave := p.listen(n) // before anybody has come
	p.end()
	n.has(t, "over")
	leave()
	late := new(notebook)
	p.listen(late)
	late.has(t, "over")
}

func TestAListenerKeepsNoMeetingAlive(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	p.listen(new(notebook))
	m, known := v.control.Meeting(context.Background(), p.id)
	if !known || m.Connected != 0 {
		t.Errorf("%+v, %t", m, known)
	}
	if c := v.server.Counts(); c.Attendees != 0 {
		t.Errorf("%+v", c)
	}
}

func TestAListenerHearsWhoIsTheLoudest(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	p.join("ada")
	n := new(notebook)
	p.listen(n)
	eventually(t, func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.speakers) > 3
	}, func() string { return "nothing is told of who is speaking" })
}

func TestNobodyListensToAClosedServer(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := v.server.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := v.server.Listen(Listening{Meeting: p.id, Attendee: ear, To: new(notebook)}); err == nil {
		t.Error("listening")
	}
}
