package api

import (
	"net/http"

	"github.com/carillon-meetings/carillon/internal/tracing"
)

// beginTrace begins the span of a call, if it is to be traced. Steps of the call
// find it in the call's context.
func (s *Server) beginTrace(c *call) {
	c.span = s.cfg.Tracer.Start("unknown operation", tracing.FromHeader(c.r.Header), c.began)
	c.ctx = tracing.With(c.ctx, c.span)
}

// endTrace ends it. It tells what the log tells of the call, except who called:
// ids that callers chose, messages that repeat them and keys stay out. Only a
// fault of ours is marked as a failure, as OpenTelemetry's conventions for
// servers have it.
func (s *Server) endTrace(c *call, status int, errorName string) {
	if c.span == nil {
		return
	}
	about := make([]tracing.Attr, 0, 7)
	if c.route != nil {
		c.span.Name(c.route.op.name)
		about = append(about, tracing.Text("rpc.method", c.route.op.name), tracing.Text("carillon.flavour", c.flavour.String()))
	}
	about = append(about,
		tracing.Text("rpc.system", "aws-api"), tracing.Text("aws.request_id", c.id),
		tracing.Text("http.request.method", c.r.Method), tracing.Number("http.response.status_code", status),
	)
	if errorName != "" {
		about = append(about, tracing.Text("error.type", errorName))
	}
	c.span.Add(about...)
	if status >= http.StatusInternalServerError {
		c.span.Fail("")
	}
	c.answering.Done(nil)
	c.span.Done(nil)
}
