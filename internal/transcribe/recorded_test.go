package transcribe_test

//lint:file-ignore SA1019 the retired SDK has media pipelines, too

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	pipelines "github.com/aws/aws-sdk-go/service/chimesdkmediapipelines"

	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// recorder records a meeting into a directory.
type recorder struct {
	t   *testing.T
	api *pipelines.ChimeSDKMediaPipelines
	dir string
}

func newRecorder(t *testing.T, s *servertest.Server, dir string) *recorder {
	t.Helper()
	made, err := session.NewSession(aws.NewConfig().WithRegion("us-east-1").WithEndpoint(s.Endpoint).
		WithCredentials(credentials.NewStaticCredentials(servertest.AccessKey, servertest.SecretKey, "")))
	if err != nil {
		t.Fatal(err)
	}
	return &recorder{t, pipelines.New(made), dir}
}

// begin begins to record, and returns once it does.
func (r *recorder) begin(meetingID string) *pipelines.MediaCapturePipeline {
	r.t.Helper()
	out, err := r.api.CreateMediaCapturePipeline(&pipelines.CreateMediaCapturePipelineInput{
		SourceType: aws.String("ChimeSdkMeeting"), SourceArn: aws.String("arn:aws:chime::" + servertest.Account + ":meeting:" + meetingID),
		SinkType: aws.String("S3Bucket"), SinkArn: aws.String("arn:aws:s3:::bucket/pieces"),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.until(out.MediaCapturePipeline.MediaPipelineId, "InProgress")
	return out.MediaCapturePipeline
}

func (r *recorder) until(id *string, want string) {
	r.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		out, err := r.api.GetMediaPipeline(&pipelines.GetMediaPipelineInput{MediaPipelineId: id})
		if err != nil {
			r.t.Fatal(err)
		}
		status := ""
		if c := out.MediaPipeline.MediaCapturePipeline; c != nil {
			status = *c.Status
		} else {
			status = *out.MediaPipeline.MediaConcatenationPipeline.Status
		}
		if status == want {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("the pipeline is %s, want %s", status, want)
		}
	}
}

// end ends a recording and returns once all is stored.
func (r *recorder) end(p *pipelines.MediaCapturePipeline) {
	r.t.Helper()
	if _, err := r.api.DeleteMediaCapturePipeline(&pipelines.DeleteMediaCapturePipelineInput{MediaPipelineId: p.MediaPipelineId}); err != nil {
		r.t.Fatal(err)
	}
	r.until(p.MediaPipelineId, "Stopped")
}

// join has nothing but transcripts, and what must be, joined.
func (r *recorder) join(p *pipelines.MediaCapturePipeline, transcripts string) (id string) {
	r.t.Helper()
	no := aws.String("Disabled")
	out, err := r.api.CreateMediaConcatenationPipeline(&pipelines.CreateMediaConcatenationPipelineInput{
		Sources: []*pipelines.ConcatenationSource{{Type: aws.String("MediaCapturePipeline"), MediaCapturePipelineSourceConfiguration: &pipelines.MediaCapturePipelineSourceConfiguration{
			MediaPipelineArn: p.MediaPipelineArn, ChimeSdkMeetingConfiguration: &pipelines.ChimeSdkMeetingConcatenationConfiguration{
				ArtifactsConfiguration: &pipelines.ArtifactsConcatenationConfiguration{
					Audio: &pipelines.AudioConcatenationConfiguration{State: aws.String("Enabled")}, Video: &pipelines.VideoConcatenationConfiguration{State: no},
					Content: &pipelines.ContentConcatenationConfiguration{State: no}, DataChannel: &pipelines.DataChannelConcatenationConfiguration{State: no},
					TranscriptionMessages: &pipelines.TranscriptionMessagesConcatenationConfiguration{State: &transcripts},
					MeetingEvents:         &pipelines.MeetingEventsConcatenationConfiguration{State: no}, CompositedVideo: &pipelines.CompositedVideoConcatenationConfiguration{State: no},
				}}}}},
		Sinks: []*pipelines.ConcatenationSink{{Type: aws.String("S3Bucket"), S3BucketSinkConfiguration: &pipelines.S3BucketSinkConfiguration{Destination: aws.String("arn:aws:s3:::bucket/joined")}}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.until(out.MediaConcatenationPipeline.MediaPipelineId, "Stopped")
	return *out.MediaConcatenationPipeline.MediaPipelineId
}

// folder returns the contents of the files in a folder of the bucket, by name.
func (r *recorder) folder(path string) (names []string, text string) {
	r.t.Helper()
	found, err := filepath.Glob(filepath.Join(r.dir, "bucket", path, "*"))
	if err != nil {
		r.t.Fatal(err)
	}
	slices.Sort(found)
	for _, file := range found {
		content, err := os.ReadFile(file)
		if err != nil {
			r.t.Fatal(err)
		}
		names, text = append(names, filepath.Base(file)), text+string(content)
	}
	return names, text
}

// recorded is an event of the transcription as it stands in a recording.
type recorded struct {
	Status *struct {
		Type    string `json:"type"`
		At      int64  `json:"eventTimeMs"`
		Region  string `json:"transcriptionRegion"`
		Config  string `json:"transcriptionConfiguration"`
		Message string `json:"message"`
	} `json:"status"`
	Transcript *struct {
		Results []struct {
			ID           string `json:"resultId"`
			Channel      string `json:"channelId"`
			Partial      bool   `json:"isPartial"`
			Start        int64  `json:"startTimeMs"`
			End          int64  `json:"endTimeMs"`
			Alternatives []struct {
				Text  string `json:"transcript"`
				Items []struct {
					Type     string `json:"type"`
					Text     string `json:"content"`
					Start    int64  `json:"startTimeMs"`
					End      int64  `json:"endTimeMs"`
					Attendee struct {
						ID       string `json:"attendeeId"`
						External string `json:"externalUserId"`
					} `json:"attendee"`
				} `json:"items"`
			} `json:"alternatives"`
		} `json:"results"`
	} `json:"transcript"`
}

// String says what clients and recordings must agree on.
func (e *recorded) String() string {
	if e.Status != nil {
		return fmt.Sprint(*e.Status)
	}
	return fmt.Sprint(e.Transcript.Results)
}

// seen says the same of an event that a client was sent.
func seen(e *wire.TranscriptEvent) string {
	if st := e.GetStatus(); st != nil {
		return fmt.Sprint([]any{strings.ToLower(st.GetType().String()), st.GetEventTime(), st.GetRegion(), st.GetConfiguration(), st.GetMessage()})
	}
	var results []any
	for _, r := range e.GetTranscript().GetResults() {
		a := r.GetAlternatives()[0]
		var items []any
		for _, it := range a.GetItems() {
			items = append(items, []any{strings.ToLower(it.GetType().String()), it.GetContent(), it.GetStartTime(), it.GetEndTime(), []any{it.GetSpeakerAttendeeId(), it.GetSpeakerExternalUserId()}})
		}
		results = append(results, []any{r.GetResultId(), r.GetChannelId(), r.GetIsPartial(), r.GetStartTime(), r.GetEndTime(), []any{[]any{a.GetTranscript(), items}}})
	}
	return fmt.Sprint(results)
}

// plain makes texts of structs and of lists comparable.
func plain(text string) string { return strings.NewReplacer("{", "[", "}", "]").Replace(text) }

// What a client was shown of a transcription is what its recording has, event by
// event, in the spelling of the client library; and so has the joined file.
func TestTranscriptsAreRecorded(t *testing.T) {
	engine, dir := newToneServer(t), t.TempDir()
	server := servertest.Start(t, "--transcription-vosk", "ws"+strings.TrimPrefix(engine.http.URL, "http"), "--recordings", dir)
	m := newMeeting(t, server, "ada", "eve")
	eve, r := m.join("eve", 0), newRecorder(t, server, dir)
	p := r.begin(m.id)
	m.transcribe()
	eve.status(wire.TranscriptionStatus_STARTED)
	m.join("ada", 600)
	eve.reads(m.ids["ada"], "tone6")
	m.stop()
	eve.status(wire.TranscriptionStatus_STOPPED)
	r.end(p)

	names, text := r.folder("pieces/transcription-messages")
	if len(names) == 0 || !strings.HasSuffix(names[0], ".txt") || len(names[0]) != len("2026-03-04-05-06-12-004.txt") {
		t.Errorf("objects %q", names)
	}
	lines := strings.SplitAfter(text, "\n")
	if last := lines[len(lines)-1]; last != "" {
		t.Errorf("behind the last line: %q", last)
	}
	lines = lines[:len(lines)-1]
	if len(lines) != len(eve.events) {
		t.Fatalf("%d events were shown, %d are recorded", len(eve.events), len(lines))
	}
	for i, line := range lines {
		var got recorded
		if err := json.Unmarshal([]byte(line), &got); err != nil || (got.Status == nil) == (got.Transcript == nil) {
			t.Fatalf("line %s: %v", line, err)
		}
		if got, want := plain(got.String()), plain(seen(eve.events[i])); got != want {
			t.Errorf("recorded %s\nshown    %s", got, want)
		}
	}
	if _, data := r.folder("pieces/data-channel"); data != "" {
		t.Errorf("among the data messages: %s", data)
	}
	if names, joined := r.folder("joined/transcription-messages"); len(names) != 0 || joined != "" {
		t.Errorf("joined before: %q", names)
	}
	r.join(p, "Disabled")
	if names, _ := r.folder("joined/transcription-messages"); len(names) != 0 {
		t.Errorf("joined although nobody asked: %q", names)
	}
	id := r.join(p, "Enabled")
	if names, joined := r.folder("joined/transcription-messages"); !slices.Equal(names, []string{id + ".txt"}) || joined != text {
		t.Errorf("joined to %q:\n%s\nof\n%s", names, joined, text)
	}
}
