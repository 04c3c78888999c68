package pipelinestest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines/types"

	"github.com/carillon-meetings/carillon/internal/load/meeting"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// scene is a server that records, and a client of it.
type scene struct {
	*chimesdkmediapipelines.Client
	t      *testing.T
	server *servertest.Server
	store  *store
}

func newScene(t *testing.T, s *store, args ...string) *scene {
	t.Helper()
	if s != nil {
		secret := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(secret, []byte(s3Secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--capture-s3-endpoint", s.endpoint, "--capture-s3-access-key", s3Access, "--capture-s3-secret-key-file", secret)
	}
	sc := &scene{t: t, store: s, server: servertest.Start(t, args...)}
	sc.Client = chimesdkmediapipelines.New(chimesdkmediapipelines.Options{
		Region: "us-east-1", BaseEndpoint: &sc.server.Endpoint, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(servertest.AccessKey, servertest.SecretKey, ""),
	})
	return sc
}

// connected is what the server says of each who has joined.
var connected = regexp.MustCompile(`msg=connected .*meeting=([0-9a-f-]{36})`)

// people fills a meeting with scripted attendees until stop is called, and returns
// its id once they talk.
func (sc *scene) people(cameras int) (id string, stop func()) {
	sc.t.Helper()
	return sc.crowd(meeting.Options{Talkers: 2, Listeners: 1, Cameras: cameras})
}

// crowd is as people, with as many of each kind as the options say.
func (sc *scene) crowd(o meeting.Options) (id string, stop func()) {
	sc.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	o.Endpoint, o.AccessKey, o.SecretKey, o.Meetings, o.Duration, o.Joining = sc.server.Endpoint, servertest.AccessKey, servertest.SecretKey, 1, time.Hour, 2
	go func() {
		defer close(done)
		_, _ = meeting.Run(ctx, o) // ends with an error: it is cancelled
	}()
	stop = func() { cancel(); <-done }
	sc.t.Cleanup(stop)
	until(sc.t, "people are there", func() bool {
		found := connected.FindAllStringSubmatch(sc.server.Output(), -1)
		if len(found) >= o.Talkers+o.Listeners+o.Cameras {
			id = found[0][1]
		}
		return id != ""
	})
	return id, stop
}

// capture begins to record; video tells whether cameras are, too.
func (sc *scene) capture(meetingID, prefix string, video types.ArtifactsState) (*types.MediaCapturePipeline, error) {
	out, err := sc.CreateMediaCapturePipeline(context.Background(), &chimesdkmediapipelines.CreateMediaCapturePipelineInput{
		SourceType: types.MediaPipelineSourceTypeChimeSdkMeeting, SourceArn: aws.String("arn:aws:chime::" + servertest.Account + ":meeting:" + meetingID),
		SinkType: types.MediaPipelineSinkTypeS3Bucket, SinkArn: aws.String("arn:aws:s3:::" + prefix),
		ChimeSdkMeetingConfiguration: &types.ChimeSdkMeetingConfiguration{ArtifactsConfiguration: &types.ArtifactsConfiguration{
			Audio: &types.AudioArtifactsConfiguration{MuxType: types.AudioMuxTypeAudioOnly}, Video: &types.VideoArtifactsConfiguration{State: video},
			Content: &types.ContentArtifactsConfiguration{State: types.ArtifactsStateDisabled},
		}},
	})
	if err != nil {
		return nil, err
	}
	return out.MediaCapturePipeline, nil
}

func (sc *scene) started(meetingID, prefix string, video types.ArtifactsState) *types.MediaCapturePipeline {
	sc.t.Helper()
	p, err := sc.capture(meetingID, bucket+"/"+prefix, video)
	if err != nil {
		sc.t.Fatal(err)
	}
	return p
}

func (sc *scene) status(id *string) types.MediaPipelineStatus {
	sc.t.Helper()
	out, err := sc.GetMediaPipeline(context.Background(), &chimesdkmediapipelines.GetMediaPipelineInput{MediaPipelineId: id})
	if err != nil {
		sc.t.Fatal(err)
	}
	if c := out.MediaPipeline.MediaConcatenationPipeline; c != nil {
		return c.Status
	}
	return out.MediaPipeline.MediaCapturePipeline.Status
}

func (sc *scene) stop(id *string) {
	sc.t.Helper()
	if _, err := sc.DeleteMediaCapturePipeline(context.Background(), &chimesdkmediapipelines.DeleteMediaCapturePipelineInput{MediaPipelineId: id}); err != nil {
		sc.t.Fatal(err)
	}
}

func (sc *scene) stopped(id *string) {
	sc.t.Helper()
	until(sc.t, "the pipeline stops", func() bool { return sc.status(id) == types.MediaPipelineStatusStopped })
}

// concatenation asks for all of a capture in one file for each artifact.
func concatenation(arn *string, prefix string) *chimesdkmediapipelines.CreateMediaConcatenationPipelineInput {
	on := types.ArtifactsConcatenationStateEnabled
	return &chimesdkmediapipelines.CreateMediaConcatenationPipelineInput{
		Sources: []types.ConcatenationSource{{Type: types.ConcatenationSourceTypeMediaCapturePipeline, MediaCapturePipelineSourceConfiguration: &types.MediaCapturePipelineSourceConfiguration{
			MediaPipelineArn: arn, ChimeSdkMeetingConfiguration: &types.ChimeSdkMeetingConcatenationConfiguration{ArtifactsConfiguration: &types.ArtifactsConcatenationConfiguration{
				Audio: &types.AudioConcatenationConfiguration{State: types.AudioArtifactsConcatenationStateEnabled}, Video: &types.VideoConcatenationConfiguration{State: on},
				Content: &types.ContentConcatenationConfiguration{State: on}, DataChannel: &types.DataChannelConcatenationConfiguration{State: on},
				TranscriptionMessages: &types.TranscriptionMessagesConcatenationConfiguration{State: on}, MeetingEvents: &types.MeetingEventsConcatenationConfiguration{State: on},
				CompositedVideo: &types.CompositedVideoConcatenationConfiguration{State: on},
			}}}}},
		Sinks: []types.ConcatenationSink{{Type: types.ConcatenationSinkTypeS3Bucket, S3BucketSinkConfiguration: &types.S3BucketSinkConfiguration{Destination: aws.String("arn:aws:s3:::" + bucket + "/" + prefix)}}},
	}
}

// join concatenates all of a capture and waits for it.
func (sc *scene) join(arn *string, prefix string) *types.MediaConcatenationPipeline {
	sc.t.Helper()
	p := sc.joining(arn, prefix)
	sc.stopped(p.MediaPipelineId)
	return p
}

// joining begins to concatenate all of a capture.
func (sc *scene) joining(arn *string, prefix string) *types.MediaConcatenationPipeline {
	sc.t.Helper()
	out, err := sc.CreateMediaConcatenationPipeline(context.Background(), concatenation(arn, prefix))
	if err != nil {
		sc.t.Fatal(err)
	}
	return out.MediaConcatenationPipeline
}

// probed is what ffprobe says of a file.
type probed struct {
	Streams []struct {
		Codec   string `json:"codec_name"`
		Packets string `json:"nb_read_packets"`
	} `json:"streams"`
	Format struct {
		Duration string `json:"duration"`
	} `json:"format"`
}

func (p probed) seconds() float64 {
	s, _ := strconv.ParseFloat(p.Format.Duration, 64)
	return s
}

func probe(t *testing.T, path string) (p probed) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-count_packets", "-show_streams", "-show_format", "-of", "json", path).Output()
	if err == nil {
		err = json.Unmarshal(out, &p)
	}
	if err != nil {
		t.Fatalf("ffprobe %s: %v", path, err)
	}
	return p
}

// run runs a program that must say nothing and succeed.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%s %q: %v\n%s", name, args, err, out)
	}
}

