package cases

import (
	"regexp"
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// connectorCases are the behaviours of live connectors, and of compositions. The
// streams go to an address of documentation (RFC 5737), where nobody takes them.
func connectorCases() []conform.Case {
	return under(conform.Streaming, []conform.Case{
		{Name: "CreateMediaLiveConnectorPipeline_AnswersWhatWasAsked", Says: "the answer is 201 and repeats sources and sinks", In: inMeetings(), Body: connectorAnswers},
		{Name: "CreateMediaLiveConnectorPipeline_EchoesTheComposition", Says: "a composition is answered as given", In: inMeetings(), Body: connectorComposition},
		{Name: "CreateMediaLiveConnectorPipeline_TokenFindsThePipeline", Says: "a repeated token finds the pipeline, whatever else is asked", In: inMeetings(), Body: connectorRepeats},
		{Name: "CreateMediaLiveConnectorPipeline_OncePerMeeting", Says: "a meeting has one live connector at a time, beside a capture", In: inMeetings(), Body: connectorOnce},
		{Name: "CreateMediaLiveConnectorPipeline_RefusesOtherMeetings", Says: "meetings that do not exist or belong to others are refused", In: inMeetings(), Body: connectorSources},
		{Name: "CreateMediaLiveConnectorPipeline_RefusesOtherSinks", Says: "what is no RTMP URL with a stream key is BadRequest, and is not repeated", In: inMeetings(), Body: connectorSinks},
		{Name: "CreateMediaLiveConnectorPipeline_RefusesPrivateAddresses", Says: "streams do not go to the server's own network", In: inMeetings(), Body: connectorPrivate},
		{Name: "CreateMediaLiveConnectorPipeline_Constraints", Says: "each constraint on a member is enforced", In: inMeetings(), Body: connectorConstraints},
		{Name: "CreateMediaLiveConnectorPipeline_BringsAnAttendee", Says: "an attendee stands for the stream in the meeting, and goes when it ends", In: inMeetings(), Body: connectorAttendee},
		{Name: "GetMediaPipeline_ReturnsALiveConnector", Says: "a live connector is answered under its name, and by no operation of captures", In: inMeetings(), Body: getConnector},
		{Name: "DeleteMediaPipeline_StopsALiveConnector", Says: "a deleted live connector stops, and deleting it again does nothing", In: inMeetings(), Body: deleteConnector},
		{Name: "DeleteMeeting_EndsItsLiveConnector", Says: "the end of a meeting ends its live connector", In: inMeetings(), Body: meetingEndsConnector},
		{Name: "CreateMediaCapturePipeline_EchoesTheComposition", Says: "a composition is answered as given, and needs CompositedVideo", In: inMeetings(), Body: captureComposition},
	})
}

const (
	connectorsPath = "/sdk-media-live-connector-pipelines"
	streamURL      = "rtmps://192.0.2.1:1935/app/stream-key?sign=1"
)

// connectorOf is a valid body for a meeting; source and sink are further members of
// the configurations of these.
func connectorOf(t *conform.T, id string, source, sink object) object {
	return object{
		"Sources": []any{object{"SourceType": "ChimeSdkMeeting", "ChimeSdkMeetingLiveConnectorConfiguration": with(
			object{"Arn": meetingArnOf(t, id), "MuxType": "AudioWithActiveSpeakerVideo"}, source)}},
		"Sinks": []any{object{"SinkType": "RTMP", "RTMPConfiguration": with(object{"Url": streamURL}, sink)}},
	}
}

func startConnector(t *conform.T, body object) object {
	p := inner(t, t.API.Raw(post, connectorsPath, body).Succeeds(201).Object(), "MediaLiveConnectorPipeline")
	t.Cleanup(func() { t.API.Raw(remove, pipelinesPath+"/"+text(p, "MediaPipelineId"), nil) })
	return p
}

// connectorNow asks for a live connector.
func connectorNow(t *conform.T, id string) object {
	return inner(t, inner(t, t.API.Raw(get, pipelinesPath+"/"+id, nil).Succeeds(200).Object(), "MediaPipeline"), "MediaLiveConnectorPipeline")
}

func untilConnector(t *conform.T, id, status string) {
	t.Until("status "+status, func() bool { return text(connectorNow(t, id), "Status") == status })
}

func connectorAnswers(t *conform.T) {
	m := t.Meeting()
	body := connectorOf(t, m.ID, object{"SourceConfiguration": object{"SelectedVideoStreams": object{"ExternalUserIds": []any{"ann"}}}},
		object{"AudioChannels": "Stereo", "AudioSampleRate": "44100"})
	p := startConnector(t, body)
	t.Equal("Sources", p["Sources"], body["Sources"])
	t.Equal("Sinks", p["Sinks"], body["Sinks"])
	t.Equal("Status", text(p, "Status"), "Initializing")
	t.Equal("ARN", text(p, "MediaPipelineArn"), "arn:aws:chime:"+t.Options().Region+":"+t.Options().Account+":media-pipeline/"+text(p, "MediaPipelineId"))
	for _, name := range []string{"CreatedTimestamp", "UpdatedTimestamp"} {
		t.True(name+" has milliseconds", regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(text(p, name)))
	}
}

// composedOf is a composition with every member.
func composedOf() object {
	return object{"Layout": "GridView", "Resolution": "FHD", "GridViewConfiguration": object{
		"ContentShareLayout": "Horizontal", "CanvasOrientation": "Landscape",
		"PresenterOnlyConfiguration":     object{"PresenterPosition": "BottomLeft"},
		"ActiveSpeakerOnlyConfiguration": object{"ActiveSpeakerPosition": "BottomRight"},
		"HorizontalLayoutConfiguration":  object{"TileOrder": "SpeakerSequence", "TilePosition": "Top", "TileCount": 3.0, "TileAspectRatio": "4/3"},
		"VerticalLayoutConfiguration":    object{"TileOrder": "JoinSequence", "TilePosition": "Left", "TileCount": 10.0, "TileAspectRatio": "9/16"},
		"VideoAttribute":                 object{"CornerRadius": 20.0, "BorderThickness": 1.0, "BorderColor": "Yellow", "HighlightColor": "Blue"},
	}}
}

func connectorComposition(t *conform.T) {
	m := t.Meeting()
	body := connectorOf(t, m.ID, object{"MuxType": "AudioWithCompositedVideo", "CompositedVideo": composedOf()}, nil)
	t.Equal("Sources", startConnector(t, body)["Sources"], body["Sources"])
}

func captureComposition(t *conform.T) {
	m := t.Meeting()
	given := artifactsOf("AudioWithCompositedVideo", "Disabled", "Disabled")
	configured := func() object { return with(captureOf(t, m.ID), object{"ChimeSdkMeetingConfiguration": given}) }
	t.API.Raw(post, capturesPath(t), configured()).Fails(badRequest(), "CompositedVideo")
	inner(t, given, "ArtifactsConfiguration")["CompositedVideo"] = composedOf()
	t.Equal("configuration", startCapture(t, configured())["ChimeSdkMeetingConfiguration"], any(given))
}

func connectorRepeats(t *conform.T) {
	m := t.Meeting()
	body := with(connectorOf(t, m.ID, nil, nil), object{"ClientRequestToken": "token-" + m.ID})
	p := startConnector(t, body)
	again := with(connectorOf(t, m.ID, nil, object{"Url": "rtmp://192.0.2.2/other/key"}), object{"ClientRequestToken": "token-" + m.ID})
	found := inner(t, t.API.Raw(post, connectorsPath, again).Succeeds(201).Object(), "MediaLiveConnectorPipeline")
	t.Equal("the pipeline", found["MediaPipelineId"], p["MediaPipelineId"])
	t.Equal("its sink", found["Sinks"], p["Sinks"])
}

func connectorOnce(t *conform.T) {
	m := t.Meeting()
	p := startConnector(t, connectorOf(t, m.ID, nil, nil))
	tooMany(t, t.API.Raw(post, connectorsPath, connectorOf(t, m.ID, nil, nil)))
	startCapture(t, captureOf(t, m.ID))
	t.API.Raw(remove, pipelinesPath+"/"+text(p, "MediaPipelineId"), nil).Succeeds(204)
	untilConnector(t, text(p, "MediaPipelineId"), "Stopped")
	startConnector(t, connectorOf(t, m.ID, nil, nil))
}

func connectorSources(t *conform.T) {
	m := t.Meeting()
	for _, source := range []string{meetingArnOf(t, unknownID), meetingArnOf(t, "x"), "arn:aws:s3:::bucket"} {
		t.API.Raw(post, connectorsPath, connectorOf(t, m.ID, object{"Arn": source}, nil)).Noted(" %s", source).Fails(badRequest())
	}
	other := "arn:aws:chime::999999999999:meeting:" + m.ID
	t.API.Raw(post, connectorsPath, connectorOf(t, m.ID, object{"Arn": other}, nil)).Fails(forbidden(), "ownership mismatch")
}

func connectorSinks(t *conform.T) {
	m := t.Meeting()
	for _, url := range []string{"https://192.0.2.1/app/secret", "rtmp://192.0.2.1/secret", "rtmp://192.0.2.1/app/", "rtmp://user:secret@192.0.2.1/app/secret", "rtmp:///app/secret", "secret"} {
		r := t.API.Raw(post, connectorsPath, connectorOf(t, m.ID, nil, object{"Url": url})).Noted(" %s", url).Fails(badRequest())
		t.True("the key is not repeated", !strings.Contains(conform.Show(r.Object()), "secret"))
	}
}

func connectorPrivate(t *conform.T) {
	m := t.Meeting()
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[fe80::1]", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		t.API.Raw(post, connectorsPath, connectorOf(t, m.ID, nil, object{"Url": "rtmp://" + host + "/app/key"})).Noted(" %s", host).Fails(badRequest(), "private")
	}
}

