package clustertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
)

// Writer makes and deletes meetings and attendees through the stock SDK, one
// call after the other, and knows what was acknowledged. What it reads between
// has to show that.
type Writer struct {
	name    string
	api     *sdk.Client
	verdict *Verdict
	keeper  *Doorkeeper
	pause   time.Duration // between calls
	wards   []*ward
	made    int // names given so far
}

// ward is a meeting as its writer knows it.
type ward struct {
	token    string
	id       string // "" until a creation was acknowledged
	people   map[string]created
	doubtful map[string]bool // names that may be there: a call about them had no answer
	removed  map[string]created
	ending   bool // a deletion was tried
	ended    bool // and acknowledged
}

// wardsMost is how many meetings a writer has at a time.
const wardsMost = 4

// NewWriter returns a writer whose calls go through an HTTP client.
func NewWriter(name string, through *http.Client, v *Verdict, k *Doorkeeper, pause time.Duration) *Writer {
	counted := &http.Client{Transport: counting{through.Transport}}
	return &Writer{name: name, api: newAPI(counted, stockAttempts), verdict: v, keeper: k, pause: pause}
}

// counting counts the attempts of a call.
type counting struct{ next http.RoundTripper }

type attemptsKey struct{}

// RoundTrip implements http.RoundTripper.
func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if n, ok := r.Context().Value(attemptsKey{}).(*atomic.Int32); ok {
		n.Add(1)
	}
	return c.next.RoundTrip(r)
}

// Run works until ctx ends.
func (w *Writer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		w.step()
		select {
		case <-ctx.Done():
		case <-time.After(w.pause/2 + rand.N(w.pause)):
		}
	}
}

// step makes one call.
func (w *Writer) step() {
	live := w.live()
	if len(live) < wardsMost {
		w.wards = append(w.wards, &ward{
			token: w.next("meeting"), people: map[string]created{}, doubtful: map[string]bool{}, removed: map[string]created{},
		})
		w.open(w.wards[len(w.wards)-1])
		return
	}
	m := live[rand.IntN(len(live))]
	switch n := rand.IntN(20); {
	case m.id == "":
		w.open(m)
	case m.ending, n == 0:
		w.close(m)
	case n < 8:
		w.invite(m)
	case n < 13:
		w.remove(m)
	case n < 16:
		w.list(m)
	case n < 19:
		w.look(m)
	default:
		w.open(m) // a repeat
	}
}

func (w *Writer) live() []*ward {
	return slices.DeleteFunc(slices.Clone(w.wards), func(m *ward) bool { return m.ended })
}

func (w *Writer) next(what string) string {
	w.made++
	return fmt.Sprintf("%s-%s-%d", w.name, what, w.made)
}

// call makes a call with the SDK's retries and counts it. again tells that it
// took more than one attempt.
func (w *Writer) call(what string, fn func(context.Context) error) (o outcome, again bool, err error) {
	var attempts atomic.Int32
	ctx, cancel := timed(context.WithValue(context.Background(), attemptsKey{}, &attempts))
	defer cancel()
	begun := time.Now()
	err = fn(ctx)
	took := time.Since(begun)
	w.verdict.Count("calls")
	w.verdict.Took("call", took)
	o = judge(err)
	if o == unknown || o == refused {
		if errors.Is(err, errDoubled) {
			w.verdict.Find(Doubled, "%s: %v", what, err)
			return o, false, err
		}
		w.verdict.Find(Failed, "%s after %v and %d attempts: %v", what, took.Round(time.Millisecond), attempts.Load(), err)
	}
	return o, attempts.Load() > 1, err
}

// open creates the meeting, or repeats its creation.
func (w *Writer) open(m *ward) {
	var id string
	o, _, _ := w.call("CreateMeeting", func(ctx context.Context) error {
		out, err := w.api.CreateMeeting(ctx, &sdk.CreateMeetingInput{
			ClientRequestToken: &m.token, ExternalMeetingId: &m.token, MediaRegion: aws.String("us-east-1"),
		})
		if err == nil {
			id = aws.ToString(out.Meeting.MeetingId)
		}
		return err
	})
	switch {
	case o != done:
	case m.id != "" && m.id != id:
		w.verdict.Find(Doubled, "meeting of token %s is %s and %s", m.token, m.id, id)
	default:
		m.id = id
	}
}

// close deletes the meeting.
func (w *Writer) close(m *ward) {
	m.ending = true
	o, _, _ := w.call("DeleteMeeting", func(ctx context.Context) error {
		_, err := w.api.DeleteMeeting(ctx, &sdk.DeleteMeetingInput{MeetingId: &m.id})
		return err
	})
	if o != done {
		return
	}
	m.ended = true
	for _, a := range m.people {
		w.keeper.Dead(m.id, a.token)
		break // one stands for all
	}
}

// invite creates some attendees, and sometimes repeats one of before.
func (w *Writer) invite(m *ward) {
	var names []string
	for range 1 + rand.IntN(5) {
		names = append(names, w.next("person"))
	}
	for name := range m.people {
		if rand.IntN(3) == 0 {
			names = append(names, name)
		}
		break
	}
	var made map[string]created
	o, _, err := w.call("BatchCreateAttendee", func(ctx context.Context) (err error) {
		made, err = invite(ctx, w.api, m.id, names)
		return err
	})
	if o == missing {
		w.verdict.Find(Stale, "BatchCreateAttendee does not see meeting %s: %v", m.id, err)
	}
	for _, name := range names {
		a, there := made[name]
		before, known := m.people[name]
		switch {
		case o == done && !there:
			w.verdict.Find(Lost, "BatchCreateAttendee in %s answers without %s", m.id, name)
		case o == done && known && before.id != a.id:
			w.verdict.Find(Doubled, "%s in %s is %s and %s", name, m.id, before.id, a.id)
		case o == done:
			m.people[name] = a
		case o == unknown && !known:
			m.doubtful[name] = true
		}
	}
}

