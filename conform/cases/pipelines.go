package cases

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// pipelineCases are the behaviours of media pipelines. In the current flavour
// they are those of chime-sdk-media-pipelines, in the legacy one those of the old
// capture operations. No SDK of the suite has them, so all are tried by signed
// HTTP.
func pipelineCases() []conform.Case {
	return under(conform.Recording, []conform.Case{
		{Name: "CreateMediaCapturePipeline_AnswersWhatWasAsked", Says: "the answer is 201 and has sources, sinks, status, timestamps and configuration", In: inBoth(), Body: captureAnswers},
		{Name: "CreateMediaCapturePipeline_FillsInDefaults", Says: "without a configuration, the speaker's video and content are recorded, and the answer says so", In: inBoth(), Body: captureDefaults},
		{Name: "CreateMediaCapturePipeline_EchoesTheConfiguration", Says: "a configuration is answered as given, with the only mux type where none was given", In: inBoth(), Body: captureConfiguration},
		{Name: "CreateMediaCapturePipeline_TokenFindsThePipeline", Says: "a repeated token finds the pipeline, whatever else is asked", In: inBoth(), Body: captureRepeats},
		{Name: "CreateMediaCapturePipeline_OncePerMeeting", Says: "a meeting has one capture at a time", In: inBoth(), Body: captureOnce},
		{Name: "CreateMediaCapturePipeline_RefusesOtherMeetings", Says: "meetings that do not exist or belong to others are refused", In: inBoth(), Body: captureSources},
		{Name: "CreateMediaCapturePipeline_RefusesOtherSinks", Says: "a sink that is no bucket is BadRequest", In: inBoth(), Body: captureSinks},
		{Name: "CreateMediaCapturePipeline_Constraints", Says: "each constraint on a member is enforced", In: inBoth(), Body: captureConstraints},
		{Name: "CreateMediaCapturePipeline_TogetherMakeOne", Says: "of calls at the same time for one meeting, one makes a pipeline", In: inBoth(), Body: captureTogether},
		{Name: "CreateMediaCapturePipeline_BringsAnAttendee", Says: "an attendee stands for the recording in the meeting, and goes when it ends", In: inBoth(), Body: captureAttendee},
		{Name: "CreateMediaCapturePipeline_AnyMeeting", Says: "a meeting of either flavour can be recorded", In: inMeetings(), Body: captureAnyMeeting},
		{Name: "GetMediaCapturePipeline_ReturnsThePipeline", Says: "a pipeline is answered as it is, by any spelling of its id", In: inBoth(), Body: getCapture},
		{Name: "GetMediaCapturePipeline_UnknownIsNotFound", Says: "an id that names no pipeline is NotFound", In: inBoth(), Body: unknownCapture},
		{Name: "GetMediaCapturePipeline_AfterTheEnd", Says: "a pipeline is answered after its end, as Stopped", In: inBoth(), Body: getStopped},
		{Name: "ListMediaCapturePipelines_HoldsWhatIsNotOver", Says: "pipelines are listed until they are over", In: inBoth(), Body: listCaptures},
		{Name: "ListMediaCapturePipelines_Pages", Says: "lists come in pages, without a gap and without repeating", In: inBoth(), Body: pageCaptures},
		{Name: "DeleteMediaCapturePipeline_StopsOnce", Says: "a deleted pipeline stops, and deleting it again does nothing", In: inBoth(), Body: deleteCapture},
		{Name: "DeleteMeeting_EndsItsCapture", Says: "the end of a meeting ends its capture", In: inBoth(), Body: meetingEndsCapture},
		{Name: "DeleteAttendee_OfACaptureEndsIt", Says: "deleting the attendee that stands for a recording ends it", In: inBoth(), Body: attendeeEndsCapture},
		{Name: "CreateMediaConcatenationPipeline_AnswersWhatWasAsked", Says: "the answer is 201 and repeats sources and sinks", In: inMeetings(), Body: concatenationAnswers},
		{Name: "CreateMediaConcatenationPipeline_WaitsForItsSource", Says: "it begins when its source is over, and stops by itself", In: inMeetings(), Body: concatenationWaits},
		{Name: "CreateMediaConcatenationPipeline_RefusesOtherSources", Says: "only captures of the caller can be concatenated", In: inMeetings(), Body: concatenationSources},
		{Name: "GetMediaPipeline_TellsKindsApart", Says: "a pipeline is answered under the name of its kind", In: inMeetings(), Body: kindsApart},
		{Name: "TagResource_OfAPipeline", Says: "tags of pipelines are set, listed and removed by ARN, also after the end", In: inMeetings(), Body: pipelineTags},
	})
}

