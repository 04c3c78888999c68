package api

import (
	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// getMediaCapturePipeline returns a capture pipeline, for a while after its end
// too.
func (s *Server) getMediaCapturePipeline(c *call) (respond, error) {
	var v restjson.Violations
	id := c.pipelineID(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	p, err := s.cfg.Control.GetPipeline(c.ctx, c.owner, id, meeting.CapturePipeline)
	if err != nil {
		return nil, err
	}
	return c.onePipeline(p), nil
}
