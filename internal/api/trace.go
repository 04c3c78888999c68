package api

import (
	"net/http"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/refusals"
	"github.com/carillon-meetings/carillon/internal/tracing"
)

// beginTrace begins the span of a call, if it is to be traced. Steps of the call
// find it in the call's context.
func (s *Server) beginTrace(c *call) {
	c.span = s.cfg.Tracer.Start("unknown operation", tracing.FromRequest(c.r), c.began)
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
	const most = 8 // attributes beside those of HTTP
	about := tracing.Request(c.r, c.tracedPath(), most)
	if name := c.operation(); name != "" {
		c.span.Name(name)
		about = append(about, tracing.Text("rpc.method", name))
	}
	if c.route != nil {
		about = append(about, tracing.Text("http.route", c.route.path), tracing.Text("rpc.service", service(c.flavour)), tracing.Text("carillon.flavour", c.flavour.String()))
	}
	about = append(about, tracing.Text("rpc.system", "aws-api"), tracing.Text("aws.request_id", c.id), tracing.Number("http.response.status_code", status))
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

// service is what SDKs call the service of a flavour: its service id, without
// spaces.
func service(f meeting.Flavour) string {
	switch f {
	case meeting.Legacy:
		return "Chime"
	case meeting.Pipelines:
		return "ChimeSDKMediaPipelines"
	}
	return "ChimeSDKMeetings"
}

// tracedPath is the path of the call, without what is no id of ours.
func (c *call) tracedPath() string {
	if c.route == nil {
		return refusals.Shape(c.path)
	}
	for _, id := range [...]string{c.labels.meetingID, c.labels.attendeeID, c.labels.pipelineID} {
		if id != "" && !isGUID(id) {
			return refusals.Shape(c.path)
		}
	}
	return c.path
}
