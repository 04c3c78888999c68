package signal

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

func dataFrameOf(topic, text string, lifetimeMs uint32) *wire.Frame {
	return &wire.Frame{Type: wire.Frame_DATA_MESSAGE.Enum(), Data: &wire.Data{Messages: []*wire.DataMessage{{
		Topic: proto.String(topic), Data: []byte(text), LifetimeMs: proto.Uint32(lifetimeMs),
	}}}}
}

func (c *client) message() *wire.DataMessage {
	c.t.Helper()
	return c.expect(wire.Frame_DATA_MESSAGE).GetData().GetMessages()[0]
}

func TestDataMessages(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob", "cleo")
	ada, bob := p.join("ada"), p.join("bob")
	share := p.join("bob#content")
	began := time.Now().UnixNano()
	ada.send(dataFrameOf("chat", "kept", 60_000))
	ada.send(dataFrameOf("chat", "fleeting", 0))
	first, second := bob.message(), bob.message()
	if string(first.GetData()) != "kept" || first.GetTopic() != "chat" || first.GetLifetimeMs() != 60_000 ||
		first.GetSenderAttendeeId() != p.wire("ada") || first.GetSenderExternalUserId() != "ada" || first.GetIngestTimeNs() < began {
		t.Errorf("first message %v", first)
	}
	if string(second.GetData()) != "fleeting" || second.GetIngestTimeNs() <= first.GetIngestTimeNs() {
		t.Errorf("second message %v", second)
	}
	share.send(&wire.Frame{Type: wire.Frame_PING_PONG.Enum(), PingPong: &wire.PingPong{Type: wire.PingPong_PING.Enum(), PingId: proto.Uint32(3)}})
	share.get("pong", func(f *wire.Frame) bool {
		if f.GetType() == wire.Frame_DATA_MESSAGE {
			t.Error("a share got a data message")
		}
		return f.GetPingPong().GetPingId() == 3
	})
	cleo := p.open("cleo")
	p.joinWith(cleo, "cleo")
	bob.send(dataFrameOf("chat", "last", 0))
	if m := ada.message(); string(m.GetData()) != "last" {
		t.Errorf("ada got her own message %v", m)
	}
	share.send(dataFrameOf("chat", "from the share", 0))
	if m := ada.message(); m.GetSenderAttendeeId() != p.wire("bob#content") {
		t.Errorf("message of a share: %v", m)
	}
}

func TestDataReplay(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada := p.join("ada")
	for i := range 3 {
		ada.send(dataFrameOf("chat", fmt.Sprint("kept ", i), 60_000))
	}
	ada.send(dataFrameOf("chat", "not kept", 0))
	ada.send(leaveFrame())
	ada.expect(wire.Frame_LEAVE_ACK) // all were taken
	bob := p.open("bob")
	bob.send(joinFrame(1))
	bob.expect(wire.Frame_INDEX)
	last := int64(0)
	for i := range 3 {
		m := bob.message()
		if string(m.GetData()) != fmt.Sprint("kept ", i) || m.GetIngestTimeNs() <= last || m.GetSenderExternalUserId() != "ada" {
			t.Errorf("replayed message %d: %v", i, m)
		}
		last = m.GetIngestTimeNs()
	}
}

func TestDataRefused(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	for _, topic := range []string{"", "aws:chime:transcription", "with space", strings.Repeat("x", 37), "ä"} {
		ada.send(dataFrameOf(topic, "x", 0))
	}
	for range 4 { // all but the one that is too long to be repeated
		if m := ada.message(); m.IngestTimeNs == nil || m.GetIngestTimeNs() != 0 {
			t.Errorf("returned as %v, want ingest time 0 written out", m)
		}
	}
	ada.send(dataFrameOf("chat", strings.Repeat("x", meeting.MaxData+1), 0))
	ada.send(dataFrameOf("chat", strings.Repeat("x", meeting.MaxData), 0))
	if m := bob.message(); len(m.GetData()) != meeting.MaxData || m.GetIngestTimeNs() == 0 {
		t.Errorf("bob got %d bytes on %q", len(m.GetData()), m.GetTopic())
	}
}

