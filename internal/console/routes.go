package console

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/allowance"

	"github.com/carillon-meetings/carillon/internal/jsonbody"
)

// maxBody bounds the JSON a page may send, in bytes.
const maxBody = 4096

// Paths of the pages. Those that end in a slash stand for all below them.
const (
	pathStart    = "/"
	pathMeeting  = "/m/"
	pathJoin     = "/join" // the meeting page, for a seat that is pasted in
	pathDemo     = "/demo/"
	pathAssets   = "/assets/"
	pathIcon     = "/favicon.svg"
	pathOperator = "/operator/"
	pathAPI      = pathOperator + "api/"
)

// Serves reports whether a path is one of the pages' or belongs to them.
func Serves(path string) bool {
	if path == pathStart || path == pathJoin || path == pathIcon || path+"/" == pathOperator {
		return true
	}
	return slices.ContainsFunc([]string{pathMeeting, pathDemo, pathAssets, pathOperator}, func(below string) bool {
		return strings.HasPrefix(path, below)
	})
}

// ForOperators reports whether a path is the console's, or below it.
func ForOperators(path string) bool {
	return path+"/" == pathOperator || strings.HasPrefix(path, pathOperator)
}

// Carries reports whether a path is something that the console's pages need from
// elsewhere: what they are made of, and the page that joins in an attendee's place.
func Carries(path string) bool {
	return path == pathIcon || path == pathJoin || strings.HasPrefix(path, pathAssets)
}

// routes declares every address. What operators see and do is a table of its own.
func (c *Console) routes() {
	c.mux.HandleFunc("GET "+pathAssets, c.asset)
	c.mux.HandleFunc("GET "+pathIcon, c.asset)
	c.mux.HandleFunc("GET "+pathJoin, c.page("index.html"))
	if c.cfg.Demo != nil {
		c.mux.Handle(pathDemo, crossOriginGuard().Handler(c.limited(c.visits, c.cfg.Demo)))
		c.mux.Handle("POST "+pathDemo+"meetings/{code}/rights", crossOriginGuard().Handler(c.limited(c.asks, c.cfg.Demo)))
		c.mux.HandleFunc("GET "+pathStart+"{$}", c.page("index.html"))
		c.mux.HandleFunc("GET "+pathMeeting, c.page("index.html")) // also of a link with more or less than a code
	} else {
		c.mux.HandleFunc("GET "+pathMeeting, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Meetings by link are switched off on this server. Ask whoever sent you the link.", http.StatusNotFound)
		})
	}
	if c.cfg.Operators == nil {
		return
	}
	if c.cfg.Demo == nil {
		c.mux.Handle("GET "+pathStart+"{$}", http.RedirectHandler(pathOperator, http.StatusFound))
	}
	c.mux.HandleFunc(pathOperator, c.page("operator.html"))
	c.mux.HandleFunc(pathOperator+"explorer", c.page("explorer.html"))
	c.mux.HandleFunc(pathAPI, func(w http.ResponseWriter, _ *http.Request) {
		writeFault(w, http.StatusNotFound, "There is nothing at this address.")
	})
	for _, r := range c.table() {
		c.mux.Handle(r.pattern, c.guard(r))
	}
}

// crossOriginGuard refuses changes that another web site's page asked for.
// Clients that are no browsers pass.
func crossOriginGuard() *http.CrossOriginProtection {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeFault(w, http.StatusForbidden, "This request came from another web site.")
	}))
	return guard
}

// limited lets each address through to h as often as the limiter allows.
func (c *Console) limited(l *allowance.PerAddress, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := l.Take(c.cfg.ClientAddr(r)); !ok {
			tooMany(w, wait, "Too many requests")
			return
		}
		h.ServeHTTP(w, r)
	})
}

// tooMany answers that the client must wait.
func tooMany(w http.ResponseWriter, wait time.Duration, what string) {
	seconds := int(math.Ceil(wait.Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	writeFault(w, http.StatusTooManyRequests, fmt.Sprintf("%s. Wait %d seconds.", what, seconds))
}

// writeJSON answers with v. The answer is never cached.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encoding the answer failed", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body)
}

// fault is the body of every refusal: a sentence the page shows as it is.
type fault struct {
	Error string `json:"error"`
}

func writeFault(w http.ResponseWriter, status int, sentence string) {
	writeJSON(w, status, fault{Error: sentence})
}

// readJSON decodes the body into v, or answers with the refusal and returns
// false.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = jsonbody.Decode(body, v)
	}
	if err != nil {
		writeFault(w, http.StatusBadRequest, "The request is not the JSON expected here.")
		return false
	}
	return true
}
