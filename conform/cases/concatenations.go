package cases

import (
	"net/url"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/conform"
)

// recordedFor is how long a capture runs that is to hold something: of one that
// was stopped in its first moment there is nothing to read.
const recordedFor = time.Second

// concatenationOf is a valid body for a capture.
func concatenationOf(arn string) object {
	on := object{"State": "Enabled"}
	artifacts := object{}
	for _, name := range []string{"Audio", "Video", "Content", "DataChannel", "TranscriptionMessages", "MeetingEvents", "CompositedVideo"} {
		artifacts[name] = on
	}
	return object{
		"Sources": []any{object{"Type": "MediaCapturePipeline", "MediaCapturePipelineSourceConfiguration": object{
			"MediaPipelineArn": arn, "ChimeSdkMeetingConfiguration": object{"ArtifactsConfiguration": artifacts}}}},
		"Sinks": []any{object{"Type": "S3Bucket", "S3BucketSinkConfiguration": object{"Destination": testBucket}}},
	}
}

func startConcatenation(t *conform.T, arn string) object {
	p := inner(t, t.API.Raw(post, concatenationsPath, concatenationOf(arn)).Succeeds(201).Object(), "MediaConcatenationPipeline")
	t.Cleanup(func() { t.API.Raw(remove, pipelinesPath+"/"+text(p, "MediaPipelineId"), nil) })
	return p
}

func concatenationAnswers(t *conform.T) {
	_, source := captureStarted(t)
	p := startConcatenation(t, text(source, "MediaPipelineArn"))
	want := concatenationOf(text(source, "MediaPipelineArn"))
	t.Equal("Sources", p["Sources"], want["Sources"])
	t.Equal("Sinks", p["Sinks"], want["Sinks"])
	t.Equal("Status", text(p, "Status"), "Initializing")
}

func concatenationWaits(t *conform.T) {
	_, source := captureStarted(t)
	p := startConcatenation(t, text(source, "MediaPipelineArn"))
	status := func() string {
		made := inner(t, t.API.Raw(get, pipelinesPath+"/"+text(p, "MediaPipelineId"), nil).Succeeds(200).Object(), "MediaPipeline")
		return text(inner(t, made, "MediaConcatenationPipeline"), "Status")
	}
	t.Equal("Status while the source runs", status(), "Initializing")
	t.Until("the source records", func() bool {
		made := inner(t, t.API.Raw(get, capturesPath(t)+"/"+text(source, "MediaPipelineId"), nil).Succeeds(200).Object(), "MediaCapturePipeline")
		return text(made, "Status") == "InProgress"
	})
	time.Sleep(recordedFor) // nobody tells when there is something to concatenate
	t.API.Raw(remove, capturesPath(t)+"/"+text(source, "MediaPipelineId"), nil).Succeeds(204)
	t.Until("the concatenation stops", func() bool { return status() == "Stopped" })
}

func concatenationSources(t *conform.T) {
	own := "arn:aws:chime:" + t.Options().Region + ":" + t.Options().Account + ":media-pipeline/" + unknownID
	t.API.Raw(post, concatenationsPath, concatenationOf(own)).Fails(badRequest(), unknownID)
	t.API.Raw(post, concatenationsPath, concatenationOf(strings.Replace(own, t.Options().Account, "999999999999", 1))).Fails(forbidden())
	t.API.Raw(post, concatenationsPath, concatenationOf("arn:aws:s3:::bucket")).Fails(badRequest())
	t.API.Raw(post, concatenationsPath, object{}).Fails(badRequest(), "sources", "sinks")
}

func kindsApart(t *conform.T) {
	_, capture := captureStarted(t)
	join := startConcatenation(t, text(capture, "MediaPipelineArn"))
	for name, p := range map[string]object{"MediaCapturePipeline": capture, "MediaConcatenationPipeline": join} {
		r := t.API.Raw(get, pipelinesPath+"/"+text(p, "MediaPipelineId"), nil).Succeeds(200)
		t.Equal("members", r.Keys("MediaPipeline"), []string{name})
	}
	t.API.Raw(get, capturesPath(t)+"/"+text(join, "MediaPipelineId"), nil).Fails(notFound())
	t.API.Raw(remove, capturesPath(t)+"/"+text(join, "MediaPipelineId"), nil).Fails(notFound())
	ids := listed(t, pipelinesPath, "MediaPipelines", 50)
	t.True("both are listed", contains(ids, text(capture, "MediaPipelineId")) && contains(ids, text(join, "MediaPipelineId")))
}

func pipelineTags(t *conform.T) {
	_, p := captureStarted(t)
	arn := text(p, "MediaPipelineArn")
	tags := func() any {
		return t.API.Raw(get, "/tags?arn="+url.QueryEscape(arn), nil).Succeeds(200).Object()["Tags"]
	}
	t.Equal("tags", tags(), any([]any{}))
	one := object{"Key": "ü k", "Value": ""}
	for range 2 { // before and after the end
		t.API.Raw(post, "/tags?operation=tag-resource", object{"ResourceARN": arn, "Tags": []any{one}}).Succeeds(204)
		t.Equal("tags", tags(), any([]any{one}))
		t.API.Raw(post, "/tags?operation=untag-resource", object{"ResourceARN": arn, "TagKeys": []any{"ü k"}}).Succeeds(204)
		t.Equal("tags", tags(), any([]any{}))
		t.API.Raw(remove, capturesPath(t)+"/"+text(p, "MediaPipelineId"), nil).Succeeds(204)
		untilCapture(t, text(p, "MediaPipelineId"), "Stopped")
	}
	t.API.Raw(get, "/tags?arn="+url.QueryEscape(arn[:len(arn)-36]+unknownID), nil).Fails(notFound())
}
