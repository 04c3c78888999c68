package signal

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// indexer gathers changes of what clients are told of the meeting's video, so
// that a burst of them, as when many join at once, costs each client one INDEX
// and not one for every change.
type indexer struct {
	dirty map[*session]struct{}
	timer *time.Timer // set while a flush is due or running
	ended bool
}

// sessionIndex is what a session was told last.
type sessionIndex struct {
	sent         bool
	last         media.Index
	participants int
	renames      uint64
}

// markLocked has a session told its index soon, if it has changed.
func (x *indexer) markLocked(conf *conference, s *session) {
	if x.dirty == nil {
		x.dirty = make(map[*session]struct{})
	}
	x.dirty[s] = struct{}{}
	x.armLocked(conf)
}

// markAllLocked marks every session of the conference.
func (x *indexer) markAllLocked(conf *conference) {
	for _, part := range conf.participants {
		if part.session != nil && part.session.index.sent {
			x.markLocked(conf, part.session)
		}
	}
}

// armLocked starts the timer unless it is running. The larger the meeting, the
// more an INDEX for everybody costs and the longer changes are gathered.
func (x *indexer) armLocked(conf *conference) {
	if x.timer != nil || x.ended {
		return
	}
	wait := conf.server.cfg.Timers.Index
	wait += min(wait*time.Duration(len(conf.participants))/12, 20*wait)
	x.timer = time.AfterFunc(wait, func() { conf.flushIndex() })
}

func (x *indexer) stopLocked() {
	x.ended = true
	if x.timer != nil {
		x.timer.Stop()
	}
	x.dirty = nil
}

// flushIndex sends the marked sessions their index. Media is asked with the
// conference unlocked; what changes meanwhile marks the session again.
func (conf *conference) flushIndex() {
	type asked struct {
		s     *session
		peer  Peer
		index media.Index
	}
	var todo []asked
	conf.update(func() {
		for s := range conf.index.dirty {
			if s.peer != nil && s.index.sent {
				todo = append(todo, asked{s: s, peer: s.peer})
			}
		}
		clear(conf.index.dirty)
	})
	for i := range todo {
		todo[i].index = todo[i].peer.Index()
	}
	conf.update(func() {
		var encoded indexMessage
		for _, t := range todo {
			if t.s.peer == t.peer {
				conf.sendIndexLocked(t.s, t.index, &encoded)
			}
		}
		conf.index.timer = nil
		if len(conf.index.dirty) > 0 {
			conf.index.armLocked(conf)
		}
	})
}

// sendIndexLocked sends a session its index unless it was told just that before.
// encoded is the message made last, which usually fits the next session too:
// whoever sends no video sees the same.
func (conf *conference) sendIndexLocked(s *session, index media.Index, encoded *indexMessage) {
	if s.key.content {
		index.Sources, index.PausedAtSource = nil, nil
	}
	people := conf.visibleLocked()
	if part := s.participant; part != nil && !part.hidden && !part.present && !s.key.content {
		people++ // the client counts itself, from the first INDEX on
	}
	last := &s.index
	if last.sent && last.participants == people && last.renames == conf.renames && sameIndex(last.last, index) {
		return
	}
	s.index = sessionIndex{sent: true, last: index, participants: people, renames: conf.renames}
	if encoded.message == nil || encoded.participants != people || !sameIndex(encoded.index, index) {
		*encoded = indexMessage{index, people, conf.indexFrameLocked(index, people)}
	}
	s.conn.send(encoded.message)
}

// indexMessage is an encoded index.
type indexMessage struct {
	index        media.Index
	participants int
	message      []byte
}

func sameIndex(a, b media.Index) bool {
	return a.AtCapacity == b.AtCapacity && slices.Equal(a.Sources, b.Sources) &&
		slices.Equal(a.PausedAtSource, b.PausedAtSource) && slices.Equal(a.Codecs, b.Codecs)
}

// indexFrameLocked encodes an index.
func (conf *conference) indexFrameLocked(index media.Index, people int) []byte {
	f := newFrame(wire.Frame_INDEX, conf.now())
	f.Index = conf.indexBodyLocked(index, people)
	return mustEncode(f)
}

// indexBodyLocked translates an index.
func (conf *conference) indexBodyLocked(index media.Index, people int) *wire.Index {
	body := &wire.Index{
		AtCapacity: proto.Bool(index.AtCapacity), NumParticipants: proto.Uint32(uint32(people)),
		PausedAtSourceIds: index.PausedAtSource, Sources: make([]*wire.Stream, len(index.Sources)),
	}
	for i, src := range index.Sources {
		body.Sources[i] = conf.sourceLocked(src)
	}
	for _, c := range index.Codecs {
		if name, ok := wireCodec(c); ok {
			body.Codecs = append(body.Codecs, name)
		}
	}
	return body
}

// sourceLocked describes one video. Measures that are not known are left out.
func (conf *conference) sourceLocked(src media.Source) *wire.Stream {
	attendee, external := conf.identityLocked(src)
	out := &wire.Stream{
		StreamId: proto.Uint32(src.StreamID), GroupId: proto.Uint32(src.GroupID), MediaType: wire.Media_VIDEO.Enum(),
		MaxBitrateKbps: proto.Uint32(src.MaxKbps), AttendeeId: proto.String(attendee), ExternalUserId: proto.String(external),
	}
	for _, f := range []struct {
		field **uint32
		value uint32
	}{
		{&out.AvgBitrateBps, src.AvgBps}, {&out.Framerate, src.Framerate}, {&out.Width, src.Width}, {&out.Height, src.Height},
	} {
		if f.value != 0 {
			*f.field = proto.Uint32(f.value)
		}
	}
	return out
}

// wireCodec is the name clients have for a codec.
func wireCodec(c media.Codec) (wire.Codec, bool) {
	switch c {
	case media.CodecVP8:
		return wire.Codec_VP8, true
	case media.CodecVP9:
		return wire.Codec_VP9_PROFILE_0, true
	case media.CodecH264:
		return wire.Codec_H264_CONSTRAINED_BASELINE, true
	case media.CodecAV1:
		return wire.Codec_AV1_MAIN, true
	}
	return 0, false
}
