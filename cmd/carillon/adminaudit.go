package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/console"
)

// adminAuditCommand shows the audit of one server.
type adminAuditCommand struct {
	operatorTarget `embed:""`
	Text           string        `help:"Only entries with this in one of their texts." placeholder:"TEXT"`
	Who            string        `help:"Only what this one did: operator:NAME or key:ID." placeholder:"WHO"`
	Via            string        `help:"Only what came this way: console, command, app, api or server." placeholder:"WAY"`
	Outcome        string        `help:"Only what ended so: done, refused or failed." placeholder:"OUTCOME"`
	Last           time.Duration `help:"Only of so long a time until now." placeholder:"AGE"`
	Limit          int           `help:"How many at most." default:"100"`
	JSON           bool          `help:"Print them as JSON, one a line." name:"json"`
}

// Run prints a line for each entry.
func (c *adminAuditCommand) Run(ctx context.Context) error { return c.print(ctx, os.Stdout) }

func (c *adminAuditCommand) print(ctx context.Context, w io.Writer) error {
	entries, err := c.read(ctx)
	if err != nil {
		return err
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
	fmt.Fprintln(t, "WHEN\tWHO\tFROM\tVIA\tACTION\tTARGET\tOUTCOME\tWHY")
	for _, e := range entries {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.At.Local().Format(time.DateTime), cmp.Or(e.Who, "-"), cmp.Or(e.From, "-"),
			e.Via, e.Action, cmp.Or(e.Target, "-"), e.Outcome, cmp.Or(e.Reason, "-"))
	}
	return t.Flush()
}

// read asks for page after page.
func (c *adminAuditCommand) read(ctx context.Context) (all []audit.Entry, err error) {
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
			return nil, err
		}
		if all = append(all, page.Entries...); page.Next == "" {
			break
		}
		q.Set("before", page.Next)
	}
	return all, nil
}
