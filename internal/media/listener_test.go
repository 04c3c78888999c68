package media

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// tape is what a listener gets.
type tape struct {
	mu      sync.Mutex
	sounds  int
	last    uint32
	gaps    int
	packets []VideoPacket
	changes chan struct{}
}

func newTape() *tape { return &tape{changes: make(chan struct{}, 1000)} }

func (t *tape) WriteFrame(payload []byte, timestamp uint32, _ bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sounds > 0 && timestamp != t.last+960 || len(payload) == 0 {
		t.gaps++
	}
	t.sounds++
	t.last = timestamp
}

func (t *tape) video(p *VideoPacket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := *p
	kept.Payload = slices.Clone(p.Payload)
	t.packets = append(t.packets, kept)
}

func (t *tape) count() (sounds, packets int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sounds, len(t.packets)
}

// listen lets a listener in.
func listen(t *testing.T, room *Room, tp *tape, codecs ...Codec) *Listener {
	t.Helper()
	l, err := room.Listen(ListenerConfig{ID: "ear", Sound: tp, Codecs: codecs, Changed: func() {
		select {
		case tp.changes <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// soon waits for a condition.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain: ", what)
		}
	}
}

func TestAListenerHearsAnEmptyRoomToo(t *testing.T) {
	n := newNode(t, nil)
	tp := newTape()
	l := listen(t, n.Room("m"), tp)
	soon(t, "sound", func() bool { sounds, _ := tp.count(); return sounds > 20 })
	l.Close()
	l.Close()
	before, _ := tp.count()
	time.Sleep(60 * time.Millisecond)
	if after, _ := tp.count(); after != before || tp.gaps > 0 {
		t.Errorf("%d frames after the end, %d gaps", after-before, tp.gaps)
	}
}

func TestAListenerTakesVideosAsTheyWereSent(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	tp := newTape()
	l := listen(t, room, tp)
	alice, share := join(t, room, "alice"), join(t, room, "alice#content")
	camera := alice.cameraOn(webrtc.MimeTypeVP8)
	alice.negotiate()
	stop := stream(t, camera, 20*time.Millisecond)
	soon(t, "the camera is listed", func() bool { return len(l.Videos()) == 1 })
	<-tp.changes
	v := l.Videos()[0]
	if v.AttendeeID != "alice" || v.ExternalUserID != "ext-alice" || v.Content {
		t.Errorf("%+v", v)
	}
	tap := l.Take(v, tp.video)
	tap.RequestKeyFrame(time.Now())
	soon(t, "packets", func() bool { _, packets := tp.count(); return packets > 20 })
	tap.Choose(time.Now())
	tp.mu.Lock()
	first := tp.packets[0]
	for i := 1; i < len(tp.packets); i++ {
		if tp.packets[i].Seq != tp.packets[i-1].Seq+1 || tp.packets[i].StreamID != first.StreamID {
			t.Errorf("packet %d after %d", tp.packets[i].Seq, tp.packets[i-1].Seq)
		}
	}
	tp.mu.Unlock()
	if !first.Info.Key || first.At.IsZero() || len(first.Payload) == 0 {
		t.Errorf("begins with %+v", first)
	}
	tap.Close()
	_, before := tp.count()
	time.Sleep(60 * time.Millisecond)
	if _, after := tp.count(); after > before+1 {
		t.Errorf("%d packets after the end", after-before)
	}
	stop()
	alice.sends = nil
	alice.negotiate()
	soon(t, "the camera is gone", func() bool { return len(l.Videos()) == 0 })
	content := share.cameraOn(webrtc.MimeTypeVP8)
	share.negotiate()
	stream(t, content, 20*time.Millisecond)
	soon(t, "the share is listed", func() bool { list := l.Videos(); return len(list) == 1 && list[0].Content })
}

func TestAListenerIsNoPeer(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	listen(t, room, newTape())
	alice := join(t, room, "alice")
	if sources := alice.peer.Index().Sources; len(sources) != 0 {
		t.Errorf("%+v", sources)
	}
	if levels := room.Levels(nil); len(levels) != 1 {
		t.Errorf("%+v", levels)
	}
	room.Close()
	if _, err := room.Listen(ListenerConfig{ID: "late", Sound: newTape(), Changed: func() {}}); err != ErrClosed {
		t.Errorf("into a closed room: %v", err)
	}
}

func TestAListenersWishForACodecIsHeeded(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice := join(t, room, "alice")
	bob := join(t, room, "bob", withoutCodecs("AV1"))
	all := []Codec{CodecVP9, CodecH264, CodecVP8}
	for _, c := range []struct {
		wish, want []Codec
	}{
		{nil, all}, {[]Codec{CodecH264}, []Codec{CodecH264}}, {[]Codec{CodecVP8, CodecVP9}, []Codec{CodecVP9, CodecVP8}},
		{[]Codec{CodecAV1}, all}, // not all can decode it
	} {
		l := listen(t, room, newTape(), c.wish...)
		for _, who := range []*person{alice, bob} {
			if got := who.peer.Index().Codecs; !slices.Equal(got, c.want) {
				t.Errorf("wish %v: %v, want %v", c.wish, got, c.want)
			}
		}
		l.Close()
	}
	if got := alice.peer.Index().Codecs; !slices.Equal(got, all) {
		t.Errorf("afterwards: %v", got)
	}
}
