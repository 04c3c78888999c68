package transcribe

import (
	"errors"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

func TestWhatIsSaidIsShown(t *testing.T) {
	inBubble(t, func(v *env) {
		v.start(english)
		v.told("started")
		v.says("ada", time.Second)
		s := v.engine.session(t, 0)
		if loud, _ := s.sound(); loud < 800*time.Millisecond {
			t.Errorf("the engine has heard %v", loud)
		}
		s.says("please", false)
		v.told() // it might be noise
		s.says("please", false)
		v.told("partial ada: please")
		first := v.door.last(t)
		s.says("please call", false)
		v.told() // too soon
		v.wait(partialEvery + beat)
		v.told("partial ada: please call")
		v.says("ada", 600*time.Millisecond)
		s.says("please call me", true)
		v.told("final ada: please call me")
		last := v.door.last(t)
		if first.ID != last.ID || first.Attendee != "ada" || last.External != "ada@example.org" || last.Channel != "ch_0" || last.Language != "en-US" {
			t.Errorf("first %+v, last %+v", first, last)
		}
		if took := last.Items[2].End.Sub(last.Items[0].Start); took != 1500*time.Millisecond {
			t.Errorf("the words took %v", took)
		}
		s.says("and then", true)
		if next := v.door.last(t); next.ID == last.ID || next.Text != "and then" {
			t.Errorf("next %+v", next)
		}
	})
}

func TestAPauseGivesTheEngineSilenceOnce(t *testing.T) {
	inBubble(t, func(v *env) {
		v.start(english)
		v.says("ada", time.Second)
		v.wait(5 * time.Second)
		loud, silent := v.engine.session(t, 0).sound()
		if loud < 950*time.Millisecond || loud > 1050*time.Millisecond || silent < tail || silent > tail+100*time.Millisecond {
			t.Errorf("it has heard %v and %v of silence", loud, silent)
		}
		v.says("ada", time.Second)
		v.wait(time.Second)
		if loud, silent = v.engine.session(t, 0).sound(); loud < 1950*time.Millisecond || silent < 2*tail {
			t.Errorf("after the second turn it has heard %v and %v of silence", loud, silent)
		}
	})
}

func TestEverybodyIsHeardApart(t *testing.T) {
	inBubble(t, func(v *env) {
		v.start(english)
		v.says("ada", 2*activeFor) // and has the first session
		for range 50 {             // in turn, 20 ms each
			v.says("ada", 20*time.Millisecond)
			v.says("bob", 20*time.Millisecond)
		}
		v.engine.session(t, 0).says("one", true)
		v.engine.session(t, 1).says("two", true)
		v.told("started", "final ada: one", "final bob: two")
		if v.door.results[0].Channel == v.door.results[1].Channel {
			t.Error("both are on one channel")
		}
	})
}

// Of three, two are listened to; the third gets a line when one of them has been
// silent, and what was said until then is not lost.
func TestAThirdTalkerWaitsForALine(t *testing.T) {
	inBubble(t, func(v *env) {
		v.start(english)
		v.says("ada", 2*activeFor) // and has the first session
		for range 25 {
			v.says("ada", 20*time.Millisecond)
			v.says("bob", 20*time.Millisecond)
		}
		v.engine.session(t, 0).says("one", true)
		v.engine.session(t, 1).says("two", true)
		v.told("started", "final ada: one", "final bob: two")
		v.says("eve", 4*time.Second)
		if v.engine.opened() != 2 {
			t.Errorf("%d sessions", v.engine.opened())
		}
		if loud, _ := v.engine.session(t, 0).sound(); loud < 4*time.Second {
			t.Errorf("the engine has heard %v", loud)
		}
		v.engine.session(t, 0).says("three", true)
		v.told("final eve: three")
	}, func(c *Config) { c.Talkers = 2 })
}

func TestAnEngineThatIsLostAndReturns(t *testing.T) {
	inBubble(t, func(v *env) {
		s := v.adaSpeaks()
		s.says("one", false)
		s.says("one", false)
		v.engine.set(errLost)
		s.end(errLost)
		v.wait(time.Second)
		v.told("started", "partial ada: one", "final ada: one")
		v.says("ada", 4*time.Second)
		v.told("interrupted: " + unreachable)
		if got := v.service.Stats(); got.Interrupted != 1 || got.Lost != 1 || got.Unopened < 1 {
			t.Errorf("stats %+v", got)
		}
		v.engine.set(nil)
		v.says("ada", 3*time.Second)
		v.told("resumed")
		if loud, _ := v.engine.session(t, 1).sound(); loud < 6*time.Second {
			t.Errorf("of what was said meanwhile, %v came", loud)
		}
		v.engine.session(t, 1).says("two", true)
		v.told("final ada: two")
	})
}

func TestAnEngineThatDoesNotReturn(t *testing.T) {
	inBubble(t, func(v *env) {
		v.start(english)
		v.engine.set(errLost)
		v.engine.session(t, 0).end(errLost)
		v.wait(59 * time.Second)
		v.told("started", "interrupted: "+unreachable)
		v.wait(3 * time.Second)
		v.told("failed: " + unreachable)
		if v.control.phase() != meeting.TranscriptionFailed {
			t.Errorf("it is %v", v.control.phase())
		}
		v.engine.set(nil)
		v.start(english)
		v.told("started")
	})
}

func TestNoEngineAtTheStart(t *testing.T) {
	for name, c := range map[string]struct {
		engine *engine
		config string
		none   bool
		want   string
		after  time.Duration
	}{
		"it cannot be reached": {&engine{broken: errLost}, english, false, unreachable, startWithin + time.Second},
		"it does not answer":   {&engine{hangs: true}, english, false, unreachable, startWithin + time.Second},
		"it refuses":           {&engine{broken: speech.Refuse("no such vocabulary")}, english, false, "The transcription engine refused the request: no such vocabulary", 0},
		"it cannot":            {&engine{refuses: speech.Refuse("Language fr-CA is not available")}, english, false, "Language fr-CA is not available", 0},
		"there is none":        {&engine{}, english, true, "No transcription engine is configured", 0},
		"nothing fits":         {&engine{}, `{"EngineTranscribeSettings":{}}`, false, "LanguageCode or IdentifyLanguage is required", 0},
		"it is no JSON":        {&engine{}, `{`, false, "The transcription configuration cannot be read", 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(v *env) {
				v.start(c.config)
				v.wait(c.after)
				v.told("failed: " + c.want)
				v.stop()
				v.told()
			}, func(cfg *Config) {
				cfg.Sources[0].Engine = c.engine
				if c.none {
					cfg.Sources = nil
				}
			})
		})
	}
}

