package signal

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/carillon-meetings/carillon/internal/history"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// bigConference is a conference with so many people in it, whose connections
// only queue.
func bigConference(b *testing.B, people int) *conference {
	b.Helper()
	m := newFakeMedia()
	b.Cleanup(m.stop)
	s, err := New(Config{Control: fakeControl{}, Room: m.Room, Timers: Timers{Levels: time.Hour, Index: time.Hour}})
	if err != nil {
		b.Fatal(err)
	}
	br := s.enter(meeting.ID{1}, meeting.ID{})
	conf := br.conference
	for i := range people {
		ctx, cut := context.WithCancel(context.Background())
		b.Cleanup(cut)
		key := participantKey{conf.id, meeting.ID{2, byte(i), byte(i >> 8)}, false}
		one := &session{
			server: s, conference: conf, meeting: br, key: key, state: live, audio: true, signal: goodSignal,
			conn: &conn{ctx: ctx, cut: cut, wake: make(chan struct{}, 1), timers: &s.cfg.Timers}, rec: br.history.Open(history.Start{Attendee: key.attendee}),
		}
		mem := &participant{key: key, meeting: br, session: one, present: true, wireID: wireID(key), external: "guest-17"}
		one.participant = mem
		conf.nextAudio++
		one.audioID, mem.audioID = conf.nextAudio, conf.nextAudio
		p, err := conf.room.Join(media.PeerConfig{AudioStreamID: one.audioID})
		if err != nil {
			b.Fatal(err)
		}
		one.peer = p
		conf.participants[key] = mem
		conf.putOnLocked(mem)
		conf.index.markLocked(conf, one)
		one.index.sent = true
	}
	return conf
}

// drain takes what is queued for everybody, as the writers do.
func drain(conf *conference) (messages, bytes int) {
	for _, part := range conf.participants {
		batch, _ := part.session.conn.take()
		messages += len(batch)
		for _, msg := range batch {
			bytes += len(msg)
		}
	}
	return messages, bytes
}

// BenchmarkAnnounce250 is somebody coming into a meeting of 250.
func BenchmarkAnnounce250(b *testing.B) {
	conf := bigConference(b, 250)
	var someone *participant
	for _, someone = range conf.participants {
		break
	}
	b.ReportAllocs()
	for b.Loop() {
		conf.update(func() {
			someone.present = true // no fact
			conf.announceLocked(someone)
		})
		if n, _ := drain(conf); n != 250 {
			b.Fatalf("%d messages", n)
		}
	}
}

// BenchmarkLevels250 is one of the five frames a second with the volumes in a
// meeting of 250 of whom five speak.
func BenchmarkLevels250(b *testing.B) {
	conf := bigConference(b, 250)
	for i, part := range slices.Collect(func(yield func(*participant) bool) {
		for _, part := range conf.participants {
			if !yield(part) {
				return
			}
		}
	}) {
		if i < 5 {
			part.session.peer.(*fakePeer).level = 20
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		conf.tellLevels()
		if n, _ := drain(conf); n != 250 {
			b.Fatalf("%d messages", n)
		}
	}
}

// BenchmarkIndex250 is a change of the list of 25 videos in a meeting of 250.
func BenchmarkIndex250(b *testing.B) {
	conf := bigConference(b, 250)
	sources := make([]media.Source, 25)
	for i := range sources {
		sources[i] = media.Source{
			StreamID: uint32(1_700_000_000 + i), GroupID: uint32(1_700_000_000 + i), MaxKbps: 1500,
			AttendeeID: "e3c1f0aa-1b2c-9d3e-4f50-61728394a5b6", ExternalUserID: "guest-17",
		}
	}
	b.ReportAllocs()
	for n := uint32(0); b.Loop(); n++ {
		for _, part := range conf.participants {
			p := part.session.peer.(*fakePeer)
			p.index.Sources = slices.Clone(sources)
			p.index.Sources[0].StreamID += n
		}
		conf.update(func() { conf.index.markAllLocked(conf) })
		conf.flushIndex()
		if n, _ := drain(conf); n != 250 {
			b.Fatalf("%d messages", n)
		}
	}
}

// BenchmarkJoin is the server's share of a join, with a real media node, and
// the client's dialling: from the socket being opened to SUBSCRIBE_ACK.
func BenchmarkJoin(b *testing.B) {
	v := newRealEnv(b)
	var users []string
	for i := range 10 {
		users = append(users, fmt.Sprint("user", i))
	}
	var parties []*party // an attendee may not join again and again
	for range 50 {
		parties = append(parties, v.meet(users...))
	}
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		b.Fatal(err)
	}
	defer pc.Close()
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := pc.AddTransceiverFromKind(kind); err != nil {
			b.Fatal(err)
		}
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p := parties[i/len(users)%len(parties)]
		began := time.Now()
		c := p.open(users[i%len(users)])
		c.send(joinFrame(c.session))
		c.expect(wire.Frame_INDEX)
		c.send(subscribeFrame(offer.SDP))
		if ack := c.expect(wire.Frame_SUBSCRIBE_ACK); ack.GetError() != nil {
			b.Fatal(ack)
		}
		took = append(took, time.Since(began))
		c.send(leaveFrame())
		c.expect(wire.Frame_LEAVE_ACK)
		c.ws.CloseNow()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
}

// BenchmarkIdleMeetings is the second of a server with 1,000 meetings whose
// participants have all left.
func BenchmarkIdleMeetings(b *testing.B) {
	m := newFakeMedia()
	defer m.stop()
	s, err := New(Config{Control: fakeControl{}, Room: m.Room})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 1000 {
		conf := s.enter(meeting.ID{1, byte(i), byte(i >> 8)}, meeting.ID{}).conference
		conf.update(func() { conf.startLevelsLocked() })
		conf.update(func() { conf.stopLevelsLocked() })
	}
	eventually(b, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.ticker == nil
	}, func() string { return fmt.Sprintf("%d conferences are still ticking", len(s.occupied)) })
	b.ReportAllocs()
	for b.Loop() {
		s.tick() // what would run if it did
	}
}
