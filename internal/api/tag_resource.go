package api

import (
	"errors"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// tagResource adds tags to the meeting or media pipeline that an ARN names,
// replacing the values of keys that are there.
func (s *Server) tagResource(c *call) (respond, error) {
	var name restjson.Text
	var tags tagsInput
	r := restjson.Read(c.body)
	for member := range r.Object([]string{"ResourceARN", "Tags"}) {
		if member == "Tags" {
			tags = readTags(r)
		} else {
			name = r.Text()
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	var v restjson.Violations
	resource := c.checkArn(&v, "ResourceARN", name)
	c.requireTags(&v, &tags, c.mostTags())
	if err := v.Err(); err != nil {
		return nil, err
	}
	tag := s.cfg.Control.TagMeeting
	if c.flavour == meeting.Pipelines {
		tag = s.cfg.Control.TagPipeline
	}
	return nil, c.onResource(resource, name.Value, func(id meeting.ID) error {
		return tag(c.ctx, c.owner, id, tags.tags())
	})
}

// requireTags checks a list of tags that must be there.
func (c *call) requireTags(v *restjson.Violations, tags *tagsInput, most int) {
	at := restjson.At("Tags")
	if !tags.set {
		v.Missing(&at)
	}
	c.shapes.checkTags(v, &at, tags, most)
}

// checkArn checks the ARN of a tag call, given as the named member.
func (c *call) checkArn(v *restjson.Violations, member string, name restjson.Text) arn {
	at := restjson.At(member)
	v.RequiredText(&at, name, &c.shapes.resourceArn)
	resource, ok := parseArn(name.Value)
	if !ok {
		v.Rule("Value at '%s' is not an ARN of the form arn:partition:service:region:account:resource.", at.String())
	}
	return resource
}

// mostTags is how many tags a list for a resource may have.
func (c *call) mostTags() int {
	if c.flavour == meeting.Pipelines {
		return meeting.MaxPipelineTags
	}
	return maxMeetingTags
}

// onResource does something with the meeting that an ARN names, or in the
// pipelines' flavour with the pipeline. An ARN that names none of the caller's
// has an error of its own.
func (c *call) onResource(resource arn, name string, do func(meeting.ID) error) error {
	missing := &meeting.Error{Kind: meeting.ResourceMissing, Message: "Resource " + name + " not found", Resource: name}
	id, ok := resource.ownMeeting(c.owner)
	if c.flavour == meeting.Pipelines {
		id, ok = resource.ownPipeline(c.owner)
	}
	if !ok {
		return missing
	}
	err := do(id)
	var refused *meeting.Error
	if errors.As(err, &refused) {
		switch refused.Kind {
		case meeting.NotFound:
			return missing
		case meeting.TooManyTags:
			return &meeting.Error{Kind: refused.Kind, Message: refused.Message, Resource: name, Err: refused}
		}
	}
	return err
}
