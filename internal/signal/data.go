package signal

import (
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// post hands on what a client sends to the others. A message that is too
// large, or on a topic that is not the clients', goes back to its sender
// marked as throttled: there is no other way to say no.
func (s *session) post(messages []*wire.DataMessage) error {
	for _, m := range messages {
		if !s.limits.data.AllowN(time.Now(), 1) {
			return s.hangUp(overBudget, "too many data messages")
		}
		tooMany := false
		s.conference.update(func() { tooMany = s.postOneLocked(m) == hungUp })
		if tooMany {
			return s.hangUp(overBudget, "too many data messages in the meeting")
		}
	}
	return nil
}

// postOneLocked hands on one message.
func (s *session) postOneLocked(in *wire.DataMessage) verdict {
	conf, part := s.conference, s.participant
	if part == nil || s.state < joined {
		return throttled
	}
	msg := dataMessage{
		topic: in.GetTopic(), data: in.GetData(), sender: part.wireID, external: part.external,
		lifetime: time.Duration(in.GetLifetimeMs()) * time.Millisecond,
	}
	v := throttled
	if meeting.ValidTopic(msg.topic) && len(msg.data) <= meeting.MaxData && (!part.hidden || part.promoted != nil) {
		v = conf.messages.post(conf.now(), &msg)
	}
	switch v {
	case accepted:
		conf.spreadLocked(&msg, s)
	case throttled:
		if len(msg.data) <= meeting.MaxData && len(msg.topic) <= meeting.MaxTopic {
			s.conn.send(dataFrame(conf.now(), &msg)) // with ingest time 0
		}
	}
	return v
}

// spreadLocked sends a data message to its audience, as far as it has joined,
// except its sender's session and content shares. It returns to how many.
func (conf *conference) spreadLocked(msg *dataMessage, except *session) (sent int) {
	for one := range conf.listeners {
		one.To.Message(msg.sender, msg.topic, msg.data, conf.now())
	}
	return conf.sendLocked(msg, except)
}

// sendLocked is spreadLocked without the listeners.
func (conf *conference) sendLocked(msg *dataMessage, except *session) (sent int) {
	frame := dataFrame(conf.now(), msg)
	for _, part := range conf.participants {
		s := part.session
		if s != except && !part.key.content && msg.to.has(part.key) && (s.state == joined || s.state == live) {
			s.conn.send(frame)
			sent++
		}
	}
	return sent
}

// Post sends a data message of the server's to everybody in a meeting, or to one
// attendee: of a primary meeting, those in its replicas get it as well. Clients
// see it without a sender, which no client can make. It returns to how many it
// went; with a lifetime, whoever joins within it gets it too, be it the first.
// primary is the meeting that id is a replica of, zero for none. The error is a
// *meeting.Error: Throttled when there are too many messages in the meeting,
// those of clients counted.
func (s *Server) Post(id, primary meeting.ID, m meeting.Message) (sent int, err error) {
	meet := s.find(id)
	if meet == nil && m.Lifetime > 0 {
		meet = s.enter(id, primary)
	}
	if meet == nil {
		return 0, nil // nobody has connected
	}
	msg := dataMessage{topic: m.Topic, data: m.Data, lifetime: m.Lifetime}
	if msg.to.attendee = m.Attendee; meet.replica || !m.Attendee.IsZero() {
		msg.to.meeting = id
	}
	conf := meet.conference
	conf.update(func() {
		if meet.over != 0 {
			return
		}
		if conf.messages.post(conf.now(), &msg) != accepted {
			err = meeting.Errorf(meeting.Throttled, "There are too many data messages in the meeting")
			return
		}
		sent = conf.spreadLocked(&msg, nil)
	})
	return sent, err
}

// dataFrame encodes a data message. The ingest time is written out even when
// it is 0, which says that the message was not accepted.
func dataFrame(now time.Time, m *dataMessage) []byte {
	f := newFrame(wire.Frame_DATA_MESSAGE, now)
	f.Data = &wire.Data{Messages: []*wire.DataMessage{{
		Topic: proto.String(strings.ToValidUTF8(m.topic, "?")), Data: m.data, LifetimeMs: proto.Uint32(uint32(m.lifetime.Milliseconds())),
		SenderAttendeeId: proto.String(m.sender), SenderExternalUserId: proto.String(m.external),
		IngestTimeNs: proto.Int64(m.ingest),
	}}}
	return mustEncode(f)
}
