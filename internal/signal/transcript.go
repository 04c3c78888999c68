package signal

import (
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// transcriptionTopic carries what is said, in words, and how the transcription is
// doing. Clients cannot send on it: see meeting.ValidTopic.
const transcriptionTopic = "aws:chime:transcription"

// Hear has the sink handed what the people of a meeting say, until stop is called.
// A meeting has one such sink.
func (s *Server) Hear(id meeting.ID, to media.VoiceSink) (stop func(), err error) {
	meet := s.enter(id, id)
	if meet == nil {
		return nil, errNotListening
	}
	room := meet.conference.room
	room.Hear(to)
	return func() { room.Hear(nil) }, nil
}

// Speaker returns as whom clients know an attendee whose voice Hear hands over, and
// that one's external user id.
func (s *Server) Speaker(id meeting.ID, attendee string) (shown, external string) {
	shown = attendee
	meet := s.find(id)
	if meet == nil {
		return shown, ""
	}
	conf := meet.conference
	conf.mu.Lock()
	defer conf.mu.Unlock()
	if part := conf.aliases[attendee]; part != nil {
		return part.wireID, part.external
	}
	for _, part := range conf.participants {
		if part.wireID == attendee {
			external = part.external
		}
	}
	return shown, external
}

// TellTranscription tells everybody in the meeting how its transcription is doing.
// Whoever joins later is told the same, while it goes on.
func (s *Server) TellTranscription(id meeting.ID, st speech.Status) {
	if meet := s.find(id); meet != nil {
		meet.conference.update(func() { meet.tellStatusLocked(st) })
	}
}

func (meet *openMeeting) tellStatusLocked(st speech.Status) {
	conf := meet.conference
	if meet.over != 0 {
		return
	}
	conf.transcription = &st
	if st.State == speech.Stopped || st.State == speech.Failed {
		conf.transcription = nil
	}
	for one := range conf.listeners {
		one.To.Transcription(st, conf.now())
	}
	conf.tellTranscriptLocked(&wire.TranscriptEvent{Event: &wire.TranscriptEvent_Status{Status: statusOf(st)}})
}

// TellTranscript shows everybody in the meeting what somebody says.
func (s *Server) TellTranscript(id meeting.ID, r speech.Result) {
	meet := s.find(id)
	if meet == nil {
		return
	}
	transcript := &wire.Transcript{Results: []*wire.TranscriptResult{resultOf(&r)}}
	conf := meet.conference
	conf.update(func() {
		if meet.over != 0 {
			return
		}
		for one := range conf.listeners {
			one.To.Transcript(r, conf.now())
		}
		conf.tellTranscriptLocked(&wire.TranscriptEvent{Event: &wire.TranscriptEvent_Transcript{Transcript: transcript}})
	})
}

// tellTranscriptLocked sends everybody an event of the transcription.
func (conf *conference) tellTranscriptLocked(event *wire.TranscriptEvent) {
	if msg := conf.transcriptMessageLocked(event); msg != nil {
		conf.sendLocked(msg, nil)
	}
}

// transcriptMessageLocked puts an event of the transcription into a data message.
func (conf *conference) transcriptMessageLocked(event *wire.TranscriptEvent) *dataMessage {
	data, err := proto.Marshal(&wire.TranscriptFrame{Events: []*wire.TranscriptEvent{event}})
	if err != nil {
		conf.server.log.Error("transcription event not encoded", "err", err)
		return nil
	}
	return &dataMessage{topic: transcriptionTopic, data: data, ingest: conf.messages.stamp(conf.now())}
}

// welcomeTranscriptionLocked tells somebody who joins how the transcription is
// doing, if there is one.
func (s *session) welcomeTranscriptionLocked() {
	conf := s.conference
	if conf.transcription == nil || s.key.content {
		return
	}
	event := &wire.TranscriptEvent{Event: &wire.TranscriptEvent_Status{Status: statusOf(*conf.transcription)}}
	if msg := conf.transcriptMessageLocked(event); msg != nil {
		s.conn.send(dataFrame(conf.now(), msg))
	}
}

// endTranscriptionLocked tells everybody that the transcription stops because the
// meeting is over.
func (meet *openMeeting) endTranscriptionLocked() {
	conf := meet.conference
	if st := conf.transcription; st != nil && !meet.replica {
		meet.tellStatusLocked(speech.Status{State: speech.Stopped, At: conf.now(), Region: st.Region, Config: st.Config})
	}
}

func statusOf(st speech.Status) *wire.TranscriptionStatus {
	status := &wire.TranscriptionStatus{
		Type:      wire.TranscriptionStatus_Type(st.State).Enum(), // both count from Started
		EventTime: proto.Int64(st.At.UnixMilli()), Region: proto.String(st.Region), Configuration: proto.String(st.Config),
	}
	if st.Message != "" {
		status.Message = proto.String(st.Message)
	}
	return status
}

// resultOf puts a result into the client's form. What the client tells present from
// absent, such as a confidence, is written only when it is known.
func resultOf(r *speech.Result) *wire.TranscriptResult {
	alternative := &wire.TranscriptAlternative{Transcript: proto.String(r.Text)}
	for i := range r.Items {
		alternative.Items = append(alternative.Items, itemOf(r, &r.Items[i]))
	}
	for i := range r.Entities {
		e := &r.Entities[i]
		alternative.Entities = append(alternative.Entities, &wire.TranscriptEntity{
			Category: proto.String(e.Category), Confidence: e.Confidence, Content: proto.String(e.Content),
			EndTime: proto.Int64(e.End.UnixMilli()), StartTime: proto.Int64(e.Start.UnixMilli()), Type: proto.String(e.Type),
		})
	}
	out := &wire.TranscriptResult{
		Alternatives: []*wire.TranscriptAlternative{alternative}, ChannelId: proto.String(r.Channel), IsPartial: proto.Bool(r.Partial),
		ResultId:  proto.String(r.ID),
		StartTime: proto.Int64(r.Items[0].Start.UnixMilli()), EndTime: proto.Int64(r.Items[len(r.Items)-1].End.UnixMilli()),
	}
	if r.Language != "" {
		out.LanguageCode = proto.String(r.Language)
	}
	for _, l := range r.Languages {
		out.LanguageIdentification = append(out.LanguageIdentification, &wire.LanguageScore{LanguageCode: proto.String(l.Language), Score: proto.Float64(l.Score)})
	}
	return out
}

func itemOf(r *speech.Result, it *speech.Item) *wire.TranscriptItem {
	item := &wire.TranscriptItem{
		Content: proto.String(it.Text), StartTime: proto.Int64(it.Start.UnixMilli()), EndTime: proto.Int64(it.End.UnixMilli()),
		SpeakerAttendeeId: proto.String(r.Attendee), SpeakerExternalUserId: proto.String(r.External),
		Type: wire.TranscriptItem_PRONUNCIATION.Enum(), Confidence: it.Confidence, Stable: it.Stable,
	}
	if it.Punctuation {
		item.Type = wire.TranscriptItem_PUNCTUATION.Enum()
	}
	if it.Filtered {
		item.VocabularyFilterMatch = proto.Bool(true)
	}
	return item
}