func TestTheEnd(t *testing.T) {
	inBubble(t, func(v *env) {
		s := v.adaSpeaks()
		s.says("one two", false)
		s.says("one two", false)
		s.farewell = "one two three"
		v.stop()
		v.wait(time.Second)
		v.told("started", "partial ada: one two", "final ada: one two three", "stopped")
		v.says("ada", time.Second)
		v.told()
		if n := v.service.Stats(); n.Meetings != 0 || v.sessions() != 0 {
			t.Errorf("left: %+v", n)
		}
	})
}

// When the meeting is over or moves, nothing is told here: the door has done it, or
// another server goes on.
func TestAMeetingThatIsGone(t *testing.T) {
	inBubble(t, func(v *env) {
		s := v.adaSpeaks()
		s.says("one", false)
		s.says("one", false)
		v.told("started", "partial ada: one")
		v.control.gone()
		v.wait(time.Second)
		v.told()
		if n := v.service.Stats(); n.Meetings != 0 || v.sessions() != 0 {
			t.Errorf("left: %+v", n)
		}
		if v.control.phase() != meeting.TranscriptionRunning {
			t.Errorf("it is %v", v.control.phase())
		}
	})
}

func TestAnotherServerGoesOn(t *testing.T) {
	for phase, want := range map[meeting.TranscriptionPhase][]string{
		meeting.TranscriptionStarting:    {"started"},
		meeting.TranscriptionRunning:     {"interrupted: " + restarted, "resumed"},
		meeting.TranscriptionInterrupted: {"interrupted: the engine is away", "resumed"},
		meeting.TranscriptionFailed:      nil,
	} {
		t.Run(phase.String(), func(t *testing.T) {
			inBubble(t, func(v *env) {
				v.wait(time.Second)
				v.told(want...)
			}, func(c *Config) {
				c.Control.(*ledger).is = &meeting.Transcription{
					TranscriptionConfig: meeting.TranscriptionConfig{JSON: english}, Command: meeting.ID{9}, Phase: phase,
				}
				if phase == meeting.TranscriptionInterrupted {
					c.Control.(*ledger).is.Message = "the engine is away"
				}
			})
		})
	}
}

