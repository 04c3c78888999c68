package api_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/api"
)

func memberNames(v any) []string {
	m, _ := v.(map[string]any)
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestCreateMeetingReturnsTheMembersOfTheFlavour(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		a := d.do("POST", "/meetings", d.newMeeting(`"MeetingHostId":"host@example","NotificationsConfiguration":{},"Tags":[{"Key":"k","Value":"v"}]`))
		if a.status != d.created() {
			t.Fatalf("%d %s", a.status, a.body)
		}
		want := pick(d, []string{"ExternalMeetingId", "MediaPlacement", "MediaRegion", "MeetingArn", "MeetingHostId", "MeetingId", "TenantIds"},
			[]string{"ExternalMeetingId", "MediaPlacement", "MediaRegion", "MeetingId"})
		if got := memberNames(a.at("Meeting")); !slices.Equal(got, want) {
			t.Errorf("members %v, want %v", got, want)
		}
		if got := memberNames(a.json); !slices.Equal(got, []string{"Meeting"}) {
			t.Errorf("members %v", got)
		}
		placement := []string{"AudioFallbackUrl", "AudioHostUrl", "EventIngestionUrl", "ScreenDataUrl", "ScreenSharingUrl", "ScreenViewingUrl", "SignalingUrl", "TurnControlUrl"}
		if got := memberNames(a.at("Meeting", "MediaPlacement")); !slices.Equal(got, placement) {
			t.Errorf("placement %v", got)
		}
		id := a.text("Meeting", "MeetingId")
		if !d.legacy {
			if arn := a.text("Meeting", "MeetingArn"); arn != "arn:aws:chime:us-east-1:"+d.account+":meeting/"+id {
				t.Errorf("arn %s", arn)
			}
			if a.len("Meeting", "TenantIds") != 0 || a.text("Meeting", "MeetingHostId") != "host@example" {
				t.Errorf("meeting %s", a.body)
			}
		}
		got := d.do("GET", "/meetings/"+strings.ToUpper(id), "")
		if got.status != 200 || !reflect.DeepEqual(got.json, a.json) {
			t.Errorf("GetMeeting: %d %s, created as %s", got.status, got.body, a.body)
		}
	})
}

