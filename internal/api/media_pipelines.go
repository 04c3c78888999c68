package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// getMediaPipeline returns a pipeline of any kind.
func (s *Server) getMediaPipeline(c *call) (respond, error) {
	var v restjson.Violations
	id := c.pipelineID(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	p, err := s.cfg.Control.GetPipeline(c.ctx, c.owner, id, 0)
	if err != nil {
		return nil, err
	}
	return func(w *restjson.Writer) {
		w.Object()
		w.Name("MediaPipeline")
		c.writePipeline(w, p)
		w.EndObject()
	}, nil
}

// listMediaPipelines returns the pipelines of all kinds that are not over.
func (s *Server) listMediaPipelines(c *call) (respond, error) {
	return s.listPipelines(c, 0, "MediaPipelines", writePipelineName)
}

// deleteMediaPipeline stops a pipeline of any kind.
func (s *Server) deleteMediaPipeline(c *call) (respond, error) { return s.stopPipeline(c, 0) }
