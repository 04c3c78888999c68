package event

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// pipeline returns a capture of the subject's meeting, just created.
func (s subject) pipeline(t *testing.T) *meeting.Pipeline {
	return &meeting.Pipeline{
		ID: id(t, "c411477c-9c05-430f-ae5b-393a7f59e3b5"), Kind: meeting.CapturePipeline, Meeting: s.profile.ID, Owner: s.profile.Owner,
		ExternalMeetingID: s.profile.ExternalMeetingID, MediaRegion: s.profile.MediaRegion,
		Notifications: meeting.Notifications{SqsQueueArn: "arn:q"}, Created: s.at, Updated: s.at, Status: meeting.PipelineInitializing,
	}
}

// life is a pipeline and the fold of its meeting, which read the same records.
type life struct {
	t    *testing.T
	s    subject
	is   *meeting.Pipeline
	fold Fold
	seq  uint64
}

func newLife(t *testing.T) *life {
	s := newSubject(t)
	l := &life{t: t, s: s, fold: Fold{Profile: s.profile}}
	l.read(s.record(&meeting.PipelineCreated{Pipeline: *s.pipeline(t)}))
	return l
}

// read reads a record, if there is one, and returns its events in their direct
// form.
func (l *life) read(rec *meeting.Record) (told []string) {
	l.t.Helper()
	if rec == nil {
		return nil
	}
	next, err := l.is.Fold(rec)
	if err != nil {
		l.t.Fatal(err)
	}
	l.is = next
	l.seq++
	events, err := l.fold.PipelineRecord(l.seq, next.ID, rec)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range events {
		if e.DetailType != PipelineStateChange || e.Cloud().Subject != next.ID.String() {
			l.t.Errorf("%s has the detail-type %q and the subject %q", e.Type, e.DetailType, e.Cloud().Subject)
		}
		told = append(told, string(e.Direct()))
	}
	return told
}

func TestWhatIsToldOfAPipeline(t *testing.T) {
	const begin = `{"version":"0","source":"aws.chime","account":"210987654321","region":"eu-central-1","detail-type":"Chime Media Pipeline State Change",` +
		`"time":"2026-03-04T05:06:07.123Z","detail":{"version":"0","eventType":"chime:MediaPipeline`
	const end = `","timestamp":1772600767123,"meetingId":"5b1d7c02-90aa-4c3e-8f21-77a1c0de7979","externalMeetingId":"standup-monday",` +
		`"mediaPipelineId":"c411477c-9c05-430f-ae5b-393a7f59e3b5","mediaRegion":"eu-west-3"`
	type step func(p *meeting.Pipeline, by meeting.Stamp) *meeting.Record
	move := func(to meeting.PipelineStatus, why string) step {
		return func(p *meeting.Pipeline, by meeting.Stamp) *meeting.Record { return p.DecideStatus(by, to, why) }
	}
	trouble := func(message string) step {
		return func(p *meeting.Pipeline, by meeting.Stamp) *meeting.Record { return p.DecideTrouble(by, message) }
	}
	tags := func(p *meeting.Pipeline, by meeting.Stamp) *meeting.Record {
		by.Time = by.Time.Add(time.Second)
		rec, _ := p.DecideTags(by, []meeting.Tag{{Key: "a", Value: "b"}})
		return rec
	}
	for name, c := range map[string]struct {
		steps []step
		want  []string
	}{
		"a whole life": {[]step{move(meeting.PipelineInProgress, ""), tags, move(meeting.PipelineStopping, ""), move(meeting.PipelineStopped, ""), tags},
			[]string{"InProgress" + end, "Deleted" + end}},
		"trouble that passes": {
			[]step{move(meeting.PipelineInProgress, ""), trouble("no answer"), trouble("no answer still"), trouble(""), trouble(""), move(meeting.PipelineStopped, "")},
			[]string{"InProgress" + end, "TemporaryFailure" + end + `,"message":"no answer"`, "Resumed" + end, "Deleted" + end}},
		"trouble to the end": {[]step{move(meeting.PipelineInProgress, ""), trouble("no answer"), move(meeting.PipelineFailed, "gave up"), trouble("")},
			[]string{"InProgress" + end, "TemporaryFailure" + end + `,"message":"no answer"`, "PermanentFailure" + end + `,"message":"gave up"`}},
		"never began":         {[]step{trouble("too early"), move(meeting.PipelineFailed, "no room")}, []string{"PermanentFailure" + end + `,"message":"no room"`}},
		"stopped before that": {[]step{move(meeting.PipelineStopping, ""), move(meeting.PipelineStopped, "")}, []string{"Deleted" + end}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife(t)
			var got, want []string
			for _, step := range c.steps {
				got = append(got, l.read(step(l.is, meeting.Stamp{Time: l.s.at}))...)
			}
			for _, w := range c.want {
				want = append(want, begin+w+"}}")
			}
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if l.fold.Count != uint64(len(want)) || l.fold.Recording() || !l.fold.Recorded() {
				t.Errorf("counted %d; at work: %t", l.fold.Count, l.fold.Recording())
			}
		})
	}
}

