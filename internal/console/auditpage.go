package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/audit"
)

// PathAudit is where the command line reads the audit, with the parameters of
// the console's page.
const PathAudit = pathAPI + "commands/audit"

// auditOnPage is how many entries a page has unless asked otherwise.
const auditOnPage = 100

// auditQuery reads a question from an address; wrong is what it lacks, as a
// sentence. Parameters: text, via, who, outcome, since (RFC 3339), before (the next
// of another page), limit. A filter with a typing mistake must not look like one
// that nothing fits.
func auditQuery(r *http.Request) (q audit.Query, wrong string) {
	p := r.URL.Query()
	q = audit.Query{
		Text: p.Get("text"), Via: p.Get("via"), Who: p.Get("who"), Outcome: p.Get("outcome"), Before: p.Get("before"), Limit: auditOnPage,
	}
	for name := range p {
		if !slices.Contains([]string{"text", "via", "who", "outcome", "since", "before", "limit"}, name) {
			return q, "The audit cannot be asked for " + strconv.Quote(name[:min(len(name), 64)]) + "."
		}
	}
	ways, outcomes := []string{"", audit.Console, audit.Command, audit.App, audit.API, audit.Server}, []string{"", audit.Done, audit.Refused, audit.Failed}
	var err error
	switch limit, since := p.Get("limit"), p.Get("since"); {
	case !slices.Contains(ways, q.Via):
		wrong = "via must be one of" + strings.Join(ways, " ") + "."
	case !slices.Contains(outcomes, q.Outcome):
		wrong = "outcome must be one of" + strings.Join(outcomes, " ") + "."
	case limit != "" && !within(limit, &q.Limit):
		wrong = "limit must be a number from 1 to " + strconv.Itoa(audit.MaxPage) + "."
	case since != "":
		if q.Since, err = time.Parse(time.RFC3339, since); err != nil {
			wrong = "since must be a time such as 2026-05-01T12:00:00Z."
		}
	}
	return q, wrong
}

// within reads the length of a page.
func within(text string, limit *int) bool {
	n, err := strconv.Atoi(text)
	*limit = n
	return err == nil && n >= 1 && n <= audit.MaxPage
}

// showAudit answers with a page of the audit, newest first.
func (c *Console) showAudit(w http.ResponseWriter, r *http.Request) {
	q, wrong := auditQuery(r)
	if wrong != "" {
		writeFault(w, http.StatusBadRequest, wrong)
		return
	}
	page, err := c.cfg.AuditLog(r.Context(), q)
	switch {
	case errors.Is(err, audit.ErrCursor):
		writeFault(w, http.StatusBadRequest, "before must be what another page had as next.")
	case err != nil:
		c.cfg.Logger.Error("the audit could not be read", "err", err)
		writeFault(w, http.StatusServiceUnavailable, "The audit cannot be read.")
	default:
		writeJSON(w, http.StatusOK, page)
	}
}
