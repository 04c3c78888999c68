package console

import (
	"net/http"
	"strings"

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
}

// lettersShown is how many dead letters are shown at most, unless asked
// otherwise.
const lettersShown = 1000

// bySecret lets requests through to h that carry the operator secret as a bearer
// token, as programs do. Tries are limited as those of signing in are; a request
// without a token, which another site's page could have sent, is none.
func (c *Console) bySecret(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer {
			writeFault(w, http.StatusUnauthorized, "The operator secret is missing.")
			return
		}
		addr := c.cfg.ClientAddr(r)
		if wait, ok := c.tries.take(addr); !ok {
			tooMany(w, wait, "Too many tries")
			return
		}
		if !sameSecret(given, c.cfg.OperatorSecret) {
			c.cfg.Logger.Warn("operator request refused: wrong secret", "from", addr)
			writeFault(w, http.StatusUnauthorized, "That is not the operator secret.")
			return
		}
		c.tries.forgive(addr)
		h(w, r)
	})
}

func (c *Console) deliveries(w http.ResponseWriter, r *http.Request) {
	var q DeliveriesQuestion
	if !readJSON(w, r, &q) {
		return
	}
	var a DeliveriesAnswer
	var err error
	switch action := r.PathValue("action"); action {
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
	default:
		writeFault(w, http.StatusNotFound, "There is no such action.")
		return
	}
	if err != nil {
		c.cfg.Logger.Warn("operator request failed", "action", r.PathValue("action"), "err", err)
		writeFault(w, http.StatusServiceUnavailable, "The store did not answer.")
		return
	}
	c.cfg.Logger.Info("operator action", "action", "events "+r.PathValue("action"), "from", c.cfg.ClientAddr(r), "count", a.Count)
	writeJSON(w, http.StatusOK, a)
}
