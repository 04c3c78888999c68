package cases

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/conform"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// acknowledged is what a server said it had done.
type acknowledged struct {
	mu        sync.Mutex
	attendees map[string]map[string]conform.Attendee // by meeting, then user id
	deleted   map[string][]string                    // attendee ids, by meeting
	batches   map[string][][]string                  // user ids of every batch that was sent, by meeting
}

// writer creates, changes and ends until the server goes away, and notes only
// what was acknowledged, and every batch before it is sent.
func (a *acknowledged) writer(t *conform.T, meeting string, n int) {
	for round := 0; ; round++ {
		items := make([]conform.NewAttendee, 7)
		for i := range items {
			items[i].ExternalUserID = fmt.Sprintf("writer-%d-%d-%d", n, round, i)
		}
		a.mu.Lock()
		a.batches[meeting] = append(a.batches[meeting], wantUserIDs(items))
		a.mu.Unlock()
		r := t.API.BatchCreateAttendee(meeting, items...)
		if r.Refused() {
			return
		}
		created := r.Value().Attendees
		a.mu.Lock()
		for _, attendee := range created {
			a.attendees[meeting][attendee.ExternalUserID] = attendee
		}
		a.mu.Unlock()
		if len(created) == 0 {
			return // the meeting is full
		}
		a.mu.Lock()
		delete(a.attendees[meeting], created[0].ExternalUserID) // from now on in doubt
		a.mu.Unlock()
		if t.API.DeleteAttendee(meeting, created[0].ID).Refused() {
			return
		}
		a.mu.Lock()
		a.deleted[meeting] = append(a.deleted[meeting], created[0].ID)
		a.mu.Unlock()
	}
}

// try runs a body against the server, as a case would be.
func try(t *testing.T, server *servertest.Server, f conform.Flavour, body func(*conform.T)) {
	t.Helper()
	o := aim(t, server).Try(t.Context(), conform.Case{Name: t.Name(), Body: body}, f)
	if !o.Held {
		t.Fatal(strings.Join(o.Why, "\n"))
	}
}

// TestAcknowledgedCallsSurviveKill kills the server under load and compares
// what it had acknowledged with what it knows after a restart: nothing is
// lost, nothing deleted is back, and no batch is there by half.
func TestAcknowledgedCallsSurviveKill(t *testing.T) {
	server := servertest.Start(t)
	for _, f := range inBoth() {
		t.Run(string(f), func(t *testing.T) { survivesKill(t, server, f) })
	}
}

func survivesKill(t *testing.T, server *servertest.Server, f conform.Flavour) {
	known := &acknowledged{attendees: map[string]map[string]conform.Attendee{}, deleted: map[string][]string{}, batches: map[string][][]string{}}
	token := uuid.NewString()
	meetings := make([]conform.Meeting, 12)
	try(t, server, f, func(c *conform.T) {
		for i := range meetings {
			m := c.API.CreateMeeting(survivor(token, i)).OK()
			meetings[i], known.attendees[m.ID] = m, map[string]conform.Attendee{}
		}
		c.API.DeleteMeeting(meetings[11].ID).OK()
		var wg sync.WaitGroup
		for n := range 16 {
			wg.Go(func() { known.writer(c, meetings[n%4].ID, n) })
		}
		// Long enough for every writer to have been acknowledged something.
		c.Until("the writers get somewhere", func() bool {
			c.API.GetMeeting(meetings[5].ID).OK()
			known.mu.Lock()
			defer known.mu.Unlock()
			return len(known.deleted[meetings[0].ID]) > 3 && len(known.deleted[meetings[3].ID]) > 3
		})
		server.Kill()
		wg.Wait()
	})
	server.Restart()
	try(t, server, f, func(c *conform.T) {
		for i, m := range meetings[:11] {
			c.Equal(fmt.Sprintf("meeting %d by its token", i), c.API.CreateMeeting(survivor(token, i)).OK().ID, m.ID)
			known.compare(c, m.ID)
		}
		c.API.GetMeeting(meetings[11].ID).Fails(notFound())
	})
}

