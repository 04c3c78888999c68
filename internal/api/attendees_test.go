package api_test

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestCreateAttendee(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		id := d.meeting("")
		a := d.do("POST", "/meetings/"+id+"/attendees", `{"ExternalUserId":"Zoë (guest)","Capabilities":null}`)
		if a.status != d.created() {
			t.Fatalf("%d %s", a.status, a.body)
		}
		want := pick(d, []string{"AttendeeId", "Capabilities", "ExternalUserId", "JoinToken"}, []string{"AttendeeId", "ExternalUserId", "JoinToken"})
		if got := memberNames(a.at("Attendee")); !slices.Equal(got, want) {
			t.Errorf("members %v, want %v", got, want)
		}
		attendee, token := a.text("Attendee", "AttendeeId"), a.text("Attendee", "JoinToken")
		if a.text("Attendee", "ExternalUserId") != "Zoë (guest)" || !regexp.MustCompile(`^[a-zA-Z0-9]{98}$`).MatchString(token) {
			t.Errorf("%s", a.body)
		}
		if plain, err := base64.RawStdEncoding.DecodeString(token); err != nil || !strings.HasPrefix(string(plain), attendee+":") {
			t.Errorf("token says %q, %v", plain, err)
		}
		if !d.legacy && !reflect.DeepEqual(a.at("Attendee", "Capabilities"), map[string]any{"Audio": "SendReceive", "Video": "SendReceive", "Content": "SendReceive"}) {
			t.Errorf("capabilities %v", a.at("Attendee", "Capabilities"))
		}
		for _, path := range []string{"/attendees/" + attendee, "/attendees/" + strings.ToUpper(attendee)} {
			if got := d.do("GET", "/meetings/"+id+path, ""); got.status != 200 || !reflect.DeepEqual(got.json, a.json) {
				t.Errorf("GetAttendee: %d %s, created as %s", got.status, got.body, a.body)
			}
		}
		again := d.do("POST", "/meetings/"+id+"/attendees", `{"ExternalUserId":"Zo\u00eb (guest)","Capabilities":{"Audio":"None","Video":"None","Content":"None"}}`)
		if again.status != d.created() || !reflect.DeepEqual(again.json, a.json) {
			t.Errorf("again: %d %s", again.status, again.body)
		}
		if a := d.do("DELETE", "/meetings/"+id+"/attendees/"+attendee, ""); a.status != 204 || a.body != "" {
			t.Errorf("DeleteAttendee: %d %s", a.status, a.body)
		}
		for _, method := range []string{"GET", "DELETE"} {
			d.want(d.do(method, "/meetings/"+id+"/attendees/"+attendee, ""), 404, "NotFoundException", "Attendee <"+attendee+"> not found")
		}
		if fresh := d.attendee(id, "Zoë (guest)"); fresh == attendee {
			t.Error("a deleted attendee came back")
		}
	})
}

func TestFullMeeting(t *testing.T) {
	d := open(t, nil)
	id := d.meeting(`"MeetingFeatures":{"Attendee":{"MaxCount":2}}`)
	d.attendee(id, "user-1")
	second := d.attendee(id, "user-2")
	d.want(d.do("POST", "/meetings/"+id+"/attendees", `{"ExternalUserId":"user-3"}`), 400, "LimitExceededException", "Attendee limit of 2 exceeded for meeting <"+id+">")
	if d.attendee(id, "user-2") != second {
		t.Error("a known user in a full meeting is another one")
	}
	batch := "/meetings/" + id + "/attendees?operation=batch-create"
	d.want(d.do("POST", batch, "{"+users(3, 2)+"}"), 400, "LimitExceededException")
	a := d.do("POST", batch, "{"+users(2, 2)+"}")
	if a.status != 200 || a.len("Attendees") != 1 || a.len("Errors") != 1 || a.text("Errors", 0, "ErrorCode") != "ResourceLimitExceeded" {
		t.Errorf("%d %s", a.status, a.body)
	}
	d.do("DELETE", "/meetings/"+id+"/attendees/"+second, "")
	d.attendee(id, "user-3") // the place is free again
}