func connectorConstraints(t *conform.T) {
	m := t.Meeting()
	valid := connectorOf(t, m.ID, nil, nil)
	grid := func(o object) object {
		return object{"CompositedVideo": object{"GridViewConfiguration": with(object{"ContentShareLayout": "Vertical"}, o)}}
	}
	probes := []object{
		with(valid, object{"Sources": nil}), with(valid, object{"Sinks": nil}), with(valid, object{"Sources": []any{}}), with(valid, object{"Sinks": []any{object{}, object{}}}),
		with(valid, object{"ClientRequestToken": "x"}), with(valid, object{"Tags": []any{}}),
		connectorOf(t, m.ID, nil, object{"Url": nil}), connectorOf(t, m.ID, nil, object{"Url": "rtmp://" + strings.Repeat("h", 1020)}),
		connectorOf(t, m.ID, nil, object{"AudioChannels": "Five"}), connectorOf(t, m.ID, nil, object{"AudioSampleRate": "8000"}),
	}
	for _, source := range []object{
		{"Arn": nil}, {"Arn": "a b"}, {"MuxType": nil}, {"MuxType": "AudioOnly"}, {"MuxType": "AudioWithCompositedVideo"}, {"CompositedVideo": object{}},
		{"SourceConfiguration": object{"SelectedVideoStreams": object{"AttendeeIds": []any{}}}},
		grid(object{"ContentShareLayout": nil}), grid(object{"ContentShareLayout": "Round"}), grid(object{"CanvasOrientation": "Square"}),
		grid(object{"VerticalLayoutConfiguration": object{"TileCount": 11}}), grid(object{"VerticalLayoutConfiguration": object{"TilePosition": "Top"}}),
		grid(object{"HorizontalLayoutConfiguration": object{"TileAspectRatio": "16:9"}}), grid(object{"VideoAttribute": object{"BorderColor": "Pink"}}),
	} {
		probes = append(probes, connectorOf(t, m.ID, source, nil))
	}
	for _, p := range probes {
		t.API.Raw(post, connectorsPath, p).Noted(" %s", conform.Show(p)).Fails(badRequest())
	}
	t.Equal("pipelines of the meeting", attendeesOf(t, m.ID, "aws:MediaPipeline"), 0)
}

