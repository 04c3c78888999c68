package tracing

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// opened is a Tracer that sends to nobody and traces so many calls.
func opened(t *testing.T, ratio float64) *Tracer {
	t.Helper()
	tracer := New(Config{Endpoint: "http://receiver/v1/traces", Ratio: ratio, Client: new(receiver)})
	t.Cleanup(func() { tracer.Close(t.Context()) }) // which is over: nothing is sent
	return tracer
}

const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// What another server is told has its spans below the one here, in the trace of
// the caller, or keeps it from telling any.
func TestAnotherServersSpansAreBelow(t *testing.T) {
	for name, c := range map[string]struct {
		ratio  float64
		parent Parent
		told   bool
	}{
		"a caller that traces":       {0, parse(caller), true},
		"a caller that does not":     {1, parse(strings.TrimSuffix(caller, "1") + "0"), false},
		"nobody, and all are traced": {1, Parent{}, true},
		"nobody, and none is traced": {0, Parent{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tracer := opened(t, c.ratio)
			span, below := tracer.Forward("forward", c.parent, time.Now())
			there := parse(below)
			if (span != nil) != c.told || there.sampled != c.told || there.trace == (traceID{}) {
				t.Fatalf("span %v, below it %q", span, below)
			}
			if c.parent.trace != (traceID{}) && (there.trace != c.parent.trace || there.span == c.parent.span) {
				t.Errorf("below %q, for the caller's %s", below, caller)
			}
			if span != nil && (there.span != span.id || span.parent.span != c.parent.span) {
				t.Errorf("the span %x below %x, and the other's below %x", span.id, span.parent.span, there.span)
			}
			owners := opened(t, 1).Start("call", there, time.Now())
			if (owners != nil) != c.told {
				t.Errorf("the other server tells %v", owners)
			}
		})
	}
	var none *Tracer
	if span, below := none.Forward("forward", Parent{}, time.Now()); span != nil || below != "" {
		t.Errorf("without a tracer: %v, %q", span, below)
	}
}

func TestWhatANodeSaysCountsBeforeTheHeader(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Traceparent", caller)
	if p := FromRequest(r); p != parse(caller) {
		t.Errorf("the header's is %v", p)
	}
	const other = "00-aaf7651916cd43dd8448eb211c80319c-a7ad6b7169203331-00"
	if p := FromRequest(r.WithContext(WithParent(r.Context(), other))); p != parse(other) || p.sampled {
		t.Errorf("a node's is %v", p)
	}
	if p := FromRequest(r.WithContext(WithParent(r.Context(), "nonsense"))); p != (Parent{}) {
		t.Errorf("nonsense is %v", p)
	}
}
