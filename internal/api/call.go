package api

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/tracing"
)

// call is one request on its way through the server. Fields are filled in the
// order of the steps in the package comment.
type call struct {
	r     *http.Request
	ctx   context.Context
	id    string // request id, new for every request
	began time.Time

	span      *tracing.Span // nil unless the call is traced
	answering *tracing.Span // a step of it: making and sending the answer

	body      []byte // as JSON: decompressed
	bodyFault error  // a body that cannot be decompressed: reported when it is its turn
	pool      *bufferPool
	buffers   []*bytes.Buffer // from the pool, to give back in release

	claimed  string // access key id that the request names, before it is checked
	identity sigv4.Identity
	path     string // raw
	query    []sigv4.Param
	base     meeting.Flavour // that the path's prefix names, or 0
	parts    []string        // segments behind that prefix, decoded

	current, legacyRoute, pipelines *route // what each flavour would take it for; nil: nothing

	route   *route
	labels  labels
	flavour meeting.Flavour
	shapes  *shapes
	owner   meeting.Owner
}

func (c *call) setFlavour(f meeting.Flavour) {
	c.flavour, c.owner.Flavour, c.shapes = f, f, shapesOf(f)
}

func (c *call) legacy() bool { return c.flavour == meeting.Legacy }

// operation is the name of what the caller asked for, as far as the request
// line tells it: "" when no flavour has such an operation.
func (c *call) operation() string {
	for _, r := range [...]*route{c.route, c.current, c.legacyRoute, c.pipelines} {
		if r != nil {
			return r.op.name
		}
	}
	return ""
}

// actor names who calls in what is written down.
func (c *call) actor() string {
	if c.identity.AccessKeyID == "" {
		return "anonymous"
	}
	return "key:" + c.identity.AccessKeyID
}

// param returns the first value of a query parameter, or "".
func (c *call) param(name string) string {
	for _, p := range c.query {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// hasParam reports whether a query parameter is there, even with an empty value.
func (c *call) hasParam(name string) bool {
	for _, p := range c.query {
		if p.Name == name {
			return true
		}
	}
	return false
}

// meetingID reads the label of the path.
func (c *call) meetingID(v *restjson.Violations) meeting.ID {
	return guidLabel(v, "meetingId", c.labels.meetingID)
}

// attendeeID reads the label of the path.
func (c *call) attendeeID(v *restjson.Violations) meeting.ID {
	return guidLabel(v, "attendeeId", c.labels.attendeeID)
}

func guidLabel(v *restjson.Violations, name, value string) meeting.ID {
	id, ok := meeting.ParseID(value)
	if !ok {
		at := restjson.At(name)
		v.Add(&at, "Member must satisfy regular expression pattern: "+guidPattern)
	}
	return id
}

// page is what list operations take from the query.
type page struct {
	max   int
	token string
}

// page reads max-results and next-token. Without max-results a page is as long
// as the flavour allows (API decision D-11); an empty token is none (D-48).
func (c *call) page(v *restjson.Violations) page {
	p := page{max: c.shapes.maxResults, token: c.param("next-token")}
	tokenAt, maxAt := restjson.At("nextToken"), restjson.At("maxResults")
	v.Text(&tokenAt, restjson.Text{Value: p.token, Set: true}, &nextToken)
	if !c.hasParam("max-results") {
		return p
	}
	n, err := strconv.ParseInt(c.param("max-results"), 10, 32)
	if err != nil {
		v.Rule("The query parameter max-results must be an integer.")
		return p
	}
	v.Range(&maxAt, restjson.Int{Value: n, Set: true}, 1, int64(c.shapes.maxResults))
	p.max = int(n)
	return p
}