func connectorAttendee(t *conform.T) {
	m := t.Meeting()
	p := startConnector(t, connectorOf(t, m.ID, nil, nil))
	t.Equal("attendees of the stream", attendeesOf(t, m.ID, "aws:MediaPipeline-"), 1)
	t.API.Raw(remove, pipelinesPath+"/"+text(p, "MediaPipelineId"), nil).Succeeds(204)
	untilConnector(t, text(p, "MediaPipelineId"), "Stopped")
	t.Equal("attendees of the stream", attendeesOf(t, m.ID, "aws:MediaPipeline-"), 0)
}

func getConnector(t *conform.T) {
	m := t.Meeting()
	p := startConnector(t, connectorOf(t, m.ID, nil, nil))
	id := text(p, "MediaPipelineId")
	got := connectorNow(t, strings.ToUpper(id))
	for _, name := range []string{"MediaPipelineId", "MediaPipelineArn", "Sources", "Sinks", "CreatedTimestamp"} {
		t.Equal(name, got[name], p[name])
	}
	t.API.Raw(get, capturesPath(t)+"/"+id, nil).Fails(notFound())
	t.API.Raw(remove, capturesPath(t)+"/"+id, nil).Fails(notFound())
	t.True("it is listed", contains(listed(t, pipelinesPath, "MediaPipelines", 50), id))
	t.True("not as a capture", !contains(listed(t, capturesPath(t), "MediaCapturePipelines", 50), id))
}

func deleteConnector(t *conform.T) {
	m := t.Meeting()
	id := text(startConnector(t, connectorOf(t, m.ID, nil, nil)), "MediaPipelineId")
	for range 2 {
		t.API.Raw(remove, pipelinesPath+"/"+id, nil).Succeeds(204)
	}
	untilConnector(t, id, "Stopped")
	t.API.Raw(remove, pipelinesPath+"/"+id, nil).Succeeds(204)
	t.True("it is not listed", !contains(listed(t, pipelinesPath, "MediaPipelines", 50), id))
}

func meetingEndsConnector(t *conform.T) {
	m := t.Meeting()
	id := text(startConnector(t, connectorOf(t, m.ID, nil, nil)), "MediaPipelineId")
	t.API.DeleteMeeting(m.ID).OK()
	untilConnector(t, id, "Stopped")
}
