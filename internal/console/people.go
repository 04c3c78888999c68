package console

import (
	"encoding/json"
	"net/http"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// attendeeTable is the attendees' rows by id.
func attendeeTable(list []observe.Attendee) (map[string]json.RawMessage, error) {
	table := make(map[string]json.RawMessage, len(list))
	for i := range list {
		encoded, err := json.Marshal(&list[i])
		if err != nil {
			return nil, err
		}
		table[list[i].ID.String()] = encoded
	}
	return table, nil
}

// connections answers with an attendee's sessions in full, oldest first: with
// what is measured now and in the last minutes.
func (c *Console) connections(w http.ResponseWriter, r *http.Request) {
	id, attendee, ok := pathAttendee(w, r)
	if !ok {
		return
	}
	own := []observe.Session{}
	for _, s := range c.cfg.Live.Sessions(id) {
		if s.Attendee == attendee {
			own = append(own, s)
		}
	}
	if d, ok := c.cfg.Ended.Detail(r.Context(), id); ok {
		for _, a := range d.Attendees {
			if a.ID == attendee {
				own = a.Sessions
			}
		}
	}
	writeJSON(w, http.StatusOK, map[string][]observe.Session{"sessions": own})
}
