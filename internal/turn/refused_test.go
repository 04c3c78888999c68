package turn

import (
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/logtest"
)

func TestLimits(t *testing.T) {
	var log logtest.Buffer
	s := start(t, func(c *Config) {
		c.MaxPerAttendee, c.MaxAllocations, c.Logger = 2, 3, slog.New(slog.NewTextHandler(&log, nil))
	})
	get := func(attendee string) error {
		conn, err := client(t, s, "udp", s.Credentials(attendee)).Allocate()
		if err == nil {
			t.Cleanup(func() { conn.Close() })
		}
		return err
	}
	for i, tt := range []struct {
		attendee string
		ok       bool
	}{{"a", true}, {"a", true}, {"a", false}, {"b", true}, {"c", false}} {
		if err := get(tt.attendee); (err == nil) != tt.ok {
			t.Errorf("allocation %d by %s: %v", i, tt.attendee, err)
		}
	}
	if _, err := client(t, s, "tcp", s.Credentials("d")).AllocateTCP(); err == nil {
		t.Error("a TCP allocation was granted")
	}
	for _, want := range []string{
		`error=LimitExceededException reason="the attendee has too many relays" from=127.0.0.1`,
		`level=WARN msg="turn refused" request_id=\S{26} operation=Allocate error=ServiceUnavailableException reason="too many relays are open" from=127.0.0.1`,
		`error=BadRequestException reason="only UDP is relayed" from=127.0.0.1`,
	} {
		waitLines(t, &log, want, 1)
	}
}

// waitLines waits for so many lines of a form: an answer is sent before its line
// is written.
func waitLines(t *testing.T, log *logtest.Buffer, form string, n int) {
	t.Helper()
	lines := regexp.MustCompile(form)
	for deadline := time.After(5 * time.Second); len(lines.FindAllString(log.String(), -1)) != n; {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("not %d lines with %s:\n%s", n, form, log.String())
		}
	}
}

// Whoever has credentials may ask for relays as often as for anything else, and
// fills no log with it.
func TestRefusedAllocationsDoNotFloodTheLog(t *testing.T) {
	var log logtest.Buffer
	now := time.Now()
	s := start(t, func(c *Config) {
		c.MaxPerAttendee, c.Logger = 1, slog.New(slog.NewTextHandler(&log, nil))
		c.Now = func() time.Time { return now } // in which no further line is earned
	})
	conn, err := client(t, s, "udp", s.Credentials("a")).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := client(t, s, "udp", s.Credentials("a"))
	for range 2 * linesAtOnce {
		if _, err := c.Allocate(); err == nil {
			t.Fatal("one relay too many")
		}
	}
	waitLines(t, &log, "turn refused", linesAtOnce)
}
