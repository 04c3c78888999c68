package console

import (
	"net/http"

	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/observe/timeline"
)

func attendeeKey(a *observe.Attendee) string { return a.ID.String() }

// connections answers with an attendee's sessions in full, oldest first: with
// what is measured now and in the last minutes.
func (c *Console) connections(w http.ResponseWriter, r *http.Request) {
	id, attendee, ok := pathBelow(w, r, "attendee")
	if !ok {
		return
	}
	var kept observe.Detail
	if m, known := c.cfg.Directory.Meeting(r.Context(), id); !known || !m.Ended.IsZero() {
		var err error
		if kept, _, err = c.cfg.Ended.Detail(r.Context(), id); err != nil {
			writeFault(w, http.StatusServiceUnavailable, "What is kept of ended meetings cannot be read now.")
			return
		}
	}
	facts, err := c.cfg.Directory.Facts(r.Context(), id)
	if err != nil {
		writeFault(w, http.StatusServiceUnavailable, "The store did not answer.")
		return
	}
	own := []observe.Session{}
	for _, s := range timeline.Connections(facts, c.cfg.Live.Sessions(id)) {
		if s.Attendee == attendee {
			own = append(own, s)
		}
	}
	for _, a := range kept.Attendees {
		if a.ID == attendee {
			own = a.Sessions
		}
	}
	writeJSON(w, http.StatusOK, map[string][]observe.Session{"sessions": own})
}
