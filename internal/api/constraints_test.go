package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const refused = true

// text is one value of a member and whether it breaks the member's shape.
type text struct {
	value   string
	refused bool
}

func repeat(s string, n int) string { return strings.Repeat(s, n) }

// quoted is s as a JSON string.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// checkTexts sends every value through send, which puts it into a request that
// is otherwise legal, and expects 400 for exactly those to refuse.
func checkTexts(t *testing.T, d *door, texts []text, send func(value string) answer) {
	t.Helper()
	for _, c := range texts {
		a := send(quoted(c.value))
		if got := a.status == 400; got != c.refused {
			t.Errorf("%.80q: %d %s", c.value, a.status, a.body)
		}
		if c.refused && a.name() != "BadRequestException" {
			t.Errorf("%.80q: %s", c.value, a.name())
		}
		if c.refused && len(c.value) > 4 && strings.Contains(a.message(), c.value) {
			t.Errorf("%.80q is repeated in the message: %s", c.value, a.message())
		}
	}
}

// create returns a sender of CreateMeeting with one member set; a fresh token
// each time.
func (d *door) create(member string) func(value string) answer {
	return func(value string) answer {
		body := map[string]json.RawMessage{}
		if err := json.Unmarshal([]byte(d.newMeeting("")), &body); err != nil {
			d.t.Fatal(err)
		}
		body[member] = json.RawMessage(value)
		raw, err := json.Marshal(body)
		if err != nil {
			d.t.Fatal(err)
		}
		return d.do("POST", "/meetings", string(raw))
	}
}

func TestExternalIds(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		only := !d.legacy // what only the current flavour refuses
		texts := []text{
			{"ab", false}, {"a", refused}, {"", refused}, {repeat("x", 64), false}, {repeat("x", 65), refused},
			{repeat("ü", 64), false}, {repeat("ü", 65), refused},
			{`az AZ 09 -_&@+=,(){}[]/«».:|'"#`, false}, {"tab\tline\nvt\vff\fcr\r", false}, {"×÷ÀÿÖß", false},
			{"a$b", only}, {"a%b", only}, {"a*b", only}, {"a!b", only}, {"a?b", only}, {"a;b", only}, {"a<b", only}, {"a>b", only},
			{"a~b", only}, {"a^b", only}, {`a\b`, only}, {"a`b", only}, {"a😀b", only}, {"会议", only}, {"aĀb", only}, {"a\u00a0b", only},
			{"a¿b", only}, {"nul\x00l", only}, {"line\u2028end", only},
			{"aws:robot", only}, {"AwS:Robot", only}, {"aws", false}, {"awsx:", false}, {"x aws:", false},
		}
		id := d.meeting("")
		members := map[string]func(string) answer{
			"ExternalMeetingId": d.create("ExternalMeetingId"),
			"MeetingHostId":     d.create("MeetingHostId"),
			"ExternalUserId": func(v string) answer {
				return d.do("POST", "/meetings/"+id+"/attendees", `{"ExternalUserId":`+v+`}`)
			},
			"ExternalUserId in a batch": func(v string) answer {
				return d.do("POST", "/meetings/"+id+"/attendees?operation=batch-create", `{"Attendees":[{"ExternalUserId":`+v+`}]}`)
			},
			"ExternalUserId with the meeting": func(v string) answer {
				return d.do("POST", "/meetings?operation=create-attendees", d.newMeeting(`"Attendees":[{"ExternalUserId":`+v+`}]`))
			},
		}
		for name, send := range members {
			t.Run(name, func(t *testing.T) { checkTexts(t, d, texts, send) })
		}
	})
}

func TestCreateMeetingShapes(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		only := !d.legacy
		for member, texts := range map[string][]text{
			"ClientRequestToken": {{"ab", false}, {"a", refused}, {"", refused}, {repeat("t", 64), false}, {repeat("t", 65), refused},
				{"A-z_0-9", false}, {"with space", refused}, {"dot.ted", refused}, {"tökén", refused}},
			"MediaRegion": {{"us-east-1", false}, {"eu-south-1", false}, {"x", refused}, {"mars-east-1", refused}, {"US-EAST-1", refused},
				{"us-gov-west-1", refused}, {repeat("r", 65), refused}, {"us-east-1 ", refused}},
			"MediaPlacementNetworkType": {{"Ipv4Only", false}, {"DualStack", false}, {"ipv4only", only}, {"", only}},
		} {
			t.Run(member, func(t *testing.T) { checkTexts(t, d, texts, d.create(member)) })
		}
	})
}

