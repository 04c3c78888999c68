package console

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/carillon-meetings/carillon/internal/audit"
)

// PathAudit is where the command line reads the audit, with the parameters of
// the console's page.
const PathAudit = pathAPI + "commands/audit"

// auditOnPage is how many entries a page has unless asked otherwise.
const auditOnPage = 100

// showAudit answers with a page of the audit, newest first. Parameters: text, via,
// who, outcome, since (RFC 3339), before (the next of another page), limit.
func (c *Console) showAudit(w http.ResponseWriter, r *http.Request) {
	p := r.URL.Query()
	q := audit.Query{
		Text: p.Get("text"), Via: p.Get("via"), Who: p.Get("who"), Outcome: p.Get("outcome"), Before: p.Get("before"), Limit: auditOnPage,
	}
	var err error
	if limit := p.Get("limit"); limit != "" {
		if q.Limit, err = strconv.Atoi(limit); err != nil || q.Limit < 1 || q.Limit > audit.MaxPage {
			writeFault(w, http.StatusBadRequest, "limit must be a number from 1 to "+strconv.Itoa(audit.MaxPage)+".")
			return
		}
	}
	if since := p.Get("since"); since != "" {
		if q.Since, err = time.Parse(time.RFC3339, since); err != nil {
			writeFault(w, http.StatusBadRequest, "since must be a time such as 2026-05-01T12:00:00Z.")
			return
		}
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
