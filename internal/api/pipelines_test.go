package api_test

import (
	"context"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// pipelines opens a door to which pipelines are ready, with a meeting.
func pipelines(t *testing.T, change func(*api.Config)) (d *door, meetingID string) {
	t.Helper()
	d = open(t, func(c *api.Config) {
		c.PipelineReady = func(context.Context, *meeting.NewPipeline) error { return nil }
		if change != nil {
			change(c)
		}
	})
	id := d.meeting("")
	return d.flavoured(""), id
}

const (
	captures       = "/sdk-media-capture-pipelines"
	legacyCaptures = "/media-capture-pipelines"
	anyPipelines   = "/sdk-media-pipelines"
	joinUps        = "/sdk-media-concatenation-pipelines"
)

// captureBody is a legal body of CreateMediaCapturePipeline; more are further
// members.
func (d *door) captureBody(meetingID, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"SourceType":"ChimeSdkMeeting","SourceArn":"arn:aws:chime::%s:meeting:%s","SinkType":"S3Bucket","SinkArn":"arn:aws:s3:::my-bucket/a/b"%s}`,
		d.account, meetingID, more)
}

func (d *door) capture(meetingID, more string) answer {
	d.t.Helper()
	a := d.do("POST", captures, d.captureBody(meetingID, more))
	if a.status != 201 {
		d.t.Fatalf("CreateMediaCapturePipeline: %d %s", a.status, a.body)
	}
	return a
}

func artifacts(audio, video, content string) string {
	return fmt.Sprintf(`"ChimeSdkMeetingConfiguration":{"ArtifactsConfiguration":{"Audio":{"MuxType":%q},"Video":{"State":%q},"Content":{"State":%q}}}`, audio, video, content)
}

func TestCaptureShowsWhatWasAskedFor(t *testing.T) {
	d, id := pipelines(t, nil)
	a := d.capture(id, `"ClientRequestToken":"tok","Tags":[{"Key":"k","Value":""}]`)
	p, _ := a.at("MediaCapturePipeline").(map[string]any)
	pid := a.text("MediaCapturePipeline", "MediaPipelineId")
	want := map[string]any{
		"MediaPipelineId": pid, "MediaPipelineArn": "arn:aws:chime:us-east-1:" + d.account + ":media-pipeline/" + pid,
		"SourceType": "ChimeSdkMeeting", "SourceArn": "arn:aws:chime::" + d.account + ":meeting:" + id, "Status": "Initializing",
		"SinkType": "S3Bucket", "SinkArn": "arn:aws:s3:::my-bucket/a/b",
		"CreatedTimestamp": p["CreatedTimestamp"], "UpdatedTimestamp": p["CreatedTimestamp"],
		"ChimeSdkMeetingConfiguration": map[string]any{"ArtifactsConfiguration": map[string]any{
			"Audio":   map[string]any{"MuxType": "AudioWithActiveSpeakerVideo"},
			"Video":   map[string]any{"State": "Disabled", "MuxType": "VideoOnly"},
			"Content": map[string]any{"State": "Enabled", "MuxType": "ContentOnly"},
		}},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got  %v\nwant %v", p, want)
	}
	if at, _ := p["CreatedTimestamp"].(string); len(at) != len("2026-01-02T03:04:05.678Z") || !strings.HasSuffix(at, "Z") {
		t.Errorf("CreatedTimestamp %q", at)
	}
	for _, path := range []string{captures + "/" + pid, "/pipelines-api" + captures + "/" + strings.ToUpper(pid)} {
		if got := d.do("GET", path, ""); got.status != 200 || !reflect.DeepEqual(got.at("MediaCapturePipeline"), any(want)) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := d.do("GET", anyPipelines+"/"+pid, ""); !reflect.DeepEqual(got.at("MediaPipeline", "MediaCapturePipeline"), any(want)) {
		t.Errorf("GetMediaPipeline: %s", got.body)
	}
	if same := d.do("POST", captures, d.captureBody(id, `"ClientRequestToken":"tok"`)); same.text("MediaCapturePipeline", "MediaPipelineId") != pid || same.status != 201 {
		t.Errorf("the same token: %d %s", same.status, same.body)
	}
}

func TestCaptureEchoesItsConfiguration(t *testing.T) {
	d, id := pipelines(t, nil)
	a := d.capture(id, `"SseAwsKeyManagementParams":{"AwsKmsKeyId":"key","AwsKmsEncryptionContext":"e30="},"SinkIamRoleArn":"arn:aws:iam::1:role/r",
		"ChimeSdkMeetingConfiguration":{"SourceConfiguration":{"SelectedVideoStreams":{"AttendeeIds":["`+unknownID+`"],"ExternalUserIds":["ann","bob"]}},
		"ArtifactsConfiguration":{"Audio":{"MuxType":"AudioOnly"},"Video":{"State":"Enabled"},"Content":{"State":"Disabled","MuxType":"ContentOnly"}}}`)
	for path, want := range map[string]any{
		"SseAwsKeyManagementParams": map[string]any{"AwsKmsKeyId": "key", "AwsKmsEncryptionContext": "e30="},
		"SinkIamRoleArn":            "arn:aws:iam::1:role/r",
	} {
		if got := a.at("MediaCapturePipeline", path); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", path, got)
		}
	}
	configuration := a.at("MediaCapturePipeline", "ChimeSdkMeetingConfiguration")
	want := map[string]any{
		"SourceConfiguration": map[string]any{"SelectedVideoStreams": map[string]any{"AttendeeIds": []any{unknownID}, "ExternalUserIds": []any{"ann", "bob"}}},
		"ArtifactsConfiguration": map[string]any{
			"Audio": map[string]any{"MuxType": "AudioOnly"}, "Video": map[string]any{"State": "Enabled", "MuxType": "VideoOnly"},
			"Content": map[string]any{"State": "Disabled", "MuxType": "ContentOnly"},
		},
	}
	if !reflect.DeepEqual(configuration, any(want)) {
		t.Errorf("got  %v\nwant %v", configuration, want)
	}
}

func TestCaptureNamesEveryBrokenConstraint(t *testing.T) {
	d, id := pipelines(t, nil)
	list := func(n int, item string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
	}
	selected := func(members string) string {
		return `"ChimeSdkMeetingConfiguration":{"SourceConfiguration":{"SelectedVideoStreams":{` + members + `}}}`
	}
	grid := func(members string) string {
		return `"ChimeSdkMeetingConfiguration":{"ArtifactsConfiguration":{"Audio":{"MuxType":"AudioOnly"},"Video":{"State":"Disabled"},"Content":{"State":"Disabled"},
			"CompositedVideo":{` + members + `}}}`
	}
	for more, message := range map[string]string{
		`"ClientRequestToken":"x"`:                               "'clientRequestToken' failed to satisfy constraint: Member must have length greater than or equal to 2",
		`"ClientRequestToken":"a b"`:                             "regular expression pattern: [-_a-zA-Z0-9]*",
		`"SinkIamRoleArn":"nonsense"`:                            "'sinkIamRoleArn'",
		`"SinkIamRoleArn":"arn:aws:iam::1:role/r"`:               "must be given together",
		`"SseAwsKeyManagementParams":{"AwsKmsKeyId":"k"}`:        "must be given together",
		`"SseAwsKeyManagementParams":{}`:                         "'sseAwsKeyManagementParams.awsKmsKeyId'",
		`"Tags":[]`:                                              "'tags' failed",
		`"Tags":` + tagList(0, 201):                              "'tags' failed to satisfy constraint: Member must have length less than or equal to 200",
		`"Tags":[{"Key":"a"}]`:                                   "'tags.1.member.value'",
		`"Tags":[{"Key":"a","Value":""},{"Key":"a","Value":""}]`: "repeats a key",
		`"Tags":[{"Key":"aws:a","Value":""}]`:                    "reserved prefix",
		selected(`"AttendeeIds":[]`):                             "greater than or equal to 1",
		selected(`"AttendeeIds":["x"]`):                          "attendeeIds.1.member",
		selected(`"ExternalUserIds":["x"]`):                      "externalUserIds.1.member",
		selected(`"ExternalUserIds":` + list(26, `"ab"`)):        "less than or equal to 25",
		selected(`"ExternalUserIds":` + list(13, `"ab"`) + `,"AttendeeIds":` + list(13, `"`+unknownID+`"`)): "at most 25",
		`"ChimeSdkMeetingConfiguration":{"ArtifactsConfiguration":{}}`:                                      "3 validation errors",
		artifacts("Audio", "Enabled", "Enabled"):                                                            "enum value set: [AudioOnly, AudioWithActiveSpeakerVideo, AudioWithCompositedVideo]",
		artifacts("AudioOnly", "On", "Enabled"):                                                             "video.state",
		artifacts("AudioOnly", "Enabled", "Off"):                                                            "content.state",
		grid(``):                                                                                            "compositedVideo.gridViewConfiguration",
		grid(`"Layout":"L","Resolution":"R","GridViewConfiguration":{}`):                                    "3 validation errors",
		grid(`"GridViewConfiguration":{"ContentShareLayout":"Vertical","VerticalLayoutConfiguration":{"TileCount":11,"TilePosition":"Top","TileAspectRatio":"16:9"}}`): "3 validation errors",
		grid(`"GridViewConfiguration":{"ContentShareLayout":"Vertical","VideoAttribute":{"CornerRadius":0,"BorderColor":"Pink"}}`):                                     "2 validation errors",
		artifacts("AudioWithCompositedVideo", "Enabled", "Enabled"):                                                                                                    "AudioWithCompositedVideo needs CompositedVideo",
	} {
		d.want(d.do("POST", captures, d.captureBody(id, more)), 400, "BadRequestException", message)
	}
	d.want(d.do("POST", captures, `{}`), 400, "BadRequestException", "4 validation errors", "'sourceType'", "'sourceArn'", "'sinkType'", "'sinkArn'")
	d.want(d.do("POST", captures, `{"SourceType":"Zoom","SourceArn":"x","SinkType":"Disk","SinkArn":"y"}`), 400, "BadRequestException", "4 validation errors")
	d.want(d.do("POST", captures, `{`), 400, "BadRequestException", "not valid JSON")
}

func TestCaptureRefusesSourcesAndSinks(t *testing.T) {
	d, id := pipelines(t, nil)
	own := "arn:aws:chime::" + d.account + ":meeting"
	bucket := "arn:aws:s3:::my-bucket"
	body := func(source, sink string) string {
		return fmt.Sprintf(`{"SourceType":"ChimeSdkMeeting","SourceArn":%q,"SinkType":"S3Bucket","SinkArn":%q}`, source, sink)
	}
	for _, c := range []struct {
		source, sink string
		status       int
		name, text   string
	}{
		{own + ":" + unknownID, bucket, 400, "BadRequestException", "Meeting " + own + ":" + unknownID + " not found"},
		{own + ":x", bucket, 400, "BadRequestException", "not the ARN of a meeting"},
		{"arn:aws:s3:::" + id, bucket, 400, "BadRequestException", "not the ARN of a meeting"},
		{"arn:aws:chime::999999999999:meeting:" + id, bucket, 403, "ForbiddenException", "Resource ownership mismatch"},
		{"arn:aws:chime:eu-west-1:" + d.account + ":meeting/" + id, bucket, 403, "ForbiddenException", "Resource ownership mismatch"},
		{own + ":" + id, "arn:aws:s3:::My-Bucket", 400, "BadRequestException", "'sinkArn' is not the ARN of an S3 bucket"},
		{own + ":" + id, "arn:aws:s3:::ab", 400, "BadRequestException", "not the ARN of an S3 bucket"},
		{own + ":" + id, "arn:aws:s3:::a..b", 400, "BadRequestException", "not the ARN of an S3 bucket"},
		{own + ":" + id, "arn:aws:s3:::192.168.0.1", 400, "BadRequestException", "not the ARN of an S3 bucket"},
		{own + ":" + id, "arn:aws:s3:us-east-1::my-bucket", 400, "BadRequestException", "not the ARN of an S3 bucket"},
		{own + ":" + id, "arn:aws:sqs:::my-bucket", 400, "BadRequestException", "not the ARN of an S3 bucket"},
		{own + ":" + id, bucket + "/a//b", 400, "BadRequestException", "not the ARN of an S3 bucket"},
		{own + ":" + id, bucket + "/../b", 400, "BadRequestException", "not the ARN of an S3 bucket"},
		{own + ":" + id, bucket + "/.", 400, "BadRequestException", "not the ARN of an S3 bucket"},
	} {
		d.want(d.do("POST", captures, body(c.source, c.sink)), c.status, c.name, c.text)
	}
	for _, spelling := range []string{"arn:aws:chime::%s:meeting:%s", "arn:aws:chime::%s:meeting/%s", "arn:aws:chime:us-east-1:%s:meeting/%s"} {
		d, id := pipelines(t, nil)
		source := fmt.Sprintf(spelling, d.account, id)
		a := d.do("POST", captures, body(source, bucket+"/a/"))
		if a.status != 201 || a.text("MediaCapturePipeline", "SourceArn") != source || a.text("MediaCapturePipeline", "SinkArn") != bucket+"/a/" {
			t.Errorf("%s: %d %s", source, a.status, a.body)
		}
	}
}

func TestCaptureNeedsSomethingThatCarriesItOut(t *testing.T) {
	d := open(t, nil)
	id := d.meeting("")
	d = d.flavoured("")
	d.want(d.do("POST", captures, d.captureBody(id, "")), 400, "BadRequestException", "Media capture is not configured on this server")
	for kind, want := range map[meeting.Kind]string{
		meeting.Invalid: "BadRequestException", meeting.Forbidden: "ForbiddenException", meeting.Unavailable: "ServiceUnavailableException",
	} {
		d, id := pipelines(t, func(c *api.Config) {
			c.PipelineReady = func(_ context.Context, n *meeting.NewPipeline) error {
				if n.Settings.Bucket != "my-bucket" || n.Settings.Prefix != "a/b" {
					t.Errorf("asked for %+v", n.Settings)
				}
				return meeting.Errorf(kind, "because")
			}
		})
		a := d.do("POST", captures, d.captureBody(id, ""))
		if a.name() != want || a.message() != "because" {
			t.Errorf("%d %s, want %s", a.status, a.body, want)
		}
	}
}

func TestCapturesAreListedAndDeleted(t *testing.T) {
	d, id := pipelines(t, nil)
	if a := d.do("GET", captures, ""); a.body != `{"MediaCapturePipelines":[]}` {
		t.Errorf("none: %s", a.body)
	}
	a := d.capture(id, "")
	pid, arn := a.text("MediaCapturePipeline", "MediaPipelineId"), a.text("MediaCapturePipeline", "MediaPipelineArn")
	d.want(d.do("POST", captures, d.captureBody(id, "")), 400, "ResourceLimitExceededException", "Limit reached")
	element := `{"MediaPipelineId":"` + pid + `","MediaPipelineArn":"` + arn + `"}`
	if a := d.do("GET", captures+"?max-results=1", ""); a.body != `{"MediaCapturePipelines":[`+element+`]}` {
		t.Errorf("%s", a.body)
	}
	if a := d.do("GET", anyPipelines, ""); a.body != `{"MediaPipelines":[`+element+`]}` {
		t.Errorf("%s", a.body)
	}
	for _, query := range []string{"?max-results=0", "?max-results=101", "?max-results=x", "?next-token=zz"} {
		d.want(d.do("GET", captures+query, ""), 400, "BadRequestException")
	}
	for range 2 {
		if a := d.do("DELETE", captures+"/"+pid, ""); a.status != 204 || a.body != "" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if a := d.do("GET", captures+"/"+pid, ""); a.text("MediaCapturePipeline", "Status") != "Stopping" {
		t.Errorf("%s", a.body)
	}
	for _, method := range []string{"GET", "DELETE"} {
		for _, path := range []string{captures, anyPipelines} {
			d.want(d.do(method, path+"/"+unknownID, ""), 404, "NotFoundException", "MediaPipeline "+unknownID+" not found")
			d.want(d.do(method, path+"/x", ""), 400, "BadRequestException", "'mediaPipelineId'")
		}
	}
}

func TestCapturesBelongToTheirAccountAndService(t *testing.T) {
	d, id := pipelines(t, nil)
	pid := d.capture(id, "").text("MediaCapturePipeline", "MediaPipelineId")
	stranger := d.stranger().flavoured("")
	for _, method := range []string{"GET", "DELETE"} {
		stranger.want(stranger.do(method, captures+"/"+pid, ""), 404, "NotFoundException")
		d.want(d.do(method, legacyCaptures+"/"+pid, ""), 404, "NotFoundException")
	}
	elsewhere := *d
	elsewhere.region = "us-west-2"
	elsewhere.want(elsewhere.do("GET", captures+"/"+pid, ""), 404, "NotFoundException")
	for _, path := range []string{captures, legacyCaptures} {
		if a := stranger.do("GET", path, ""); a.len("MediaCapturePipelines") != 0 {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}

func TestLegacyCaptures(t *testing.T) {
	for _, base := range []string{"", "/legacy", "/console"} {
		d, id := pipelines(t, nil)
		d = d.flavoured(base)
		a := d.do("POST", legacyCaptures, d.captureBody(id, artifacts("AudioOnly", "Disabled", "Disabled")+`,"Tags":7`))
		if a.status != 201 || a.at("MediaCapturePipeline", "MediaPipelineArn") != nil || a.text("MediaCapturePipeline", "Status") != "Initializing" {
			t.Fatalf("%q: %d %s", base, a.status, a.body)
		}
		pid := a.text("MediaCapturePipeline", "MediaPipelineId")
		if list := d.do("GET", legacyCaptures+"?max-results=99", ""); list.len("MediaCapturePipelines") != 1 ||
			!reflect.DeepEqual(list.at("MediaCapturePipelines", 0), a.at("MediaCapturePipeline")) {
			t.Errorf("%q: %s", base, list.body)
		}
		d.want(d.do("GET", legacyCaptures+"?max-results=100", ""), 400, "BadRequestException")
		if got := d.do("GET", legacyCaptures+"/"+pid, ""); !reflect.DeepEqual(got.at("MediaCapturePipeline"), a.at("MediaCapturePipeline")) {
			t.Errorf("%q: %s", base, got.body)
		}
		if gone := d.do("DELETE", legacyCaptures+"/"+pid, ""); gone.status != 204 {
			t.Errorf("%q: %d %s", base, gone.status, gone.body)
		}
		d.want(d.do("POST", legacyCaptures, d.captureBody(id, artifacts("AudioWithCompositedVideo", "Enabled", "Enabled"))), 400, "BadRequestException",
			"enum value set: [AudioOnly, AudioWithActiveSpeakerVideo]")
	}
}

// concatenationBody joins all of a capture but what states replace.
func concatenationBody(source string, states map[string]string) string {
	var members []string
	for _, name := range []string{"Audio", "Video", "Content", "DataChannel", "TranscriptionMessages", "MeetingEvents", "CompositedVideo"} {
		state, given := states[name]
		if !given {
			state = `{"State":"Enabled"}`
		}
		if state != "" {
			members = append(members, fmt.Sprintf("%q:%s", name, state))
		}
	}
	return fmt.Sprintf(`{"Sources":[{"Type":"MediaCapturePipeline","MediaCapturePipelineSourceConfiguration":{"MediaPipelineArn":%q,
		"ChimeSdkMeetingConfiguration":{"ArtifactsConfiguration":{%s}}}}],
		"Sinks":[{"Type":"S3Bucket","S3BucketSinkConfiguration":{"Destination":"arn:aws:s3:::my-bucket"}}]}`, source, strings.Join(members, ","))
}

func TestConcatenationShowsWhatWasAskedFor(t *testing.T) {
	d, id := pipelines(t, nil)
	capture := d.capture(id, "")
	source := capture.text("MediaCapturePipeline", "MediaPipelineArn")
	a := d.do("POST", joinUps, concatenationBody(source, map[string]string{"Video": `{"State":"Disabled"}`}))
	if a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	made := a.at("MediaConcatenationPipeline")
	pid := a.text("MediaConcatenationPipeline", "MediaPipelineId")
	if got := d.do("GET", anyPipelines+"/"+pid, ""); !reflect.DeepEqual(got.at("MediaPipeline", "MediaConcatenationPipeline"), made) {
		t.Errorf("%s", got.body)
	}
	states := a.at("MediaConcatenationPipeline", "Sources", 0, "MediaCapturePipelineSourceConfiguration", "ChimeSdkMeetingConfiguration", "ArtifactsConfiguration")
	on, off := map[string]any{"State": "Enabled"}, map[string]any{"State": "Disabled"}
	if want := map[string]any{"Audio": on, "Video": off, "Content": on, "DataChannel": on, "TranscriptionMessages": on, "MeetingEvents": on, "CompositedVideo": on}; !reflect.DeepEqual(states, any(want)) {
		t.Errorf("%v", states)
	}
	if a.text("MediaConcatenationPipeline", "Sinks", 0, "S3BucketSinkConfiguration", "Destination") != "arn:aws:s3:::my-bucket" ||
		a.text("MediaConcatenationPipeline", "Sources", 0, "MediaCapturePipelineSourceConfiguration", "MediaPipelineArn") != source {
		t.Errorf("%s", a.body)
	}
	if list := d.do("GET", anyPipelines, ""); list.len("MediaPipelines") != 2 {
		t.Errorf("%s", list.body)
	}
	if list := d.do("GET", captures, ""); list.len("MediaCapturePipelines") != 1 {
		t.Errorf("%s", list.body)
	}
	d.want(d.do("GET", captures+"/"+pid, ""), 404, "NotFoundException") // no capture
	d.want(d.do("DELETE", captures+"/"+pid, ""), 404, "NotFoundException")
	if a := d.do("DELETE", anyPipelines+"/"+pid, ""); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestConcatenationNamesEveryBrokenConstraint(t *testing.T) {
	d, id := pipelines(t, nil)
	source := d.capture(id, "").text("MediaCapturePipeline", "MediaPipelineArn")
	own := "arn:aws:chime:us-east-1:" + d.account + ":media-pipeline/"
	for body, message := range map[string]string{
		`{}`:                                  "2 validation errors",
		`{"Sources":[],"Sinks":[]}`:           "greater than or equal to 1",
		`{"Sources":[{},{}],"Sinks":[{},{}]}`: "less than or equal to 1",
		`{"Sources":[{}],"Sinks":[{}]}`:       "4 validation errors",
		`{"Sources":[{"Type":"X","MediaCapturePipelineSourceConfiguration":{}}],"Sinks":[{"Type":"X","S3BucketSinkConfiguration":{}}]}`: "5 validation errors",
		concatenationBody(source, map[string]string{"Audio": `{"State":"Disabled"}`}):                                                   "enum value set: [Enabled]",
		concatenationBody(source, map[string]string{"Audio": "", "DataChannel": ""}):                                                    "2 validation errors",
		concatenationBody(source, map[string]string{"Content": `{}`}):                                                                   "content.state",
		concatenationBody("arn:aws:s3:::x", nil):                                                                                        "not the ARN of a media pipeline",
		concatenationBody(own+unknownID, nil):                                                                                           "MediaPipeline " + own + unknownID + " not found",
		strings.Replace(concatenationBody(source, nil), "my-bucket", "B", 1):                                                            "'destination' is not the ARN of an S3 bucket",
	} {
		d.want(d.do("POST", joinUps, body), 400, "BadRequestException", message)
	}
	d.want(d.do("POST", joinUps, concatenationBody(strings.Replace(source, d.account, "999999999999", 1), nil)), 403, "ForbiddenException", "Resource ownership mismatch")
}

func TestWhatIsNotServedSaysSo(t *testing.T) {
	d, _ := pipelines(t, nil)
	for _, path := range []string{"/media-insights-pipelines", "/media-insights-pipeline-configurations", "/media-pipeline-kinesis-video-stream-pools", "/sdk-media-stream-pipelines"} {
		a := d.do("GET", path, "")
		d.want(a, 404, "UnknownOperationException")
	}
	for _, op := range api.Actions() {
		if op == "chime:CreateMediaCapturePipeline" {
			return
		}
	}
	t.Error("policies cannot name CreateMediaCapturePipeline")
}

func TestTagsOfPipelinesByArn(t *testing.T) {
	d, id := pipelines(t, nil)
	arn := d.capture(id, `"Tags":[{"Key":"a b","Value":""}]`).text("MediaCapturePipeline", "MediaPipelineArn")
	list := func() any { return d.do("GET", "/tags?arn="+url.QueryEscape(arn), "").at("Tags") }
	if got := list(); !reflect.DeepEqual(got, any(tags("a b", ""))) {
		t.Errorf("%v", got)
	}
	if a := d.do("POST", "/tags?operation=tag-resource", `{"ResourceARN":"`+arn+`","Tags":[{"Key":"ü","Value":"☃"}]}`); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := list(); !reflect.DeepEqual(got, any(tags("a b", "", "ü", "☃"))) {
		t.Errorf("%v", got)
	}
	d.want(d.do("POST", "/tags?operation=tag-resource", `{"ResourceARN":"`+arn+`","Tags":`+tagList(0, 200)+`}`), 400, "BadRequestException", "at most 200")
	if a := d.do("POST", "/tags?operation=untag-resource", `{"ResourceARN":"`+arn+`","TagKeys":["ü","a b"]}`); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := list(); !reflect.DeepEqual(got, any([]any{})) {
		t.Errorf("%v", got)
	}
	other := strings.Replace(arn, d.account, "999999999999", 1)
	for _, missing := range []string{other, strings.Replace(arn, "us-east-1", "us-west-2", 1), arn[:len(arn)-36] + unknownID} {
		a := d.do("GET", "/tags?arn="+url.QueryEscape(missing), "")
		d.want(a, 404, "NotFoundException", "Resource "+missing+" not found")
		d.want(d.do("POST", "/tags?operation=untag-resource", `{"ResourceARN":"`+missing+`","TagKeys":["k"]}`), 404, "NotFoundException")
	}
}