func TestTenantIds(t *testing.T) {
	d := open(t, nil)
	checkTexts(t, d, []text{
		{"ab", false}, {"a", refused}, {repeat("ab", 128), false}, {repeat("ab", 128) + "a", refused}, {"-_!@#$azAZ09", false},
		{"aaa", false}, {"aaaa", refused}, {"aaabaaa", false}, {"xxaaaay", refused}, {"with space", refused}, {"dot.", refused},
	}, func(v string) answer { return d.create("TenantIds")("[" + v + "]") })
	for list, status := range map[string]int{
		`[]`: 400, `["t1","t2","t3","t4","t5"]`: 200, `["t1","t2","t3","t4","t5","t6"]`: 400, `[null]`: 400, `null`: 200, `"t1"`: 400, `[1]`: 400,
	} {
		if a := d.create("TenantIds")(list); a.status != status {
			t.Errorf("%s: %d %s", list, a.status, a.body)
		}
	}
}

func TestNotificationTargets(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		for _, member := range []string{"SnsTopicArn", "SqsQueueArn", "LambdaFunctionArn"} {
			unknown := d.legacy && member == "LambdaFunctionArn"
			checkTexts(t, d, []text{
				{"arn:aws:sqs:us-east-1:123456789012:queue_name-1.fifo", false}, {"arn/x", false}, {"arnx", false},
				{"arn", !unknown}, {"", !unknown}, {"queue", !unknown}, {"arn:aws:sqs:us-east-1:1:a b", !unknown}, {"arn:ü", !unknown},
				{"arn" + repeat("x", 1021), false}, {"arn" + repeat("x", 1022), !unknown},
			}, func(v string) answer { return d.create("NotificationsConfiguration")(`{"` + member + `":` + v + `}`) })
		}
	})
}

func TestTagShapes(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		only := !d.legacy
		t.Run("Key", func(t *testing.T) {
			checkTexts(t, d, []text{
				{"k", false}, {"", refused}, {repeat("k", 128), false}, {repeat("k", 129), refused},
				{"azAZ09+,-./:;<=_", false}, {"a b", only}, {"a@b", only}, {"a>b", only}, {"a*b", only}, {"schlüssel", only},
				{"aws:k", refused}, {"AWS:k", refused}, {"awsk", false},
			}, func(v string) answer { return d.create("Tags")(`[{"Key":` + v + `,"Value":"v"}]`) })
		})
		t.Run("Value", func(t *testing.T) {
			checkTexts(t, d, []text{
				{"v", false}, {"", d.legacy}, {repeat("v", 256), false}, {repeat("v", 257), refused},
				{"azAZ09 \t+,-./:;<=_@", false}, {"a>b", only}, {"wért", only}, {"a*b", only}, {"Aws:v", refused},
			}, func(v string) answer { return d.create("Tags")(`[{"Key":"k","Value":` + v + `}]`) })
		})
		for list, status := range map[string]int{
			`[{"Key":"k"}]`: 400, `[{"Value":"v"}]`: 400, `[null]`: 400, `[]`: pick(d, 200, 400), `{}`: 400,
			`[{"Key":"k","Value":"1"},{"Key":"k","Value":"1"}]`: 400, `[{"Key":"k","Value":"1"},{"Key":"K","Value":"1"}]`: d.created(),
		} {
			if a := d.create("Tags")(list); a.status != status {
				t.Errorf("%s: %d %s", list, a.status, a.body)
			}
		}
	})
}

func TestMeetingFeaturesShapesAndCombinations(t *testing.T) {
	d := open(t, nil)
	for features, message := range map[string]string{
		`{"Attendee":{"MaxCount":1}}`:                                       "",
		`{"Attendee":{"MaxCount":250}}`:                                     "",
		`{"Attendee":{"MaxCount":0}}`:                                       "Value at 'meetingFeatures.attendee.maxCount' failed to satisfy constraint: Member must have value greater than or equal to 1",
		`{"Attendee":{"MaxCount":251}}`:                                     "Member must have value less than or equal to 250",
		`{"Attendee":{"MaxCount":"9"}}`:                                     "must be an integer",
		`{"Attendee":{"MaxCount":9.5}}`:                                     "must be an integer",
		`{"Video":{"MaxResolution":"FHD"},"Attendee":{"MaxCount":25}}`:      "",
		`{"Content":{"MaxResolution":"UHD"},"Attendee":{"MaxCount":1}}`:     "",
		`{"Video":{"MaxResolution":"FHD"}}`:                                 "MaxCount is required",
		`{"Content":{"MaxResolution":"UHD"}}`:                               "MaxCount is required",
		`{"Video":{"MaxResolution":"FHD"},"Attendee":{"MaxCount":26}}`:      "at most 25",
		`{"Video":{"MaxResolution":"UHD"}}`:                                 "Member must satisfy enum value set: [None, HD, FHD]",
		`{"Content":{"MaxResolution":"HD"}}`:                                "Member must satisfy enum value set: [None, FHD, UHD]",
		`{"Audio":{"EchoReduction":"Available"}}`:                           "Member must satisfy enum value set: [AVAILABLE, UNAVAILABLE]",
		`{"Audio":{"EchoReduction":"x"},"Video":{"MaxResolution":"x"}}`:     "2 validation errors detected",
		`{"Audio":"AVAILABLE"}`:                                             "Value at 'meetingFeatures.audio' must be an object",
		`[]`:                                                                "must be an object",
		`null`:                                                              "",
		`{"Audio":null,"Video":{"MaxResolution":null},"Attendee":{},"x":1}`: "",
	} {
		a := d.create("MeetingFeatures")(features)
		if message == "" {
			if a.status != 200 {
				t.Errorf("%s: %d %s", features, a.status, a.body)
			}
			continue
		}
		d.want(a, 400, "BadRequestException", message)
	}
}

