package api_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

const connectors = "/sdk-media-live-connector-pipelines"

// connectorBody is a body of CreateMediaLiveConnectorPipeline: of its source and
// sink the given members, and further ones.
func connectorBody(source, sink, more string) string {
	return fmt.Sprintf(`{"Sources":[{"SourceType":"ChimeSdkMeeting","ChimeSdkMeetingLiveConnectorConfiguration":{%s}}],"Sinks":[{"SinkType":"RTMP","RTMPConfiguration":{%s}}]%s}`, source, sink, more)
}

// source is what a source must have.
func (d *door) source(meetingID, more string) string {
	return fmt.Sprintf(`"Arn":"arn:aws:chime::%s:meeting:%s","MuxType":"AudioWithActiveSpeakerVideo"%s`, d.account, meetingID, more)
}

const withSpeaker = "AudioWithActiveSpeakerVideo"

const streamSink = `"Url":"rtmps://live.example.org/app/key?a=b"`

func (d *door) connect(meetingID, more string) answer {
	d.t.Helper()
	a := d.do("POST", connectors, connectorBody(d.source(meetingID, ""), streamSink, more))
	if a.status != 201 {
		d.t.Fatalf("CreateMediaLiveConnectorPipeline: %d %s", a.status, a.body)
	}
	return a
}