func TestCreateMeetingEchoesFeaturesAndTenants(t *testing.T) {
	d := open(t, nil)
	for given, want := range map[string]any{
		`"MeetingFeatures":{}`:           nil,
		`"MeetingFeatures":{"Video":{}}`: nil,
		`"MeetingFeatures":{"Audio":{"EchoReduction":"AVAILABLE"},"Video":{"MaxResolution":"FHD"},"Content":{"MaxResolution":"UHD"},"Attendee":{"MaxCount":25}}`: map[string]any{
			"Audio": map[string]any{"EchoReduction": "AVAILABLE"}, "Video": map[string]any{"MaxResolution": "FHD"},
			"Content": map[string]any{"MaxResolution": "UHD"}, "Attendee": map[string]any{"MaxCount": 25.0}},
		`"MeetingFeatures":{"Content":{"MaxResolution":"None"}}`: map[string]any{"Content": map[string]any{"MaxResolution": "None"}},
	} {
		a := d.do("POST", "/meetings", d.newMeeting(given))
		if a.status != 200 || !reflect.DeepEqual(a.at("Meeting", "MeetingFeatures"), want) {
			t.Errorf("%s: %d %s", given, a.status, a.body)
		}
	}
	a := d.do("POST", "/meetings", d.newMeeting(`"TenantIds":["one","TWO-$"],"MediaPlacementNetworkType":"DualStack"`))
	if a.text("Meeting", "TenantIds", 1) != "TWO-$" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestCreateMeetingLegacyDefaults(t *testing.T) {
	d := open(t, nil).flavoured("/legacy")
	a := d.do("POST", "/meetings", `{"ClientRequestToken":"only-this"}`)
	if a.status != 201 || a.text("Meeting", "MediaRegion") != "us-east-1" || a.at("Meeting", "ExternalMeetingId") != nil {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestCreateMeetingIsIdempotentByToken(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		body := d.newMeeting("")
		first := d.do("POST", "/meetings", body)
		again := d.do("POST", "/meetings", strings.Replace(body, "standup", "something else", 1))
		if again.status != d.created() || again.text("Meeting", "MeetingId") != first.text("Meeting", "MeetingId") || again.text("Meeting", "ExternalMeetingId") != "standup" {
			t.Errorf("again: %d %s", again.status, again.body)
		}
		with := d.do("POST", "/meetings?operation=create-attendees", strings.Replace(body, "{", "{"+users(1, 2)+",", 1))
		if with.text("Meeting", "MeetingId") != first.text("Meeting", "MeetingId") || with.len("Attendees") != 2 || with.len("Errors") != 0 {
			t.Errorf("with attendees: %d %s", with.status, with.body)
		}
		replay := d.do("POST", "/meetings?operation=create-attendees", strings.Replace(body, "{", "{"+users(1, 2)+",", 1))
		if !reflect.DeepEqual(replay.json, with.json) {
			t.Errorf("replay: %s, first %s", replay.body, with.body)
		}
		// Validation comes before the look-up (API decision D-32).
		d.want(d.do("POST", "/meetings", strings.Replace(body, "eu-west-3", "x", 1)), 400, "BadRequestException")
		if a := d.do("DELETE", "/meetings/"+first.text("Meeting", "MeetingId"), ""); a.status != 204 || a.body != "" {
			t.Errorf("DeleteMeeting: %d %s", a.status, a.body)
		}
		if a := d.do("POST", "/meetings", body); a.text("Meeting", "MeetingId") == first.text("Meeting", "MeetingId") {
			t.Error("an ended meeting came back")
		}
	})
}

func TestCreateMeetingWithAttendeesTellsWhoDidNotFit(t *testing.T) {
	d := open(t, nil)
	a := d.do("POST", "/meetings?operation=create-attendees", d.newMeeting(users(1, 3)+`,"MeetingFeatures":{"Attendee":{"MaxCount":2}}`))
	if a.status != 200 || a.len("Attendees") != 2 || a.len("Errors") != 1 || a.text("Errors", 0, "ExternalUserId") != "user-3" ||
		a.text("Errors", 0, "ErrorCode") != "ResourceLimitExceeded" || a.text("Errors", 0, "ErrorMessage") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := memberNames(a.at("Errors", 0)); !slices.Equal(got, []string{"ErrorCode", "ErrorMessage", "ExternalUserId"}) {
		t.Errorf("members of an error: %v", got)
	}
	legacy := open(t, nil).flavoured("/legacy")
	if a := legacy.do("POST", "/meetings?operation=create-attendees", `{"ClientRequestToken":"none"}`); a.status != 201 || a.len("Attendees") != 0 || a.len("Errors") != 0 {
		t.Errorf("no attendees: %d %s", a.status, a.body)
	}
}

func TestCreateMeetingReplicas(t *testing.T) {
	d := open(t, nil)
	primary := d.meeting("")
	a := d.do("POST", "/meetings", d.newMeeting(`"PrimaryMeetingId":"`+strings.ToUpper(primary)+`"`))
	if a.status != 200 || a.text("Meeting", "PrimaryMeetingId") != primary {
		t.Fatalf("%d %s", a.status, a.body)
	}
	replica := a.text("Meeting", "MeetingId")
	for _, bad := range []string{replica, unknownID, "not-a-guid"} {
		d.want(d.do("POST", "/meetings", d.newMeeting(`"PrimaryMeetingId":"`+bad+`"`)), 400, "BadRequestException")
	}
	for range 3 {
		d.meeting(`"PrimaryMeetingId":"` + primary + `"`)
	}
	d.want(d.do("POST", "/meetings", d.newMeeting(`"PrimaryMeetingId":"`+primary+`"`)), 400, "LimitExceededException")
	d.do("DELETE", "/meetings/"+primary, "")
	d.want(d.do("GET", "/meetings/"+replica, ""), 404, "NotFoundException")
}

func TestDeleteMeeting(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		id := d.meeting("")
		attendee := d.attendee(id, "user")
		for range 2 { // the second time it is gone already
			if a := d.do("DELETE", "/meetings/"+id, ""); a.status != 204 || a.header.Get("Content-Length") != "" {
				t.Errorf("%d %s %v", a.status, a.body, a.header)
			}
		}
		if a := d.do("DELETE", "/meetings/"+unknownID, ""); a.status != 204 {
			t.Errorf("unknown: %d %s", a.status, a.body)
		}
		for _, path := range []string{"", "/attendees", "/attendees/" + attendee} {
			d.want(d.do("GET", "/meetings/"+id+path, ""), 404, "NotFoundException", "Meeting <"+id+"> not found")
		}
	})
	strict := open(t, func(c *api.Config) { c.DeleteUnknownIs404 = true })
	strict.want(strict.do("DELETE", "/meetings/"+unknownID, ""), 404, "NotFoundException")
	if a := strict.do("DELETE", "/meetings/"+strict.meeting(""), ""); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestListMeetings(t *testing.T) {
	d := open(t, nil).flavoured("/legacy")
	if a := d.do("GET", "/meetings", ""); a.status != 200 || a.body != `{"Meetings":[]}` {
		t.Errorf("none: %d %s", a.status, a.body)
	}
	var made []string
	for range 5 {
		made = append(made, d.meeting(""))
	}
	var listed []string
	token := ""
	for range 3 {
		a := d.do("GET", "/meetings?max-results=2&next-token="+token, "")
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for i := range a.len("Meetings") {
			listed = append(listed, a.text("Meetings", i, "MeetingId"))
		}
		token = a.text("NextToken")
	}
	// Meetings made in the same millisecond are in the order of their ids.
	slices.Sort(listed)
	slices.Sort(made)
	if !slices.Equal(listed, made) || token != "" {
		t.Errorf("listed %v, made %v, token %q", listed, made, token)
	}
	current := d.flavoured("/meetings-api")
	current.want(current.do("GET", "/meetings", ""), 404, "UnknownOperationException")
}