func TestRequiredMembersOfCreateMeeting(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		d.want(d.do("POST", "/meetings", ""), 400, "BadRequestException", pick(d,
			"3 validation errors detected: Value null at 'clientRequestToken' failed to satisfy constraint: Member must not be null; Value null at 'mediaRegion' failed to satisfy constraint: Member must not be null; Value null at 'externalMeetingId'",
			"1 validation error detected: Value null at 'clientRequestToken'"))
		d.want(d.do("POST", "/meetings?operation=create-attendees", "{}"), 400, "BadRequestException", pick(d, "4 validation errors detected", "1 validation error detected"))
		most := pick(d, 20, 10)
		d.want(d.do("POST", "/meetings?operation=create-attendees", d.newMeeting(users(0, most+1))), 400, "BadRequestException",
			fmt.Sprintf("1 validation error detected: Value at 'attendees' failed to satisfy constraint: Member must have length less than or equal to %d", most))
		if a := d.do("POST", "/meetings?operation=create-attendees", d.newMeeting(users(0, most))); a.status != d.created() || a.len("Attendees") != most {
			t.Errorf("%d %s", a.status, a.body)
		}
		d.want(d.do("POST", "/meetings?operation=create-attendees", d.newMeeting(`"Attendees":[]`)), 400, "BadRequestException", "greater than or equal to 1")
		if a := d.do("POST", "/meetings", d.newMeeting(`"Attendees":"ignored here"`)); a.status != d.created() {
			t.Errorf("Attendees of CreateMeeting: %d %s", a.status, a.body)
		}
	})
}

// Members of the other flavour are unknown members: whatever they hold.
func TestMembersOfTheOtherFlavourAreIgnored(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		id := d.meeting("")
		for _, item := range pick(d, []string{`"Tags":"nonsense"`}, []string{`"Capabilities":7`}) {
			if a := d.do("POST", "/meetings/"+id+"/attendees", `{"ExternalUserId":"`+fmt.Sprint("user-", serial.Add(1))+`",`+item+`}`); a.status != d.created() {
				t.Errorf("%s: %d %s", item, a.status, a.body)
			}
		}
		if d.legacy {
			if a := d.do("POST", "/meetings", d.newMeeting(`"MeetingFeatures":1,"TenantIds":2,"PrimaryMeetingId":3,"MediaPlacementNetworkType":4`)); a.status != 201 {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
	})
}

func TestLabels(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		id := d.meeting("")
		for _, path := range []string{
			"/meetings/", "/meetings/x", "/meetings/" + id + "0", "/meetings/" + id[1:], "/meetings/%7B" + id[1:], "/meetings//attendees",
			"/meetings/" + id + "/attendees/", "/meetings/" + id + "/attendees/x", "/meetings/" + id + "/attendees/" + unknownID + "%20",
			"/meetings/g" + id[1:], "/meetings/" + strings.ReplaceAll(id, "-", "_"),
		} {
			a := d.do("GET", path, "")
			d.want(a, 400, "BadRequestException", "failed to satisfy constraint: Member must satisfy regular expression pattern: [a-fA-F0-9]{8}")
		}
		encoded := "/meetings/%" + fmt.Sprintf("%02X", id[0]) + id[1:]
		if a := d.do("GET", encoded, ""); a.status != 200 {
			t.Errorf("%s is decoded once: %d %s", encoded, a.status, a.body)
		}
		d.want(d.do("GET", "/meetings/%25"+fmt.Sprintf("%02X", id[0])+id[1:], ""), 400, "BadRequestException")
		d.want(d.do("GET", "/meetings/x/attendees/y", ""), 400, "BadRequestException", "2 validation errors detected: Value at 'meetingId'", "Value at 'attendeeId'")
		d.want(d.do("DELETE", "/meetings/x", ""), 400, "BadRequestException")
		// Validation comes before existence, existence before what needs state.
		d.want(d.do("POST", "/meetings/"+unknownID+"/attendees", `{}`), 400, "BadRequestException")
		d.want(d.do("POST", "/meetings/"+unknownID+"/attendees", `{"ExternalUserId":"ok"}`), 404, "NotFoundException", "Meeting <"+unknownID+"> not found")
	})
}