func TestAConnectorShowsWhatWasAskedFor(t *testing.T) {
	d, id := pipelines(t, nil)
	source := strings.Replace(d.source(id, `,"SourceConfiguration":{"SelectedVideoStreams":{"ExternalUserIds":["ann"]}},
		"CompositedVideo":{"Layout":"GridView","Resolution":"FHD","GridViewConfiguration":{"ContentShareLayout":"Vertical","CanvasOrientation":"Portrait",
			"PresenterOnlyConfiguration":{"PresenterPosition":"TopLeft"},"ActiveSpeakerOnlyConfiguration":{"ActiveSpeakerPosition":"BottomLeft"},
			"HorizontalLayoutConfiguration":{"TileOrder":"SpeakerSequence","TilePosition":"Top","TileCount":3,"TileAspectRatio":"4/3"},
			"VerticalLayoutConfiguration":{"TilePosition":"Left"},"VideoAttribute":{"CornerRadius":5,"BorderThickness":2,"BorderColor":"Red","HighlightColor":"Green"}}}`),
		"AudioWithActiveSpeakerVideo", "AudioWithCompositedVideo", 1)
	a := d.do("POST", connectors, connectorBody(source, streamSink+`,"AudioChannels":"Stereo","AudioSampleRate":"44100"`, `,"Tags":[{"Key":"k","Value":"v"}]`))
	if a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	got, _ := a.at("MediaLiveConnectorPipeline").(map[string]any)
	pid := a.text("MediaLiveConnectorPipeline", "MediaPipelineId")
	type o = map[string]any
	want := o{
		"MediaPipelineId": pid, "MediaPipelineArn": "arn:aws:chime:us-east-1:" + d.account + ":media-pipeline/" + pid, "Status": "Initializing",
		"CreatedTimestamp": got["CreatedTimestamp"], "UpdatedTimestamp": got["CreatedTimestamp"],
		"Sources": []any{o{"SourceType": "ChimeSdkMeeting", "ChimeSdkMeetingLiveConnectorConfiguration": o{
			"Arn": "arn:aws:chime::" + d.account + ":meeting:" + id, "MuxType": "AudioWithCompositedVideo",
			"SourceConfiguration": o{"SelectedVideoStreams": o{"ExternalUserIds": []any{"ann"}}},
			"CompositedVideo": o{"Layout": "GridView", "Resolution": "FHD", "GridViewConfiguration": o{
				"ContentShareLayout": "Vertical", "CanvasOrientation": "Portrait",
				"PresenterOnlyConfiguration": o{"PresenterPosition": "TopLeft"}, "ActiveSpeakerOnlyConfiguration": o{"ActiveSpeakerPosition": "BottomLeft"},
				"HorizontalLayoutConfiguration": o{"TileOrder": "SpeakerSequence", "TilePosition": "Top", "TileCount": 3.0, "TileAspectRatio": "4/3"},
				"VerticalLayoutConfiguration":   o{"TilePosition": "Left"},
				"VideoAttribute":                o{"CornerRadius": 5.0, "BorderThickness": 2.0, "BorderColor": "Red", "HighlightColor": "Green"},
			}},
		}}},
		"Sinks": []any{o{"SinkType": "RTMP", "RTMPConfiguration": o{"Url": "rtmps://live.example.org/app/key?a=b", "AudioChannels": "Stereo", "AudioSampleRate": "44100"}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	read := d.do("GET", anyPipelines+"/"+pid, "")
	if !reflect.DeepEqual(read.at("MediaPipeline", "MediaLiveConnectorPipeline"), any(got)) {
		t.Errorf("%s", read.body)
	}
	if tags := d.do("GET", "/tags?arn="+got["MediaPipelineArn"].(string), ""); tags.text("Tags", 0, "Value") != "v" {
		t.Errorf("%s", tags.body)
	}
}

func TestAConnectorIsNoCapture(t *testing.T) {
	d, id := pipelines(t, nil)
	a := d.connect(id, `,"ClientRequestToken":"tok"`)
	pid := a.text("MediaLiveConnectorPipeline", "MediaPipelineId")
	if a.at("MediaLiveConnectorPipeline", "Sources", 0, "ChimeSdkMeetingLiveConnectorConfiguration", "CompositedVideo") != nil {
		t.Errorf("%s", a.body)
	}
	if again := d.do("POST", connectors, connectorBody(d.source(id, ""), `"Url":"rtmp://other.example.org/a/b"`, `,"ClientRequestToken":"tok"`)); !reflect.DeepEqual(again.at("MediaLiveConnectorPipeline"), a.at("MediaLiveConnectorPipeline")) {
		t.Errorf("repeated: %d %s", again.status, again.body)
	}
	d.want(d.do("POST", connectors, connectorBody(d.source(id, ""), streamSink, "")), 400, "ResourceLimitExceededException",
		"Cannot create new media live connector pipeline for source type 'ChimeSdkMeeting' and source arn 'arn:aws:chime::"+d.account+":meeting:"+id+"'. Limit reached")
	d.capture(id, "") // beside it
	d.want(d.do("GET", captures+"/"+pid, ""), 404, "NotFoundException")
	d.want(d.do("DELETE", captures+"/"+pid, ""), 404, "NotFoundException")
	if list := d.do("GET", captures, ""); list.len("MediaCapturePipelines") != 1 {
		t.Errorf("%s", list.body)
	}
	if list := d.do("GET", anyPipelines, ""); list.len("MediaPipelines") != 2 || len(list.at("MediaPipelines", 0).(map[string]any)) != 2 {
		t.Errorf("%s", list.body)
	}
	if gone := d.do("DELETE", anyPipelines+"/"+pid, ""); gone.status != 204 {
		t.Errorf("%d %s", gone.status, gone.body)
	}
	if got := d.do("GET", anyPipelines+"/"+pid, ""); got.text("MediaPipeline", "MediaLiveConnectorPipeline", "Status") != "Stopping" {
		t.Errorf("%s", got.body)
	}
}

func TestAConnectorNamesEveryBrokenConstraint(t *testing.T) {
	d, id := pipelines(t, nil)
	source := func(more string) string { return connectorBody(d.source(id, more), streamSink, "") }
	instead := func(of, other string) string {
		return connectorBody(strings.Replace(d.source(id, ""), of, other, 1), streamSink, "")
	}
	own := "arn:aws:chime::" + d.account + ":meeting:" + id
	sink := func(members string) string { return connectorBody(d.source(id, ""), members, "") }
	for body, message := range map[string]string{
		`{}`:                                             "2 validation errors",
		`{"Sources":[],"Sinks":[]}`:                      "greater than or equal to 1",
		`{"Sources":[{},{}],"Sinks":[{},{}]}`:            "less than or equal to 1",
		`{"Sources":[{}],"Sinks":[{}]}`:                  "4 validation errors",
		connectorBody(``, ``, ``):                        "3 validation errors",
		instead(withSpeaker, "AudioOnly"):                "enum value set: [AudioWithCompositedVideo, AudioWithActiveSpeakerVideo]",
		instead(withSpeaker, "AudioWithCompositedVideo"): "AudioWithCompositedVideo needs CompositedVideo",
		source(`,"CompositedVideo":{}`):                  "compositedVideo.gridViewConfiguration",
		source(`,"SourceConfiguration":{"SelectedVideoStreams":{"AttendeeIds":["x"]}}`): "sourceConfiguration.selectedVideoStreams.attendeeIds.1.member",
		instead(own, "nonsense"):                                                 "chimeSdkMeetingLiveConnectorConfiguration.arn",
		instead(own, "arn:aws:s3:::x"):                                           "'arn' is not the ARN of a meeting",
		instead(id, unknownID):                                                   "not found",
		sink(streamSink + `,"AudioChannels":"Five"`):                             "enum value set: [Stereo, Mono]",
		sink(streamSink + `,"AudioSampleRate":"8000"`):                           "regular expression pattern: 44100|48000",
		sink(`"Url":""`):                                                         "rTMPConfiguration.url",
		sink(`"Url":"rtmp://` + strings.Repeat("h", 1020) + `"`):                 "less than or equal to 1024",
		sink(`"Url":"https://example.org/app/secret"`):                           "'url' is not of the form rtmp://",
		sink(`"Url":"rtmp://user:secret@example.org/app/secret"`):                "'url' is not of the form rtmp://",
		sink(`"Url":"rtmp://example.org/secret"`):                                "'url' is not of the form rtmp://",
		connectorBody(d.source(id, ""), streamSink, `,"Tags":[]`):                "'tags' failed",
		connectorBody(d.source(id, ""), streamSink, `,"ClientRequestToken":"x"`): "'clientRequestToken' failed",
	} {
		a := d.do("POST", connectors, body)
		d.want(a, 400, "BadRequestException", message)
		if strings.Contains(a.body, "secret") {
			t.Errorf("the key is repeated: %s", a.body)
		}
	}
	other := strings.Replace(d.source(id, ""), d.account, "999999999999", 1)
	d.want(d.do("POST", connectors, connectorBody(other, streamSink, "")), 403, "ForbiddenException", "Resource ownership mismatch")
}

func TestAConnectorNeedsSomethingThatCarriesItOut(t *testing.T) {
	d, id := pipelines(t, func(c *api.Config) {
		c.PipelineReady = func(_ context.Context, n *meeting.NewPipeline) error {
			if n.Kind != meeting.LiveConnectorPipeline || !n.Settings.ActiveSpeakerVideo || string(n.Settings.Stream.URL) != "rtmps://live.example.org/app/key?a=b" {
				t.Errorf("asked for %+v", n)
			}
			return meeting.Errorf(meeting.Invalid, "Live streaming is not available on this server")
		}
	})
	d.want(d.do("POST", connectors, connectorBody(d.source(id, ""), streamSink, "")), 400, "BadRequestException", "Live streaming is not available on this server")
}

func TestACaptureShowsItsComposition(t *testing.T) {
	d, id := pipelines(t, nil)
	configured := `"ChimeSdkMeetingConfiguration":{"ArtifactsConfiguration":{"Audio":{"MuxType":"AudioWithCompositedVideo"},"Video":{"State":"Disabled"},"Content":{"State":"Disabled"},
		"CompositedVideo":{"GridViewConfiguration":{"ContentShareLayout":"PresenterOnly","PresenterOnlyConfiguration":null,"VideoAttribute":{}}}}}`
	a := d.capture(id, configured)
	type o = map[string]any
	want := o{
		"Audio": o{"MuxType": "AudioWithCompositedVideo"}, "Video": o{"State": "Disabled", "MuxType": "VideoOnly"}, "Content": o{"State": "Disabled", "MuxType": "ContentOnly"},
		"CompositedVideo": o{"Layout": "GridView", "Resolution": "HD", "GridViewConfiguration": o{"ContentShareLayout": "PresenterOnly", "CanvasOrientation": "Landscape"}},
	}
	if got := a.at("MediaCapturePipeline", "ChimeSdkMeetingConfiguration", "ArtifactsConfiguration"); !reflect.DeepEqual(got, any(want)) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
