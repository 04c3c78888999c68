package route_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/route"
	"github.com/carillon-meetings/carillon/internal/tracing"
)

// deaf is a receiver of traces that hears nothing.
type deaf struct{}

func (deaf) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// The owner's spans belong below the one of the node that passed the call on. The
// header of the caller's own stays as it was, since it may be signed, and what a
// caller says in the nodes' name counts for nothing.
func TestTheOwnersSpansAreBelow(t *testing.T) {
	const callers, forged = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-aaf7651916cd43dd8448eb211c80319c-a7ad6b7169203331-01"
	tracer := tracing.New(tracing.Config{Endpoint: "http://receiver/v1/traces", Ratio: 1, Client: deaf{}})
	t.Cleanup(func() { tracer.Close(context.Background()) })
	for name, c := range map[string]struct {
		tracer *tracing.Tracer
		header string
		trace  string // the owner's; empty for one of its own
	}{
		"a caller that traces":              {tracer, callers, "0af7651916cd43dd8448eb211c80319c"},
		"a caller that does not":            {tracer, "", ""},
		"a node that does not trace itself": {nil, callers, "0af7651916cd43dd8448eb211c80319c"},
	} {
		t.Run(name, func(t *testing.T) {
			owner := start(t)
			owner.set(7, true, "")
			spans, header := make(chan *tracing.Span, 1), make(chan http.Header, 1)
			inner := httptest.NewServer(owner.router.Inner(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				header <- r.Header
				spans <- tracer.Start("call", tracing.FromRequest(r), time.Now())
			})))
			defer inner.Close()
			entered := start(t)
			entered.set(7, false, strings.TrimPrefix(inner.URL, "http://"))
			front := httptest.NewServer(route.New(route.Config{
				Owners: entered, SlotOfToken: slotOfToken, Local: http.HandlerFunc(entered.local), Unavailable: http.NotFoundHandler(),
				Replicates: func(*http.Request) bool { return false }, MaxBody: maxBody, Tracer: c.tracer,
			}))
			defer front.Close()
			given := []string{"Carillon-Trace", forged}
			if c.header != "" {
				given = append(given, "Traceparent", c.header)
			}
			if resp := ask(t, "GET", front.URL+"/meetings/"+id, "", given...); resp.StatusCode != http.StatusOK {
				t.Fatal(resp.Status)
			}
			trace := (<-spans).TraceID()
			if c.trace != "" && trace != c.trace || trace == forged[3:35] {
				t.Errorf("the owner's trace is %s, want %s", trace, c.trace)
			}
			if h := <-header; h.Get("Traceparent") != c.header || h.Get("Carillon-Trace") != "" {
				t.Errorf("the owner's door sees %v", h)
			}
		})
	}
}