// remove deletes one attendee.
func (w *Writer) remove(m *ward) {
	for name, a := range m.people {
		delete(m.people, name)
		o, again, err := w.call("DeleteAttendee", func(ctx context.Context) error {
			_, err := w.api.DeleteAttendee(ctx, &sdk.DeleteAttendeeInput{MeetingId: &m.id, AttendeeId: &a.id})
			return err
		})
		switch {
		case o == missing && !again:
			w.verdict.Find(Stale, "DeleteAttendee does not see %s in %s: %v", a.id, m.id, err)
		case o == done || o == missing:
			m.removed[name] = a
			w.keeper.Dead(m.id, a.token)
		case o == unknown:
			m.doubtful[name] = true
		default:
			m.people[name] = a
		}
		return
	}
}

// look reads one attendee who has to be there, and one who must not.
func (w *Writer) look(m *ward) {
	ask := func(a created) outcome {
		o, _, _ := w.call("GetAttendee", func(ctx context.Context) error {
			_, err := w.api.GetAttendee(ctx, &sdk.GetAttendeeInput{MeetingId: &m.id, AttendeeId: &a.id})
			return err
		})
		return o
	}
	for name, a := range m.people {
		if ask(a) == missing {
			w.verdict.Find(Stale, "GetAttendee does not see %s (%s) in %s", name, a.id, m.id)
		}
		break
	}
	for name, a := range m.removed {
		if ask(a) == done {
			w.verdict.Find(Stale, "GetAttendee still sees %s (%s) in %s", name, a.id, m.id)
		}
		break
	}
}

// list reads the meeting and compares.
func (w *Writer) list(m *ward) {
	var list map[string]string
	o, _, err := w.call("ListAttendees", func(ctx context.Context) (err error) {
		list, err = roster(ctx, w.api, m.id)
		return err
	})
	switch o {
	case done:
		m.compare(list, w.verdict, Stale)
	case missing:
		w.verdict.Find(Stale, "ListAttendees does not see meeting %s: %v", m.id, err)
	}
}

// compare says what is wrong with a list of the meeting's attendees. behind is
// what it means when something acknowledged is not there.
func (m *ward) compare(list map[string]string, v *Verdict, behind Finding) {
	for name, a := range m.people {
		if list[name] != a.id {
			v.Find(behind, "%s in %s is %q, was acknowledged as %s", name, m.id, list[name], a.id)
		}
	}
	for name, id := range list {
		if a, known := m.people[name]; known && a.id == id || m.doubtful[name] {
			continue
		}
		v.Find(behind, "%s (%s) in %s is there, and was removed or never made", name, id, m.id)
	}
}

// Settle compares everything that was acknowledged with what each of the HTTP
// clients shows, once the writer has stopped.
func (w *Writer) Settle(at map[string]*http.Client) {
	for node, client := range at {
		api := newAPI(client, stockAttempts)
		for _, m := range w.wards {
			if m.id != "" && (m.ended || !m.ending) {
				w.settle(node, api, m)
			}
		}
	}
}

func (w *Writer) settle(node string, api *sdk.Client, m *ward) {
	ctx, cancel := timed(context.Background())
	defer cancel()
	list, err := roster(ctx, api, m.id)
	w.verdict.Count("meetings compared")
	switch o := judge(err); {
	case errors.Is(err, errDoubled):
		w.verdict.Find(Doubled, "meeting %s at %s: %v", m.id, node, err)
	case m.ended && o == done:
		w.verdict.Find(Lost, "the end of meeting %s, at %s", m.id, node)
	case m.ended && o == missing:
	case o == missing:
		w.verdict.Find(Lost, "meeting %s with %d attendees, at %s: %v", m.id, len(m.people), node, err)
	case o != done:
		w.verdict.Find(Failed, "the last look at meeting %s, at %s: %v", m.id, node, err)
	default:
		m.compare(list, w.verdict, Lost)
		w.repeat(ctx, api, m)
	}
}

// repeat creates a meeting once more, which has to be the same one.
func (w *Writer) repeat(ctx context.Context, api *sdk.Client, m *ward) {
	out, err := api.CreateMeeting(ctx, &sdk.CreateMeetingInput{
		ClientRequestToken: &m.token, ExternalMeetingId: &m.token, MediaRegion: aws.String("us-east-1"),
	})
	if err != nil {
		w.verdict.Find(Failed, "repeating the creation of %s: %v", m.id, err)
	} else if id := aws.ToString(out.Meeting.MeetingId); id != m.id {
		w.verdict.Find(Doubled, "meeting of token %s is %s and %s", m.token, m.id, id)
	}
}

// Alive returns a meeting and a token that must be admitted; "" when there is none.
func (w *Writer) Alive() (meeting, token string) {
	for _, m := range w.live() {
		if m.ending {
			continue
		}
		for _, a := range m.people {
			return m.id, a.token
		}
	}
	return "", ""
}
