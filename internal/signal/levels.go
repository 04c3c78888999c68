package signal

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

const (
	// silence is the level of nothing, in dB below full scale.
	silence = 127
	// inaudible is where clients' volume meters begin, in dB below full scale:
	// what is quieter is shown as nothing and need not be sent.
	inaudible = 42
	// goodSignal is the signal strength that goes without saying.
	goodSignal = 2
	// sampleTicks is how many ticks lie between two samples kept for the
	// console: 2 s at the usual five ticks a second.
	sampleTicks = 10
)

// levelState is what a hall's clients were told last about volumes.
type levelState struct {
	speaking uint32 // the stream id of a speaker in the last frame, 0 if none
	weak     bool   // somebody's signal strength was below the best
	readings []media.Level
}

// louden has the hall's volumes told from now on. One ticker serves all
// meetings, and none while nobody is anywhere. The caller holds h.mu, so the
// server's lock is taken on another goroutine: see Server for the order.
func (s *Server) louden(h *hall) {
	h.later(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.closed || s.halls[h.id] != h {
			return
		}
		s.speaking[h] = struct{}{}
		if s.ticker == nil {
			s.ticker = time.AfterFunc(s.cfg.Timers.Levels, s.tick)
		}
	})
}

// quiet ends louden when the hall is empty.
func (s *Server) quiet(h *hall) {
	h.later(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.audio) == 0 {
			s.quietLocked(h)
		}
	})
}

func (s *Server) quietLocked(h *hall) { delete(s.speaking, h) }

// tick tells the volumes of every meeting somebody is in.
func (s *Server) tick() {
	began := time.Now()
	s.mu.Lock()
	s.ticks++
	sample := s.ticks%sampleTicks == 0
	halls := make([]*hall, 0, len(s.speaking))
	for h := range s.speaking {
		halls = append(halls, h)
	}
	s.mu.Unlock()
	for _, h := range halls {
		h.tellLevels()
		if sample {
			h.sample()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.speaking) == 0 || s.closed {
		s.ticker = nil
		return
	}
	s.ticker.Reset(max(s.cfg.Timers.Levels-time.Since(began), s.cfg.Timers.Levels/4))
}

// tellLevels asks media how loud everybody is and tells the clients.
func (h *hall) tellLevels() {
	h.mu.Lock()
	readings := h.levels.readings[:0]
	h.levels.readings = nil // ours until it is put back
	h.mu.Unlock()
	readings = h.room.Levels(readings)
	h.update(func() {
		if f := h.levelsFrame(readings); f != nil {
			h.broadcast(f, nil)
		}
		h.levels.readings = readings
	})
}

// levelsFrame returns the frame to send, nil when there is nothing to tell.
// Clients take everybody without a volume in it for silent, and everybody
// without a strength for well connected, so speakers and the badly connected
// suffice.
func (h *hall) levelsFrame(readings []media.Level) []byte {
	var rows []*wire.AudioLevel
	var speaker uint32
	weak, changed := false, false
	for _, r := range readings {
		m := h.audio[r.AudioStreamID]
		if m == nil || m.hidden {
			continue
		}
		s := m.session
		changed = s.hear(r) || changed
		speaks := r.Level < inaudible && !r.Muted && !m.muted()
		weak = weak || s.signal < goodSignal
		if speaks {
			speaker = r.AudioStreamID
		}
		if speaks || s.signal < goodSignal {
			rows = append(rows, levelRow(r, s.signal, speaks))
		}
	}
	tellSignal := changed && (weak || h.levels.weak)
	if !tellSignal {
		rows = dropWeak(rows)
	} else if !weak {
		rows = append(rows, &wire.AudioLevel{AudioStreamId: proto.Uint32(0), SignalStrength: proto.Uint32(goodSignal)})
	}
	if speaker == 0 && h.levels.speaking != 0 {
		// Stream 0 is nobody's: it has everybody's volume set to nothing.
		rows = append(rows, &wire.AudioLevel{AudioStreamId: proto.Uint32(0), Volume: proto.Uint32(silence)})
	}
	h.levels.speaking, h.levels.weak = speaker, weak
	if len(rows) == 0 {
		return nil
	}
	f := newFrame(wire.Frame_AUDIO_METADATA, h.now())
	f.AudioLevels = &wire.AudioLevels{Levels: rows}
	return mustEncode(f)
}

// hear takes over a reading; true if the signal strength has changed. Who does
// not send audio, or has not begun, is not badly connected.
func (s *session) hear(r media.Level) bool {
	s.level = r.Level
	if r.Muted {
		s.level = silence
	}
	s.loudest = min(s.loudest, s.level)
	strength := r.Signal
	if !s.audio || s.member.silenced {
		strength = goodSignal
	}
	was := s.signal
	s.signal = strength
	return was != strength
}

func levelRow(r media.Level, strength uint8, speaks bool) *wire.AudioLevel {
	row := &wire.AudioLevel{AudioStreamId: proto.Uint32(r.AudioStreamID), SignalStrength: proto.Uint32(uint32(strength))}
	if speaks {
		row.Volume = proto.Uint32(uint32(r.Level))
	}
	return row
}

// dropWeak leaves out the signal strengths, and who was listed only for that.
func dropWeak(rows []*wire.AudioLevel) []*wire.AudioLevel {
	kept := rows[:0]
	for _, row := range rows {
		if row.SignalStrength = nil; row.Volume != nil {
			kept = append(kept, row)
		}
	}
	return kept
}