var pieceName = regexp.MustCompile(`^team/standup/(audio|video|meeting-events)/(\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-\d{3})(-[0-9a-f-]{36})?\.(mp4|txt)$`)

func TestAStockClientRecordsAMeetingIntoS3(t *testing.T) {
	t.Parallel()
	sc := newScene(t, startStore(t))
	meetingID, stop := sc.people(1)
	asked := time.Now()
	p := sc.started(meetingID, "team/standup", types.ArtifactsStateEnabled)
	until(t, "it is in progress", func() bool { return sc.status(p.MediaPipelineId) == types.MediaPipelineStatusInProgress })
	begun := time.Now()
	time.Sleep(12 * time.Second)
	shortest := time.Since(begun).Seconds()
	sc.stop(p.MediaPipelineId)
	sc.stopped(p.MediaPipelineId)
	longest := time.Since(asked).Seconds()
	stop()
	sc.checkObjects()
	sounds := sc.store.download("team/standup/audio/")
	total := 0.0
	for i, path := range sounds {
		run(t, "ffmpeg", "-v", "error", "-i", path, "-f", "null", "-")
		got := probe(t, path)
		if total += got.seconds(); got.Streams[0].Codec != "opus" || i < len(sounds)-1 && got.seconds() != 5 {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if total < shortest-0.5 || total > longest {
		t.Errorf("%.2f s of sound were recorded in %.2f to %.2f s", total, shortest, longest)
	}
	sc.store.whole()
	joined := filepath.Join(t.TempDir(), "joined.mp4")
	run(t, "ffmpeg", "-v", "error", "-f", "concat", "-safe", "0", "-i", listOf(t, sounds), "-c", "copy", joined)
	if got := probe(t, joined).seconds(); math.Abs(got-total) > 0.1 {
		t.Errorf("ffmpeg joined %.3f s to %.3f s", total, got)
	}
	sc.checkConcatenation(p, total)
}

// checkObjects looks at the names and at what is said of each object.
func (sc *scene) checkObjects() {
	sc.t.Helper()
	var streams []string
	for _, key := range sc.store.keys() {
		m := pieceName.FindStringSubmatch(key)
		if m == nil {
			sc.t.Errorf("unexpected object %s", key)
			continue
		}
		streams = append(streams, m[1])
		_, about := sc.store.object(key)
		want := map[string]string{"mp4": "video/mp4", "txt": "text/plain; charset=utf-8"}[m[4]]
		if aws.ToString(about.ContentType) != want || about.Metadata["meeting"] == "" || about.Metadata["pipeline"] == "" || about.Metadata["start"] == "" {
			sc.t.Errorf("%s: %s %v", key, aws.ToString(about.ContentType), about.Metadata)
		}
	}
	slices.Sort(streams)
	if want := []string{"audio", "meeting-events", "video"}; !slices.Equal(slices.Compact(streams), want) {
		sc.t.Errorf("%q", streams)
	}
}

// listOf writes a list of files as ffmpeg's concatenation reads it.
func listOf(t *testing.T, paths []string) string {
	t.Helper()
	var b strings.Builder
	for _, p := range paths {
		fmt.Fprintf(&b, "file '%s'\n", p)
	}
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return list
}

func (sc *scene) checkConcatenation(p *types.MediaCapturePipeline, total float64) {
	sc.t.Helper()
	c := sc.join(p.MediaPipelineArn, "joined")
	id := *c.MediaPipelineId
	for _, key := range []string{"joined/audio/" + id + ".mp4", "joined/video/" + id + ".mp4", "joined/meeting-events/" + id + ".txt"} {
		if !slices.Contains(sc.store.keys(), key) {
			sc.t.Fatalf("%s is missing in %q", key, sc.store.keys())
		}
	}
	sound := sc.store.download("joined/audio/")[0]
	run(sc.t, "ffmpeg", "-v", "error", "-i", sound, "-f", "null", "-")
	if got := probe(sc.t, sound).seconds(); math.Abs(got-total) > 0.1 {
		sc.t.Errorf("%.3f s of sound were joined to %.3f s", total, got)
	}
	if got := probe(sc.t, sc.store.download("joined/video/")[0]); math.Abs(got.seconds()-total) > 1 {
		sc.t.Errorf("the camera: %.3f s of %.3f s", got.seconds(), total)
	}
}
