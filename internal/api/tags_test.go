package api_test

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// tagList is a JSON list of n tags.
func tagList(from, n int) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(`{"Key":"key%d","Value":"value %d"}`, from+i, from+i)
	}
	return "[" + strings.Join(items, ",") + "]"
}

func tags(pairs ...string) []any {
	list := []any{}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, map[string]any{"Key": pairs[i], "Value": pairs[i+1]})
	}
	return list
}

func TestTagsByArn(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		id := d.meeting(`"Tags":[{"Key":"team","Value":"blue"}]`)
		arn := "arn:aws:chime:us-east-1:" + d.account + ":meeting/" + id
		if a := d.do("POST", "/tags?operation=tag-resource", `{"ResourceARN":"`+arn+`","Tags":[{"Key":"team","Value":"red"},{"Key":"cost","Value":"7"}]}`); a.status != 204 || a.body != "" {
			t.Fatalf("TagResource: %d %s", a.status, a.body)
		}
		for _, spelling := range []string{arn, "arn:aws:chime::" + d.account + ":meeting/" + id, "arn:aws:chime::" + d.account + ":meeting:" + strings.ToUpper(id)} {
			a := d.do("GET", "/tags?arn="+url.QueryEscape(spelling), "")
			if a.status != 200 || !reflect.DeepEqual(a.at("Tags"), any(tags("team", "red", "cost", "7"))) {
				t.Errorf("%s: %d %s", spelling, a.status, a.body)
			}
		}
		if a := d.do("POST", "/tags?operation=untag-resource", `{"ResourceARN":"`+arn+`","TagKeys":["team","absent","cost"]}`); a.status != 204 {
			t.Errorf("UntagResource: %d %s", a.status, a.body)
		}
		if a := d.do("GET", "/tags?arn="+url.QueryEscape(arn), ""); a.body != `{"Tags":[]}` {
			t.Errorf("none left: %s", a.body)
		}
	})
}

func TestTagsOfNothing(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		id := d.meeting("")
		own := "arn:aws:chime:us-east-1:" + d.account + ":"
		missing := pick(d, "ResourceNotFoundException", "NotFoundException")
		for _, arn := range []string{
			own + "meeting/" + unknownID, own + "meeting/x", own + "app-instance/" + id, "arn:aws:s3:us-east-1:" + d.account + ":meeting/" + id,
			"arn:aws:chime:eu-west-1:" + d.account + ":meeting/" + id, "arn:aws:chime:us-east-1:999999999999:meeting/" + id,
		} {
			for name, a := range map[string]answer{
				"tag":   d.do("POST", "/tags?operation=tag-resource", `{"ResourceARN":"`+arn+`","Tags":[{"Key":"k","Value":"v"}]}`),
				"untag": d.do("POST", "/tags?operation=untag-resource", `{"ResourceARN":"`+arn+`","TagKeys":["k"]}`),
				"list":  d.do("GET", "/tags?arn="+url.QueryEscape(arn), ""),
			} {
				d.want(a, 404, missing, "Resource "+arn+" not found")
				if got := a.text("ResourceName"); got != pick(d, arn, "") {
					t.Errorf("%s %s: ResourceName %q", name, arn, got)
				}
			}
		}
		for _, arn := range []string{"", "meeting/" + id, "arn:", "arn:x", "arn:aws:chime:us-east-1:1", strings.Repeat("a", 1025)} {
			d.want(d.do("GET", "/tags?arn="+url.QueryEscape(arn), ""), 400, "BadRequestException")
			d.want(d.do("POST", "/tags?operation=tag-resource", `{"ResourceARN":"`+arn+`","Tags":[{"Key":"k","Value":"v"}]}`), 400, "BadRequestException")
		}
		d.want(d.do("GET", "/tags", ""), 400, "BadRequestException", "Value null at 'resourceARN'")
	})
}

func TestTooManyTags(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		id := d.meeting(`"Tags":` + tagList(0, 50))
		arn := "arn:aws:chime:us-east-1:" + d.account + ":meeting/" + id
		a := d.do("POST", "/tags?operation=tag-resource", `{"ResourceARN":"`+arn+`","Tags":[{"Key":"one.more","Value":"v"}]}`)
		d.want(a, 400, pick(d, "TooManyTagsException", "ResourceLimitExceededException"))
		if got := a.text("ResourceName"); got != pick(d, arn, "") {
			t.Errorf("ResourceName %q", got)
		}
		if a := d.do("POST", "/tags?operation=tag-resource", `{"ResourceARN":"`+arn+`","Tags":`+tagList(0, 50)+`}`); a.status != 204 {
			t.Errorf("the same keys again: %d %s", a.status, a.body)
		}
		d.want(d.do("POST", "/tags?operation=tag-resource", `{"ResourceARN":"`+arn+`","Tags":`+tagList(0, 51)+`}`), 400, "BadRequestException", "less than or equal to 50")
		d.want(d.do("POST", "/meetings", d.newMeeting(`"Tags":`+tagList(0, 51))), 400, "BadRequestException", "Value at 'tags'")
	})
}

