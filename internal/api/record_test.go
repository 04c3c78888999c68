package api_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/logtest"
)

func TestAccessLogHoldsNoSecrets(t *testing.T) {
	var log logtest.Buffer
	observed := make(chan string, 10)
	d := open(t, func(c *api.Config) {
		c.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Observe = func(operation, flavour string, status int, took time.Duration) {
			observed <- fmt.Sprint(operation, " ", flavour, " ", status, " ", took > 0)
		}
	})
	a := d.do("POST", "/meetings?operation=create-attendees&hidden-query=1", d.newMeeting(`"Attendees":[{"ExternalUserId":"hidden-user"}],"MeetingHostId":"hidden-host"`))
	d.do("GET", "/meetings/"+a.text("Meeting", "MeetingId")+"/attendees?next-token=hidden-token", "")
	d.do("GET", "/meetings/hidden-label", "")
	for _, want := range []string{"CreateMeetingWithAttendees meetings 200 true", "ListAttendees meetings 400 true", "GetMeeting meetings 400 true"} {
		if got := <-observed; got != want {
			t.Errorf("observed %q, want %q", got, want)
		}
	}
	text := log.String()
	for _, secret := range []string{"hidden", "standup", "token-", a.text("Attendees", 0, "JoinToken"), secret, "Signature"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q: %s", secret, text)
		}
	}
	for _, part := range []string{`"operation":"CreateMeetingWithAttendees"`, `"status":200`, `"access_key":"AKIDEXAMPLE"`, `"flavour":"meetings"`, `"method":"POST"`, a.header.Get("x-amzn-RequestId")} {
		if !strings.Contains(text, part) {
			t.Errorf("the log lacks %s: %s", part, text)
		}
	}
}

func TestFailuresAreLoggedUnderTheRequestId(t *testing.T) {
	var log logtest.Buffer
	d := open(t, func(c *api.Config) {
		c.Control = &failing{Control: newCanned(), panic: "what broke"}
		c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	})
	a := d.do("GET", "/meetings/"+unknownID, "")
	text := log.String()
	for _, part := range []string{"what broke", `"level":"ERROR"`, a.header.Get("x-amzn-RequestId"), "errors_test.go"} {
		if !strings.Contains(text, part) {
			t.Errorf("the log lacks %s: %s", part, text)
		}
	}
}

// logged runs requests against a door and returns what it logged, a line each.
func logged(t *testing.T, change func(*api.Config), requests func(d *door)) (lines []map[string]any) {
	t.Helper()
	var log logtest.Buffer
	d := open(t, func(c *api.Config) {
		c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
		if change != nil {
			change(c)
		}
	})
	requests(d)
	d.server.Close() // the line is written after the answer
	for line := range strings.Lines(log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, m)
	}
	return lines
}

