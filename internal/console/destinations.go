package console

import (
	"net/http"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// pathDestinations is where the console's page asks who is told of events. Below
// it stand the actions that the command line has, too.
const pathDestinations = pathAPI + "destinations"

// lettersOnPage is how many dead letters the page gets; for more there is the
// command line.
const lettersOnPage = 200

// destinationsPage is what the page of destinations shows.
type destinationsPage struct {
	Told         bool                  `json:"told"` // anybody is told of events
	Destinations []observe.Destination `json:"destinations"`
	Letters      []observe.Letter      `json:"letters"`
	More         bool                  `json:"more"` // letters than these
}

// routeDestinations declares the addresses of the page.
func (c *Console) routeDestinations() {
	c.mux.Handle("GET "+pathDestinations, c.signedIn(c.destinations))
	if c.cfg.Deliveries != nil {
		c.mux.Handle("POST "+pathDestinations+"/{action}", c.change(c.deliveries))
	}
}

func (c *Console) destinations(w http.ResponseWriter, r *http.Request) {
	page := destinationsPage{Destinations: []observe.Destination{}, Letters: []observe.Letter{}}
	if c.cfg.Deliveries == nil {
		writeJSON(w, http.StatusOK, page)
		return
	}
	letters, err := c.cfg.Deliveries.Letters(r.Context(), observe.LetterFilter{}, lettersOnPage+1)
	if err != nil {
		c.cfg.Logger.Warn("operator request failed", "action", "destinations", "err", err)
		writeFault(w, http.StatusServiceUnavailable, "The store did not answer.")
		return
	}
	page.Told, page.More = true, len(letters) > lettersOnPage
	page.Letters = append(page.Letters, letters[:min(len(letters), lettersOnPage)]...)
	page.Destinations = append(page.Destinations, c.cfg.Deliveries.Destinations()...)
	writeJSON(w, http.StatusOK, page)
}