func TestEmptyTagLists(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		arn := "arn:aws:chime:us-east-1:" + d.account + ":meeting/" + d.meeting("")
		for _, a := range []answer{
			d.do("POST", "/tags?operation=tag-resource", `{"ResourceARN":"`+arn+`","Tags":[]}`),
			d.do("POST", "/tags?operation=untag-resource", `{"ResourceARN":"`+arn+`","TagKeys":[]}`),
		} {
			if a.status != pick(d, 204, 400) {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		d.want(d.do("POST", "/tags?operation=tag-resource", `{}`), 400, "BadRequestException", "2 validation errors detected: Value null at 'resourceARN'", "Value null at 'tags'")
		d.want(d.do("POST", "/tags?operation=untag-resource", `{"TagKeys":[null]}`), 400, "BadRequestException", "Value null at 'tagKeys.1.member'")
	})
}

func TestLegacyTagsById(t *testing.T) {
	d := open(t, nil).flavoured("/legacy")
	id := d.meeting("")
	attendee := d.do("POST", "/meetings/"+id+"/attendees", `{"ExternalUserId":"x2","Tags":[{"Key":"Ключ","Value":"v"}]}`).text("Attendee", "AttendeeId")
	for path, first := range map[string][]any{
		"/meetings/" + id + "/tags":                            tags(),
		"/meetings/" + id + "/attendees/" + attendee + "/tags": tags("Ключ", "v"),
	} {
		if a := d.do("GET", path, ""); a.status != 200 || !reflect.DeepEqual(a.at("Tags"), any(first)) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		if a := d.do("POST", path+"?operation=add", `{"Tags":[{"Key":"a b","Value":"1"},{"Key":"c","Value":"2"}]}`); a.status != 204 {
			t.Errorf("%s: add %d %s", path, a.status, a.body)
		}
		if a := d.do("POST", path+"?operation=delete", `{"TagKeys":["a b","absent"]}`); a.status != 204 {
			t.Errorf("%s: delete %d %s", path, a.status, a.body)
		}
		if a := d.do("GET", path, ""); !reflect.DeepEqual(a.at("Tags"), any(append(first, tags("c", "2")...))) {
			t.Errorf("%s: %s", path, a.body)
		}
		d.want(d.do("POST", path+"?operation=add", `{"Tags":[]}`), 400, "BadRequestException")
		d.want(d.do("POST", path+"?operation=delete", `{}`), 400, "BadRequestException", "Value null at 'tagKeys'")
		d.want(d.do("POST", path, `{}`), 404, "UnknownOperationException")
		gone := strings.ReplaceAll(path, id, unknownID)
		d.want(d.do("GET", gone, ""), 404, "NotFoundException")
		d.want(d.do("POST", gone+"?operation=add", `{"Tags":[{"Key":"k","Value":"v"}]}`), 404, "NotFoundException")
		d.want(d.do("POST", gone+"?operation=delete", `{"TagKeys":["k"]}`), 404, "NotFoundException")
	}
	byArn := d.do("GET", "/tags?arn=arn:aws:chime:us-east-1:"+d.account+":meeting/"+id, "")
	if !reflect.DeepEqual(byArn.at("Tags"), any(tags("c", "2"))) {
		t.Errorf("by ARN: %s", byArn.body)
	}
	ofAttendee := "/meetings/" + id + "/attendees/" + attendee + "/tags"
	if a := d.do("POST", ofAttendee+"?operation=add", `{"Tags":`+tagList(0, 8)+`}`); a.status != 204 {
		t.Errorf("ten tags: %d %s", a.status, a.body)
	}
	d.want(d.do("POST", ofAttendee+"?operation=add", `{"Tags":`+tagList(8, 1)+`}`), 400, "ResourceLimitExceededException")
	d.want(d.do("POST", ofAttendee+"?operation=add", `{"Tags":`+tagList(0, 11)+`}`), 400, "BadRequestException", "less than or equal to 10")
	d.want(d.do("POST", ofAttendee+"?operation=delete", `{"TagKeys":["1","2","3","4","5","6","7","8","9","10","11"]}`), 400, "BadRequestException", "less than or equal to 10")
	d.want(d.do("POST", "/meetings/"+id+"/tags?operation=add", `{"Tags":`+tagList(0, 50)+`}`), 400, "ResourceLimitExceededException")
}