func TestBatchCreateAttendee(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		id := d.meeting("")
		path := "/meetings/" + id + "/attendees?operation=batch-create"
		a := d.do("POST", path, "{"+users(0, 100)+"}")
		if a.status != d.created() || a.len("Attendees") != 100 || a.len("Errors") != 0 {
			t.Fatalf("%d %.300s", a.status, a.body)
		}
		tokens := map[string]bool{}
		for i := range 100 {
			if a.text("Attendees", i, "ExternalUserId") != fmt.Sprint("user-", i) {
				t.Errorf("item %d is %v", i, a.at("Attendees", i))
			}
			tokens[a.text("Attendees", i, "JoinToken")] = true
		}
		if len(tokens) != 100 {
			t.Errorf("%d different tokens", len(tokens))
		}
		// Known, new, and the new one twice.
		b := d.do("POST", path, `{"Attendees":[{"ExternalUserId":"user-7"},{"ExternalUserId":"new"},{"ExternalUserId":"new"}]}`)
		if b.len("Attendees") != 3 || !reflect.DeepEqual(b.at("Attendees", 0), a.at("Attendees", 7)) || !reflect.DeepEqual(b.at("Attendees", 1), b.at("Attendees", 2)) {
			t.Errorf("%d %s", b.status, b.body)
		}
		if a := d.do("POST", path, `{"Attendees":[{"ExternalUserId":"alone"}],"Unknown":[1,2]}`); !strings.HasSuffix(a.body, `"Errors":[]}`) {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestBatchCreateAttendeeIsAllOrNothing(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		id := d.meeting("")
		path := "/meetings/" + id + "/attendees?operation=batch-create"
		bad := pick(d, `{"ExternalUserId":"aws:robot"}`, `{"ExternalUserId":"x2","Tags":[{"Key":"AWS:k","Value":"v"}]}`)
		for body, message := range map[string]string{
			`{` + users(0, 101) + `}`: "1 validation error detected: Value at 'attendees' failed to satisfy constraint: Member must have length less than or equal to 100",
			`{"Attendees":[]}`:        "Member must have length greater than or equal to 1",
			`{"Attendees":null}`:      "Value null at 'attendees' failed to satisfy constraint: Member must not be null",
			``:                        "Value null at 'attendees' failed to satisfy constraint: Member must not be null",
			`{"attendees":[{"ExternalUserId":"case"}]}`:                                               "Value null at 'attendees'",
			`{"Attendees":[{"ExternalUserId":"good"},null]}`:                                          "1 validation error detected: Value null at 'attendees.2.member' failed to satisfy constraint: Member must not be null",
			`{"Attendees":[{"ExternalUserId":"good"},{}]}`:                                            "Value null at 'attendees.2.member.externalUserId' failed to satisfy constraint: Member must not be null",
			`{"Attendees":[{"ExternalUserId":"good"},{"ExternalUserId":"x"}, {"ExternalUserId":""}]}`: "2 validation errors detected: Value at 'attendees.2.member.externalUserId' failed to satisfy constraint: Member must have length greater than or equal to 2; Value at 'attendees.3.member.externalUserId'",
			`{"Attendees":[{"ExternalUserId":"good"},` + bad + `]}`:                                   "attendees.2.member",
			`{"Attendees":[{"ExternalUserId":"good"},{"ExternalUserId":5}]}`:                          "Value at 'attendees.2.member.externalUserId' must be a string.",
			`{"Attendees":[{"ExternalUserId":"good"}`:                                                 "not valid JSON",
			`{"Attendees":[{"ExternalUserId":"good"}],"Attendees":[]}`:                                "more than once",
		} {
			d.want(d.do("POST", path, body), 400, "BadRequestException", message)
		}
		if a := d.do("GET", "/meetings/"+id+"/attendees", ""); a.len("Attendees") != 0 {
			t.Errorf("left behind: %s", a.body)
		}
	})
}

func TestUpdateAttendeeCapabilities(t *testing.T) {
	d := open(t, nil)
	id := d.meeting("")
	attendee := d.attendee(id, "user")
	path := "/meetings/" + id + "/attendees/" + attendee + "/capabilities"
	a := d.do("PUT", path, `{"Capabilities":{"Audio":"Send","Video":"Receive","Content":"Receive"}}`)
	want := map[string]any{"Audio": "Send", "Video": "Receive", "Content": "Receive"}
	if a.status != 200 || !reflect.DeepEqual(a.at("Attendee", "Capabilities"), want) || a.text("Attendee", "JoinToken") == "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := d.do("GET", "/meetings/"+id+"/attendees/"+attendee, ""); !reflect.DeepEqual(got.json, a.json) {
		t.Errorf("GetAttendee %s", got.body)
	}
	for body, message := range map[string]string{
		``:                    "Value null at 'capabilities' failed",
		`{"Capabilities":{}}`: "3 validation errors detected: Value null at 'capabilities.audio' failed to satisfy constraint: Member must not be null; Value null at 'capabilities.video' failed to satisfy constraint: Member must not be null; Value null at 'capabilities.content'",
		`{"Capabilities":{"Audio":"sendreceive","Video":"None","Content":"None"}}`: "Value at 'capabilities.audio' failed to satisfy constraint: Member must satisfy enum value set: [SendReceive, Send, Receive, None]",
		`{"Capabilities":{"Audio":"None","Video":"Send","Content":"Receive"}}`:     "requires Video",
	} {
		d.want(d.do("PUT", path, body), 400, "BadRequestException", message)
	}
	none := `{"Capabilities":{"Audio":"None","Video":"None","Content":"None"}}`
	d.want(d.do("PUT", "/meetings/"+id+"/attendees/"+unknownID+"/capabilities", none), 404, "NotFoundException", "Attendee")
	d.want(d.do("PUT", "/meetings/"+unknownID+"/attendees/"+attendee+"/capabilities", none), 404, "NotFoundException", "Meeting")
}

