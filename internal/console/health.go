package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// Health is how this server and its machine fare, or all nodes of its cluster.
type Health interface {
	// Vitals returns how each node has fared in the last day, or only the last
	// hour in finer steps. Of a node that does not answer it says so.
	Vitals(ctx context.Context, day bool) []observe.Vitals
	// Log returns lines of the log of a node, or of all nodes; those that do not
	// answer it names. An error is an UnknownNode, or why the node tells nothing.
	Log(ctx context.Context, q observe.LogQuery) (observe.LogPart, error)
}

// UnknownNode is the name of a node that there is not.
type UnknownNode string

// Error names it.
func (n UnknownNode) Error() string { return fmt.Sprintf("there is no node %q", string(n)) }

// maxLogLines is how many lines of a log one answer may have.
const maxLogLines = 500

// healthRoutes are the addresses of the pages of health and log.
func (c *Console) healthRoutes() []route {
	if c.cfg.Health == nil {
		return nil
	}
	return []route{
		{"GET " + pathAPI + "health", lookers, c.showHealth, ""},
		{"GET " + pathAPI + "log", lookers, c.showLog, ""},
	}
}

// healthView is what the page of the nodes' health is told.
type healthView struct {
	Now   int64            `json:"now"` // Unix ms
	Nodes []observe.Vitals `json:"nodes"`
}

// showHealth answers with the last hour, or with ?span=day the last day.
func (c *Console) showHealth(w http.ResponseWriter, r *http.Request) {
	span := r.URL.Query().Get("span")
	if span != "" && span != "hour" && span != "day" {
		writeFault(w, http.StatusBadRequest, `The span is neither "hour" nor "day".`)
		return
	}
	writeJSON(w, http.StatusOK, healthView{Now: c.cfg.Now().UnixMilli(), Nodes: c.cfg.Health.Vitals(r.Context(), span == "day")})
}

// showLog answers with the last lines of the log that the address asks for: ?node=
// (all when it is left out), after= (the last of another answer), level= and text=.
func (c *Console) showLog(w http.ResponseWriter, r *http.Request) {
	q, wrong := logQuery(r)
	if wrong != "" {
		writeFault(w, http.StatusBadRequest, wrong)
		return
	}
	part, err := c.cfg.Health.Log(r.Context(), q)
	if err != nil {
		status := http.StatusServiceUnavailable
		if _, unknown := errors.AsType[UnknownNode](err); unknown {
			status = http.StatusNotFound
		}
		writeFault(w, status, "The log cannot be told: "+err.Error()+".")
		return
	}
	writeJSON(w, http.StatusOK, part)
}

// logQuery reads a question from an address; wrong is what it lacks, as a
// sentence.
func logQuery(r *http.Request) (q observe.LogQuery, wrong string) {
	asked := r.URL.Query()
	q = observe.LogQuery{Node: asked.Get("node"), Level: strings.ToUpper(asked.Get("level")), Text: asked.Get("text"), Limit: maxLogLines}
	switch q.Level {
	case "", "DEBUG", "INFO", "WARN", "ERROR":
	default:
		return q, "The level is none of debug, info, warn and error."
	}
	if after := asked.Get("after"); after != "" {
		if len(after) > maxBody || json.Unmarshal([]byte(after), &q.After) != nil {
			return q, "What the lines should follow is not what another answer had as last."
		}
	}
	return q, ""
}
