package observe

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

func TestTimesInJSON(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_123)
	for _, c := range []struct {
		v    any
		want string
	}{
		{At(at.Add(400 * time.Microsecond)), "1700000000123"},
		{Time{}, "0"},
		{Span(1500 * time.Microsecond), "2"},
		{Span(0), "0"},
		{Minutes(119 * time.Second), "1"},
	} {
		if got, err := json.Marshal(c.v); err != nil || string(got) != c.want {
			t.Errorf("%#v became %s, %v; want %s", c.v, got, err, c.want)
		}
	}
	var back struct {
		T, None Time
		S       Span
		M       Minutes
	}
	if err := json.Unmarshal([]byte(`{"T":1700000000123,"None":0,"S":20,"M":2}`), &back); err != nil {
		t.Fatal(err)
	}
	if !back.T.Equal(at) || !back.None.IsZero() || back.S != Span(20*time.Millisecond) || back.M != Minutes(2*time.Minute) {
		t.Errorf("%+v", back)
	}
	for _, bad := range []string{`{"T":"x"}`, `{"S":1.5}`, `{"M":null}`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

// What is kept on disk or read by a program of Go comes back as it was.
func TestASessionComesBack(t *testing.T) {
	at := At(time.UnixMilli(1_700_000_000_123))
	s := Session{
		Key: "k", Attendee: meeting.ID{1}, External: "ada", State: Failed, Opened: at, Ended: at,
		Steps:  []Step{{Name: StepToken, At: at}, {Name: StepSocket, At: at, Fault: "no"}},
		Timing: Timing{Socket: Span(time.Second), TimedOut: true}, RTT: Span(20 * time.Millisecond), Silenced: true,
		Now: &Now{Level: 127, Stats: Stats{Protocol: "udp", PacketsIn: 7}}, Samples: []Sample{{At: at, LossIn: 1.5, Concealing: true}},
	}
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Session
	if err := json.Unmarshal(encoded, &back); err != nil || !reflect.DeepEqual(s, back) {
		t.Errorf("was %+v\nis  %+v, %v", s, back, err)
	}
}

func TestSessionKeys(t *testing.T) {
	id := meeting.ID{1}
	if own, share := SessionKey(id, false), SessionKey(id, true); own != id.String() || share != own+"#content" {
		t.Errorf("keys %q and %q", own, share)
	}
}