func TestBatchUpdateAttendeeCapabilitiesExcept(t *testing.T) {
	d := open(t, nil)
	id := d.meeting("")
	var ids []string
	for i := range 3 {
		ids = append(ids, d.attendee(id, fmt.Sprint("user-", i)))
	}
	path := "/meetings/" + id + "/attendees/capabilities?operation=batch-update-except"
	caps := `"Capabilities":{"Audio":"None","Video":"None","Content":"None"}`
	excluded := func(ids ...string) string {
		items := make([]string, len(ids))
		for i, id := range ids {
			items[i] = `{"AttendeeId":"` + id + `"}`
		}
		return `"ExcludedAttendeeIds":[` + strings.Join(items, ",") + `]`
	}
	a := d.do("PUT", path, `{`+excluded(strings.ToUpper(ids[1]), unknownID, ids[1])+`,`+caps+`}`)
	if a.status != 200 || a.body != "" {
		t.Fatalf("%d %q", a.status, a.body)
	}
	list := d.do("GET", "/meetings/"+id+"/attendees", "")
	for i, want := range []string{"None", "SendReceive", "None"} {
		if got := list.text("Attendees", i, "Capabilities", "Audio"); got != want {
			t.Errorf("attendee %d: %s, want %s", i, got, want)
		}
	}
	d.want(d.do("PUT", path, `{`+caps+`}`), 400, "BadRequestException", "Value null at 'excludedAttendeeIds'")
	d.want(d.do("PUT", path, `{`+excluded()+`,`+caps+`}`), 400, "BadRequestException", "greater than or equal to 1")
	d.want(d.do("PUT", path, `{`+excluded(slices.Repeat([]string{unknownID}, 251)...)+`,`+caps+`}`), 400, "BadRequestException", "less than or equal to 250")
	d.want(d.do("PUT", path, `{"ExcludedAttendeeIds":[{},null,{"AttendeeId":"x"}],`+caps+`}`), 400, "BadRequestException",
		"3 validation errors detected: Value null at 'excludedAttendeeIds.1.member.attendeeId'", "Value null at 'excludedAttendeeIds.2.member'",
		"Value at 'excludedAttendeeIds.3.member.attendeeId' failed to satisfy constraint: Member must satisfy regular expression pattern")
	d.want(d.do("PUT", path, `{`+excluded(unknownID)+`}`), 400, "BadRequestException", "Value null at 'capabilities'")
	if a := d.do("PUT", path, `{`+excluded(slices.Repeat([]string{unknownID}, 250)...)+`,`+caps+`}`); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// The rules of capabilities in meetings whose features switch media off.
func TestCapabilityRules(t *testing.T) {
	d := open(t, nil)
	for _, c := range []struct{ video, content, defaults, allowed, refused string }{
		{"HD", "FHD", "SendReceive/SendReceive", "None/None Send/Send Receive/Receive SendReceive/SendReceive Receive/None", "None/Receive Send/SendReceive"},
		{"None", "FHD", "Receive/SendReceive", "None/None None/Send", "Receive/SendReceive None/SendReceive Send/None SendReceive/None"},
		{"HD", "None", "SendReceive/None", "SendReceive/None None/None", "SendReceive/Send SendReceive/Receive"},
		{"None", "None", "None/None", "None/None", "Send/None None/Send"},
	} {
		id := d.meeting(`"MeetingFeatures":{"Video":{"MaxResolution":"` + c.video + `"},"Content":{"MaxResolution":"` + c.content + `"}}`)
		attendee := d.attendee(id, "by-default")
		got := d.do("GET", "/meetings/"+id+"/attendees/"+attendee, "")
		if defaults := got.text("Attendee", "Capabilities", "Video") + "/" + got.text("Attendee", "Capabilities", "Content"); defaults != c.defaults {
			t.Errorf("%s, %s: default %s, want %s", c.video, c.content, defaults, c.defaults)
		}
		for list, status := range map[string]int{c.allowed: 200, c.refused: 400} {
			for _, pair := range strings.Fields(list) {
				video, content, _ := strings.Cut(pair, "/")
				caps := `"Capabilities":{"Audio":"None","Video":"` + video + `","Content":"` + content + `"}`
				for name, a := range map[string]answer{
					"UpdateAttendeeCapabilities": d.do("PUT", "/meetings/"+id+"/attendees/"+attendee+"/capabilities", `{`+caps+`}`),
					"Except":                     d.do("PUT", "/meetings/"+id+"/attendees/capabilities?operation=batch-update-except", `{"ExcludedAttendeeIds":[{"AttendeeId":"`+unknownID+`"}],`+caps+`}`),
					"CreateAttendee":             d.do("POST", "/meetings/"+id+"/attendees", `{"ExternalUserId":"`+pair+`",`+caps+`}`),
					"BatchCreateAttendee":        d.do("POST", "/meetings/"+id+"/attendees?operation=batch-create", `{"Attendees":[{"ExternalUserId":"ok`+pair+`"},{"ExternalUserId":"b`+pair+`",`+caps+`}]}`),
				} {
					if a.status != status {
						t.Errorf("%s in %s, %s with %s: %d %s", name, c.video, c.content, pair, a.status, a.body)
					}
				}
			}
		}
	}
}
