package clustertest

import (
	"math"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines/types"
)

// A recording goes on where the meeting goes, when its node is killed with pieces
// that no store has yet, and when it is drained. What the nodes recorded becomes
// one file, in which nothing is missing that a journal had acknowledged.
func TestARecordingMovesWithItsMeeting(t *testing.T) {
	alongside(t, 75)
	c := shop(t).Prepare(t, Build{}, 3)
	bin, hook := newBin(t), newHook(t)
	for _, n := range c.Nodes {
		n.With(slices.Concat(bin.flags(), hook.flags())...)
		n.args = append(n.args, "--webhook-allow-private")
		n.Start()
	}
	c.WaitReady()
	await(t, "the slots are shared out", func() bool { return sharedOut(c.Status()) })
	v := NewVerdict()
	party, err := NewParty(c, v, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer party.Close()
	if deaf := party.WaitHeard(time.Now(), comeBackWithin); len(deaf) > 0 {
		t.Fatal(deaf[0].Err())
	}
	r := record(t, c, party.Callers[0].Meeting)

	first := r.recorder(nil)
	bin.shut(http.StatusServiceUnavailable)
	r.more(first)
	first.Kill()
	bin.shut(0)
	acknowledged := r.journal(first)
	second := r.recorder(first)
	lost := slices.DeleteFunc(slices.Clone(acknowledged), bin.has)
	if len(lost) == 0 {
		t.Error("everything was stored before the node was killed: the test shows nothing")
	}
	first.Start()
	first.WaitReady()
	await(t, "what the killed node had is stored", func() bool { return !slices.ContainsFunc(lost, func(key string) bool { return !bin.has(key) }) })

	command(t, c, first, "drain", second.Name)
	r.recorder(second)
	r.end()
	for _, n := range c.Nodes {
		for _, key := range r.journal(n) {
			if !bin.has(key) {
				t.Errorf("%s, which %s had acknowledged, is lost", key, n.Name)
			}
		}
	}
	checkJoined(t, bin, r.join())
	await(t, "everything is told", func() bool { return len(hook.told(r.id)) > 0 && slices.Contains(hook.told(r.id), "Deleted") })
	want := []string{"InProgress", "TemporaryFailure", "Resumed", "TemporaryFailure", "Resumed", "Deleted"}
	if got := hook.told(r.id); !slices.Equal(got, want) {
		t.Errorf("the recording's events: %q", got)
	}
}

// sharedOut reports whether every node has its share of the slots, so that none
// moves by itself.
func sharedOut(s Status) bool {
	most, least := 0, len(s.Slots)
	for _, n := range s.Nodes {
		most, least = max(most, n.Slots), min(least, n.Slots)
	}
	moving := 0
	for _, slot := range s.Slots {
		if slot.Next != "" {
			moving++
		}
	}
	return len(s.Nodes) == 3 && most-least < 2 && moving == 0
}

// await waits until something holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// recording is a meeting being recorded.
type recording struct {
	t       *testing.T
	cluster *Cluster
	api     *chimesdkmediapipelines.Client
	id      string
	arn     *string
}

// record begins to record what is said in a meeting.
func record(t *testing.T, c *Cluster, meeting string) *recording {
	t.Helper()
	api := chimesdkmediapipelines.New(chimesdkmediapipelines.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + publicName), HTTPClient: c.Balancer.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
	out, err := api.CreateMediaCapturePipeline(t.Context(), &chimesdkmediapipelines.CreateMediaCapturePipelineInput{
		SourceType: types.MediaPipelineSourceTypeChimeSdkMeeting, SourceArn: aws.String("arn:aws:chime::" + account + ":meeting:" + meeting),
		SinkType: types.MediaPipelineSinkTypeS3Bucket, SinkArn: aws.String("arn:aws:s3:::" + bucket + "/p"),
		ChimeSdkMeetingConfiguration: &types.ChimeSdkMeetingConfiguration{ArtifactsConfiguration: &types.ArtifactsConfiguration{
			Audio:   &types.AudioArtifactsConfiguration{MuxType: types.AudioMuxTypeAudioOnly},
			Video:   &types.VideoArtifactsConfiguration{State: types.ArtifactsStateDisabled},
			Content: &types.ContentArtifactsConfiguration{State: types.ArtifactsStateDisabled},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := out.MediaCapturePipeline
	return &recording{t, c, api, *p.MediaPipelineId, p.MediaPipelineArn}
}

// journal returns the keys of the pieces that a node has acknowledged.
func (r *recording) journal(n *Node) []string {
	r.t.Helper()
	keys, err := journaled(filepath.Join(n.Dir, "capture", r.id, "journal"))
	if err != nil {
		r.t.Fatal(err)
	}
	return keys
}

// sounds is how many pieces of sound a node has acknowledged.
func (r *recording) sounds(n *Node) (count int) {
	for _, key := range r.journal(n) {
		if strings.Contains(key, "/audio/") {
			count++
		}
	}
	return count
}

// recorder returns the node that records more now, which is another one than
// before.
func (r *recording) recorder(before *Node) (found *Node) {
	r.t.Helper()
	had := map[*Node]int{}
	for _, n := range r.cluster.Nodes {
		had[n] = r.sounds(n)
	}
	await(r.t, "another node records", func() bool {
		for _, n := range r.cluster.Nodes {
			if n != before && r.sounds(n) > had[n] {
				found = n
			}
		}
		return found != nil
	})
	return found
}

// more waits until a node has acknowledged another piece of sound.
func (r *recording) more(n *Node) {
	r.t.Helper()
	had := r.sounds(n)
	await(r.t, "another piece on "+n.Name, func() bool { return r.sounds(n) > had })
}

// end ends the recording and waits until it is over.
func (r *recording) end() {
	r.t.Helper()
	if _, err := r.api.DeleteMediaPipeline(r.t.Context(), &chimesdkmediapipelines.DeleteMediaPipelineInput{MediaPipelineId: &r.id}); err != nil {
		r.t.Fatal(err)
	}
	await(r.t, "the recording is over", func() bool {
		out, err := r.get(r.id)
		return err == nil && out.MediaCapturePipeline.Status == types.MediaPipelineStatusStopped
	})
}

func (r *recording) get(id string) (*types.MediaPipeline, error) {
	ctx, cancel := timed(r.t.Context())
	defer cancel()
	out, err := r.api.GetMediaPipeline(ctx, &chimesdkmediapipelines.GetMediaPipelineInput{MediaPipelineId: &id})
	if err != nil {
		return nil, err
	}
	return out.MediaPipeline, nil
}

// join concatenates sound and events and returns the concatenation's id.
func (r *recording) join() (id string) {
	r.t.Helper()
	on, off := types.ArtifactsConcatenationStateEnabled, types.ArtifactsConcatenationStateDisabled
	out, err := r.api.CreateMediaConcatenationPipeline(r.t.Context(), &chimesdkmediapipelines.CreateMediaConcatenationPipelineInput{
		Sources: []types.ConcatenationSource{{Type: types.ConcatenationSourceTypeMediaCapturePipeline, MediaCapturePipelineSourceConfiguration: &types.MediaCapturePipelineSourceConfiguration{
			MediaPipelineArn: r.arn, ChimeSdkMeetingConfiguration: &types.ChimeSdkMeetingConcatenationConfiguration{ArtifactsConfiguration: &types.ArtifactsConcatenationConfiguration{
				Audio: &types.AudioConcatenationConfiguration{State: types.AudioArtifactsConcatenationStateEnabled}, Video: &types.VideoConcatenationConfiguration{State: off},
				Content: &types.ContentConcatenationConfiguration{State: off}, DataChannel: &types.DataChannelConcatenationConfiguration{State: off},
				TranscriptionMessages: &types.TranscriptionMessagesConcatenationConfiguration{State: off}, MeetingEvents: &types.MeetingEventsConcatenationConfiguration{State: on},
				CompositedVideo: &types.CompositedVideoConcatenationConfiguration{State: off},
			}}}}},
		Sinks: []types.ConcatenationSink{{Type: types.ConcatenationSinkTypeS3Bucket, S3BucketSinkConfiguration: &types.S3BucketSinkConfiguration{Destination: aws.String("arn:aws:s3:::" + bucket + "/joined")}}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	id = *out.MediaConcatenationPipeline.MediaPipelineId
	await(r.t, "all is joined", func() bool {
		p, err := r.get(id)
		return err == nil && p.MediaConcatenationPipeline.Status == types.MediaPipelineStatusStopped
	})
	return id
}

// checkJoined looks at what a concatenation has made: one file that decodes, as
// long as the events say that the recording was.
func checkJoined(t *testing.T, b *bin, id string) {
	t.Helper()
	events := strings.Split(strings.TrimSpace(string(b.object("joined/meeting-events/"+id+".txt"))), "\n")
	from, begins := eventAt(t, events[0])
	until, ends := eventAt(t, events[len(events)-1])
	if all := strings.Join(events, "\n"); begins != "CaptureStarted" || ends != "CaptureEnded" || strings.Count(all, "CaptureStarted") != 1 || strings.Count(all, "CaptureEnded") != 1 {
		t.Errorf("the events:\n%s", all)
	}
	sound := b.download("joined/audio/" + id + ".mp4")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-i", sound, "-f", "null", "-").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("decoding: %v\n%s", err, out)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", sound).Output()
	if err != nil {
		t.Fatal(err)
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	want := until.Sub(from).Seconds()
	t.Logf("%.2f s joined of %.2f s recorded", seconds, want)
	if err != nil || math.Abs(seconds-want) > 0.1 {
		t.Errorf("%.3f s joined of %.3f s, %v", seconds, want, err)
	}
}
