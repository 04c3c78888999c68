package capture

import (
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// transcriptLine is a line of transcription-messages: an event as the client
// library shows it to applications, in the library's own spelling.
type transcriptLine struct {
	Status     *transcriptStatus `json:"status,omitempty"`
	Transcript *transcript       `json:"transcript,omitempty"`
}

type transcriptStatus struct {
	Type    string `json:"type"`
	At      int64  `json:"eventTimeMs"`
	Region  string `json:"transcriptionRegion"`
	Config  string `json:"transcriptionConfiguration"`
	Message string `json:"message,omitempty"`
}

type transcript struct {
	Results []transcriptResult `json:"results"`
}

type transcriptResult struct {
	ID           string                  `json:"resultId"`
	Channel      string                  `json:"channelId"`
	Partial      bool                    `json:"isPartial"`
	Start        int64                   `json:"startTimeMs"`
	End          int64                   `json:"endTimeMs"`
	Language     string                  `json:"languageCode,omitempty"`
	Languages    []transcriptLanguage    `json:"languageIdentification,omitempty"`
	Alternatives []transcriptAlternative `json:"alternatives"`
}

type transcriptLanguage struct {
	Language string  `json:"languageCode"`
	Score    float64 `json:"score"`
}

type transcriptAlternative struct {
	Text     string             `json:"transcript"`
	Items    []transcriptItem   `json:"items"`
	Entities []transcriptEntity `json:"entities,omitempty"`
}

// transcriptItem leaves out what is not known of a word, as the library does.
type transcriptItem struct {
	Type       string             `json:"type"`
	Start      int64              `json:"startTimeMs"`
	End        int64              `json:"endTimeMs"`
	Attendee   transcriptAttendee `json:"attendee"`
	Text       string             `json:"content"`
	Filtered   bool               `json:"vocabularyFilterMatch,omitempty"`
	Confidence *float64           `json:"confidence,omitempty"`
	Stable     *bool              `json:"stable,omitempty"`
}

type transcriptAttendee struct {
	ID       string `json:"attendeeId"`
	External string `json:"externalUserId"`
}

type transcriptEntity struct {
	Category   string   `json:"category"`
	Type       string   `json:"type"`
	Content    string   `json:"content"`
	Start      int64    `json:"startTimeMs"`
	End        int64    `json:"endTimeMs"`
	Confidence *float64 `json:"confidence,omitempty"`
}

// transcriptStatusOf puts a status of the transcription into the library's form.
func transcriptStatusOf(st speech.Status) *transcriptStatus {
	kind := map[speech.State]string{
		speech.Started: "started", speech.Interrupted: "interrupted", speech.Resumed: "resumed",
		speech.Stopped: "stopped", speech.Failed: "failed",
	}[st.State]
	return &transcriptStatus{kind, st.At.UnixMilli(), st.Region, st.Config, st.Message}
}

// transcriptResultOf does so with what somebody says. A result has at least one item.
func transcriptResultOf(r *speech.Result) transcriptResult {
	said := transcriptAlternative{Text: r.Text}
	for i := range r.Items {
		said.Items = append(said.Items, itemOf(r, &r.Items[i]))
	}
	for i := range r.Entities {
		e := &r.Entities[i]
		said.Entities = append(said.Entities, transcriptEntity{e.Category, e.Type, e.Content, e.Start.UnixMilli(), e.End.UnixMilli(), e.Confidence})
	}
	result := transcriptResult{
		ID: r.ID, Channel: r.Channel, Partial: r.Partial, Language: r.Language,
		Start: r.Items[0].Start.UnixMilli(), End: r.Items[len(r.Items)-1].End.UnixMilli(),
		Alternatives: []transcriptAlternative{said},
	}
	for _, l := range r.Languages {
		result.Languages = append(result.Languages, transcriptLanguage(l))
	}
	return result
}

func itemOf(r *speech.Result, it *speech.Item) transcriptItem {
	kind := "pronunciation"
	if it.Punctuation {
		kind = "punctuation"
	}
	return transcriptItem{
		Type: kind, Start: it.Start.UnixMilli(), End: it.End.UnixMilli(), Attendee: transcriptAttendee{r.Attendee, r.External},
		Text: it.Text, Filtered: it.Filtered, Confidence: it.Confidence, Stable: it.Stable,
	}
}
