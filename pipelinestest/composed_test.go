package pipelinestest

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines/types"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

func TestAComposedMeetingIsRecorded(t *testing.T) {
	dir := t.TempDir()
	sc := newScene(t, nil, "--recordings", dir)
	on := sc.stage()
	on.enter("ann", "red", false)
	off := types.ArtifactsStateDisabled
	out, err := sc.CreateMediaCapturePipeline(context.Background(), &chimesdkmediapipelines.CreateMediaCapturePipelineInput{
		SourceType: types.MediaPipelineSourceTypeChimeSdkMeeting, SourceArn: aws.String("arn:aws:chime::" + servertest.Account + ":meeting:" + on.id),
		SinkType: types.MediaPipelineSinkTypeS3Bucket, SinkArn: aws.String("arn:aws:s3:::" + bucket + "/p"),
		ChimeSdkMeetingConfiguration: &types.ChimeSdkMeetingConfiguration{ArtifactsConfiguration: &types.ArtifactsConfiguration{
			Audio: &types.AudioArtifactsConfiguration{MuxType: types.AudioMuxTypeAudioWithCompositedVideo}, Video: &types.VideoArtifactsConfiguration{State: off},
			Content: &types.ContentArtifactsConfiguration{State: off},
			CompositedVideo: &types.CompositedVideoArtifactsConfiguration{
				GridViewConfiguration: &types.GridViewConfiguration{ContentShareLayout: types.ContentShareLayoutOptionPresenterOnly},
			},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	pieces := func() []string {
		list, _ := filepath.Glob(filepath.Join(dir, bucket, "p", "composited-video", "*.mp4"))
		return list
	}
	until(t, "two pieces are there", func() bool { return len(pieces()) >= 2 })
	p := out.MediaCapturePipeline
	sc.stop(p.MediaPipelineId)
	sc.stopped(p.MediaPipelineId)
	for i, path := range pieces() {
		run(t, "ffmpeg", "-v", "error", "-i", path, "-f", "null", "-")
		got := probe(t, path)
		if len(got.Streams) != 2 || got.Streams[0].Codec != "opus" || got.Streams[1].Codec != "h264" || i < len(pieces())-1 && (got.seconds() != 5 || got.Streams[1].Packets != "75") {
			t.Errorf("%s: %+v", path, got)
		}
	}
	second, err := exec.Command("ffmpeg", "-v", "error", "-i", pieces()[1], "-frames:v", "1", "-vf", "format=rgb24,scale=1:1:flags=area", "-f", "rawvideo", "-").Output()
	if err != nil || colours(second, 1, true) != "red" {
		t.Errorf("the second piece shows %q, %v", colours(second, 1, true), err)
	}
	c := sc.join(p.MediaPipelineArn, "joined")
	joined := filepath.Join(dir, bucket, "joined", "composited-video", *c.MediaPipelineId+".mp4")
	if got := probe(t, joined); got.seconds() < 10 || !strings.Contains(got.Streams[1].Codec+got.Streams[0].Codec, "h264") {
		t.Errorf("%+v", got)
	}
}