// capturesPath is where the flavour has its captures.
func capturesPath(t *conform.T) string {
	if t.Flavour == conform.Legacy {
		return "/media-capture-pipelines"
	}
	return "/sdk-media-capture-pipelines"
}

const (
	concatenationsPath = "/sdk-media-concatenation-pipelines"
	pipelinesPath      = "/sdk-media-pipelines"
	testBucket         = "arn:aws:s3:::carillon-conform"
)

func meetingArnOf(t *conform.T, id string) string {
	return "arn:aws:chime::" + t.Options().Account + ":meeting:" + id
}

// captureOf is a valid body for a meeting.
func captureOf(t *conform.T, id string) object {
	return object{"SourceType": "ChimeSdkMeeting", "SourceArn": meetingArnOf(t, id), "SinkType": "S3Bucket", "SinkArn": testBucket + "/a/b"}
}

// with returns a copy of the body with members set; nil removes one.
func with(body object, members object) object {
	out := object{}
	for _, from := range []object{body, members} {
		for k, v := range from {
			if out[k] = v; v == nil {
				delete(out, k)
			}
		}
	}
	return out
}

// captureStarted begins to record a new meeting.
func captureStarted(t *conform.T) (m conform.Meeting, p object) {
	m = t.Meeting()
	return m, startCapture(t, captureOf(t, m.ID))
}

func startCapture(t *conform.T, body object) object {
	p := inner(t, t.API.Raw(post, capturesPath(t), body).Succeeds(201).Object(), "MediaCapturePipeline")
	t.Cleanup(func() { t.API.Raw(remove, capturesPath(t)+"/"+text(p, "MediaPipelineId"), nil) })
	return p
}

// inner returns an object's member that is one.
func inner(t *conform.T, o object, name string) object {
	v, ok := o[name].(object)
	if !ok {
		t.Fatalf("no object %s in %s", name, conform.Show(o))
	}
	return v
}

func text(o object, name string) string {
	s, _ := o[name].(string)
	return s
}

// captureOfID asks for a pipeline.
func captureOfID(t *conform.T, id string) object {
	return inner(t, t.API.Raw(get, capturesPath(t)+"/"+id, nil).Succeeds(200).Object(), "MediaCapturePipeline")
}

func untilCapture(t *conform.T, id, status string) {
	t.Until("status "+status, func() bool { return text(captureOfID(t, id), "Status") == status })
}

func captureAnswers(t *conform.T) {
	m, p := captureStarted(t)
	for name, want := range captureOf(t, m.ID) {
		t.Equal(name, p[name], want)
	}
	t.True("the id is a GUID", regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(text(p, "MediaPipelineId")))
	for _, name := range []string{"CreatedTimestamp", "UpdatedTimestamp"} {
		t.True(name+" has milliseconds", regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(text(p, name)))
	}
	arn, has := p["MediaPipelineArn"]
	t.Equal("there is an ARN", has, t.Flavour == conform.Meetings)
	if has {
		t.Equal("ARN", arn, any("arn:aws:chime:"+t.Options().Region+":"+t.Options().Account+":media-pipeline/"+text(p, "MediaPipelineId")))
	}
	t.Equal("Status", text(p, "Status"), "Initializing")
}

func artifactsOf(audio, video, content string) object {
	return object{"ArtifactsConfiguration": object{
		"Audio": object{"MuxType": audio}, "Video": object{"State": video, "MuxType": "VideoOnly"}, "Content": object{"State": content, "MuxType": "ContentOnly"},
	}}
}