// survivor is the input of the i-th meeting of the test.
func survivor(token string, i int) conform.NewMeeting {
	return conform.NewMeeting{
		Token: fmt.Sprint(token, i), MediaRegion: "us-east-1", ExternalMeetingID: "survivor",
		Tags: []conform.Tag{{Key: "n", Value: fmt.Sprint(i)}},
	}
}

// compare holds what a server knows of a meeting against what it acknowledged.
func (a *acknowledged) compare(t *conform.T, meeting string) {
	there := map[string]conform.Attendee{}
	for p := (conform.Page{}); ; {
		page := t.API.ListAttendees(meeting, p).OK()
		for _, attendee := range page.Attendees {
			there[attendee.ExternalUserID] = attendee
		}
		if p.Next = page.Next; p.Next == "" {
			break
		}
	}
	for user, attendee := range a.attendees[meeting] {
		if got, ok := there[user]; !ok || got.ID != attendee.ID || got.JoinToken != attendee.JoinToken {
			t.Errorf("an acknowledged attendee is lost or has another id or join token")
		}
	}
	ids := slices.Collect(maps.Values(there))
	for _, gone := range a.deleted[meeting] {
		if slices.ContainsFunc(ids, func(b conform.Attendee) bool { return b.ID == gone }) {
			t.Errorf("a deleted attendee is back")
		}
	}
	for _, batch := range a.batches[meeting] {
		n := 0
		for _, user := range batch {
			if _, ok := there[user]; ok {
				n++
			}
		}
		// Of a whole batch the first may have been deleted since.
		if n != 0 && n != len(batch) && n != len(batch)-1 {
			t.Errorf("%d of %d attendees of a batch are there", n, len(batch))
		}
	}
}

// TestShutdownFinishesWhatRuns checks the end in good order: a call that runs
// is finished and kept, a call that comes later is told to come back, and
// nobody gets a new connection.
func TestShutdownFinishesWhatRuns(t *testing.T) {
	server := servertest.Start(t)
	var m conform.Meeting
	try(t, server, conform.Meetings, func(c *conform.T) {
		m = c.API.CreateMeeting(c.NewMeeting()).OK()
		running, late := c.Dial(), c.Dial()
		late.Send(conform.Request{Method: get, Target: meetingPath(m.ID)}, "", "")
		c.Equal("status of the early call", late.Answer(get).StatusCode, 200)
		body := `{"ExternalUserId":"just-in-time"}`
		running.Send(conform.Request{Method: post, Target: attendeesPath(m.ID), Body: []byte(body)},
			fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n", len(body)), "")
		c.Equal("the running call was let in", running.Answer(post).StatusCode, 100)
		if err := server.Signal(syscall.SIGTERM); err != nil {
			c.Fatalf("signalling: %v", err)
		}
		c.Until("no new connections are taken", func() bool {
			conn, err := net.Dial("tcp", strings.TrimPrefix(server.Endpoint, "http://"))
			if err == nil {
				_ = conn.Close()
			}
			return err != nil
		})
		late.Send(conform.Request{Method: get, Target: meetingPath(m.ID)}, "", "")
		answer := late.Answer(get)
		c.Equal("status of the late call", answer.StatusCode, 503)
		c.Equal("error of the late call", answer.Header.Get("X-Amzn-Errortype"), "ServiceUnavailableException")
		c.True("Retry-After is there", answer.Header.Get("Retry-After") != "" && answer.Header.Get("X-Amz-Retry-After") != "")
		running.Write(body)
		c.Equal("status of the running call", running.Answer(post).StatusCode, 200)
	})
	server.Stop()
	server.Restart()
	try(t, server, conform.Meetings, func(c *conform.T) {
		c.Equal("attendees after the restart", userIDs(c.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees), []string{"just-in-time"})
	})
}
