package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"

	"github.com/carillon-meetings/carillon/internal/app"
)

// app reads what the application API of a node answers, again while it is told
// to come back.
func (c *trio) app(node int, path string, v any) {
	c.Helper()
	for range 240 { // two minutes
		resp := c.signed(http.MethodGet, c.nodes[node].Endpoint+app.Prefix+path)
		err := json.NewDecoder(resp.Body).Decode(v)
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusServiceUnavailable {
			time.Sleep(500 * time.Millisecond)
			continue
		}
		if resp.StatusCode != http.StatusOK || err != nil {
			c.Fatalf("%s at node %d: %s, %v", path, node, resp.Status, err)
		}
		return
	}
	c.Fatalf("%s at node %d: not answered", path, node)
}

// listed returns how many meetings a node lists, and all of them are known.
func (c *trio) listed(node int, state string) (count int) {
	c.Helper()
	for next := ""; ; {
		var page app.MeetingList
		c.app(node, "meetings?maxResults=4&state="+state+next, &page)
		for _, m := range page.Meetings {
			if c.made[m.ID.String()] == nil {
				c.Errorf("node %d lists a strange meeting %s", node, m.ID)
			}
			count++
		}
		if next = "&nextToken=" + page.NextToken; page.NextToken == "" {
			return count
		}
	}
}

// sounding returns where the meetings of a node's list have their sound.
func (c *trio) sounding(node int) map[string]string {
	c.Helper()
	var got struct {
		Meetings []struct {
			ID    string `json:"MeetingId"`
			Place struct {
				Sound string `json:"AudioHostUrl"`
			} `json:"MediaPlacement"`
		}
	}
	c.legacy(node, "/meetings", &got)
	list := map[string]string{}
	for _, m := range got.Meetings {
		list[m.ID] = m.Place.Sound
	}
	return list
}

// Sound goes to the node that has the meeting, whichever node tells of it.
func TestListsSayWhereTheSoundOfEachMeetingGoes(t *testing.T) {
	t.Parallel()
	c := startTrio(t)
	c.balanced(3)
	c.make(12)
	until(t, "every list to say of each meeting what it says itself", func() bool { // one that moves says something else
		want, nodes := map[string]string{}, map[string]bool{}
		for id, base := range c.base {
			if base == "" {
				continue
			}
			got, err := c.at(0, base).GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: &id})
			if err != nil {
				t.Fatal(err)
			}
			want[id] = *got.Meeting.MediaPlacement.AudioHostUrl
			nodes[want[id]] = true
		}
		return len(nodes) > 1 && maps.Equal(c.sounding(0), want) && maps.Equal(c.sounding(1), want) && maps.Equal(c.sounding(2), want)
	})
}

func TestTheApplicationAPIIsTheSameAtEveryNode(t *testing.T) {
	t.Parallel()
	c := startTrio(t, "--timer-tombstone", "3s")
	c.balanced(3)
	c.make(9)
	for node := range c.nodes {
		if n := c.listed(node, "active"); n != 9 {
			t.Errorf("node %d lists %d active meetings", node, n)
		}
		for id := range c.made {
			var m app.MeetingDetail
			if c.app(node, "meetings/"+id, &m); m.Attendees != 1 {
				t.Errorf("node %d says of a meeting %+v", node, m)
			}
		}
	}
	for id, base := range c.base {
		if _, err := c.at(0, base).DeleteMeeting(t.Context(), &chimesdkmeetings.DeleteMeetingInput{MeetingId: &id}); err != nil {
			t.Fatal(err)
		}
	}
	c.keep(9, 0, 1, 2)
	time.Sleep(4 * time.Second) // the tombstones' time, which is the servers' own: from here on it is what every node keeps
	for node := range c.nodes {
		if n := c.listed(node, "ended"); n != 9 {
			t.Errorf("node %d lists %d ended meetings", node, n)
		}
		for id := range c.made {
			var people app.AttendeeList
			if c.app(node, "meetings/"+id+"/attendees", &people); len(people.Attendees) != 1 || people.Attendees[0].External != "somebody" {
				t.Errorf("node %d says of an ended meeting %+v", node, people)
			}
		}
	}
}