func captureDefaults(t *conform.T) {
	_, p := captureStarted(t)
	t.Equal("configuration", p["ChimeSdkMeetingConfiguration"], any(artifactsOf("AudioWithActiveSpeakerVideo", "Disabled", "Enabled")))
}

func captureConfiguration(t *conform.T) {
	m := t.Meeting()
	selected := object{"SelectedVideoStreams": object{"ExternalUserIds": []any{"ann"}}}
	given := object{"SourceConfiguration": selected, "ArtifactsConfiguration": object{
		"Audio": object{"MuxType": "AudioOnly"}, "Video": object{"State": "Enabled"}, "Content": object{"State": "Disabled"},
	}}
	p := startCapture(t, with(captureOf(t, m.ID), object{"ChimeSdkMeetingConfiguration": given}))
	want := artifactsOf("AudioOnly", "Enabled", "Disabled")
	want["SourceConfiguration"] = selected
	t.Equal("configuration", p["ChimeSdkMeetingConfiguration"], any(want))
}

func captureRepeats(t *conform.T) {
	m := t.Meeting()
	body := with(captureOf(t, m.ID), object{"ClientRequestToken": "token-" + m.ID})
	p := startCapture(t, body)
	again := inner(t, t.API.Raw(post, capturesPath(t), with(body, object{"SinkArn": testBucket})).Succeeds(201).Object(), "MediaCapturePipeline")
	t.Equal("the pipeline", again["MediaPipelineId"], p["MediaPipelineId"])
	t.Equal("its sink", again["SinkArn"], p["SinkArn"])
}

// tooMany demands the refusal of a quota, which pipelines name as the legacy
// flavour does in either.
func tooMany(t *conform.T, r conform.Reply) {
	r.Answered()
	t.Equal("status", r.Status, 400)
	t.Equal("exception", r.ErrorType(), "ResourceLimitExceededException")
}

func captureOnce(t *conform.T) {
	m, p := captureStarted(t)
	tooMany(t, t.API.Raw(post, capturesPath(t), captureOf(t, m.ID)))
	t.API.Raw(remove, capturesPath(t)+"/"+text(p, "MediaPipelineId"), nil).Succeeds(204)
	untilCapture(t, text(p, "MediaPipelineId"), "Stopped")
	startCapture(t, captureOf(t, m.ID))
}

func captureTogether(t *conform.T) {
	m := t.Meeting()
	made := make([]bool, 6)
	t.Together(len(made), func(i int) {
		r := t.API.Raw(post, capturesPath(t), captureOf(t, m.ID))
		if made[i] = r.Status == 201; !made[i] {
			tooMany(t, r)
		}
	})
	n := 0
	for _, yes := range made {
		if yes {
			n++
		}
	}
	t.Equal("pipelines made", n, 1)
}

func captureSources(t *conform.T) {
	m := t.Meeting()
	for _, source := range []string{meetingArnOf(t, unknownID), meetingArnOf(t, "x"), "arn:aws:s3:::bucket"} {
		t.API.Raw(post, capturesPath(t), with(captureOf(t, m.ID), object{"SourceArn": source})).Noted(" %s", source).Fails(badRequest())
	}
	for _, source := range []string{"arn:aws:chime::999999999999:meeting:" + m.ID, "arn:aws:chime:eu-north-1:" + t.Options().Account + ":meeting/" + m.ID} {
		t.API.Raw(post, capturesPath(t), with(captureOf(t, m.ID), object{"SourceArn": source})).Noted(" %s", source).Fails(forbidden(), "ownership mismatch")
	}
}

func captureSinks(t *conform.T) {
	m := t.Meeting()
	for _, sink := range []string{"arn:aws:sqs:::bucket", "arn:aws:s3:::B", "arn:aws:s3:::ab", "arn:aws:s3:::bucket/../x", "arn:aws:s3:::bucket//x", "arn:aws:s3:us-east-1:1:bucket"} {
		t.API.Raw(post, capturesPath(t), with(captureOf(t, m.ID), object{"SinkArn": sink})).Noted(" %s", sink).Fails(badRequest())
	}
}

