package api

import (
	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// listTagsForResource returns the tags of the meeting that an ARN names.
func (s *Server) listTagsForResource(c *call) (respond, error) {
	var v restjson.Violations
	name := restjson.Text{Value: c.param("arn"), Set: c.hasParam("arn")}
	resource := c.checkArn(&v, "resourceARN", name)
	if err := v.Err(); err != nil {
		return nil, err
	}
	list := s.cfg.Control.MeetingTags
	if c.flavour == meeting.Pipelines {
		list = s.cfg.Control.PipelineTags
	}
	var tags []meeting.Tag
	err := c.onResource(resource, name.Value, func(id meeting.ID) (err error) {
		tags, err = list(c.ctx, c.owner, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return tagList(tags), nil
}

// tagList is the response of operations that return tags.
func tagList(tags []meeting.Tag) respond {
	return func(w *restjson.Writer) {
		w.Object()
		w.Name("Tags")
		w.Array()
		for _, t := range tags {
			w.Object()
			w.Member("Key", t.Key)
			w.Member("Value", t.Value)
			w.EndObject()
		}
		w.EndArray()
		w.EndObject()
	}
}
