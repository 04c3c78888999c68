package console

import (
	"net/http"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// PathDeliveries is where the command line asks about events. Each action below
// it takes a DeliveriesQuestion and answers with a DeliveriesAnswer.
const PathDeliveries = pathAPI + "deliveries/"

// DeliveriesQuestion says which events or receivers an action is about.
type DeliveriesQuestion struct {
	Filter observe.LetterFilter `json:"filter"`
	Limit  int                  `json:"limit,omitempty"` // of "dead"; 0 for lettersShown
	Name   string               `json:"name,omitempty"`  // of "resume"
}

// DeliveriesAnswer is what came of it.
type DeliveriesAnswer struct {
	Count        int                   `json:"count,omitempty"`        // of "replay" and "drop"
	Letters      []observe.Letter      `json:"letters,omitempty"`      // of "dead"
	Destinations []observe.Destination `json:"destinations,omitempty"` // of "status"
	Nobody       bool                  `json:"nobody,omitempty"`       // is told of events, as no receiver is configured
}

// lettersShown is how many dead letters are shown at most, unless asked
// otherwise.
const lettersShown = 1000

// delivery carries out an action about events.
func (c *Console) delivery(action string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q DeliveriesQuestion
		if !readJSON(w, r, &q) {
			return
		}
		var a DeliveriesAnswer
		var err error
		switch action {
		case "status":
			a.Destinations = c.cfg.Deliveries.Destinations()
		case "dead":
			if q.Limit <= 0 {
				q.Limit = lettersShown
			}
			a.Letters, err = c.cfg.Deliveries.Letters(r.Context(), q.Filter, q.Limit)
		case "replay":
			a.Count, err = c.cfg.Deliveries.Replay(r.Context(), q.Filter)
		case "drop":
			a.Count, err = c.cfg.Deliveries.Drop(r.Context(), q.Filter)
		case "resume":
			if !c.cfg.Deliveries.Resume(q.Name) {
				writeFault(w, http.StatusNotFound, "Nothing is sent to a destination of that name.")
				return
			}
		}
		if err != nil {
			c.cfg.Logger.Warn("operator request failed", "action", action, "err", err)
			writeFault(w, http.StatusServiceUnavailable, "The store did not answer.")
			return
		}
		c.cfg.Logger.Info("operator action", "action", "events "+action, "operator", whoOf(r).Name, "from", c.cfg.ClientAddr(r), "count", a.Count)
		writeJSON(w, http.StatusOK, a)
	}
}
