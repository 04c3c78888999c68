package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// ward is a Health with one node.
type ward struct{ asked []observe.LogQuery }

func (*ward) Vitals(_ context.Context, day bool) []observe.Vitals {
	step := 10 * time.Second
	if day {
		step = time.Minute
	}
	return []observe.Vitals{{
		Node: "n1", Here: true, Fault: "This node does not answer.", Cores: 2, Memory: 8 << 30, Step: observe.Span(step),
		At:      []observe.Time{observe.At(start), observe.At(start.Add(step))},
		Columns: map[string][]observe.Measure{"cpu": {12.5, observe.Measure(math.NaN())}},
	}}
}

func (w *ward) Log(_ context.Context, q observe.LogQuery) (observe.LogPart, error) {
	w.asked = append(w.asked, q)
	switch q.Node {
	case "n8":
		return observe.LogPart{}, errors.New(`node "n8" does not answer`)
	case "n9":
		return observe.LogPart{}, UnknownNode(q.Node)
	}
	return observe.LogPart{Last: observe.LogMark{"n1": 7}, Cut: true, Silent: []string{"n3"}, Lines: []observe.LogLine{{Node: "n1", N: 7, Line: json.RawMessage(`{"time":"2026-05-01T12:00:00Z","level":"WARN","msg":"refused","part":"api"}`)}}}, nil
}

func TestHowTheNodesFareIsForOperators(t *testing.T) {
	s := open(t, func(c *Config) { c.Health = &ward{} })
	s.want(s.send("GET", "/operator/api/health", ""), http.StatusUnauthorized, "Sign in first.")
	s.want(s.send("GET", "/operator/api/log", ""), http.StatusUnauthorized, "Sign in first.")
	s.signIn()
	s.want(s.send("GET", "/operator/api/health", ""), http.StatusOK, `"step":10000,`)
	s.want(s.send("GET", "/operator/api/health?span=hour", ""), http.StatusOK, `"columns":{"cpu":[12.5,null]}`)
	s.want(s.send("GET", "/operator/api/health?span=day", ""), http.StatusOK, `"step":60000,`)
	s.want(s.send("GET", "/operator/api/health?span=year", ""), http.StatusBadRequest, "neither")
}

func TestTheLogIsAskedForAsTheAddressSays(t *testing.T) {
	w := &ward{}
	s := open(t, func(c *Config) { c.Health = w })
	s.signIn()
	s.want(s.send("GET", "/operator/api/log?node=n2&after="+url.QueryEscape(`{"n2":6}`)+"&level=warn&text="+url.QueryEscape(`a "b" & ü`), ""), http.StatusOK,
		`{"last":{"n1":7},"cut":true,"lines":[{"node":"n1","id":7,"line":{"time":"2026-05-01T12:00:00Z","level":"WARN","msg":"refused","part":"api"}}],"silent":["n3"]}`)
	if got, want := fmt.Sprint(w.asked), fmt.Sprint([]observe.LogQuery{{Node: "n2", After: observe.LogMark{"n2": 6}, Level: "WARN", Text: `a "b" & ü`, Limit: maxLogLines}}); got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
	s.want(s.send("GET", "/operator/api/log?level=loud", ""), http.StatusBadRequest, "none of debug, info, warn and error")
	for _, after := range []string{"x", "7", "[]", `{"n2":-1}`, `{"n2":1.5}`, `{"n2":99999999999999999999}`, `{"n2":"7"}`, `{"` + strings.Repeat("n", maxBody) + `":1}`} {
		s.want(s.send("GET", "/operator/api/log?after="+url.QueryEscape(after), ""), http.StatusBadRequest, "not what another answer had")
	}
	s.want(s.send("GET", "/operator/api/log?node=n8", ""), http.StatusServiceUnavailable, `node \"n8\" does not answer.`)
	s.want(s.send("GET", "/operator/api/log?node=n9", ""), http.StatusNotFound, `there is no node \"n9\".`)
	if len(w.asked) != 3 {
		t.Errorf("bad questions were passed on: %v", w.asked)
	}
}

func TestWithoutHealthThereIsNoSuchPage(t *testing.T) {
	s := open(t)
	s.signIn()
	s.want(s.send("GET", "/operator/api/health", ""), http.StatusNotFound, "nothing at this address")
	s.want(s.send("GET", "/operator/api/log", ""), http.StatusNotFound, "nothing at this address")
}