func TestDataThrottled(t *testing.T) {
	now := time.Now()
	v := newEnv(t, func(c *Config) { c.Now = func() time.Time { return now } })
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	for i := range softBurst + 1 {
		ada.send(dataFrameOf("chat", fmt.Sprint(i), 0))
	}
	if m := ada.message(); m.IngestTimeNs == nil || m.GetIngestTimeNs() != 0 || string(m.GetData()) != fmt.Sprint(softBurst) {
		t.Errorf("returned %v", m)
	}
	for i := range softBurst {
		if m := bob.message(); string(m.GetData()) != fmt.Sprint(i) {
			t.Fatalf("bob got %q, want %d", m.GetData(), i)
		}
	}
}

func TestDataFlood(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	ada := p.join("ada")
	f := dataFrameOf("chat", "x", 0)
	for range personBurst/100 + 30 {
		f.Data.Messages = append(f.Data.Messages[:0:0], make([]*wire.DataMessage, 100)...)
		for i := range f.Data.Messages {
			f.Data.Messages[i] = &wire.DataMessage{Topic: proto.String("chat"), Data: []byte("x")}
		}
		f.TimestampMs = proto.Uint64(1)
		if ada.trySendRaw(mustEncode(f)) != nil {
			break
		}
	}
	ada.get("error", func(f *wire.Frame) bool { return f.GetError().GetStatus() == 429 })
	ada.ended()
}

func TestBoard(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := newMessageStore()
	post := func(lifetime time.Duration) (dataMessage, verdict) {
		m := dataMessage{topic: "t", lifetime: lifetime}
		v := b.post(now, &m)
		return m, v
	}
	first, _ := post(time.Second)
	second, _ := post(time.Hour)
	if second.ingest-first.ingest < ingestStep {
		t.Errorf("ingest times %d and %d in the same instant", first.ingest, second.ingest)
	}
	if float64(first.ingest)/1e6 == float64(second.ingest)/1e6 {
		t.Error("a client cannot tell the two times apart")
	}
	if got := b.replay(now.Add(999*time.Millisecond), participantKey{}); len(got) != 2 {
		t.Errorf("%d kept, want 2", len(got))
	}
	if got := b.replay(now.Add(time.Second), participantKey{}); len(got) != 1 || got[0].ingest != second.ingest {
		t.Errorf("kept after the first one's time: %v", got)
	}
	if got := b.replay(now.Add(meeting.MaxLifetime), participantKey{}); len(got) != 0 {
		t.Errorf("kept for longer than the longest lifetime: %v", got)
	}
	for i := range 3 * maxKept {
		now = now.Add(20 * time.Millisecond)
		if _, v := post(time.Hour); v != accepted {
			t.Fatalf("message %d: %v", i, v)
		}
	}
	got := b.replay(now, participantKey{})
	if len(got) != maxKept || got[maxKept-1].ingest != b.last {
		t.Errorf("%d kept, want the last %d", len(got), maxKept)
	}
}

func TestBoardRates(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := newMessageStore()
	counts := make(map[verdict]int)
	for range hardBurst + 1 {
		counts[b.post(now, &dataMessage{})]++
	}
	if counts[accepted] != softBurst || counts[hungUp] != 1 || counts[throttled] != hardBurst-softBurst {
		t.Errorf("in one instant: %v", counts)
	}
	now = now.Add(time.Second)
	clear(counts)
	for range 150 {
		counts[b.post(now, &dataMessage{})]++
	}
	if counts[accepted] != softRate {
		t.Errorf("a second later: %v", counts)
	}
}

func TestValidTopic(t *testing.T) {
	for topic, want := range map[string]bool{
		"a": true, "chat_1-Z": true, strings.Repeat("x", 36): true,
		"": false, strings.Repeat("x", 37): false, "a:b": false, "a b": false, "é": false, "a\x00": false,
	} {
		if meeting.ValidTopic(topic) != want {
			t.Errorf("meeting.ValidTopic(%q) = %v", topic, !want)
		}
	}
}
