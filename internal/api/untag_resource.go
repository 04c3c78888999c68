package api

import (
	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// untagResource removes tags from the meeting that an ARN names; keys that are
// not there do no harm.
func (s *Server) untagResource(c *call) (respond, error) {
	var name restjson.Text
	var keys textsInput
	r := restjson.Read(c.body)
	for member := range r.Object([]string{"ResourceARN", "TagKeys"}) {
		if member == "TagKeys" {
			keys = readTexts(r, meeting.MaxPipelineTags)
		} else {
			name = r.Text()
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	var v restjson.Violations
	resource := c.checkArn(&v, "ResourceARN", name)
	c.requireTagKeys(&v, &keys, c.mostTags())
	if err := v.Err(); err != nil {
		return nil, err
	}
	untag := s.cfg.Control.UntagMeeting
	if c.flavour == meeting.Pipelines {
		untag = s.cfg.Control.UntagPipeline
	}
	return nil, c.onResource(resource, name.Value, func(id meeting.ID) error {
		return untag(c.ctx, c.owner, id, keys.texts())
	})
}

// requireTagKeys checks a list of tag keys that must be there.
func (c *call) requireTagKeys(v *restjson.Violations, keys *textsInput, most int) {
	at := restjson.At("TagKeys")
	if !keys.set {
		v.Missing(&at)
	}
	keys.check(v, &at, c.shapes.minTags, most, &c.shapes.tagKey)
}

// readTagKeys reads a body that holds nothing but tag keys.
func (c *call) readTagKeys(most int) (keys textsInput, err error) {
	r := restjson.Read(c.body)
	for range r.Object([]string{"TagKeys"}) {
		keys = readTexts(r, most)
	}
	return keys, r.End()
}

// readTagList reads a body that holds nothing but tags.
func (c *call) readTagList() (tags tagsInput, err error) {
	r := restjson.Read(c.body)
	for range r.Object([]string{"Tags"}) {
		tags = readTags(r)
	}
	return tags, r.End()
}
