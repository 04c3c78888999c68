package conform

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/conform/target"
)

// doorOf returns the SDK's view of a server in a flavour, outside of any case:
// nothing is cleaned up.
func doorOf(server *target.Server, f Flavour) door {
	c := &Client{
		flavour: f, base: server.Endpoint, region: "us-east-1",
		keys: Credentials{AccessKey: target.AccessKey, SecretKey: target.SecretKey},
	}
	if f == Legacy {
		c.base += "/legacy"
		return newLegacyDoor(c, http.DefaultClient)
	}
	return newMeetingsDoor(c, http.DefaultClient)
}

// acknowledged is what a server said it had done.
type acknowledged struct {
	mu        sync.Mutex
	attendees map[string]map[string]Attendee // by meeting, then user id
	deleted   map[string][]string            // attendee ids, by meeting
	ended     []string                       // meeting ids
	batches   map[string][][]string          // user ids of every batch that was sent, by meeting
}

// writer creates, changes and ends until the server goes away, and notes only
// what was acknowledged, and every batch before it is sent.
func (a *acknowledged) writer(ctx context.Context, d door, meeting string, n int) {
	for round := 0; ; round++ {
		items := make([]NewAttendee, 7)
		for i := range items {
			items[i].ExternalUserID = fmt.Sprintf("writer-%d-%d-%d", n, round, i)
		}
		a.mu.Lock()
		a.batches[meeting] = append(a.batches[meeting], wantUserIDs(items))
		a.mu.Unlock()
		b, err := d.batchCreateAttendee(ctx, meeting, items)
		if err != nil {
			return
		}
		a.mu.Lock()
		for _, attendee := range b.Attendees {
			a.attendees[meeting][attendee.ExternalUserID] = attendee
		}
		a.mu.Unlock()
		if len(b.Attendees) == 0 {
			return // the meeting is full
		}
		a.mu.Lock()
		delete(a.attendees[meeting], b.Attendees[0].ExternalUserID) // from now on in doubt
		a.mu.Unlock()
		if d.deleteAttendee(ctx, meeting, b.Attendees[0].ID) != nil {
			return
		}
		a.mu.Lock()
		a.deleted[meeting] = append(a.deleted[meeting], b.Attendees[0].ID)
		a.mu.Unlock()
	}
}

// TestAcknowledgedCallsSurviveKill kills the server under load and compares
// what it had acknowledged with what it knows after a restart: nothing is
// lost, nothing deleted is back, and no batch is there by half.
func TestAcknowledgedCallsSurviveKill(t *testing.T) {
	server := target.Start(t)
	for _, f := range []Flavour{Meetings, Legacy} {
		t.Run(string(f), func(t *testing.T) { survivesKill(t, server, f) })
	}
}

func survivesKill(t *testing.T, server *target.Server, f Flavour) {
	ctx := t.Context()
	known := &acknowledged{attendees: map[string]map[string]Attendee{}, deleted: map[string][]string{}, batches: map[string][][]string{}}
	d := doorOf(server, f)
	token := uuid.NewString()
	meetings := make([]Meeting, 12)
	for i := range meetings {
		m, err := d.createMeeting(ctx, NewMeeting{Token: fmt.Sprint(token, i), MediaRegion: "us-east-1", ExternalMeetingID: "survivor", Tags: []Tag{{"n", fmt.Sprint(i)}}})
		if err != nil {
			t.Fatal(err)
		}
		meetings[i], known.attendees[m.ID] = m, map[string]Attendee{}
	}
	if err := d.deleteMeeting(ctx, meetings[11].ID); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() { known.writer(ctx, d, meetings[n%4].ID, n) })
	}
	// Long enough for every writer to have been acknowledged something.
	for enough := false; !enough; {
		known.mu.Lock()
		enough = len(known.deleted[meetings[0].ID]) > 3 && len(known.deleted[meetings[3].ID]) > 3
		known.mu.Unlock()
		if ctx.Err() != nil {
			t.Fatal("the writers got nowhere")
		}
		if _, err := d.getMeeting(ctx, meetings[5].ID); err != nil {
			t.Fatal(err)
		}
	}
	server.Kill()
	wg.Wait()
	server.Restart()
	d = doorOf(server, f)
	for i, m := range meetings[:11] {
		again, err := d.createMeeting(ctx, NewMeeting{Token: fmt.Sprint(token, i), MediaRegion: "us-east-1", ExternalMeetingID: "survivor"})
		if err != nil || again.ID != m.ID {
			t.Errorf("meeting %d is not found by its token: %v", i, err)
		}
		known.compare(t, d, m.ID)
	}
	if _, err := d.getMeeting(ctx, meetings[11].ID); d.code(err) != "NotFoundException" {
		t.Errorf("the ended meeting after the restart: %v", err)
	}
}

// compare holds what a server knows of a meeting against what it acknowledged.
func (a *acknowledged) compare(t *testing.T, d door, meeting string) {
	there := map[string]Attendee{}
	for p := (Page{}); ; {
		page, err := d.listAttendees(t.Context(), meeting, p)
		if err != nil {
			t.Fatal(err)
		}
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
		if slices.ContainsFunc(ids, func(b Attendee) bool { return b.ID == gone }) {
			t.Error("a deleted attendee is back")
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
	server := target.Start(t)
	d := doorOf(server, Meetings)
	m, err := d.createMeeting(t.Context(), NewMeeting{Token: uuid.NewString(), MediaRegion: "us-east-1", ExternalMeetingID: "shutdown"})
	if err != nil {
		t.Fatal(err)
	}
	aimed := aim(t, server)
	o := aimed.Try(t.Context(), Case{Name: "Shutdown_InOrder", Says: "running calls finish, later ones are 503", body: func(c *T) {
		running, late := c.dial(), c.dial()
		late.send(Request{Method: get, Target: meetingPath(m.ID)}, "", "")
		c.Equal("status of the early call", late.answer(get).StatusCode, 200)
		body := `{"ExternalUserId":"just-in-time"}`
		running.send(Request{Method: post, Target: attendeesPath(m.ID), Body: []byte(body)},
			fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n", len(body)), "")
		c.Equal("the running call was let in", running.answer(post).StatusCode, 100)
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
		late.send(Request{Method: get, Target: meetingPath(m.ID)}, "", "")
		answer := late.answer(get)
		c.Equal("status of the late call", answer.StatusCode, 503)
		c.Equal("error of the late call", answer.Header.Get("X-Amzn-Errortype"), "ServiceUnavailableException")
		c.True("Retry-After is there", answer.Header.Get("Retry-After") != "" && answer.Header.Get("X-Amz-Retry-After") != "")
		running.write(body)
		c.Equal("status of the running call", running.answer(post).StatusCode, 200)
	}}, Meetings)
	if !o.Held {
		t.Fatal(strings.Join(o.Why, "\n"))
	}
	server.Stop()
	server.Restart()
	page, err := doorOf(server, Meetings).listAttendees(t.Context(), m.ID, Page{})
	if err != nil || !slices.Equal(userIDs(page.Attendees), []string{"just-in-time"}) {
		t.Errorf("after the restart: %v, %v", userIDs(page.Attendees), err)
	}
}