func TestPaging(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		id := d.meeting("")
		var made []string
		for i := range 5 {
			made = append(made, d.attendee(id, fmt.Sprint("user-", i)))
		}
		var listed []string
		token := ""
		for range 3 {
			a := d.do("GET", "/meetings/"+id+"/attendees?max-results=2&next-token="+token, "")
			if a.status != 200 || a.text("Attendees", 0, "JoinToken") == "" {
				t.Fatalf("%d %s", a.status, a.body)
			}
			for i := range a.len("Attendees") {
				listed = append(listed, a.text("Attendees", i, "AttendeeId"))
			}
			token = a.text("NextToken")
		}
		if !slices.Equal(listed, made) || token != "" {
			t.Errorf("listed %v, made %v, token %q", listed, made, token)
		}
		most := pick(d, "100", "99")
		over := pick(d, "101", "100")
		for query, message := range map[string]string{
			"max-results=" + most:                     "",
			"next-token=&unknown=1":                   "",
			"max-results=" + over:                     "Value at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to " + most,
			"max-results=0":                           "Member must have value greater than or equal to 1",
			"max-results=-5":                          "Member must have value greater than or equal to 1",
			"max-results=ten":                         "must be an integer",
			"max-results=":                            "must be an integer",
			"next-token=foreign":                      "oken",
			"next-token=" + strings.Repeat("x", 4097): "Value at 'nextToken' failed to satisfy constraint: Member must have length less than or equal to 4096",
			"max-results=0&next-token=" + strings.Repeat("x", 4097): "2 validation errors detected",
		} {
			a := d.do("GET", "/meetings/"+id+"/attendees?"+query, "")
			if message == "" {
				if a.status != 200 || a.len("Attendees") != 5 {
					t.Errorf("%s: %d %s", query, a.status, a.body)
				}
				continue
			}
			d.want(a, 400, "BadRequestException", message)
		}
	})
}

func TestMeetingQuota(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		for range 250 {
			d.meeting("")
		}
		d.want(d.do("POST", "/meetings", d.newMeeting("")), 400, pick(d, "LimitExceededException", "ResourceLimitExceededException"))
	})
}