// Of a pipeline that is over, the ledger keeps the last record alone: its event
// is the same, and those before it are counted.
func TestAPipelineOfWhichTheEndAloneIsLeft(t *testing.T) {
	l := newLife(t)
	by := meeting.Stamp{Time: l.s.at}
	l.read(l.is.DecideStatus(by, meeting.PipelineInProgress, ""))
	l.read(l.is.DecideTrouble(by, "no answer"))
	end := l.is.DecideStatus(by, meeting.PipelineStopped, "")
	whole := l.read(end)
	short := Fold{Profile: l.s.profile}
	events, err := short.PipelineRecord(l.seq, l.is.ID, end)
	if err != nil || len(events) != 1 || string(events[0].Direct()) != whole[0] || events[0].Sequence != 3 {
		t.Fatalf("%+v, %v", events, err)
	}
	by.Time = by.Time.Add(time.Second)
	retagged, err := l.is.DecideTags(by, []meeting.Tag{{Key: "a", Value: "b"}})
	if err != nil {
		t.Fatal(err)
	}
	tagged := Fold{Profile: l.s.profile}
	if events, err := tagged.PipelineRecord(9, l.is.ID, retagged); err != nil || len(events) != 0 || tagged.Count != 3 {
		t.Errorf("tags of an ended pipeline: %+v, %v, counted %d", events, err, tagged.Count)
	}
	tallied := Fold{Profile: l.s.profile}
	tallied.Resume(40)
	if _, err := tallied.PipelineRecord(9, l.is.ID, retagged); err != nil || tallied.Count != 40 {
		t.Errorf("what was counted is counted again: %d, %v", tallied.Count, err)
	}
	if _, err := tallied.PipelineRecord(10, l.is.ID, l.s.record(&meeting.PipelineMoved{Status: meeting.PipelineStopped})); !errors.Is(err, meeting.ErrOrder) {
		t.Errorf("a record that does not fit: %v", err)
	}
}

// moved is a transition of a transcription.
func (s subject) moved(to meeting.TranscriptionPhase, message string) *meeting.Record {
	return s.record(&meeting.TranscriptionMoved{Phase: to, Message: message})
}

func TestWhatIsToldOfATranscription(t *testing.T) {
	s := newSubject(t)
	start := s.record(&meeting.TranscriptionStarted{Config: meeting.TranscriptionConfig{JSON: "{}", Region: "us-east-1"}, Pending: true})
	stop := s.record(&meeting.TranscriptionStopped{})
	running := s.moved(meeting.TranscriptionRunning, "")
	broken := s.moved(meeting.TranscriptionInterrupted, "no answer")
	failed := s.moved(meeting.TranscriptionFailed, "none there")
	end := s.record(&meeting.Ended{Transcription: &meeting.TranscriptionConfig{JSON: "{}"}})
	for name, c := range map[string]struct {
		log  []*meeting.Record
		want string
	}{
		"works":                  {[]*meeting.Record{start, running, stop}, "Started Stopped"},
		"breaks and goes on":     {[]*meeting.Record{start, running, broken, running, stop}, "Started Interrupted:no answer Resumed Stopped"},
		"breaks for good":        {[]*meeting.Record{start, running, broken, failed, stop}, "Started Interrupted:no answer Failed:none there"},
		"fails at once":          {[]*meeting.Record{start, failed, stop}, "Failed:none there"},
		"stopped while starting": {[]*meeting.Record{start, stop}, "Stopped"},
		"begins anew":            {[]*meeting.Record{start, running, start, running}, "Started Started"},
		"after a failure":        {[]*meeting.Record{start, failed, start, running}, "Failed:none there Started"},
		"until the end":          {[]*meeting.Record{start, running, end}, "Started Stopped MeetingEnded"},
		"failed at the end":      {[]*meeting.Record{start, failed, end}, "Failed:none there MeetingEnded"},
	} {
		t.Run(name, func(t *testing.T) {
			f := Fold{Profile: s.profile}
			var got []string
			for i, rec := range c.log {
				for _, e := range f.Record(uint64(i+1), rec, nil) {
					text := strings.TrimPrefix(strings.TrimPrefix(e.Type, "chime:"), "Transcription")
					if e.Message != "" {
						text += ":" + e.Message
					}
					if e.Transcription == nil && text != "MeetingEnded" {
						t.Errorf("%s does not say which", e.Type)
					}
					got = append(got, text)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}
