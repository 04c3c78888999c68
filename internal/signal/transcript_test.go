package signal

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// transcription waits for the next event of the transcription.
func (c *client) transcription() *wire.TranscriptEvent {
	c.t.Helper()
	m := c.expect(wire.Frame_DATA_MESSAGE).GetData().GetMessages()[0]
	if m.GetTopic() != transcriptionTopic || m.GetIngestTimeNs() == 0 || m.GetSenderAttendeeId() != "" || m.GetLifetimeMs() != 0 {
		c.t.Errorf("message %v", m)
	}
	var f wire.TranscriptFrame
	if err := proto.Unmarshal(m.GetData(), &f); err != nil || len(f.GetEvents()) != 1 {
		c.t.Fatalf("frame %v (%v)", &f, err)
	}
	return f.GetEvents()[0]
}

var at = time.UnixMilli(1772600767123)

func status(state speech.State) speech.Status {
	return speech.Status{State: state, At: at, Region: "eu-central-1", Config: "{}"}
}

func result(attendee string, text string) speech.Result {
	return speech.Result{
		ID: "id", Channel: "ch_0", Partial: true, Text: text, Language: "en-US", Attendee: attendee, External: attendee + "-external",
		Items: []speech.Item{{Text: text, Start: at, End: at.Add(time.Second)}},
	}
}

func TestTranscriptsGoToEverybody(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	share := p.join("ada#content")
	v.server.TellTranscription(p.id, status(speech.Started))
	v.server.TellTranscript(p.id, result(p.wire("ada"), "hello"))
	for _, c := range []*client{ada, bob} {
		st := c.transcription().GetStatus()
		if st.GetType() != wire.TranscriptionStatus_STARTED || st.GetEventTime() != at.UnixMilli() || st.GetRegion() != "eu-central-1" || st.GetConfiguration() != "{}" || st.Message != nil {
			t.Errorf("status %v", st)
		}
		r := c.transcription().GetTranscript().GetResults()[0]
		item := r.GetAlternatives()[0].GetItems()[0]
		if r.GetResultId() != "id" || !r.GetIsPartial() || r.GetChannelId() != "ch_0" || r.GetLanguageCode() != "en-US" || r.GetStartTime() != at.UnixMilli() || r.GetEndTime() != at.UnixMilli()+1000 {
			t.Errorf("result %v", r)
		}
		if item.GetSpeakerAttendeeId() != p.wire("ada") || item.GetSpeakerExternalUserId() != p.wire("ada")+"-external" || item.GetContent() != "hello" {
			t.Errorf("item %v", item)
		}
	}
	share.send(&wire.Frame{Type: wire.Frame_PING_PONG.Enum(), PingPong: &wire.PingPong{Type: wire.PingPong_PING.Enum(), PingId: proto.Uint32(3)}})
	share.get("pong", func(f *wire.Frame) bool {
		if f.GetType() == wire.Frame_DATA_MESSAGE {
			t.Errorf("a share got %v", f.GetData())
		}
		return f.GetType() == wire.Frame_PING_PONG
	})
}

// What clients tell present from absent is written only when it is known.
func TestUnknownMembersAreLeftOut(t *testing.T) {
	yes, half := true, 0.5
	r := result("ada", "hello")
	plain := resultOf(&r)
	item := plain.GetAlternatives()[0].GetItems()[0]
	if item.Confidence != nil || item.Stable != nil || item.VocabularyFilterMatch != nil || plain.LanguageIdentification != nil || plain.GetAlternatives()[0].Entities != nil {
		t.Errorf("the plain result is %v", plain)
	}
	if item.Type == nil || item.GetType() != wire.TranscriptItem_PRONUNCIATION {
		t.Errorf("its item is %v", item)
	}
	r.Language, r.Languages = "", []speech.Score{{Language: "fr-CA", Score: 0.9}}
	r.Items = append(r.Items, speech.Item{Text: ".", Punctuation: true, Start: at, End: at, Confidence: &half, Stable: &yes, Filtered: true})
	r.Entities = []speech.TimedEntity{{Category: "PII", Type: "NAME", Content: "Ada", Start: at, End: at, Confidence: &half}}
	full := resultOf(&r)
	item = full.GetAlternatives()[0].GetItems()[1]
	if item.GetType() != wire.TranscriptItem_PUNCTUATION || item.GetConfidence() != half || !item.GetStable() || !item.GetVocabularyFilterMatch() {
		t.Errorf("the full item is %v", item)
	}
	entity := full.GetAlternatives()[0].GetEntities()[0]
	if full.LanguageCode != nil || full.GetLanguageIdentification()[0].GetScore() != 0.9 || entity.GetContent() != "Ada" || entity.GetCategory() != "PII" || entity.GetStartTime() != at.UnixMilli() {
		t.Errorf("the full result is %v", full)
	}
}