func TestAnotherConfigurationReplacesTheFirst(t *testing.T) {
	inBubble(t, func(v *env) {
		s := v.adaSpeaks()
		s.says("one", false)
		s.says("one", false)
		v.told("started", "partial ada: one")
		v.start(`{"EngineTranscribeSettings":{"LanguageCode":"en-US","EnablePartialResultsStabilization":true}}`)
		v.wait(time.Second)
		v.told("final ada: one", "started")
		v.says("ada", time.Second)
		s = v.engine.session(t, 1)
		s.says("two", true)
		if r := v.door.last(t); r.Items[0].Stable == nil || !*r.Items[0].Stable {
			t.Errorf("the result %+v", r)
		}
	})
}

// A phase that cannot be written yet is written later, and told then.
func TestALedgerThatIsDown(t *testing.T) {
	inBubble(t, func(v *env) {
		v.control.fail(true)
		v.start(english)
		v.wait(5 * time.Second)
		v.told()
		v.control.fail(false)
		v.wait(2 * time.Second)
		v.told("started")
	})
}

func TestLinesThatNobodyNeedsAreClosed(t *testing.T) {
	for waits, left := range map[bool]int{true: 1, false: 0} {
		inBubble(t, func(v *env) {
			v.start(english)
			for range 25 {
				v.says("ada", 20*time.Millisecond)
				v.says("bob", 20*time.Millisecond)
			}
			if n := v.sessions(); n != 2 {
				t.Errorf("%d lines while two talk", n)
			}
			v.wait(2*v.service.cfg.Idle + time.Second)
			if n := v.sessions(); n != left {
				t.Errorf("%d lines after a long silence, want %d", n, left)
			}
			v.says("ada", time.Second)
			if n := v.sessions(); n != 1 {
				t.Errorf("%d lines when one talks again", n)
			}
			v.told("started")
		}, func(c *Config) { c.Sources[0].Engine.(*engine).waits = waits })
	}
}

// A session takes long to open: what was said until then is not lost.
func TestASlowEngine(t *testing.T) {
	inBubble(t, func(v *env) {
		v.engine.delay = 3 * time.Second
		v.start(english)
		v.says("ada", 5*time.Second)
		if loud, _ := v.engine.session(t, 0).sound(); loud < 4500*time.Millisecond {
			t.Errorf("it has heard %v", loud)
		}
	})
}

func TestStatsCount(t *testing.T) {
	inBubble(t, func(v *env) {
		s := v.adaSpeaks()
		s.says("one", false)
		s.says("one", false)
		s.says("one", true)
		if n := v.service.Stats(); n.Meetings != 1 || v.sessions() != 1 || n.Partials != 1 || n.Finals != 1 || n.Audio < 800*time.Millisecond || n.Dropped != 0 {
			t.Errorf("stats %+v", n)
		}
		v.engine.set(errors.New("gone"))
		s.end(errLost)
		v.says("ada", 15*time.Second)
		if n := v.service.Stats(); n.Dropped < 3*time.Second {
			t.Errorf("dropped %v of 15 s", n.Dropped)
		}
	})
}