// A refused call's line says why, to which operation, by which key and from
// where.
func TestRefusedCallsAreExplainedInTheLog(t *testing.T) {
	const there = "/meetings/" + unknownID
	for name, c := range map[string]struct {
		request func(d *door) *http.Request
		want    map[string]any
		reason  string
	}{
		"no credentials": {func(d *door) *http.Request { r := d.request("GET", there, ""); r.Header.Del("Authorization"); return r },
			map[string]any{"operation": "GetMeeting", "status": 403.0, "error": "MissingAuthenticationTokenException", "access_key": ""}, "Missing Authentication Token"},
		"unknown key": {func(d *door) *http.Request {
			return tampered(d.request("DELETE", there, ""), accessKey, "AKIDSTRANGER")
		},
			map[string]any{"operation": "DeleteMeeting", "status": 403.0, "error": "UnrecognizedClientException", "access_key": "AKIDSTRANGER"}, "security token"},
		"wrong secret": {func(d *door) *http.Request {
			return tampered(d.request("POST", there+"/attendees?operation=batch-create", "{}"), "Signature=", "Signature=0")
		},
			map[string]any{"operation": "BatchCreateAttendee", "status": 403.0, "error": "InvalidSignatureException", "access_key": accessKey}, "does not match"},
		"not found": {func(d *door) *http.Request { return d.request("GET", there, "") },
			map[string]any{"operation": "GetMeeting", "status": 404.0, "error": "NotFoundException", "access_key": accessKey, "flavour": "meetings", "region": "us-east-1"}, unknownID},
		"broken constraints": {func(d *door) *http.Request {
			return d.request("POST", "/meetings", `{"ExternalMeetingId":"hidden-room"}`)
		},
			map[string]any{"operation": "CreateMeeting", "status": 400.0, "error": "BadRequestException"}, "clientRequestToken"},
		"no such operation": {func(d *door) *http.Request { return d.request("POST", "/channels/"+unknownID+"/a@b?hidden=1", "") },
			map[string]any{"operation": "", "status": 404.0, "error": "UnknownOperationException", "access_key": accessKey, "path": "/meetings-api/channels/…/…"}, "not recognized"},
		"other flavour's": {func(d *door) *http.Request { return d.request("GET", "/meetings", "") },
			map[string]any{"operation": "ListMeetings", "status": 404.0, "error": "UnknownOperationException"}, "not recognized"},
	} {
		t.Run(name, func(t *testing.T) {
			var a answer
			lines := logged(t, func(cfg *api.Config) {
				cfg.ClientAddr = func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.7") }
			}, func(d *door) { a = d.send(c.request(d)) })
			if len(lines) != 1 {
				t.Fatalf("%d lines: %v", len(lines), lines)
			}
			line := lines[0]
			c.want["from"], c.want["level"], c.want["request_id"] = "192.0.2.7", "WARN", a.header.Get("x-amzn-RequestId")
			for key, want := range c.want {
				if line[key] != want {
					t.Errorf("%s is %v, want %v", key, line[key], want)
				}
			}
			if reason, _ := line["reason"].(string); reason != a.message() || !strings.Contains(reason, c.reason) {
				t.Errorf("reason %q, the caller was told %q", reason, a.message())
			}
			for key, value := range line {
				if strings.Contains(fmt.Sprint(value), "hidden") {
					t.Errorf("%s tells %v", key, value)
				}
			}
		})
	}
}

func tampered(r *http.Request, from, to string) *http.Request {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
	return r
}

