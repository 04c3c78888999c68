package pipelinestest

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines/types"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// connect begins to stream a meeting to a URL, composed when a composition is
// given.
func (sc *scene) connect(meetingID, url string, composition *types.CompositedVideoArtifactsConfiguration) (*types.MediaLiveConnectorPipeline, error) {
	mux := types.LiveConnectorMuxTypeAudioWithActiveSpeakerVideo
	if composition != nil {
		mux = types.LiveConnectorMuxTypeAudioWithCompositedVideo
	}
	out, err := sc.CreateMediaLiveConnectorPipeline(context.Background(), &chimesdkmediapipelines.CreateMediaLiveConnectorPipelineInput{
		Sources: []types.LiveConnectorSourceConfiguration{{
			SourceType: types.LiveConnectorSourceTypeChimeSdkMeeting,
			ChimeSdkMeetingLiveConnectorConfiguration: &types.ChimeSdkMeetingLiveConnectorConfiguration{
				Arn: aws.String("arn:aws:chime::" + servertest.Account + ":meeting:" + meetingID), MuxType: mux, CompositedVideo: composition,
			},
		}},
		Sinks: []types.LiveConnectorSinkConfiguration{{
			SinkType: types.LiveConnectorSinkTypeRtmp, RTMPConfiguration: &types.LiveConnectorRTMPConfiguration{Url: &url},
		}},
	})
	if err != nil {
		return nil, err
	}
	return out.MediaLiveConnectorPipeline, nil
}

// connector returns a live connector as it is now.
func (sc *scene) connector(id *string) *types.MediaLiveConnectorPipeline {
	sc.t.Helper()
	out, err := sc.GetMediaPipeline(context.Background(), &chimesdkmediapipelines.GetMediaPipelineInput{MediaPipelineId: id})
	if err != nil {
		sc.t.Fatal(err)
	}
	return out.MediaPipeline.MediaLiveConnectorPipeline
}

// disconnect ends a live connector and waits for its end.
func (sc *scene) disconnect(id *string) {
	sc.t.Helper()
	if _, err := sc.DeleteMediaPipeline(context.Background(), &chimesdkmediapipelines.DeleteMediaPipelineInput{MediaPipelineId: id}); err != nil {
		sc.t.Fatal(err)
	}
	until(sc.t, "the connector stops", func() bool { return sc.connector(id).Status == types.MediaPipelineStatusStopped })
}

// streamed is what ffprobe says of a stream in 720p, whichever track comes first.
func isStream(text string) bool {
	return strings.Contains(text, "h264,1280,720,30/1") && strings.Contains(text, "aac,48000,1,0/0")
}

func TestAMeetingIsStreamed(t *testing.T) {
	const key = "key-that-nobody-must-see"
	to := startReceiver(t)
	sc := newScene(t, nil, "--live-allow-private")
	on := sc.stage()
	on.enter("ann", "red", true)
	p, err := sc.connect(on.id, to.url(key), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Status != types.MediaPipelineStatusInitializing || *p.Sinks[0].RTMPConfiguration.Url != to.url(key) {
		t.Errorf("%+v", p)
	}
	until(t, "it is in progress", func() bool { return sc.connector(p.MediaPipelineId).Status == types.MediaPipelineStatusInProgress })
	until(t, "the speaker is seen", func() bool { return to.shows(key, 1) == "red" })
	if got := to.streams(key); !isStream(got) {
		t.Errorf("the stream has %q", got)
	}
	if !to.loud(key) {
		t.Error("nobody is heard")
	}

	to.stop() // and comes back
	until(t, "the loss is noticed", func() bool { return strings.Contains(sc.server.Output(), "the stream is not published") })
	to.start()
	until(t, "the stream returns", func() bool { return to.shows(key, 1) == "red" })
	if s := sc.connector(p.MediaPipelineId).Status; s != types.MediaPipelineStatusInProgress {
		t.Errorf("%s after the server's return", s)
	}

	if _, err := sc.connect(on.id, to.url(key), nil); !strings.HasPrefix(refusal(t, err), "ResourceLimitExceededException: Cannot create new media live connector pipeline") {
		t.Errorf("a second one: %v", err)
	}
	sc.disconnect(p.MediaPipelineId)
	if strings.Contains(sc.server.Output(), key) {
		t.Error("the key is in the log")
	}
}

func TestAComposedMeetingIsStreamed(t *testing.T) {
	const key = "composed"
	to := startReceiver(t)
	sc := newScene(t, nil, "--live-allow-private")
	on := sc.stage()
	on.enter("ann", "red", false)
	p, err := sc.connect(on.id, to.url(key), &types.CompositedVideoArtifactsConfiguration{
		GridViewConfiguration: &types.GridViewConfiguration{ContentShareLayout: types.ContentShareLayoutOptionHorizontal},
	})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "one is seen", func() bool { return to.shows(key, 2) == "red red" })
	on.enter("bob", "blue", false)
	until(t, "both are seen", func() bool { return to.shows(key, 2) == "red blue" })
	if _, err := on.api.DeleteMeeting(on.done, meetingToDelete(on.id)); err != nil {
		t.Fatal(err)
	}
	until(t, "the meeting's end ends it", func() bool { return sc.connector(p.MediaPipelineId).Status == types.MediaPipelineStatusStopped })
}

func TestStreamsToPrivateAddressesAreRefused(t *testing.T) {
	sc := newScene(t, nil)
	on := sc.stage()
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254"} {
		if _, err := sc.connect(on.id, "rtmp://"+host+"/live/key", nil); !strings.Contains(refusal(t, err), "private") {
			t.Errorf("%s: %v", host, err)
		}
	}
	without := newScene(t, nil, "--capture-ffmpeg", "off")
	if _, err := without.connect(without.stage().id, "rtmp://192.0.2.1/live/key", nil); refusal(t, err) != "BadRequestException: Live streaming is not available on this server" {
		t.Errorf("%v", err)
	}
}
