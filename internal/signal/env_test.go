package signal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

var owner = meeting.Owner{Account: "123456789012", Region: "eu-central-1", Flavour: meeting.Meetings}

// env is the door in front of a real control plane on a real ledger. Media is
// a stand-in that the test directs, unless the test brings its own.
type env struct {
	t       testing.TB
	control *control.Control
	media   *fakeMedia
	server  *Server
	http    *httptest.Server
	sockets sync.WaitGroup
}

func newEnv(t testing.TB, change func(*Config)) *env {
	t.Helper()
	return newEnvWith(t, control.Config{}, change)
}

func newEnvWith(t testing.TB, plane control.Config, change func(*Config)) *env {
	t.Helper()
	v := &env{t: t, media: newFakeMedia()}
	t.Cleanup(v.media.stop)
	v.control = startControl(t, plane)
	cfg := Config{Control: v.control, Media: v.media, VideoSubscriptions: 25, Timers: Timers{
		Dropped: 300 * time.Millisecond, Farewell: 200 * time.Millisecond, Close: time.Second, Levels: 10 * time.Millisecond, Index: 5 * time.Millisecond,
	}}
	if change != nil {
		change(&cfg)
	}
	server, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	v.server = server
	v.http = httptest.NewServer(server)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		v.http.Close()
		v.sockets.Wait()
	})
	return v
}

func startControl(t testing.TB, cfg control.Config) *control.Control {
	t.Helper()
	store, err := ledger.Open(context.Background(), ledger.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	key, err := jointoken.NewKey(make([]byte, jointoken.MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	c := control.New(cfg, control.OnLedger(store), key)
	if err := c.AdoptAll(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if err := errors.Join(c.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// party is a meeting with its attendees by external user id.
type party struct {
	v    *env
	id   meeting.ID
	ids  map[string]meeting.ID
	body meeting.NewMeeting
}

var meetings atomic.Int64

// meet creates a meeting with these users.
func (v *env) meet(users ...string) *party { return v.meetWith(meeting.NewMeeting{}, users...) }

func (v *env) meetWith(n meeting.NewMeeting, users ...string) *party {
	v.t.Helper()
	n.Owner, n.MediaRegion = owner, "eu-west-3"
	n.ClientRequestToken = fmt.Sprintf("meeting %d", meetings.Add(1))
	for _, u := range users {
		n.Attendees = append(n.Attendees, meeting.NewAttendee{ExternalUserID: u})
	}
	s, results, err := v.control.CreateMeeting(context.Background(), n)
	if err != nil {
		v.t.Fatal(err)
	}
	p := &party{v: v, id: s.ID, ids: make(map[string]meeting.ID), body: n}
	for i, r := range results {
		if r.Err != nil {
			v.t.Fatal(r.Err)
		}
		p.ids[users[i]] = r.Attendee.ID
	}
	return p
}

func (p *party) token(user string) string {
	user, content := strings.CutSuffix(user, meeting.ContentSuffix)
	token := p.v.control.JoinToken(p.id, p.ids[user])
	if content {
		token += meeting.ContentSuffix
	}
	return token
}

// wire returns the attendee id as clients know it.
func (p *party) wire(user string) string {
	user, content := strings.CutSuffix(user, meeting.ContentSuffix)
	if content {
		return p.ids[user].String() + meeting.ContentSuffix
	}
	return p.ids[user].String()
}

func (p *party) remove(user string) {
	p.v.t.Helper()
	if err := p.v.control.DeleteAttendee(context.Background(), owner, p.id, p.ids[user]); err != nil {
		p.v.t.Fatal(err)
	}
}

func (p *party) end() {
	p.v.t.Helper()
	if err := p.v.control.DeleteMeeting(context.Background(), owner, p.id); err != nil {
		p.v.t.Fatal(err)
	}
}

// facts waits until the meeting's facts of the user are these.
func (p *party) facts(user string, want ...meeting.FactKind) {
	p.v.t.Helper()
	var got []meeting.FactKind
	eventually(p.v.t, func() bool {
		got = nil
		all, err := p.v.control.Facts(context.Background(), p.id)
		if err != nil {
			p.v.t.Fatal(err)
		}
		for _, f := range all {
			if f.Attendee == p.ids[user] {
				got = append(got, f.Kind)
			}
		}
		return fmt.Sprint(got) == fmt.Sprint(want)
	}, func() string { return fmt.Sprintf("facts of %s: %v, want %v", user, got, want) })
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t testing.TB, ok func() bool, what func() string) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(what())
		}
	}
}

// client is a scripted client.
type client struct {
	t       testing.TB
	ws      *websocket.Conn
	frames  chan *wire.Frame
	closed  chan struct{} // closed when the connection has ended
	code    websocket.StatusCode
	reason  string // of the close frame
	session uint64
	peer    *fakePeer         // the peer media gave it, once joined
	deaf    chan struct{}     // closed to have it stop reading
	stopped chan struct{}     // closed when it has
	first   []*wire.RosterRow // the first roster
}

// found returns the attendee's row in the first roster.
func (c *client) found(attendee string) *wire.RosterRow {
	c.t.Helper()
	for _, r := range c.first {
		if r.GetAttendeeId() == attendee {
			return r
		}
	}
	c.t.Fatalf("%s is not in the first roster %v", attendee, c.first)
	return nil
}

// stopReading has the client read nothing more from its connection. An answer
// is provoked so that its reader gets to know.
func (c *client) stopReading() {
	c.t.Helper()
	close(c.deaf)
	c.send(&wire.Frame{Type: wire.Frame_PING_PONG.Enum(), PingPong: &wire.PingPong{Type: wire.PingPong_PING.Enum(), PingId: proto.Uint32(1)}})
	select {
	case <-c.stopped:
	case <-time.After(patience):
		c.t.Fatal("the client reads on")
	}
}

// open connects with the user's token. The client's audio session is its own.
func (p *party) open(user string) *client { return p.v.dial(p.id, p.token(user)) }

var sessions atomic.Uint64

func (v *env) dial(id meeting.ID, token string) *client {
	v.t.Helper()
	ws, resp, err := v.tryDial(id.String(), token, http.Header{})
	if err != nil {
		v.t.Fatalf("dial: %v (%v)", err, resp)
	}
	if ws.Subprotocol() != subprotocol {
		v.t.Errorf("sub-protocol %q selected", ws.Subprotocol())
	}
	c := &client{
		t: v.t, ws: ws, frames: make(chan *wire.Frame, 4096), closed: make(chan struct{}), session: sessions.Add(1),
		deaf: make(chan struct{}), stopped: make(chan struct{}),
	}
	v.sockets.Go(c.read)
	v.t.Cleanup(func() { ws.CloseNow() })
	return c
}

func (v *env) tryDial(id, token string, header http.Header) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	url := "ws" + strings.TrimPrefix(v.http.URL, "http") + PathControl + id + "?X-Chime-Control-Protocol-Version=3"
	ws, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{subprotocol, token}, HTTPHeader: header})
	if err == nil {
		ws.SetReadLimit(-1)
	}
	return ws, resp, err
}