func captureConstraints(t *conform.T) {
	m := t.Meeting()
	configuration := func(o object) object { return object{"ChimeSdkMeetingConfiguration": o} }
	probes := []object{
		{"SourceType": nil}, {"SourceType": "Zoom"}, {"SourceArn": nil}, {"SourceArn": "a b"}, {"SinkType": nil}, {"SinkType": "Disk"}, {"SinkArn": nil},
		{"SinkArn": strings.Repeat("a", 1025)}, {"ClientRequestToken": "x"}, {"ClientRequestToken": strings.Repeat("x", 65)}, {"ClientRequestToken": "a b"},
		configuration(object{"ArtifactsConfiguration": object{}}),
		configuration(artifactsOf("Audio", "Enabled", "Enabled")), configuration(artifactsOf("AudioOnly", "On", "Enabled")), configuration(artifactsOf("AudioOnly", "Enabled", "On")),
		configuration(object{"SourceConfiguration": object{"SelectedVideoStreams": object{"AttendeeIds": []any{}}}}),
		configuration(object{"SourceConfiguration": object{"SelectedVideoStreams": object{"AttendeeIds": []any{"x"}}}}),
		configuration(object{"SourceConfiguration": object{"SelectedVideoStreams": object{"ExternalUserIds": []any{"x"}}}}),
	}
	if t.Flavour == conform.Meetings {
		probes = append(probes, object{"Tags": []any{}}, object{"Tags": []any{object{"Key": "k"}}}, object{"SinkIamRoleArn": "arn:aws:iam::1:role/r"},
			object{"SseAwsKeyManagementParams": object{"AwsKmsKeyId": "k"}}, object{"SseAwsKeyManagementParams": object{}, "SinkIamRoleArn": "arn:aws:iam::1:role/r"})
	}
	for _, p := range probes {
		t.API.Raw(post, capturesPath(t), with(captureOf(t, m.ID), p)).Noted(" %s", conform.Show(p)).Fails(badRequest())
	}
	t.Equal("pipelines of the meeting", attendeesOf(t, m.ID, "aws:MediaPipeline"), 0)
}

// attendeesOf counts the attendees whose user ids begin so.
func attendeesOf(t *conform.T, meeting, prefix string) (n int) {
	for _, a := range t.API.ListAttendees(meeting, conform.Page{}).OK().Attendees {
		if strings.HasPrefix(a.ExternalUserID, prefix) {
			n++
		}
	}
	return n
}

func captureAttendee(t *conform.T) {
	m, p := captureStarted(t)
	t.Equal("attendees of the recording", attendeesOf(t, m.ID, "aws:MediaPipeline-"), 1)
	t.API.Raw(remove, capturesPath(t)+"/"+text(p, "MediaPipelineId"), nil).Succeeds(204)
	untilCapture(t, text(p, "MediaPipelineId"), "Stopped")
	t.Equal("attendees of the recording", attendeesOf(t, m.ID, "aws:MediaPipeline-"), 0)
}

func captureAnyMeeting(t *conform.T) {
	legacy := t.Client(conform.Legacy, t.Options().Region, t.Options().Credentials)
	m := legacy.CreateMeeting(t.NewMeeting()).OK()
	startCapture(t, captureOf(t, m.ID))
}

func getCapture(t *conform.T) {
	_, p := captureStarted(t)
	id := text(p, "MediaPipelineId")
	for _, spelling := range []string{id, strings.ToUpper(id)} {
		got := captureOfID(t, spelling)
		for _, changing := range []string{"Status", "UpdatedTimestamp"} {
			delete(got, changing)
			delete(p, changing)
		}
		t.Equal("the pipeline", got, p)
	}
}

