package api

import "github.com/carillon-meetings/carillon/internal/meeting"

// listMediaCapturePipelines returns the capture pipelines that are not over. The
// legacy flavour shows all of each, the current one little more than ids.
func (s *Server) listMediaCapturePipelines(c *call) (respond, error) {
	one := writePipelineName
	if c.legacy() {
		one = c.writeCapture
	}
	return s.listPipelines(c, meeting.CapturePipeline, "MediaCapturePipelines", one)
}