// read collects what the server sends.
func (c *client) read() {
	defer close(c.closed)
	defer close(c.frames)
	for {
		select {
		case <-c.deaf:
			close(c.stopped)
			<-c.t.Context().Done() // the connection stays open, unread
			return
		default:
		}
		_, msg, err := c.ws.Read(context.Background())
		if err != nil {
			c.code = websocket.CloseStatus(err)
			var closed websocket.CloseError
			if errors.As(err, &closed) {
				c.reason = closed.Reason
			}
			return
		}
		f, err := wire.Decode(msg)
		if err != nil {
			c.t.Errorf("the server sent garbage: %v", err)
			return
		}
		c.frames <- f
	}
}

// send sends a frame, with its timestamp set.
func (c *client) send(f *wire.Frame) {
	c.t.Helper()
	f.TimestampMs = proto.Uint64(uint64(time.Now().UnixMilli()))
	msg, err := wire.Encode(f)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageBinary, msg); err != nil {
		c.t.Fatalf("send %v: %v", f.GetType(), err)
	}
}

// get returns the next frame for which ok holds, skipping others.
func (c *client) get(what string, ok func(*wire.Frame) bool) *wire.Frame {
	c.t.Helper()
	deadline := time.After(patience)
	var skipped []wire.Frame_Type
	for {
		select {
		case f, open := <-c.frames:
			if !open {
				c.t.Fatalf("connection closed (%d) while waiting for %s; skipped %v", c.code, what, skipped)
			}
			if ok(f) {
				return f
			}
			skipped = append(skipped, f.GetType())
		case <-deadline:
			c.t.Fatalf("no %s; skipped %v", what, skipped)
		}
	}
}

func (c *client) expect(typ wire.Frame_Type) *wire.Frame {
	c.t.Helper()
	return c.get(typ.String(), func(f *wire.Frame) bool { return f.GetType() == typ })
}

func (c *client) status(want uint32) {
	c.t.Helper()
	if got := c.expect(wire.Frame_AUDIO_STATUS).GetAudioStatus().GetAudioStatus(); got != want {
		c.t.Fatalf("audio status %d, want %d", got, want)
	}
}