// Whoever asks for something that does nothing yet would wait for it.
func TestWhatHasNoEffectIsLoggedAndCounted(t *testing.T) {
	const arn = "arn:aws:sqs:us-east-1:111122223333:hidden-queue"
	notify := func(members ...string) string {
		for i, m := range members {
			members[i] = fmt.Sprintf(`"%s":"%s"`, m, arn)
		}
		return `"NotificationsConfiguration":{` + strings.Join(members, ",") + `}`
	}
	const attendees = `,"Attendees":[{"ExternalUserId":"ada"}]`
	for name, c := range map[string]struct {
		base, target, more string
		want               []any
	}{
		"queue":               {"/meetings-api", "/meetings", notify("SqsQueueArn"), []any{"NotificationsConfiguration.SqsQueueArn"}},
		"all targets":         {"/meetings-api", "/meetings", notify("SqsQueueArn", "SnsTopicArn", "LambdaFunctionArn"), []any{"NotificationsConfiguration.LambdaFunctionArn", "NotificationsConfiguration.SnsTopicArn", "NotificationsConfiguration.SqsQueueArn"}},
		"with attendees":      {"/meetings-api", "/meetings?operation=create-attendees", notify("SnsTopicArn") + attendees, []any{"NotificationsConfiguration.SnsTopicArn"}},
		"legacy":              {"/legacy", "/meetings", notify("SnsTopicArn"), []any{"NotificationsConfiguration.SnsTopicArn"}},
		"legacy, attendees":   {"/legacy", "/meetings?operation=create-attendees", notify("SqsQueueArn") + attendees, []any{"NotificationsConfiguration.SqsQueueArn"}},
		"legacy has no such":  {"/legacy", "/meetings", notify("LambdaFunctionArn"), nil},
		"dual stack":          {"/meetings-api", "/meetings", `"MediaPlacementNetworkType":"DualStack"`, []any{"MediaPlacementNetworkType"}},
		"IPv4 only":           {"/meetings-api", "/meetings", `"MediaPlacementNetworkType":"Ipv4Only"`, nil},
		"echo reduction":      {"/meetings-api", "/meetings", `"MeetingFeatures":{"Audio":{"EchoReduction":"AVAILABLE"}}`, []any{"MeetingFeatures.Audio.EchoReduction"}},
		"no echo reduction":   {"/meetings-api", "/meetings", `"MeetingFeatures":{"Audio":{"EchoReduction":"UNAVAILABLE"}}`, nil},
		"nobody to notify":    {"/meetings-api", "/meetings", `"NotificationsConfiguration":{}`, nil},
		"what has its effect": {"/meetings-api", "/meetings", `"MeetingHostId":"host","TenantIds":["ab"],"Tags":[{"Key":"k","Value":"v"}]`, nil},
		"refused":             {"/meetings-api", "/meetings", notify("SqsQueueArn") + `,"TenantIds":["a"]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var counted []any
			var a answer
			lines := logged(t, func(cfg *api.Config) { cfg.WithoutEffect = func(member string) { counted = append(counted, member) } }, func(d *door) {
				d = d.flavoured(c.base)
				a = d.do("POST", c.target, d.newMeeting(c.more))
			})
			warned := linesSaying(lines, "accepted without effect")
			if len(c.want) == 0 {
				if len(warned)+len(counted) > 0 {
					t.Errorf("warned %v, counted %v", warned, counted)
				}
				return
			}
			if len(warned) != 1 || warned[0]["level"] != "WARN" || warned[0]["meeting"] != a.text("Meeting", "MeetingId") || !reflect.DeepEqual(warned[0]["members"], c.want) || !reflect.DeepEqual(counted, c.want) {
				t.Errorf("warned %v, counted %v, want %v", warned, counted, c.want)
			}
			targets := strings.Count(fmt.Sprint(c.want), "NotificationsConfiguration.")
			if told := strings.Count(fmt.Sprint(warned[0]["unreached"]), arn); told != targets || strings.Count(fmt.Sprint(lines), "hidden") != targets {
				t.Errorf("the log names %d of %d targets: %v", told, targets, lines)
			}
		})
	}
}

// A log that repeats itself with each meeting is not read.
func TestATargetThatGetsNothingIsNamedOnce(t *testing.T) {
	name := func(queue string) string {
		return `"NotificationsConfiguration":{"SqsQueueArn":"arn:aws:sqs:us-east-1:111122223333:` + queue + `"}`
	}
	counted := 0
	lines := logged(t, func(cfg *api.Config) { cfg.WithoutEffect = func(string) { counted++ } }, func(d *door) {
		d = d.flavoured("/meetings-api")
		for _, more := range []string{name("one"), name("one"), name("two"), name("one"), name("two") + `,"MediaPlacementNetworkType":"DualStack"`} {
			d.do("POST", "/meetings", d.newMeeting(more))
		}
	})
	var warned []string
	for _, l := range linesSaying(lines, "accepted without effect") {
		if l["level"] == "WARN" {
			warned = append(warned, fmt.Sprint(l["unreached"]))
		}
	}
	const arn = "[arn:aws:sqs:us-east-1:111122223333:"
	if want := []string{arn + "one]", arn + "two]", arn + "two]"}; !reflect.DeepEqual(warned, want) || counted != 6 {
		t.Errorf("warned of %q, want %q; counted %d, want 6", warned, want, counted)
	}
}

func linesSaying(lines []map[string]any, msg string) (found []map[string]any) {
	for _, l := range lines {
		if l["msg"] == msg {
			found = append(found, l)
		}
	}
	return found
}

func TestATranscriptionHasNoEffectYet(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		base, id := d.base, ""
		lines := logged(t, nil, func(d *door) {
			d = d.flavoured(base)
			id = d.meeting("")
			config := `{"TranscriptionConfiguration":{"EngineTranscribeSettings":{"LanguageCode":"en-US"}}}`
			d.do("POST", "/meetings/"+id+"/transcription?operation=start", config)
			d.do("POST", "/meetings/"+unknownID+"/transcription?operation=start", config)
		})
		warned := linesSaying(lines, "accepted without effect")
		if len(warned) != 1 || warned[0]["meeting"] != id || !reflect.DeepEqual(warned[0]["members"], []any{"TranscriptionConfiguration"}) {
			t.Errorf("%v", warned)
		}
	})
}
