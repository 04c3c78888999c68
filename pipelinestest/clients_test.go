package pipelinestest

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// environment is what clients need to find the server.
func environment(sc *scene, more ...string) []string {
	return append(os.Environ(), append([]string{
		"AWS_ACCESS_KEY_ID=" + servertest.AccessKey, "AWS_SECRET_ACCESS_KEY=" + servertest.SecretKey, "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ENDPOINT_URL=" + sc.server.Endpoint, "CARILLON_ACCOUNT=" + servertest.Account,
	}, more...)...)
}

// flow is what a program with boto3 does: both services, every operation.
const flow = `
import os, time, boto3
from botocore.exceptions import ClientError
from botocore.config import Config
endpoint, account = os.environ.pop("AWS_ENDPOINT_URL"), os.environ["CARILLON_ACCOUNT"]
config = Config(retries={"total_max_attempts": 1})
client = lambda service: boto3.client(service, endpoint_url=endpoint, config=config)
meetings, chime, pipelines = client("chime-sdk-meetings"), client("chime"), client("chime-sdk-media-pipelines")

def refused(name, call, **members):
    try:
        call(**members)
    except ClientError as e:
        assert e.response["Error"]["Code"] == name and type(e).__name__ == name, e
        return
    raise AssertionError("not refused: " + name)

def stopped(get, name, id):
    for _ in range(200):
        if get(MediaPipelineId=id)[name]["Status"] == "Stopped":
            return
        time.sleep(0.1)
    raise AssertionError("does not stop")

meeting = meetings.create_meeting(ClientRequestToken="token", MediaRegion="us-east-1", ExternalMeetingId="meeting")["Meeting"]["MeetingId"]
source = dict(SourceType="ChimeSdkMeeting", SourceArn=f"arn:aws:chime::{account}:meeting:{meeting}", SinkType="S3Bucket", SinkArn="arn:aws:s3:::some-bucket/prefix")
for service in (pipelines, chime):
    made = service.create_media_capture_pipeline(**source)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    pipeline = made["MediaCapturePipeline"]
    assert pipeline["Status"] == "Initializing" and pipeline["CreatedTimestamp"].tzinfo
    refused("ResourceLimitExceededException", service.create_media_capture_pipeline, **source)
    refused("BadRequestException", service.create_media_capture_pipeline, **{**source, "SinkArn": "arn:aws:s3:::B"})
    refused("ForbiddenException", service.create_media_capture_pipeline, **{**source, "SourceArn": f"arn:aws:chime::999999999999:meeting:{meeting}"})
    refused("NotFoundException", service.get_media_capture_pipeline, MediaPipelineId=meeting)
    assert pipeline["MediaPipelineId"] in [p["MediaPipelineId"] for p in service.list_media_capture_pipelines(MaxResults=50)["MediaCapturePipelines"]]
    assert service.delete_media_capture_pipeline(MediaPipelineId=pipeline["MediaPipelineId"])["ResponseMetadata"]["HTTPStatusCode"] == 204
    stopped(service.get_media_capture_pipeline, "MediaCapturePipeline", pipeline["MediaPipelineId"])
    if service is pipelines:
        arn = pipeline["MediaPipelineArn"]

pipelines.tag_resource(ResourceARN=arn, Tags=[{"Key": "k", "Value": ""}])
assert pipelines.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "k", "Value": ""}]
pipelines.untag_resource(ResourceARN=arn, TagKeys=["k"])
assert pipelines.list_tags_for_resource(ResourceARN=arn)["Tags"] == []
refused("NotFoundException", pipelines.list_tags_for_resource, ResourceARN=arn[:-36] + meeting)

on = {"State": "Enabled"}
artifacts = {name: on for name in ("Audio", "Video", "Content", "DataChannel", "TranscriptionMessages", "MeetingEvents", "CompositedVideo")}
joined = pipelines.create_media_concatenation_pipeline(
    Sources=[{"Type": "MediaCapturePipeline", "MediaCapturePipelineSourceConfiguration": {"MediaPipelineArn": arn, "ChimeSdkMeetingConfiguration": {"ArtifactsConfiguration": artifacts}}}],
    Sinks=[{"Type": "S3Bucket", "S3BucketSinkConfiguration": {"Destination": "arn:aws:s3:::some-bucket/joined"}}])["MediaConcatenationPipeline"]
get = lambda MediaPipelineId: pipelines.get_media_pipeline(MediaPipelineId=MediaPipelineId)["MediaPipeline"]
stopped(get, "MediaConcatenationPipeline", joined["MediaPipelineId"])
assert pipelines.list_media_pipelines()["MediaPipelines"] == []
pipelines.delete_media_pipeline(MediaPipelineId=joined["MediaPipelineId"])

stream = pipelines.create_media_live_connector_pipeline(
    Sources=[{"SourceType": "ChimeSdkMeeting", "ChimeSdkMeetingLiveConnectorConfiguration": {"Arn": source["SourceArn"], "MuxType": "AudioWithActiveSpeakerVideo"}}],
    Sinks=[{"SinkType": "RTMP", "RTMPConfiguration": {"Url": "rtmp://127.0.0.1:1/live/key", "AudioChannels": "Stereo", "AudioSampleRate": "48000"}}])["MediaLiveConnectorPipeline"]
assert stream["Status"] == "Initializing" and stream["Sinks"][0]["RTMPConfiguration"]["AudioChannels"] == "Stereo"
assert [p["MediaPipelineId"] for p in pipelines.list_media_pipelines()["MediaPipelines"]] == [stream["MediaPipelineId"]]
assert pipelines.delete_media_pipeline(MediaPipelineId=stream["MediaPipelineId"])["ResponseMetadata"]["HTTPStatusCode"] == 204
stopped(get, "MediaLiveConnectorPipeline", stream["MediaPipelineId"])
print("ok")
`

func TestBoto3(t *testing.T) {
	t.Parallel()
	sc := newScene(t, nil, "--recordings", t.TempDir(), "--live-allow-private")
	cmd := exec.Command("/usr/bin/python3", "-c", flow)
	cmd.Env = environment(sc)
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTheCommandLine(t *testing.T) {
	t.Parallel()
	sc := newScene(t, nil, "--recordings", t.TempDir())
	aws := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("aws", append(args, "--endpoint-url", sc.server.Endpoint, "--output", "text")...)
		cmd.Env = environment(sc)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	id := aws("chime-sdk-meetings", "create-meeting", "--client-request-token", "token", "--media-region", "us-east-1", "--external-meeting-id", "meeting", "--query", "Meeting.MeetingId")
	pipeline := aws("chime-sdk-media-pipelines", "create-media-capture-pipeline", "--source-type", "ChimeSdkMeeting", "--source-arn", "arn:aws:chime::"+servertest.Account+":meeting:"+id,
		"--sink-type", "S3Bucket", "--sink-arn", "arn:aws:s3:::some-bucket", "--query", "MediaCapturePipeline.MediaPipelineId")
	if got := aws("chime-sdk-media-pipelines", "list-media-capture-pipelines", "--query", "MediaCapturePipelines[].MediaPipelineId"); got != pipeline {
		t.Errorf("%s, want %s", got, pipeline)
	}
	aws("chime-sdk-media-pipelines", "delete-media-capture-pipeline", "--media-pipeline-id", pipeline)
	until(t, "it stops", func() bool {
		return aws("chime-sdk-media-pipelines", "get-media-pipeline", "--media-pipeline-id", pipeline, "--query", "MediaPipeline.MediaCapturePipeline.Status") == "Stopped"
	})
}
