package signal

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

const (
	// silence is the level of nothing, in dB below full scale.
	silence = 127
	// inaudible is where clients' volume meters begin, in dB below full scale:
	// what is quieter is shown as nothing and need not be sent.
	inaudible = 42
	// goodSignal is the signal strength that goes without saying.
	goodSignal = observe.GoodSignal
	// sampleTicks is how many ticks lie between two samples kept for the
	// console: 2 s at the usual five ticks a second.
	sampleTicks = 10
)

// levelState is what a conference's clients were told last about volumes.
type levelState struct {
	speaking uint32 // the stream id of a speaker in the last frame, 0 if none
	readings []media.Level

	// toldWeak has those, by their wire ids, whom clients take for badly connected,
	// also while they are away: nobody forgets that of who comes back.
	toldWeak map[string]struct{}
}

// startLevelsLocked has the conference's volumes told from now on. One ticker
// serves all meetings, and none while nobody is anywhere. The server's lock
// comes before the conference's, so it is taken later.
func (conf *conference) startLevelsLocked() {
	s := conf.server
	conf.laterLocked(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.closed || s.conferences[conf.id] != conf {
			return
		}
		s.occupied[conf] = struct{}{}
		if s.ticker == nil {
			s.ticker = time.AfterFunc(s.cfg.Timers.Levels, s.tick)
		}
	})
}

// stopLevelsLocked ends that when the conference is empty.
func (conf *conference) stopLevelsLocked() {
	s := conf.server
	conf.laterLocked(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		conf.mu.Lock()
		defer conf.mu.Unlock()
		if len(conf.byAudioID) == 0 {
			delete(s.occupied, conf)
		}
	})
}

// tick tells the volumes of every meeting somebody is in.
func (s *Server) tick() {
	began := time.Now()
	s.mu.Lock()
	s.ticks++
	sample := s.ticks%sampleTicks == 0
	conferences := make([]*conference, 0, len(s.occupied))
	for conf := range s.occupied {
		conferences = append(conferences, conf)
	}
	s.mu.Unlock()
	for _, conf := range conferences {
		conf.tellLevels()
		if sample {
			conf.sample()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.occupied) == 0 || s.closed {
		s.ticker = nil
		return
	}
	s.ticker.Reset(max(s.cfg.Timers.Levels-time.Since(began), s.cfg.Timers.Levels/4))
}

// tellLevels asks media how loud everybody is and tells the clients.
func (conf *conference) tellLevels() {
	conf.mu.Lock()
	readings := conf.levels.readings[:0]
	conf.levels.readings = nil // ours until it is put back
	conf.mu.Unlock()
	readings = conf.room.Levels(readings)
	conf.update(func() {
		if len(conf.listeners) > 0 {
			conf.hearLevelsLocked(readings)
		}
		if f := conf.levelsFrameLocked(readings); f != nil {
			conf.broadcastLocked(f, nil)
		}
		conf.levels.readings = readings
	})
}

// levelsFrameLocked returns the frame to send, nil when there is nothing to
// tell. Clients take everybody without a volume in it for silent, and everybody
// without a strength for well connected, so speakers and the badly connected
// suffice.
func (conf *conference) levelsFrameLocked(readings []media.Level) []byte {
	var rows []*wire.AudioLevel
	var speaker uint32
	weak, changed := false, false
	for _, r := range readings {
		part := conf.byAudioID[r.AudioStreamID]
		if part == nil || part.hidden {
			continue
		}
		s := part.session
		_, told := conf.levels.toldWeak[part.wireID]
		changed = s.hearLocked(r) || told && s.signal == goodSignal || changed
		speaks := r.Level < inaudible && !r.Muted && !part.mutedLocked()
		weak = weak || s.signal < goodSignal
		if speaks {
			speaker = r.AudioStreamID
		}
		if speaks || s.signal < goodSignal {
			rows = append(rows, levelRow(r, s.signal, speaks))
		}
	}
	if !changed || !weak && len(conf.levels.toldWeak) == 0 {
		rows = dropWeak(rows)
	} else {
		if !weak {
			rows = append(rows, &wire.AudioLevel{AudioStreamId: proto.Uint32(0), SignalStrength: proto.Uint32(goodSignal)})
		}
		conf.noteToldLocked(readings)
	}
	if speaker == 0 && conf.levels.speaking != 0 {
		// Stream 0 is nobody's: it has everybody's volume set to nothing.
		rows = append(rows, &wire.AudioLevel{AudioStreamId: proto.Uint32(0), Volume: proto.Uint32(silence)})
	}
	conf.levels.speaking = speaker
	if len(rows) == 0 {
		return nil
	}
	f := newFrame(wire.Frame_AUDIO_METADATA, conf.now())
	f.AudioLevels = &wire.AudioLevels{Levels: rows}
	return mustEncode(f)
}

// noteToldLocked keeps whom clients have just been told to be badly connected.
func (conf *conference) noteToldLocked(readings []media.Level) {
	for _, r := range readings {
		part := conf.byAudioID[r.AudioStreamID]
		switch {
		case part == nil || part.hidden:
		case part.session.signal == goodSignal:
			delete(conf.levels.toldWeak, part.wireID)
		case conf.levels.toldWeak == nil:
			conf.levels.toldWeak = map[string]struct{}{part.wireID: {}}
		default:
			conf.levels.toldWeak[part.wireID] = struct{}{}
		}
	}
}

// hearLocked takes over a reading; true if the signal strength has changed. Who
// does not send audio, or has not begun, is not badly connected.
func (s *session) hearLocked(r media.Level) bool {
	s.level = r.Level
	if r.Muted {
		s.level = silence
	}
	s.loudest = min(s.loudest, s.level)
	strength := r.Signal
	if !s.audio || s.participant.silenced {
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