// row waits for a roster row for which ok holds.
func (c *client) row(what string, ok func(*wire.RosterRow) bool) *wire.RosterRow {
	c.t.Helper()
	var found *wire.RosterRow
	c.get("roster row: "+what, func(f *wire.Frame) bool {
		for _, r := range f.GetRoster().GetStreams() {
			if ok(r) {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

func (c *client) sees(attendee string) *wire.RosterRow {
	c.t.Helper()
	return c.row(attendee+" present", func(r *wire.RosterRow) bool { return r.GetAttendeeId() == attendee })
}

// seesGone waits for the audio stream to be taken away.
func (c *client) seesGone(id uint32) *wire.RosterRow {
	c.t.Helper()
	return c.row(fmt.Sprint(id, " gone"), func(r *wire.RosterRow) bool {
		return r.GetAudioStreamId() == id && r.AttendeeId == nil && r.Muted == nil
	})
}

// ended waits for the connection to end and returns its close code.
func (c *client) ended() websocket.StatusCode {
	c.t.Helper()
	select {
	case <-c.closed:
		return c.code
	case <-time.After(patience):
		c.t.Fatal("the connection stays open")
		return 0
	}
}

func joinFrame(session uint64) *wire.Frame {
	return &wire.Frame{Type: wire.Frame_JOIN.Enum(), Join: &wire.Join{
		ProtocolVersion: proto.Uint32(2), Flags: proto.Uint32(2), AudioSessionId: proto.Uint64(session),
		ClientDetails: &wire.ClientDetails{PlatformName: proto.String("chrome"), PlatformVersion: proto.String("156"), ClientSource: proto.String("test")},
	}}
}

func subscribeFrame(sdp string) *wire.Frame {
	return &wire.Frame{Type: wire.Frame_SUBSCRIBE.Enum(), Subscribe: &wire.Subscribe{
		Duplex: wire.Service_RX.Enum(), SdpOffer: proto.String(sdp), AudioHost: proto.String("host"), AudioMuted: proto.Bool(false),
		ReceiveStreamIds: []uint32{0},
		SendStreams:      []*wire.Stream{{MediaType: wire.Media_AUDIO.Enum(), StreamId: proto.Uint32(1), GroupId: proto.Uint32(1)}},
	}}
}

func leaveFrame() *wire.Frame {
	return &wire.Frame{Type: wire.Frame_LEAVE.Enum(), Leave: &wire.Leave{}}
}

// joinOnly sends JOIN and returns the answer, past the first INDEX.
func (c *client) joinOnly(v *env) *wire.Frame {
	c.t.Helper()
	before := v.media.count()
	c.send(joinFrame(c.session))
	ack := c.expect(wire.Frame_JOIN_ACK)
	if ack.GetError() != nil {
		c.t.Fatalf("refused: %v", ack.GetError())
	}
	c.expect(wire.Frame_INDEX)
	c.peer = v.media.after(c.t, before)
	return ack
}

// join opens a connection and goes through everything until the user is in.
func (p *party) join(user string) *client {
	p.v.t.Helper()
	c := p.open(user)
	p.joinWith(c, user)
	return c
}

func (p *party) joinWith(c *client, user string) *wire.Frame {
	p.v.t.Helper()
	c.joinOnly(p.v)
	c.send(subscribeFrame("offer"))
	if ack := c.expect(wire.Frame_SUBSCRIBE_ACK); ack.GetError() != nil {
		c.t.Fatalf("offer refused: %v", ack.GetError())
	}
	c.peer.up()
	roster := c.expect(wire.Frame_AUDIO_STREAM_ID_INFO)
	c.first = roster.GetRoster().GetStreams()
	mine := p.wire(user)
	for _, r := range roster.GetRoster().GetStreams() {
		if r.GetAttendeeId() == mine {
			return roster
		}
	}
	c.t.Fatalf("own row missing from the first roster: %v", roster)
	return nil
}

// fakeMedia is media without packets: its peers do what the test says.
type fakeMedia struct {
	mu      sync.Mutex
	rooms   map[string]*fakeRoom
	peers   []*fakePeer
	full    bool   // content shares are refused
	hold    func() // called once, by the next join, while it is under way
	events  chan func()
	stopped chan struct{}
}

func newFakeMedia() *fakeMedia {
	m := &fakeMedia{rooms: make(map[string]*fakeRoom), events: make(chan func(), 1024), stopped: make(chan struct{})}
	go func() {
		defer close(m.stopped)
		for fn := range m.events {
			fn()
		}
	}()
	return m
}

func (m *fakeMedia) stop() {
	close(m.events)
	<-m.stopped
}

func (m *fakeMedia) Room(id string) Room {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rooms[id]
	if r == nil {
		r = &fakeRoom{media: m}
		m.rooms[id] = r
	}
	return r
}

func (m *fakeMedia) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.peers)
}

// after returns the first peer made after so many.
func (m *fakeMedia) after(t testing.TB, before int) *fakePeer {
	t.Helper()
	eventually(t, func() bool { return m.count() > before }, func() string { return "no peer was made" })
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.peers[len(m.peers)-1]
}

type fakeRoom struct {
	media  *fakeMedia
	closed atomic.Bool
}

func (r *fakeRoom) Close() { r.closed.Store(true) }

func (r *fakeRoom) Join(cfg media.PeerConfig) (Peer, error) {
	r.media.mu.Lock()
	hold := r.media.hold
	r.media.hold = nil
	r.media.mu.Unlock()
	if hold != nil {
		hold()
	}
	r.media.mu.Lock()
	defer r.media.mu.Unlock()
	if cfg.Content && r.media.full {
		return nil, media.ErrContentFull
	}
	p := &fakePeer{room: r, cfg: cfg, perms: cfg.Permissions, level: 127, signal: 2}
	r.media.peers = append(r.media.peers, p)
	return p, nil
}

func (r *fakeRoom) Levels(fn func(uint32, uint8, bool, uint8)) {
	r.media.mu.Lock()
	defer r.media.mu.Unlock()
	for _, p := range r.media.peers {
		if p.room == r && !p.closed {
			fn(p.cfg.AudioStreamID, p.level, p.muted, p.signal)
		}
	}
}

// fakePeer's fields are guarded by the media's mu.
type fakePeer struct {
	room   *fakeRoom
	cfg    media.PeerConfig
	perms  media.Permissions
	offers []media.Offer
	index  media.Index
	err    error // of Subscribe
	answer media.Answer
	level  uint8
	signal uint8
	muted  bool
	closed bool
	calls  []string
}

// with runs fn with the peer's fields at hand.
func (p *fakePeer) with(fn func(p *fakePeer)) {
	p.room.media.mu.Lock()
	defer p.room.media.mu.Unlock()
	fn(p)
}

// event has the media's goroutine call one of the peer's events.
func (p *fakePeer) event(fn func(media.PeerEvents)) {
	p.room.media.events <- func() {
		var gone bool
		p.with(func(p *fakePeer) { gone = p.closed })
		if !gone {
			fn(p.cfg.Events)
		}
	}
}

func (p *fakePeer) Subscribe(_ context.Context, o media.Offer) (media.Answer, error) {
	var err error
	var answer media.Answer
	p.with(func(p *fakePeer) {
		err, answer = p.err, p.answer
		p.offers = append(p.offers, o)
	})
	if err != nil {
		return media.Answer{}, err
	}
	answer.SDP = "answer to " + o.SDP
	return answer, nil
}

func (p *fakePeer) Index() (x media.Index) {
	p.with(func(p *fakePeer) { x = p.index })
	return x
}

func (p *fakePeer) note(format string, args ...any) {
	p.with(func(p *fakePeer) { p.calls = append(p.calls, fmt.Sprintf(format, args...)) })
}

func (p *fakePeer) UpdateVideo(u []media.VideoSubscription, removed []string) {
	p.note("update %+v %v", u, removed)
}
func (p *fakePeer) Pause(ids []uint32)  { p.note("pause %v", ids) }
func (p *fakePeer) Resume(ids []uint32) { p.note("resume %v", ids) }
func (p *fakePeer) SetMuted(m bool)     { p.with(func(p *fakePeer) { p.muted = m }) }
func (p *fakePeer) SetPermissions(perms media.Permissions) {
	p.with(func(p *fakePeer) { p.perms = perms })
}
func (p *fakePeer) Stats() media.PeerStats { return media.PeerStats{PacketsIn: 7, UplinkLoss: 1.5} }
func (p *fakePeer) Close()                 { p.with(func(p *fakePeer) { p.closed = true }) }

// up has the peer's media come up, as it does once the client has the answer.
func (p *fakePeer) up() {
	p.event(func(e media.PeerEvents) {
		e.StepDone(media.StepICE, time.Now())
		e.StepDone(media.StepDTLS, time.Now())
		e.Connected()
		e.AudioStarted()
		e.StepDone(media.StepFirstAudioIn, time.Now())
	})
}

// isClosed waits until the peer has been closed.
func (p *fakePeer) isClosed(t testing.TB) {
	t.Helper()
	eventually(t, func() (closed bool) {
		p.with(func(p *fakePeer) { closed = p.closed })
		return closed
	}, func() string { return "media goes on" })
}

// called waits until the peer has got this call.
func (p *fakePeer) called(t testing.TB, want string) {
	t.Helper()
	var calls []string
	eventually(t, func() bool {
		p.with(func(p *fakePeer) { calls = append([]string(nil), p.calls...) })
		for _, c := range calls {
			if c == want {
				return true
			}
		}
		return false
	}, func() string { return fmt.Sprintf("calls %q, want %q", calls, want) })
}

func body(t testing.TB, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (c *client) sendRaw(msg []byte) {
	c.t.Helper()
	if err := c.trySendRaw(msg); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) trySendRaw(msg []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageBinary, msg)
}

func (c *client) sendText(text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}
