package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/app"
	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// endOne makes a meeting of two, of whom one is removed, and ends it.
func (c *trio) endOne() (id string) {
	c.Helper()
	sdk := c.at(0, "")
	m, err := sdk.CreateMeetingWithAttendees(c.Context(), &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: aws.String("one-that-ends"), ExternalMeetingId: aws.String("ended alone"), MediaRegion: aws.String("us-east-1"),
		Attendees: []types.CreateAttendeeRequestItem{{ExternalUserId: aws.String("ada")}, {ExternalUserId: aws.String("bob")}},
	})
	if err != nil {
		c.Fatal(err)
	}
	id = *m.Meeting.MeetingId
	if _, err := sdk.DeleteAttendee(c.Context(), &chimesdkmeetings.DeleteAttendeeInput{MeetingId: &id, AttendeeId: m.Attendees[0].AttendeeId}); err != nil {
		c.Fatal(err)
	}
	c.end(id)
	return id
}

func (c *trio) end(id string) {
	c.Helper()
	if _, err := c.at(c.live()-1, c.base[id]).DeleteMeeting(c.Context(), &chimesdkmeetings.DeleteMeetingInput{MeetingId: &id}); err != nil {
		c.Fatal(err)
	}
}

// tells finds that a node tells of an ended meeting so.
func (c *trio) tells(node int, id, want string) {
	c.Helper()
	var m app.MeetingDetail
	var people app.AttendeeList
	c.app(node, "meetings/"+id, &m)
	c.app(node, "meetings/"+id+"/attendees", &people)
	told := fmt.Sprintf("%s, %s by %s", m.External, m.Reason, m.EndedBy)
	for _, a := range people.Attendees {
		told += ", " + a.External
		if a.Deleted {
			told += " removed"
		}
	}
	if told != want {
		c.Errorf("node %d says of the meeting %q, want %q", node, told, want)
	}
}

// keep waits until nodes have so many ended meetings on their disks.
func (c *trio) keep(count int, nodes ...int) {
	c.Helper()
	for _, node := range nodes {
		until(c.T, fmt.Sprintf("node %d to keep %d ended meetings", node, count), func() bool {
			resp, err := http.Get(c.nodes[node].Endpoint + "/metrics")
			if err != nil {
				c.Fatal(err)
			}
			all, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			return err == nil && strings.Contains(string(all), fmt.Sprintf("\ncarillon_history_meetings %d\n", count))
		})
	}
}

// ownedBy returns one of the meetings whose slot a node has.
func (c *trio) ownedBy(node int) string {
	c.Helper()
	for _, s := range c.status(node).Slots {
		for id := range c.made {
			if at, _ := meeting.ParseID(id); at.Slot() == s.Slot && s.Owner == fmt.Sprint("n", node) {
				return id
			}
		}
	}
	c.Fatalf("node %d has none of the meetings", node)
	return ""
}

// newClient makes a client's end of a media connection, until the test ends.
func newClient(t *testing.T) *client.Client {
	t.Helper()
	cert, err := client.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(cert)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// comeIn joins a meeting at a server with media, until the test ends.
func comeIn(t *testing.T, server, meeting, token string) *client.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	line := newClient(t)
	d, err := door.Dial(ctx, nil, "ws"+strings.TrimPrefix(server, "http")+"/control/"+meeting, token, func(*wire.Index) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	answer, err := d.Enter(ctx, 1, line.Offer(false, 0), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Connect(ctx, answer); err != nil {
		t.Fatal(err)
	}
	return line
}

// takesPart joins a meeting through a node, with media, until the node that
// runs it goes.
func (c *trio) takesPart(id string, node int) {
	c.Helper()
	comeIn(c.T, c.nodes[node].Endpoint, id, *c.made[id].JoinToken)
	until(c.T, "somebody to be there", func() bool {
		var m app.MeetingDetail
		c.app(node, "meetings/"+id, &m)
		return m.Connected == 1
	})
}

// session returns the only connection that a node tells of, and the kinds of
// what it tells happened in the meeting.
func (c *trio) session(node int, id string) (only observe.Session, kinds string) {
	c.Helper()
	var people app.AttendeeList
	var records app.RecordList
	c.app(node, "meetings/"+id+"/attendees", &people)
	c.app(node, "meetings/"+id+"/records", &records)
	for _, r := range records.Records {
		kinds += r.Kind + " "
	}
	if len(people.Attendees) != 1 || len(people.Attendees[0].Sessions) != 1 {
		return only, kinds
	}
	return people.Attendees[0].Sessions[0], kinds
}

// What ended at a node that is gone is known at the others, and a meeting that
// outlives its node has its beginning.
func TestWhatWasOutlivesTheNodeThatRanIt(t *testing.T) {
	t.Parallel()
	c := startTrio(t, "--timer-tombstone", "2s", "--timer-dropped", "2s")
	c.balanced(3)
	c.make(12)
	lives := c.ownedBy(0)
	c.takesPart(lives, 1)
	for id := range c.made {
		if id != lives {
			c.end(id)
		}
	}
	c.keep(11, 0, 1, 2)
	killed := time.Now()
	c.nodes[0].Kill()
	for _, node := range []int{1, 2} {
		if n := c.listed(node, "ended"); n != 11 {
			t.Errorf("node %d lists %d ended meetings", node, n)
		}
		for id := range c.made {
			if id != lives {
				var m app.MeetingDetail
				c.app(node, "meetings/"+id, &m)
				c.tells(node, id, m.External+", deleted by request by key:"+servertest.AccessKey+", somebody")
			}
		}
	}
	var seen observe.Session
	until(t, "who did not come back to be missed", func() bool {
		seen, _ = c.session(2, lives)
		return seen.State == observe.Dropped
	})
	if seen.Opened.After(killed) || seen.Ended.Before(seen.Opened.Time) || seen.External != "somebody" {
		t.Errorf("told of the connection: %+v", seen)
	}
	c.end(lives)
	c.keep(12, 1, 2)
	for _, node := range []int{1, 2} {
		was, kinds := c.session(node, lives)
		if !was.Opened.Equal(seen.Opened.Time) || !was.Ended.Equal(seen.Ended.Time) || kinds != "created attendees added authorized joined dropped ended " {
			t.Errorf("node %d tells %+v, %s", node, was, kinds)
		}
	}
}