func unknownCapture(t *conform.T) {
	for _, method := range []string{get, remove} {
		t.API.Raw(method, capturesPath(t)+"/"+unknownID, nil).Fails(notFound(), unknownID)
		t.API.Raw(method, capturesPath(t)+"/x", nil).Fails(badRequest(), "mediaPipelineId")
	}
}

func getStopped(t *conform.T) {
	m, p := captureStarted(t)
	id := text(p, "MediaPipelineId")
	t.API.Raw(remove, capturesPath(t)+"/"+id, nil).Succeeds(204)
	untilCapture(t, id, "Stopped")
	t.API.DeleteMeeting(m.ID).OK()
	got := captureOfID(t, id)
	t.Equal("Status", text(got, "Status"), "Stopped")
	t.Equal("CreatedTimestamp", got["CreatedTimestamp"], p["CreatedTimestamp"])
	t.True("UpdatedTimestamp is later", text(got, "UpdatedTimestamp") > text(p, "UpdatedTimestamp"))
}

// listed returns the ids in a list of pipelines, all pages of it.
func listed(t *conform.T, path, member string, size int) (ids []string) {
	for token := ""; ; {
		query := url.Values{"max-results": {fmt.Sprint(size)}}
		if token != "" {
			query.Set("next-token", token)
		}
		page := t.API.Raw(get, path+"?"+query.Encode(), nil).Succeeds(200).Object()
		list, _ := page[member].([]any)
		if len(list) > size {
			t.Fatalf("%d on a page of %d", len(list), size)
		}
		for _, one := range list {
			o, _ := one.(object)
			ids = append(ids, text(o, "MediaPipelineId"))
		}
		if token = text(page, "NextToken"); token == "" {
			return ids
		}
	}
}

func contains(ids []string, id string) bool {
	for _, one := range ids {
		if one == id {
			return true
		}
	}
	return false
}

func listCaptures(t *conform.T) {
	_, p := captureStarted(t)
	id := text(p, "MediaPipelineId")
	t.True("it is listed", contains(listed(t, capturesPath(t), "MediaCapturePipelines", 50), id))
	t.API.Raw(remove, capturesPath(t)+"/"+id, nil).Succeeds(204)
	untilCapture(t, id, "Stopped")
	t.True("it is not listed any more", !contains(listed(t, capturesPath(t), "MediaCapturePipelines", 50), id))
}

func pageCaptures(t *conform.T) {
	var want []string
	for range 4 {
		_, p := captureStarted(t)
		want = append(want, text(p, "MediaPipelineId"))
	}
	for _, size := range []int{1, 3} {
		seen := map[string]int{}
		for _, id := range listed(t, capturesPath(t), "MediaCapturePipelines", size) {
			seen[id]++
		}
		for _, id := range want {
			t.Equal("times listed", seen[id], 1)
		}
	}
	for _, query := range []string{"?max-results=0", "?max-results=101", "?next-token=made-up"} {
		t.API.Raw(get, capturesPath(t)+query, nil).Noted(" %s", query).Fails(badRequest())
	}
}

func deleteCapture(t *conform.T) {
	_, p := captureStarted(t)
	id := text(p, "MediaPipelineId")
	t.API.Raw(remove, capturesPath(t)+"/"+id, nil).Succeeds(204)
	status := text(captureOfID(t, id), "Status")
	t.True("it stops: "+status, status == "Stopping" || status == "Stopped")
	t.API.Raw(remove, capturesPath(t)+"/"+id, nil).Succeeds(204)
	untilCapture(t, id, "Stopped")
	t.API.Raw(remove, capturesPath(t)+"/"+id, nil).Succeeds(204)
}

func meetingEndsCapture(t *conform.T) {
	m, p := captureStarted(t)
	t.API.DeleteMeeting(m.ID).OK()
	untilCapture(t, text(p, "MediaPipelineId"), "Stopped")
}

func attendeeEndsCapture(t *conform.T) {
	m, p := captureStarted(t)
	for _, a := range t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees {
		t.API.DeleteAttendee(m.ID, a.ID).OK()
	}
	untilCapture(t, text(p, "MediaPipelineId"), "Stopped")
}
