package signal

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

func (v *env) post(p *party, m meeting.Message, want int) {
	v.t.Helper()
	primary, _ := meeting.ParseID(p.body.PrimaryID) // "" for none
	sent, err := v.server.Post(p.id, primary, m)
	if err != nil || sent != want {
		v.t.Errorf("a message went to %d, %v; want %d", sent, err, want)
	}
}

func TestTheServersMessages(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob", "cleo")
	v.post(p, meeting.Message{Topic: "news", Data: []byte("too early")}, 0)
	ada, bob := p.join("ada"), p.join("bob")
	p.join("bob#content")
	v.post(p, meeting.Message{Topic: "news", Data: []byte("all"), Lifetime: time.Minute}, 2)
	v.post(p, meeting.Message{Topic: "news", Data: []byte("bob"), Attendee: p.ids["bob"], Lifetime: time.Minute}, 1)
	v.post(p, meeting.Message{Topic: "news", Data: []byte("cleo"), Attendee: p.ids["cleo"], Lifetime: time.Minute}, 0)
	v.post(p, meeting.Message{Topic: "news", Data: []byte("last")}, 2)
	for _, c := range []struct {
		who  *client
		want []string
	}{{ada, []string{"all", "last"}}, {bob, []string{"all", "bob", "last"}}} {
		for _, text := range c.want {
			m := c.who.message()
			if string(m.GetData()) != text || m.GetTopic() != "news" || m.GetSenderAttendeeId() != "" || m.GetSenderExternalUserId() != "" || m.GetIngestTimeNs() == 0 {
				t.Errorf("got %v, want %q", m, text)
			}
		}
	}
	cleo := p.open("cleo")
	cleo.send(joinFrame(1))
	cleo.expect(wire.Frame_INDEX)
	for _, text := range []string{"all", "cleo"} {
		if m := cleo.message(); string(m.GetData()) != text {
			t.Errorf("cleo, who came late, got %v, want %q", m, text)
		}
	}
}

// A message with a lifetime reaches whoever joins within it, be it the first.
func TestAMessageWaitsForTheFirstToJoin(t *testing.T) {
	var ahead atomic.Int64
	v := newEnv(t, func(c *Config) { c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
	p := v.meet("ada", "bob")
	r := p.replicaOf("rita")
	v.post(r, meeting.Message{Topic: "news", Data: []byte("replica"), Lifetime: time.Minute}, 0)
	v.post(p, meeting.Message{Topic: "news", Data: []byte("short"), Lifetime: time.Second}, 0)
	v.post(p, meeting.Message{Topic: "news", Data: []byte("everybody"), Lifetime: time.Minute}, 0)
	v.post(p, meeting.Message{Topic: "news", Data: []byte("bob"), Attendee: p.ids["bob"], Lifetime: time.Minute}, 0)
	ahead.Store(int64(2 * time.Second))
	for who, want := range map[string][]string{"ada": {"everybody"}, "bob": {"everybody", "bob"}} {
		c := p.open(who)
		c.send(joinFrame(1))
		c.expect(wire.Frame_INDEX)
		for _, text := range want {
			if m := c.message(); string(m.GetData()) != text {
				t.Errorf("%s got %v, want %q", who, m, text)
			}
		}
	}
	rita := r.open("rita")
	rita.send(joinFrame(1))
	rita.expect(wire.Frame_INDEX)
	for _, text := range []string{"replica", "everybody"} {
		if m := rita.message(); string(m.GetData()) != text {
			t.Errorf("rita got %v, want %q", m, text)
		}
	}
	q := v.meet("eve")
	q.end()
	v.post(q, meeting.Message{Topic: "news", Data: []byte("nobody"), Lifetime: time.Minute}, 0)
	eventually(t, func() bool { return !v.server.Open(q.id) }, func() string { return "a meeting that has ended stays open" })
}

func TestTheServersMessagesAndReplicas(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	r := p.replicaOf("rita")
	ada, rita := p.join("ada"), r.join("rita")
	v.post(r, meeting.Message{Topic: "news", Data: []byte("replica")}, 1)
	v.post(p, meeting.Message{Topic: "news", Data: []byte("everybody")}, 2)
	if m := ada.message(); string(m.GetData()) != "everybody" {
		t.Errorf("the primary's attendee got %v", m)
	}
	for _, text := range []string{"replica", "everybody"} {
		if m := rita.message(); string(m.GetData()) != text {
			t.Errorf("the replica's attendee got %v, want %q", m, text)
		}
	}
}

func TestTooManyOfTheServersMessages(t *testing.T) {
	now := time.Now()
	v := newEnv(t, func(c *Config) { c.Now = func() time.Time { return now } })
	p := v.meet("ada")
	p.join("ada")
	for range softBurst {
		v.post(p, meeting.Message{Topic: "news"}, 1)
	}
	var refused *meeting.Error
	if _, err := v.server.Post(p.id, meeting.ID{}, meeting.Message{Topic: "news"}); !errors.As(err, &refused) || refused.Kind != meeting.Throttled {
		t.Errorf("one too many: %v", err)
	}
	p.end()
}
