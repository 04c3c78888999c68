package api

import (
	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// deleteMediaCapturePipeline stops a recording. What was recorded stays.
func (s *Server) deleteMediaCapturePipeline(c *call) (respond, error) {
	return s.stopPipeline(c, meeting.CapturePipeline)
}

// stopPipeline stops a pipeline of the kind; 0 stands for any.
func (s *Server) stopPipeline(c *call, kind meeting.PipelineKind) (respond, error) {
	var v restjson.Violations
	id := c.pipelineID(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	return nil, s.cfg.Control.StopPipeline(c.ctx, c.owner, id, kind)
}
