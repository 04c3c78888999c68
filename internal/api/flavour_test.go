package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// asked sends CreateMeeting and tells by the status which flavour answered.
func asked(d *door, path, body string, change func(*http.Request)) string {
	d.t.Helper()
	r, err := http.NewRequest("POST", d.server.URL+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	d.sign(r, []byte(body))
	switch a := d.send(r); a.status {
	case 200:
		return "meetings"
	case 201:
		return "legacy"
	default:
		return a.body
	}
}

func agent(s string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("User-Agent", s) }
}

func host(s string) func(*http.Request) { return func(r *http.Request) { r.Host = s } }

func TestFlavourByTheFirstRuleThatAnswers(t *testing.T) {
	d := open(t, nil)
	for _, c := range []struct {
		name, path string
		change     func(*http.Request)
		region     string
		more       string // members of the body
		want       string
	}{
		{name: "default", want: "meetings"},
		{name: "1 legacy", path: "/legacy", want: "legacy"},
		{name: "1 console", path: "/console", want: "legacy"},
		{name: "1 meetings-api", path: "/meetings-api", want: "meetings"},
		{name: "1 beats 2 and 3", path: "/legacy", change: func(r *http.Request) { host("meetings-chime.x")(r); agent("api/chimesdkmeetings#1")(r) }, want: "legacy"},
		{name: "2 current", change: host("meetings-chime.eu-west-1.amazonaws.com"), want: "meetings"},
		{name: "2 current FIPS", change: host("meetings-chime-fips.us-east-1.api.aws:8480"), want: "meetings"},
		{name: "2 legacy", change: host("chime.us-east-1.amazonaws.com"), want: "legacy"},
		{name: "2 legacy guide", change: host("Service.Chime.aws.amazon.com:443"), want: "legacy"},
		{name: "2 legacy FIPS", change: host("service-fips.chime.amazonaws.com"), want: "legacy"},
		{name: "2 one's own host", change: host("chime.example.org"), want: "meetings"},
		{name: "2 other service", change: host("service.example.org"), want: "meetings"},
		{name: "2 beats 3", change: func(r *http.Request) { host("chime.us-east-1.amazonaws.com")(r); agent("api/chime-sdk-meetings#3")(r) }, want: "legacy"},
		{name: "3 JS current", change: agent("aws-sdk-js/3.1142.0 ua/2.1 os/linux lang/js md/nodejs#20 api/chime-sdk-meetings#3.1142.0 m/E"), want: "meetings"},
		{name: "3 JS legacy", change: agent("aws-sdk-js/3.357.0 api/chime#3.357.0"), want: "legacy"},
		{name: "3 Go legacy", change: agent("aws-sdk-go-v2/1.47 os/linux api/chime#1.42.0 m/E"), want: "legacy"},
		{name: "3 Go current", change: agent("aws-sdk-go-v2/1.47 api/chimesdkmeetings#1.25.0"), want: "meetings"},
		{name: "3 CLI legacy", change: agent("aws-cli/2.9 md/command#chime.create-meeting"), want: "legacy"},
		{name: "3 CLI current", change: agent("aws-cli/2.9 md/command#chime-sdk-meetings.create-meeting"), want: "meetings"},
		{name: "3 other token", change: agent("x api/Chime_SDK_Messaging#1"), want: "meetings"},
		{name: "3 beats 6", change: agent("api/chime#1"), more: `"TenantIds":["ab"]`, want: "legacy"},
		{name: "6 attendee tags", path: "?operation=create-attendees", more: `"Attendees":[{"ExternalUserId":"ab"},{"ExternalUserId":"cd","Tags":[{"Key":"k","Value":"v"}]}]`, want: "legacy"},
		{name: "6 attendee capabilities", path: "?operation=create-attendees", more: `"Attendees":[{"ExternalUserId":"ab","Capabilities":{"Audio":"None","Video":"None","Content":"None"}}]`, want: "meetings"},
		{name: "6 both", path: "?operation=create-attendees", more: `"Attendees":[{"ExternalUserId":"ab","Tags":[{"Key":"k","Value":"v"}]}],"MeetingFeatures":{}`, want: "meetings"},
		{name: "7 Region", region: "eu-central-1", want: "meetings"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := d.in(t)
			if c.region != "" {
				d.region = c.region
			}
			path, query, _ := strings.Cut(c.path, "?")
			path += "/meetings"
			if query != "" {
				path += "?" + query
			}
			if got := asked(d, path, d.newMeeting(c.more), c.change); got != c.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestFlavourDefaultCanBeLegacy(t *testing.T) {
	d := open(t, func(c *api.Config) { c.DefaultFlavour = meeting.Legacy })
	for _, c := range []struct{ region, more, want string }{
		{"us-east-1", "", "legacy"},
		{"eu-central-1", "", "meetings"},
		{"us-east-1", `"MeetingFeatures":{}`, "meetings"},
		{"us-east-1", `"PrimaryMeetingId":null`, "legacy"},
		{"us-east-1", `"NotificationsConfiguration":{"LambdaFunctionArn":"arn:aws:lambda:us-east-1:1:f"}`, "meetings"},
		{"us-east-1", `"NotificationsConfiguration":{"SqsQueueArn":"arn:aws:sqs:us-east-1:1:q"}`, "legacy"},
	} {
		d.region = c.region
		if got := asked(d, "/meetings", d.newMeeting(c.more), nil); got != c.want {
			t.Errorf("%s %s: %s", c.region, c.more, got)
		}
	}
}

// phpAgents are what releases of the PHP SDK send; none names the service.
var phpAgents = []string{
	"aws-sdk-php/3.93.14 GuzzleHttp/6.3.3 curl/7.64.0 PHP/7.3.11",
	"aws-sdk-php/3.209.10 OS/Linux/5.10 lang/php/8.0.13 GuzzleHttp/7",
	"aws-sdk-php/3.281.4 ua/2.0 OS/Linux#6.1 lang/php#8.2.10 GuzzleHttp/7",
}

// The PHP SDK drops the base path of an endpoint, so that nothing but the body
// is left to tell a legacy request by: the current flavour could only refuse
// one that lacks a member it requires.
func TestFlavourByWhatIsMissing(t *testing.T) {
	d := open(t, nil)
	const attendees = `"Attendees":[{"ExternalUserId":"ada"}]`
	const all = `"MediaRegion":"us-east-1","ExternalMeetingId":"standup"`
	for _, c := range []struct{ query, members, want string }{
		{"", `"MediaRegion":"us-east-1"`, "legacy"},
		{"", ``, "legacy"},
		{"", `"ExternalMeetingId":"standup"`, "legacy"},
		{"", `"MediaRegion":null,"ExternalMeetingId":null`, "legacy"},
		{"", `"MediaRegion":"us-east-1","Tags":[{"Key":"k","Value":"v"}]`, "legacy"},
		{"", `"NotificationsConfiguration":{"SqsQueueArn":"arn:aws:sqs:us-east-1:1:q"}`, "legacy"},
		{"", all, "meetings"},
		{"?operation=create-attendees", all, "legacy"},
		{"?operation=create-attendees", all + `,"Attendees":null`, "legacy"},
		{"?operation=create-attendees", `"MediaRegion":"us-east-1",` + attendees, "legacy"},
		{"?operation=create-attendees", attendees, "legacy"},
		{"?operation=create-attendees", all + "," + attendees, "meetings"},
	} {
		for _, agent := range phpAgents {
			token := fmt.Sprintf(`{"ClientRequestToken":"token-%d"`, serial.Add(1))
			body := strings.Replace(token+","+c.members+"}", ",}", "}", 1)
			sent := func(r *http.Request) { r.Header.Set("User-Agent", agent) }
			if got := asked(d, "/meetings"+c.query, body, sent); got != c.want {
				t.Errorf("%s %s: %s, want %s", c.query, body, got, c.want)
			}
			d := d.in(t)
			d.region = "eu-central-1" // says less than the body does
			if got := asked(d, "/meetings"+c.query, body, sent); got != c.want {
				t.Errorf("%s %s in eu-central-1: %s, want %s", c.query, body, got, c.want)
			}
		}
	}
}

func TestWhatNamesTheCurrentFlavourGetsItsRefusal(t *testing.T) {
	d := open(t, nil)
	missing := []string{"Value null at 'externalMeetingId' failed to satisfy constraint: Member must not be null"}
	for name, c := range map[string]struct {
		path   string
		body   string
		change func(*http.Request)
		want   []string
	}{
		"prefix":                 {"/meetings-api/meetings", `{"ClientRequestToken":"t-1","MediaRegion":"us-east-1"}`, nil, missing},
		"host name":              {"/meetings", `{"ClientRequestToken":"t-1","MediaRegion":"us-east-1"}`, host("meetings-chime.us-east-1.amazonaws.com"), missing},
		"User-Agent":             {"/meetings", `{"ClientRequestToken":"t-1","MediaRegion":"us-east-1"}`, agent("x api/chime-sdk-meetings#3"), missing},
		"a member only it knows": {"/meetings", `{"ClientRequestToken":"t-1","MediaRegion":"us-east-1","TenantIds":["ab"]}`, nil, missing},
		"a broken body":          {"/meetings", `{"ClientRequestToken":"t-1"`, nil, []string{"not valid JSON"}},
		"neither can do without": {"/meetings", `{"MediaRegion":"us-east-1"}`, nil, append(missing, "clientRequestToken")},
		"no attendees":           {"/meetings-api/meetings?operation=create-attendees", d.newMeeting(""), nil, []string{"Value null at 'attendees'"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := d.flavoured("").in(t)
			r, err := http.NewRequest("POST", d.server.URL+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.change != nil {
				c.change(r)
			}
			d.sign(r, []byte(c.body))
			d.want(d.send(r), 400, "BadRequestException", c.want...)
		})
	}
}

// An endpoint that ends in a slash is joined with the operation's path to two.
// Clients sign the path as they send it, or without its empty segments.
func TestEmptySegmentsBehindTheBasePath(t *testing.T) {
	d := open(t, nil)
	current, legacy := d.meeting(""), d.flavoured("/legacy").meeting("")
	for _, c := range []struct{ sent, tidy, id string }{
		{"//meetings/", "/meetings/", current}, {"///meetings/", "/meetings/", current}, {"/////meetings/", "/meetings/", legacy},
		{"/meetings-api//meetings/", "/meetings-api/meetings/", current}, {"//meetings-api///meetings/", "/meetings-api/meetings/", current},
		{"/legacy//meetings/", "/legacy/meetings/", legacy}, {"//legacy//meetings/", "/legacy/meetings/", legacy},
		{"/console////meetings/", "/console/meetings/", legacy},
	} {
		for _, signed := range []string{c.sent, c.tidy} {
			if a := d.sendTo("GET", c.sent+c.id, signed+c.id, ""); a.status != 200 {
				t.Errorf("GET %s, signed as %s: %d %s", c.sent, signed, a.status, a.body)
			}
			if a := d.sendTo("POST", c.sent+c.id+"/attendees", signed+c.id+"/attendees", `{"ExternalUserId":"ada"}`); a.status/100 != 2 {
				t.Errorf("POST %s, signed as %s: %d %s", c.sent, signed, a.status, a.body)
			}
		}
		if a := d.sendTo("GET", c.sent+c.id, "/elsewhere"+c.tidy+c.id, ""); a.name() != "InvalidSignatureException" {
			t.Errorf("GET %s, signed as another path: %d %s", c.sent, a.status, a.body)
		}
	}
	for _, sent := range []string{"//meetings", "/meetings-api//meetings"} {
		if got := asked(d, sent, d.newMeeting(""), nil); got != "meetings" {
			t.Errorf("%s: %s", sent, got)
		}
	}
	if got := asked(d, "/legacy//meetings", d.newMeeting(""), nil); got != "legacy" {
		t.Errorf("/legacy//meetings: %s", got)
	}
}

func TestEmptySegmentsElsewhereAreEmptyIds(t *testing.T) {
	d := open(t, nil)
	id := d.meeting("")
	for _, c := range [][2]string{
		{"GET", "/meetings//attendees"}, {"POST", "/meetings//attendees"}, {"GET", "/meetings-api/meetings//attendees"},
		{"GET", "//meetings//attendees"}, {"GET", "/meetings/"}, {"DELETE", "/legacy/meetings/"},
		{"GET", "/meetings/" + id + "/attendees/"}, {"DELETE", "/meetings/" + id + "/attendees/"},
	} {
		a := d.sendTo(c[0], c[1], c[1], "")
		d.want(a, 400, "BadRequestException", "Id' failed to satisfy constraint")
	}
	for _, path := range []string{"/meetings//", "/meetings/" + id + "//", "/meetings//" + id, "/legacy/legacy/meetings", "/meetings-api/legacy//meetings"} {
		a := d.sendTo("GET", path, path, "")
		d.want(a, 404, "UnknownOperationException")
	}
}

// sendTo signs a request for one path and sends it to another.
func (d *door) sendTo(method, sent, signed, body string) answer {
	d.t.Helper()
	r, err := http.NewRequest(method, d.server.URL+signed, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	d.sign(r, []byte(body))
	r.URL.Path, r.URL.RawPath = sent, ""
	return d.send(r)
}

// A client that tells nothing finds every meeting of its account at home.
func TestFlavourOfAMeetingIsRemembered(t *testing.T) {
	d := open(t, nil)
	plain, legacy := d.flavoured(""), d.flavoured("/legacy")
	for _, home := range []*door{d, legacy} {
		id := home.meeting("")
		r := plain.do("POST", "/meetings/"+id+"/attendees", `{"ExternalUserId":"user"}`)
		if r.status != home.created() {
			t.Errorf("CreateAttendee: %d %s", r.status, r.body)
		}
		arn := "arn:aws:chime:us-east-1:" + d.account + ":meeting/" + id
		if a := plain.do("GET", "/tags?arn="+arn, ""); a.status != 200 {
			t.Errorf("ListTagsForResource: %d %s", a.status, a.body)
		}
		if a := plain.do("POST", "/tags?operation=tag-resource", `{"ResourceARN":"`+arn+`","Tags":[{"Key":"k","Value":"v"}]}`); a.status != 204 {
			t.Errorf("TagResource: %d %s", a.status, a.body)
		}
		if a := plain.do("GET", "/meetings/"+id+"/tags", ""); a.status != pick(home, 404, 200) {
			t.Errorf("ListMeetingTags, legacy by its route: %d %s", a.status, a.body)
		}
	}
}

func TestIsolation(t *testing.T) {
	d := open(t, nil)
	legacy := d.flavoured("/legacy")
	current, old := d.meeting(""), legacy.meeting("")
	elsewhere := *d
	elsewhere.region = "eu-west-1"
	for name, a := range map[string]answer{
		"current from legacy":       legacy.do("GET", "/meetings/"+current, ""),
		"legacy from current":       d.do("GET", "/meetings/"+old, ""),
		"another Region":            elsewhere.do("GET", "/meetings/"+current, ""),
		"another account":           d.stranger().do("GET", "/meetings/"+current, ""),
		"another account, no token": d.stranger().flavoured("").do("GET", "/meetings/"+old, ""),
	} {
		t.Run(name, func(t *testing.T) { d.in(t).want(a, 404, "NotFoundException") })
	}
	for _, other := range []*door{legacy, &elsewhere} {
		if a := other.do("DELETE", "/meetings/"+current, ""); a.status != 204 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if a := d.do("GET", "/meetings/"+current, ""); a.status != 200 {
		t.Errorf("a stranger's delete did something: %d", a.status)
	}
}

func TestControlRegionCanBePinned(t *testing.T) {
	d := open(t, func(c *api.Config) { c.ControlRegion = "eu-central-1" })
	a := d.do("POST", "/meetings", d.newMeeting(""))
	arn := a.text("Meeting", "MeetingArn")
	if arn != "arn:aws:chime:eu-central-1:"+d.account+":meeting/"+a.text("Meeting", "MeetingId") {
		t.Errorf("arn %s", arn)
	}
	d.region = "us-west-2"
	if a := d.do("GET", "/tags?arn="+arn, ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestGovCloudKeepsToItself(t *testing.T) {
	d := open(t, nil)
	d.region = "us-gov-west-1"
	d.want(d.do("POST", "/meetings", d.newMeeting("")), 400, "BadRequestException", "partition")
	a := d.create("MediaRegion")(`"us-gov-east-1"`)
	if a.status != 200 || !strings.HasPrefix(a.text("Meeting", "MeetingArn"), "arn:aws-us-gov:chime:us-gov-west-1:") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestUnknownOperations(t *testing.T) {
	d := open(t, nil)
	id := d.meeting("")
	for _, base := range []string{"/meetings-api", "/legacy", ""} {
		d := d.flavoured(base)
		for _, c := range [][2]string{
			{"GET", "/"}, {"GET", ""}, {"GET", "/nothing"}, {"POST", "/meetings?operation=frobnicate"}, {"PUT", "/meetings"}, {"PATCH", "/meetings/" + id},
			{"POST", "/meetings/" + id}, {"POST", "/meetings/"}, {"GET", "/meetings/" + id + "/"}, {"POST", "/meetings/" + id + "/transcription"},
			{"POST", "/meetings/" + id + "/dial-outs"}, {"POST", "/tags"}, {"DELETE", "/tags"}, {"GET", "/meetings/" + id + "/attendees/x/y"},
			{"PUT", "/meetings/" + id + "/attendees/capabilities"}, {"PUT", "/meetings/" + id + "/attendees/capabilities?operation=batch-create"},
			{"OPTIONS", "/meetings"}, {"POST", "/meetings/" + id + "/attendees?operation=BATCH-CREATE"},
		} {
			if a := d.do(c[0], c[1], ""); a.status != 404 || a.name() != "UnknownOperationException" || a.text("message") == "" || a.at("Code") != nil {
				t.Errorf("%s %s%s: %d %s", c[0], base, c[1], a.status, a.body)
			}
		}
		if a := d.do("HEAD", "/meetings/"+id, ""); a.status != 404 || a.name() != "UnknownOperationException" {
			t.Errorf("HEAD: %d %s", a.status, a.name())
		}
	}
	for _, c := range [][2]string{
		{"PUT", "/meetings/" + id + "/attendees/" + id + "/capabilities"},
		{"PUT", "/meetings/" + id + "/attendees/capabilities?operation=batch-update-except"},
	} {
		legacy := d.flavoured("/legacy")
		legacy.want(legacy.do(c[0], c[1], "{}"), 404, "UnknownOperationException")
	}
	if a := d.do("POST", "/meetings?operation=", d.newMeeting("")); a.status != 200 {
		t.Errorf("an empty operation is none: %d %s", a.status, a.body)
	}
}
