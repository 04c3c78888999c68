package timeline

import (
	"slices"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Connections returns the connections of a meeting in the order in which they
// were opened: those that the signaling side knows, and those that were over
// before it had the meeting, as the media side's facts tell. Of the latter only
// their beginning and end are known, and why they ended; as many are returned as
// the signaling side would have kept.
func Connections(facts []meeting.Fact, known []observe.Session) []observe.Session {
	all := slices.Clone(known)
	each, earlier := map[string][]observe.Session{}, 0
	for _, s := range known {
		each[s.Key] = append(each[s.Key], s)
	}
	for _, s := range slices.Backward(past(facts)) { // the latest stay
		if earlier == observe.MostEnded {
			break
		}
		if len(each[s.Key]) < observe.MostEndedEach && !slices.ContainsFunc(each[s.Key], func(k observe.Session) bool { return within(s, k) }) {
			each[s.Key] = append(each[s.Key], s)
			all = append(all, s)
			earlier++
		}
	}
	slices.SortStableFunc(all, func(a, b observe.Session) int { return a.Opened.Compare(b.Opened.Time) })
	return all
}

// within tells whether somebody whose presence began with s came by the
// connection.
func within(s, connection observe.Session) bool {
	began := s.Opened.UnixMilli() // facts have no more than that
	return began >= connection.Opened.UnixMilli() && (connection.Ended.IsZero() || began <= connection.Ended.UnixMilli())
}

// past returns when people and content shares were there that have gone, in the
// order in which they went.
func past(facts []meeting.Fact) (list []observe.Session) {
	open := map[string]observe.Session{}
	for _, f := range facts {
		key := observe.SessionKey(f.Attendee, f.Kind.Content())
		switch f.Kind {
		case meeting.Joined, meeting.ContentJoined:
			open[key] = observe.Session{
				Key: key, Attendee: f.Attendee, External: f.ExternalUserID, Content: f.Kind.Content(), Opened: observe.At(f.Time), Steps: []observe.Step{},
			}
			continue
		case meeting.Left, meeting.ContentLeft, meeting.Dropped, meeting.ContentDropped:
		default:
			continue
		}
		s, there := open[key]
		if !there {
			continue
		}
		delete(open, key)
		s.Ended, s.State = observe.At(f.Time), observe.Left
		if f.Kind == meeting.Dropped || f.Kind == meeting.ContentDropped {
			s.State = observe.Dropped
		}
		list = append(list, s)
	}
	return list
}

// departed returns who was there when a meeting ended: its last record tells
// that, and no fact.
func departed(entries []meeting.LogEntry) (facts []meeting.Fact) {
	for _, e := range entries {
		if e.Record == nil {
			continue
		}
		if end, ok := e.Record.Body.(*meeting.Ended); ok {
			for _, f := range end.Departures {
				f.Time = e.Time
				facts = append(facts, f)
			}
		}
	}
	return facts
}
