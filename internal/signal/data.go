package signal

import (
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

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
	if validTopic(msg.topic) && len(msg.data) <= maxData && (!part.hidden || part.promoted != nil) {
		v = conf.messages.post(conf.now(), &msg)
	}
	switch v {
	case accepted:
		conf.spreadLocked(&msg, s)
	case throttled:
		if len(msg.data) <= maxData && len(msg.topic) <= maxTopic {
			s.conn.send(dataFrame(conf.now(), &msg)) // with ingest time 0
		}
	}
	return v
}

// spreadLocked sends a data message to everybody who has joined, except its
// sender's session and content shares.
func (conf *conference) spreadLocked(msg *dataMessage, except *session) {
	frame := dataFrame(conf.now(), msg)
	for _, part := range conf.participants {
		if s := part.session; s != except && !part.key.content && (s.state == joined || s.state == live) {
			s.conn.send(frame)
		}
	}
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
