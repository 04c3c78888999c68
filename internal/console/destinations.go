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

// deliveryRoutes are the addresses of the page, and those of the command line.
func (c *Console) deliveryRoutes() []route {
	list := []route{{"GET " + pathDestinations, lookers, c.destinations, ""}}
	if c.cfg.Deliveries == nil {
		return append(list, route{"POST " + PathDeliveries + "{action}", programs, nobodyTold, ""})
	}
	for _, action := range []string{"status", "dead"} {
		list = append(list, route{"POST " + PathDeliveries + action, programs, c.delivery(action), ""})
	}
	for _, action := range []string{"replay", "drop", "resume"} {
		list = append(list, route{"POST " + pathDestinations + "/" + action, changers, c.delivery(action), "events " + action},
			route{"POST " + PathDeliveries + action, changing, c.delivery(action), "events " + action})
	}
	return append(list, route{"POST " + PathDeliveries + "{action}", programs, func(w http.ResponseWriter, _ *http.Request) {
		writeFault(w, http.StatusNotFound, "There is no such action.")
	}, ""})
}

// nobodyTold answers the command line of a server that tells nobody of events:
// whoever looks sees that, and there is nothing to sort out.
func nobodyTold(w http.ResponseWriter, r *http.Request) {
	switch r.PathValue("action") {
	case "status", "dead":
		writeJSON(w, http.StatusOK, DeliveriesAnswer{Nobody: true})
	default:
		writeFault(w, http.StatusNotFound, "This server tells nobody of events.")
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
