package api

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// TagControl reads and changes the tags of meetings and of legacy attendees.
type TagControl interface {
	MeetingTags(ctx context.Context, owner meeting.Owner, id meeting.ID) ([]meeting.Tag, error)
	TagMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID, tags []meeting.Tag) error
	UntagMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID, keys []string) error
	AttendeeTags(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID) ([]meeting.Tag, error)
	TagAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID, tags []meeting.Tag) error
	UntagAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID, keys []string) error
}

// tagInput is one tag as the caller gave it.
type tagInput struct {
	null       bool
	key, value restjson.Text
}

// tagsInput is a list of tags; items beyond what any list may have are counted
// but not kept.
type tagsInput struct {
	set   bool
	count int
	items []tagInput
}

func readTags(r *restjson.Reader) (in tagsInput) {
	if in.set = r.Present(); !in.set {
		return in
	}
	for range r.Array() {
		var t tagInput
		if t.null = !r.Present(); !t.null {
			for name := range r.Object([]string{"Key", "Value"}) {
				if name == "Key" {
					t.key = r.Text()
				} else {
					t.value = r.Text()
				}
			}
		}
		if in.count++; in.count <= meeting.MaxPipelineTags {
			in.items = append(in.items, t)
		}
	}
	return in
}

// checkTags checks a list of tags at a path; most is the longest it may be. A
// key that occurs twice is refused (API decision D-17).
func (sh *shapes) checkTags(v *restjson.Violations, at *restjson.Path, in *tagsInput, most int) {
	if !in.set {
		return
	}
	v.Length(at, in.count, sh.minTags, most)
	for i := range in.items {
		t, item := &in.items[i], at.Item(i)
		if t.null {
			v.Missing(&item)
			continue
		}
		key, value := item.Member("Key"), item.Member("Value")
		v.RequiredText(&key, t.key, &sh.tagKey)
		v.RequiredText(&value, t.value, &sh.tagValue)
		if reserved(t.key.Value) || reserved(t.value.Value) {
			v.Rule("The tag at '%s' begins with the reserved prefix 'aws:'.", item.String())
		}
		for j := range i {
			if in.items[j].key == t.key {
				v.Rule("The tag at '%s' repeats a key.", item.String())
				break
			}
		}
	}
}

func (in *tagsInput) tags() []meeting.Tag {
	if len(in.items) == 0 {
		return nil
	}
	tags := make([]meeting.Tag, len(in.items))
	for i, t := range in.items {
		tags[i] = meeting.Tag{Key: t.key.Value, Value: t.value.Value}
	}
	return tags
}

// textsInput is a list of strings; items beyond its maximum are counted but
// not kept.
type textsInput struct {
	set   bool
	count int
	items []restjson.Text
}

func readTexts(r *restjson.Reader, most int) (in textsInput) {
	if in.set = r.Present(); !in.set {
		return in
	}
	for range r.Array() {
		t := r.Text()
		if in.count++; in.count <= most {
			in.items = append(in.items, t)
		}
	}
	return in
}

// check checks a list of strings at a path.
func (in *textsInput) check(v *restjson.Violations, at *restjson.Path, least, most int, rule *restjson.TextRule) {
	if !in.set {
		return
	}
	v.Length(at, in.count, least, most)
	for i, t := range in.items {
		item := at.Item(i)
		v.RequiredText(&item, t, rule)
	}
}

func (in *textsInput) texts() []string {
	texts := make([]string, len(in.items))
	for i, t := range in.items {
		texts[i] = t.Value
	}
	return texts
}
