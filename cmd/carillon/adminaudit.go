package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/console"
)

// adminAuditCommand shows the audit of a server, or of all nodes of a cluster.
type adminAuditCommand struct {
	operatorTarget `embed:""`
	Text           string        `help:"Only entries with this in one of their texts." placeholder:"TEXT"`
	Who            string        `help:"Only what this one did: operator:NAME or key:ID." placeholder:"WHO"`
	Via            string        `help:"Only what came this way: console, command, app, api or server." enum:",console,command,app,api,server" default:"" placeholder:"WAY"`
	Outcome        string        `help:"Only what ended so: done, refused or failed." enum:",done,refused,failed" default:"" placeholder:"OUTCOME"`
	Last           time.Duration `help:"Only of so long a time until now." placeholder:"AGE"`
	Limit          int           `help:"How many at most." default:"100"`
	JSON           bool          `help:"Print them as JSON, one a line." name:"json"`
}

// Run prints a line for each entry.
func (c *adminAuditCommand) Run(ctx context.Context) error {
	return c.print(ctx, os.Stdout, os.Stderr)
}

func (c *adminAuditCommand) print(ctx context.Context, w, notes io.Writer) error {
	if c.Limit < 1 {
		return errors.New("--limit: at least 1")
	}
	entries, gaps, err := c.read(ctx)
	if err != nil {
		return err
	}
	for _, node := range gaps.silent {
		fmt.Fprintf(notes, "node %s does not answer: what it wrote down is missing here\n", node)
	}
	if gaps.unreadable > 0 {
		fmt.Fprintf(notes, "lines of the audit that cannot be read, and are missing here: %d\n", gaps.unreadable)
	}
	if c.JSON {
		for _, e := range entries {
			if err := json.NewEncoder(w).Encode(e); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	ofNodes := slices.ContainsFunc(entries, func(e audit.Entry) bool { return e.Node != "" })
	node := func(name string) string {
		if !ofNodes {
			return ""
		}
		return cmp.Or(name, "-") + "\t"
	}
	fmt.Fprintf(t, "WHEN\t%sWHO\tFROM\tVIA\tACTION\tTARGET\tOUTCOME\tWHY\n", node("NODE"))
	for _, e := range entries {
		fmt.Fprintf(t, "%s\t%s%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.At.Local().Format(time.DateTime), node(e.Node), cmp.Or(e.Who, "-"), cmp.Or(e.From, "-"),
			e.Via, e.Action, cmp.Or(e.Target, "-"), e.Outcome, cmp.Or(e.Reason, "-"))
	}
	return t.Flush()
}

// auditGaps is what is missing of an audit.
type auditGaps struct {
	silent     []string // the nodes that did not answer
	unreadable int      // lines
}

// read asks for page after page.
func (c *adminAuditCommand) read(ctx context.Context) (all []audit.Entry, gaps auditGaps, err error) {
	q := url.Values{}
	for name, value := range map[string]string{"text": c.Text, "who": c.Who, "via": c.Via, "outcome": c.Outcome} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if c.Last > 0 {
		q.Set("since", time.Now().Add(-c.Last).UTC().Format(time.RFC3339))
	}
	for len(all) < c.Limit {
		q.Set("limit", strconv.Itoa(min(c.Limit-len(all), audit.MaxPage)))
		var page audit.Page
		if err := c.ask(ctx, http.MethodGet, console.PathAudit+"?"+q.Encode(), nil, &page); err != nil {
			return nil, gaps, err
		}
		gaps.silent = append(gaps.silent, page.Silent...)
		gaps.unreadable += page.Unreadable
		if all = append(all, page.Entries...); page.Next == "" {
			break
		}
		q.Set("before", page.Next)
	}
	slices.Sort(gaps.silent)
	gaps.silent = slices.Compact(gaps.silent)
	return all, gaps, nil
}