func TestWhoJoinsLateIsToldTheLastStatus(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob", "eve", "dan")
	ada := p.join("ada")
	v.server.TellTranscription(p.id, status(speech.Started))
	v.server.TellTranscript(p.id, result(p.wire("ada"), "hello"))
	interrupted := status(speech.Interrupted)
	interrupted.Message = "why"
	v.server.TellTranscription(p.id, interrupted)
	for range 3 {
		ada.transcription()
	}
	bob := p.open("bob")
	bob.joinOnly(v)
	if st := bob.transcription().GetStatus(); st.GetType() != wire.TranscriptionStatus_INTERRUPTED || st.GetMessage() != "why" || st.GetEventTime() != at.UnixMilli() {
		t.Errorf("bob was told %v", st)
	}
	v.server.TellTranscription(p.id, status(speech.Stopped))
	eve := p.join("eve")
	v.server.TellTranscription(p.id, status(speech.Started))
	if st := eve.transcription().GetStatus(); st.GetType() != wire.TranscriptionStatus_STARTED {
		t.Errorf("eve, who came when it had stopped, was told %v", st)
	}
}

// The end of the meeting stops the transcription, and that is told before people
// are sent away.
func TestTheMeetingsEndStopsItsTranscription(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	ada := p.join("ada")
	v.server.TellTranscription(p.id, status(speech.Started))
	ada.transcription()
	if err := v.control.DeleteMeeting(context.Background(), owner, p.id); err != nil {
		t.Fatal(err)
	}
	if st := ada.transcription().GetStatus(); st.GetType() != wire.TranscriptionStatus_STOPPED || st.GetConfiguration() != "{}" {
		t.Errorf("told %v", st)
	}
	ada.status(410)
	v.server.TellTranscript(p.id, result(p.wire("ada"), "late")) // nobody is there
}

func TestSpeakersAreThoseThatClientsKnow(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	p.join("ada")
	if shown, external := v.server.Speaker(p.id, p.wire("ada")); shown != p.wire("ada") || external != "ada" {
		t.Errorf("ada is %s, %s", shown, external)
	}
	if shown, external := v.server.Speaker(p.id, "gone"); shown != "gone" || external != "" {
		t.Errorf("one who has gone is %s, %s", shown, external)
	}
	if _, external := v.server.Speaker(meeting.ID{1}, "ada"); external != "" {
		t.Errorf("in no meeting, there is %s", external)
	}
}

// ears notes who has spoken.
type ears struct{ heard []string }

func (e *ears) Voice(attendee string, _ []float32) { e.heard = append(e.heard, attendee) }

func TestVoicesAreHandedOver(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	to := new(ears)
	stop, err := v.server.Hear(p.id, to)
	if err != nil {
		t.Fatal(err)
	}
	room := v.media.Room(p.id.String()).(*fakeRoom)
	if room.listening() != to {
		t.Error("the room's voices go elsewhere")
	}
	stop()
	if room.listening() != nil {
		t.Error("the room's voices are still wanted")
	}
	if err := v.server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := v.server.Hear(meeting.ID{1}, to); err == nil {
		t.Error("a server that is closed listens")
	}
}
