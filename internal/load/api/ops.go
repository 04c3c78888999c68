package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
)

const (
	maxBatch   = 100 // attendees of a BatchCreateAttendee
	maxMeeting = 250 // attendees of a meeting
	maxInitial = 10  // attendees of a CreateMeetingWithAttendees in both flavours
)

// target is a meeting prepared for calls.
type target struct {
	id        string
	attendees []string
}

// operation is one API operation as the generator calls it.
type operation struct {
	// calls is how many calls one prepared meeting is good for, given the
	// attendees of a batch; 0 for any number.
	calls func(attendees int) int

	attendees bool // prepared meetings have attendees from the start
	ends      bool // the call ends the meeting
	creates   bool // the call creates a meeting and needs none

	// make returns the nth call on a meeting.
	make func(b *bodies, t target, n int) call

	// made returns how many attendees an answer holds, for operations that
	// create some.
	made func(answer []byte) int
}

// operations by name.
var operations = map[string]operation{
	"BatchCreateAttendee": {
		calls: func(attendees int) int { return maxMeeting / attendees },
		make: func(b *bodies, t target, n int) call {
			return call{method: "POST", path: "/meetings/" + t.id + "/attendees", query: "operation=batch-create", body: b.batches[n]}
		},
		made: countAttendees,
	},
	"CreateAttendee": {
		calls: func(int) int { return maxMeeting },
		make: func(b *bodies, t target, n int) call {
			return call{method: "POST", path: "/meetings/" + t.id + "/attendees", body: b.singles[n]}
		},
		made: countAttendees,
	},
	"CreateMeeting": {
		creates: true,
		make:    func(b *bodies, _ target, _ int) call { return b.createMeeting(0) },
	},
	"GetMeeting": {
		make: func(_ *bodies, t target, _ int) call { return call{method: "GET", path: "/meetings/" + t.id} },
	},
	"GetAttendee": {
		attendees: true,
		make: func(_ *bodies, t target, n int) call {
			return call{method: "GET", path: "/meetings/" + t.id + "/attendees/" + t.attendees[n%len(t.attendees)]}
		},
	},
	"ListAttendees": {
		attendees: true,
		make: func(_ *bodies, t target, _ int) call {
			return call{method: "GET", path: "/meetings/" + t.id + "/attendees", query: "max-results=99"}
		},
	},
	"DeleteMeeting": {
		calls: func(int) int { return 1 },
		ends:  true,
		make:  func(_ *bodies, t target, _ int) call { return call{method: "DELETE", path: "/meetings/" + t.id} },
	},
}

func operationNames() []string { return slices.Sorted(maps.Keys(operations)) }

// bodies are the request bodies of a run. External user ids have to differ
// only within a meeting, so the same bodies serve every meeting.
type bodies struct {
	legacy  bool
	batches []payload // by number of the batch in its meeting
	singles []payload // by number of the attendee in its meeting
}

type attendeeItem struct {
	ExternalUserID string        `json:"ExternalUserId"`
	Capabilities   *capabilities `json:",omitempty"`
	Tags           []tag         `json:",omitempty"`
}

type capabilities struct{ Audio, Video, Content string }

type tag struct{ Key, Value string }

// item returns the nth attendee of a meeting: an id as long as a GUID, with
// capabilities or a tag.
func (b *bodies) item(n int) attendeeItem {
	i := attendeeItem{ExternalUserID: fmt.Sprintf("%032x-%03d", rand.Uint64(), n)}
	if b.legacy {
		i.Tags = []tag{{"department", "engineering"}}
	} else {
		i.Capabilities = &capabilities{"SendReceive", "SendReceive", "SendReceive"}
	}
	return i
}

func newBodies(o Options) (*bodies, error) {
	b := &bodies{legacy: o.Flavour == "legacy"}
	for first := 0; first+o.Attendees <= maxMeeting; first += o.Attendees {
		var batch struct{ Attendees []attendeeItem }
		for n := range o.Attendees {
			batch.Attendees = append(batch.Attendees, b.item(first+n))
		}
		p, err := encode(batch)
		if err != nil {
			return nil, err
		}
		b.batches = append(b.batches, p)
	}
	for n := range maxMeeting {
		p, err := encode(b.item(n))
		if err != nil {
			return nil, err
		}
		b.singles = append(b.singles, p)
	}
	return b, nil
}

func encode(v any) (payload, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return payload{}, fmt.Errorf("encode request: %w", err)
	}
	return newPayload(raw), nil
}

// createMeeting returns a call that creates a meeting with some attendees.
func (b *bodies) createMeeting(attendees int) call {
	token := strconv.FormatUint(rand.Uint64(), 36) + "-" + strconv.FormatUint(rand.Uint64(), 36)
	body := []byte(`{"ClientRequestToken":"` + token + `","MediaRegion":"us-east-1","ExternalMeetingId":"load-` + token + `"`)
	k := call{method: "POST", path: "/meetings"}
	if attendees > 0 {
		k.query = "operation=create-attendees"
		body = append(body, `,"Attendees":[`...)
		for n := range attendees {
			if n > 0 {
				body = append(body, ',')
			}
			body = append(body, b.singles[n].bytes...)
		}
		body = append(body, ']')
	}
	k.body = newPayload(append(body, '}'))
	return k
}

// parseMeeting reads the answer of createMeeting.
func parseMeeting(answer []byte) (target, error) {
	var v struct {
		Meeting   struct{ MeetingID string }
		Attendees []struct{ AttendeeID string }
	}
	if err := json.Unmarshal(answer, &v); err != nil {
		return target{}, fmt.Errorf("answer to a create: %w", err)
	}
	if v.Meeting.MeetingID == "" {
		return target{}, errors.New("answer to a create holds no MeetingId")
	}
	t := target{id: v.Meeting.MeetingID}
	for _, a := range v.Attendees {
		t.attendees = append(t.attendees, a.AttendeeID)
	}
	return t, nil
}

// countAttendees counts without decoding, which would cost the generator more
// than the call.
func countAttendees(answer []byte) int { return bytes.Count(answer, []byte(`"JoinToken"`)) }
