package media

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/carillon-meetings/carillon/internal/media/client"
)

func TestCloseIsImmediate(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	camera := alice.cameraOn(webrtc.MimeTypeVP8)
	alice.negotiate()
	stream(t, camera, 5*time.Millisecond)
	s := waitSources(t, bob, 1)
	bob.receive(s[0].StreamID)
	bob.nextVideo().read(t)
	alice.next().read(t)
	alice.peer.Close()
	out := alice.peer.conn.Counters()
	if len(bob.peer.Index().Sources) != 0 || bob.peer.Stats().Watching != 0 {
		t.Error("the closed peer's video is still there")
	}
	alice.events.mu.Lock()
	seen := len(alice.events.seen)
	alice.events.mu.Unlock()
	join(t, room, "carol") // takes its time, in which alice's camera goes on
	if after := alice.peer.conn.Counters(); after != out {
		t.Errorf("counters go on from %+v to %+v", out, after)
	}
	if got := alice.events.seen[seen:]; len(got) > 1 { // one may have been under way
		t.Errorf("events after Close: %q", got)
	}
	alice.peer.Close() // again: nothing happens
	if _, err := alice.peer.Subscribe(t.Context(), Offer{SDP: alice.pc.LocalDescription().SDP}); !errors.Is(err, ErrClosed) {
		t.Errorf("subscribe on a closed peer: %v", err)
	}
}

func TestTheClientsFarewell(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	camera := alice.cameraOn(webrtc.MimeTypeVP8)
	alice.negotiate()
	stop := stream(t, camera, 20*time.Millisecond)
	waitSources(t, bob, 1)
	stop()
	if err := alice.pc.Close(); err != nil {
		t.Fatal(err)
	}
	alice.events.wait(t, "failed", 1)
	if !errors.Is(alice.events.failure, ErrClosedByClient) {
		t.Errorf("failed with %v, want ErrClosedByClient", alice.events.failure)
	}
	alice.events.wait(t, "video stopped", 1)
	waitSources(t, bob, 0)
}

func TestAForeignCertificateIsRefused(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	c, _ := prepare(t, room, "mallory")
	offer := c.offer()
	offer.SDP = replaceFingerprint(offer.SDP)
	a, err := c.peer.Subscribe(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: a.SDP}); err != nil {
		t.Fatal(err)
	}
	c.events.wait(t, "failed", 1)
	if !errors.Is(c.events.failure, ErrHandshake) || c.events.count("connected") != 0 {
		t.Errorf("failed with %v, events %q", c.events.failure, c.events.seen)
	}
}

func TestTCPOnly(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice := join(t, room, "alice", func(s *setup) {
		s.settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	})
	bob := join(t, room, "bob")
	if s := alice.peer.Stats(); s.Protocol != "tcp" || !s.Connected {
		t.Errorf("stats %+v", s)
	}
	alice.next().read(t)
	camera := alice.cameraOn(webrtc.MimeTypeVP8)
	alice.negotiate()
	stream(t, camera, 20*time.Millisecond)
	s := waitSources(t, bob, 1)
	bob.receive(s[0].StreamID)
	v := bob.nextVideo()
	continuous(t, v, v.read(t), 10)
}

func TestRoomsAndNodesClose(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	if n.Room("m") != room || n.Room("other") == room {
		t.Error("rooms are confused")
	}
	a := join(t, room, "alice")
	room.Close()
	if !a.peer.closed.Load() {
		t.Error("a peer outlives its room")
	}
	if _, err := room.Join(PeerConfig{AttendeeID: "x"}); !errors.Is(err, ErrClosed) {
		t.Errorf("join a closed room: %v", err)
	}
	if n.Room("m") == room {
		t.Error("a closed room is found again")
	}
	b := join(t, n.Room("m"), "bob")
	if n.UDPPort() == 0 || n.TCPPort() == 0 {
		t.Error("no ports")
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if !b.peer.closed.Load() {
		t.Error("a peer outlives its node")
	}
	if _, err := n.Room("late").Join(PeerConfig{AttendeeID: "x"}); !errors.Is(err, ErrClosed) {
		t.Errorf("join on a closed node: %v", err)
	}
}

func TestIDsGrowOverRestarts(t *testing.T) {
	n := newNode(t, nil)
	if id := n.Room("m").freshID(); uint64(id) < uint64(time.Now().Unix()) {
		t.Errorf("first id %d is below the clock", id)
	}
}

// Joining and leaving must leave nothing behind: two hundred times with light
// clients that publish and watch, then with full ones.
func TestNothingIsLeftBehind(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	join(t, room, "stays")
	goroutines, memory := footprint()
	cert, err := client.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		t.Run("light", func(t *testing.T) { // a test of its own, so that it lets go of all
			for i := range 10 {
				visit(t, room, cert, i)
			}
		})
	}
	t.Run("full", func(t *testing.T) {
		for _, id := range []string{"a", "b", "c"} {
			c := join(t, room, id)
			c.cameraOn(webrtc.MimeTypeVP8)
			c.negotiate()
			t.Cleanup(c.peer.Close)
		}
	})
	if got := len(room.members()); got != 1 {
		t.Errorf("%d peers left", got)
	}
	deadline := time.Now().Add(patience)
	for {
		g, m := footprint()
		if g <= goroutines+2 {
			if m > memory+16<<20 {
				t.Errorf("heap grew from %d to %d bytes", memory, m)
			}
			return
		}
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", g, goroutines, buf[:runtime.Stack(buf, true)])
		}
		runtime.Gosched()
	}
}

// visit joins, publishes, watches whatever there is, and stays until the end of
// the test.
func visit(t *testing.T, room *Room, cert tls.Certificate, i int) {
	t.Helper()
	c, err := client.New(cert)
	if err != nil {
		t.Fatal(err)
	}
	p, err := room.Join(PeerConfig{AttendeeID: fmt.Sprint("visitor ", i), AudioStreamID: nextAudioID(), Permissions: AllPermissions()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	offer := Offer{Duplex: true, SendVideo: []VideoDescriptor{{MaxKbps: 500}}, ReceiveStreamIDs: []uint32{0}}
	for _, s := range p.Index().Sources {
		offer.ReceiveStreamIDs = append(offer.ReceiveStreamIDs, s.StreamID)
	}
	offer.SDP = c.Offer(true, len(offer.ReceiveStreamIDs)-1)
	a, err := p.Subscribe(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Connect(t.Context(), a.SDP); err != nil {
		t.Fatal(err)
	}
	<-c.First()
	for seq := range byte(5) {
		frame := []byte{0x80, client.VP8Type, 0, seq, 0, 0, seq, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00}
		binary.BigEndian.PutUint32(frame[8:], c.VideoSSRC())
		c.SendRTP(frame)
	}
}

// footprint counts goroutines and bytes in use.
func footprint() (goroutines int, heap uint64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return runtime.NumGoroutine(), m.HeapInuse
}
