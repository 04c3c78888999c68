package api_test

//lint:file-ignore SA1019 the retired SDK has both services

import (
	"errors"
	"fmt"
	"testing"
	"time"

	awsv1 "github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/service/chime"
	"github.com/aws/aws-sdk-go/service/chimesdkmediapipelines"
)

// The clients of the AWS SDK for Go v1, unmodified; that of v2, boto3 and the
// command line are tried in pipelinestest.

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var refused awserr.Error
	if !errors.As(err, &refused) || refused.Code() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestGoSDKv1Pipelines(t *testing.T) {
	d, id := pipelines(t, nil)
	client := chimesdkmediapipelines.New(sessionV1(t, d, ""))
	in := &chimesdkmediapipelines.CreateMediaCapturePipelineInput{
		SourceType: awsv1.String("ChimeSdkMeeting"), SourceArn: awsv1.String("arn:aws:chime::" + d.account + ":meeting:" + id),
		SinkType: awsv1.String("S3Bucket"), SinkArn: awsv1.String("arn:aws:s3:::my-bucket"),
		ChimeSdkMeetingConfiguration: &chimesdkmediapipelines.ChimeSdkMeetingConfiguration{
			SourceConfiguration: &chimesdkmediapipelines.SourceConfiguration{SelectedVideoStreams: &chimesdkmediapipelines.SelectedVideoStreams{
				ExternalUserIds: awsv1.StringSlice([]string{"ann", "bob"}),
			}},
			ArtifactsConfiguration: &chimesdkmediapipelines.ArtifactsConfiguration{
				Audio: &chimesdkmediapipelines.AudioArtifactsConfiguration{MuxType: awsv1.String("AudioOnly")},
				Video: &chimesdkmediapipelines.VideoArtifactsConfiguration{State: awsv1.String("Enabled")}, Content: &chimesdkmediapipelines.ContentArtifactsConfiguration{State: awsv1.String("Disabled")},
			},
		},
		Tags: []*chimesdkmediapipelines.Tag{{Key: awsv1.String("k"), Value: awsv1.String("v")}},
	}
	made, err := client.CreateMediaCapturePipeline(in)
	if err != nil {
		t.Fatal(err)
	}
	p := made.MediaCapturePipeline
	if *p.Status != "Initializing" || len(p.ChimeSdkMeetingConfiguration.SourceConfiguration.SelectedVideoStreams.ExternalUserIds) != 2 || time.Since(*p.CreatedTimestamp).Abs() > time.Minute {
		t.Errorf("%+v", p)
	}
	_, err = client.CreateMediaCapturePipeline(in)
	wantCode(t, err, chimesdkmediapipelines.ErrCodeResourceLimitExceededException)
	in.SinkArn = awsv1.String("arn:aws:s3:::B")
	_, err = client.CreateMediaCapturePipeline(in)
	wantCode(t, err, chimesdkmediapipelines.ErrCodeBadRequestException)
	got, err := client.GetMediaPipeline(&chimesdkmediapipelines.GetMediaPipelineInput{MediaPipelineId: p.MediaPipelineId})
	if err != nil || got.MediaPipeline.MediaConcatenationPipeline != nil || *got.MediaPipeline.MediaCapturePipeline.MediaPipelineArn != *p.MediaPipelineArn {
		t.Errorf("%+v, %v", got, err)
	}
	tags, err := client.ListTagsForResource(&chimesdkmediapipelines.ListTagsForResourceInput{ResourceARN: p.MediaPipelineArn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "v" {
		t.Errorf("%+v, %v", tags, err)
	}
	joinV1(t, client, p.MediaPipelineArn)
	if _, err := client.DeleteMediaCapturePipeline(&chimesdkmediapipelines.DeleteMediaCapturePipelineInput{MediaPipelineId: p.MediaPipelineId}); err != nil {
		t.Error(err)
	}
	_, err = client.GetMediaCapturePipeline(&chimesdkmediapipelines.GetMediaCapturePipelineInput{MediaPipelineId: awsv1.String(unknownID)})
	wantCode(t, err, chimesdkmediapipelines.ErrCodeNotFoundException)
}

// joinV1 creates a concatenation and finds it again.
func joinV1(t *testing.T, client *chimesdkmediapipelines.ChimeSDKMediaPipelines, source *string) {
	t.Helper()
	on := awsv1.String("Enabled")
	join, err := client.CreateMediaConcatenationPipeline(&chimesdkmediapipelines.CreateMediaConcatenationPipelineInput{
		Sources: []*chimesdkmediapipelines.ConcatenationSource{{
			Type: awsv1.String("MediaCapturePipeline"),
			MediaCapturePipelineSourceConfiguration: &chimesdkmediapipelines.MediaCapturePipelineSourceConfiguration{
				MediaPipelineArn: source,
				ChimeSdkMeetingConfiguration: &chimesdkmediapipelines.ChimeSdkMeetingConcatenationConfiguration{
					ArtifactsConfiguration: &chimesdkmediapipelines.ArtifactsConcatenationConfiguration{
						Audio: &chimesdkmediapipelines.AudioConcatenationConfiguration{State: on}, Video: &chimesdkmediapipelines.VideoConcatenationConfiguration{State: on},
						Content: &chimesdkmediapipelines.ContentConcatenationConfiguration{State: on}, DataChannel: &chimesdkmediapipelines.DataChannelConcatenationConfiguration{State: on},
						TranscriptionMessages: &chimesdkmediapipelines.TranscriptionMessagesConcatenationConfiguration{State: on},
						MeetingEvents:         &chimesdkmediapipelines.MeetingEventsConcatenationConfiguration{State: on}, CompositedVideo: &chimesdkmediapipelines.CompositedVideoConcatenationConfiguration{State: on},
					},
				},
			},
		}},
		Sinks: []*chimesdkmediapipelines.ConcatenationSink{{
			Type: awsv1.String("S3Bucket"), S3BucketSinkConfiguration: &chimesdkmediapipelines.S3BucketSinkConfiguration{Destination: awsv1.String("arn:aws:s3:::my-bucket")},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := join.MediaConcatenationPipeline.MediaPipelineId
	got, err := client.GetMediaPipeline(&chimesdkmediapipelines.GetMediaPipelineInput{MediaPipelineId: id})
	if err != nil || got.MediaPipeline.MediaCapturePipeline != nil || fmt.Sprint(got.MediaPipeline.MediaConcatenationPipeline) != fmt.Sprint(join.MediaConcatenationPipeline) {
		t.Errorf("%+v, %v", got, err)
	}
	n := 0
	err = client.ListMediaPipelinesPages(&chimesdkmediapipelines.ListMediaPipelinesInput{MaxResults: awsv1.Int64(1)}, func(page *chimesdkmediapipelines.ListMediaPipelinesOutput, _ bool) bool {
		n += len(page.MediaPipelines)
		return true
	})
	if err != nil || n != 2 {
		t.Errorf("%d pipelines, %v", n, err)
	}
	if _, err := client.DeleteMediaPipeline(&chimesdkmediapipelines.DeleteMediaPipelineInput{MediaPipelineId: id}); err != nil {
		t.Error(err)
	}
}

func TestGoSDKv1LegacyCaptures(t *testing.T) {
	d, id := pipelines(t, nil)
	client := chime.New(sessionV1(t, d, ""))
	made, err := client.CreateMediaCapturePipeline(&chime.CreateMediaCapturePipelineInput{
		SourceType: awsv1.String("ChimeSdkMeeting"), SourceArn: awsv1.String("arn:aws:chime::" + d.account + ":meeting:" + id),
		SinkType: awsv1.String("S3Bucket"), SinkArn: awsv1.String("arn:aws:s3:::my-bucket"),
	})
	if err != nil {
		t.Fatal(err)
	}
	p := made.MediaCapturePipeline
	got, err := client.GetMediaCapturePipeline(&chime.GetMediaCapturePipelineInput{MediaPipelineId: p.MediaPipelineId})
	if err != nil || fmt.Sprint(got.MediaCapturePipeline) != fmt.Sprint(p) || *p.ChimeSdkMeetingConfiguration.ArtifactsConfiguration.Audio.MuxType != "AudioWithActiveSpeakerVideo" {
		t.Errorf("%+v, %v", got, err)
	}
	list, err := client.ListMediaCapturePipelines(&chime.ListMediaCapturePipelinesInput{MaxResults: awsv1.Int64(99)})
	if err != nil || len(list.MediaCapturePipelines) != 1 || fmt.Sprint(list.MediaCapturePipelines[0]) != fmt.Sprint(p) {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := client.DeleteMediaCapturePipeline(&chime.DeleteMediaCapturePipelineInput{MediaPipelineId: p.MediaPipelineId}); err != nil {
		t.Error(err)
	}
	_, err = client.GetMediaCapturePipeline(&chime.GetMediaCapturePipelineInput{MediaPipelineId: awsv1.String(unknownID)})
	wantCode(t, err, chime.ErrCodeNotFoundException)
}
