package capture

import (
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

const english = `{"EngineTranscribeSettings":{"LanguageCode":"en-US"}}`

// The lines are what applications of the client library know: its documentation
// shows these members, in these spellings.
func TestLinesOfTranscriptsAreTheLibrarys(t *testing.T) {
	sure, stable := 0.5, false
	said := []speech.Item{
		{Text: "Hello", Start: start, End: start.Add(time.Second), Confidence: &sure, Stable: &stable, Filtered: true},
		{Text: ".", Punctuation: true, Start: start.Add(time.Second), End: start.Add(time.Second)},
	}
	l := lines{stream: transcriptFolder}
	l.add(start, transcriptLine{Status: transcriptStatusOf(speech.Status{State: speech.Started, At: start, Region: "us-east-1", Config: english})})
	l.add(start, transcriptLine{Transcript: &transcript{[]transcriptResult{transcriptResultOf(&speech.Result{
		ID: "id", Channel: "ch_0", Partial: true, Text: "Hello.", Items: said, Language: "en-US", Attendee: "ann", External: "ann-external",
		Languages: []speech.Score{{Language: "en-US", Score: 0.9}},
		Entities:  []speech.TimedEntity{{Category: "PII", Type: "NAME", Content: "Hello", Start: start, End: start, Confidence: &sure}},
	})}}})
	l.add(start, transcriptLine{Status: transcriptStatusOf(speech.Status{State: speech.Failed, At: start, Message: "why"})})
	_, text, _ := l.take(start)
	want := `{"status":{"type":"started","eventTimeMs":1772600767123,"transcriptionRegion":"us-east-1","transcriptionConfiguration":"{\"EngineTranscribeSettings\":{\"LanguageCode\":\"en-US\"}}"}}
{"transcript":{"results":[{"resultId":"id","channelId":"ch_0","isPartial":true,"startTimeMs":1772600767123,"endTimeMs":1772600768123,"languageCode":"en-US","languageIdentification":[{"languageCode":"en-US","score":0.9}],"alternatives":[{"transcript":"Hello.","items":[{"type":"pronunciation","startTimeMs":1772600767123,"endTimeMs":1772600768123,"attendee":{"attendeeId":"ann","externalUserId":"ann-external"},"content":"Hello","vocabularyFilterMatch":true,"confidence":0.5,"stable":false},{"type":"punctuation","startTimeMs":1772600768123,"endTimeMs":1772600768123,"attendee":{"attendeeId":"ann","externalUserId":"ann-external"},"content":"."}],"entities":[{"category":"PII","type":"NAME","content":"Hello","startTimeMs":1772600767123,"endTimeMs":1772600767123,"confidence":0.5}]}]}]}}
{"status":{"type":"failed","eventTimeMs":1772600767123,"transcriptionRegion":"","transcriptionConfiguration":"","message":"why"}}
`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

func TestEveryStateHasTheLibrarysName(t *testing.T) {
	var names []string
	for state := speech.Started; state <= speech.Failed; state++ {
		names = append(names, transcriptStatusOf(speech.Status{State: state}).Type)
	}
	if got := strings.Join(names, " "); got != "started interrupted resumed stopped failed" {
		t.Errorf("%s", got)
	}
}

// What comes of the transcription before and behind a piece goes to the spool with
// the others, and nothing is made of a meeting that is not transcribed.
func TestTranscriptsGoWithTheRecording(t *testing.T) {
	for _, transcribed := range []bool{false, true} {
		sink := newStore()
		h := newHouse(t, sink, nil)
		m := h.meeting()
		p := h.record(m)
		h.until("listening", func() bool { return h.listener(m.ID) != nil })
		if to := h.listener(m.ID); transcribed {
			to.Transcription(speech.Status{State: speech.Started, At: start, Config: english}, start)
			to.Transcript(speech.Result{ID: "id", Text: "hi", Items: []speech.Item{{Text: "hi", Start: start, End: start}}}, start)
		}
		h.stop(p.ID)
		h.untilStatus(p.ID, meeting.PipelineStopped)
		text := ""
		for key, content := range sink.objects {
			if strings.Contains(key, "/"+transcriptFolder+"/") {
				text += string(content)
			}
		}
		if got := strings.Count(text, "\n"); transcribed != (got == 2) || !transcribed && got != 0 {
			t.Errorf("transcribed %t: %q", transcribed, text)
		}
	}
}

// The conference learns of the meeting's end beside the recorder, and may have
// something left to say.
func TestTheLastWordsOfAMeetingAreRecorded(t *testing.T) {
	sink := newStore()
	h := newHouse(t, sink, nil)
	m := h.meeting()
	p := h.record(m)
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	to := h.listener(m.ID)
	must(t, h.plane.DeleteMeeting(t.Context(), meetings, m.ID))
	if got := h.status(p.ID); got != meeting.PipelineStopping {
		t.Errorf("%s when the meeting has ended", got)
	}
	to.Transcription(speech.Status{State: speech.Stopped, At: time.Now()}, time.Now())
	to.Over(time.Now())
	h.untilStatus(p.ID, meeting.PipelineStopped)
	for key, content := range sink.objects {
		if strings.Contains(key, transcriptFolder) && strings.Contains(string(content), `"stopped"`) {
			return
		}
	}
	t.Error("the transcription's end is missing")
}
