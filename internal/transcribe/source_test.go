package transcribe

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// withSecond gives the service a second engine.
func withSecond(second *engine, change func(first, second *Source)) func(*Config) {
	return func(c *Config) {
		c.Sources = append(c.Sources, Source{Engine: second, Name: "second"})
		if change != nil {
			change(&c.Sources[0], &c.Sources[1])
		}
	}
}

func TestTheLeastLoadedEngineListens(t *testing.T) {
	second := &engine{waits: true}
	inBubble(t, func(v *env) {
		v.start(english)
		for range 50 {
			for _, who := range []string{"ada", "bob", "eve"} {
				v.says(who, 20*time.Millisecond)
			}
		}
		// One of weight 2 beside one of weight 1.
		if got := v.service.Stats().Sessions; !reflect.DeepEqual(got, map[string]int{"first": 1, "second": 2}) {
			t.Errorf("sessions: %v", got)
		}
	}, withSecond(second, func(_, s *Source) { s.Weight = 2 }))
}

func TestTheNextEngineListensWhenOneFails(t *testing.T) {
	second := &engine{waits: true}
	inBubble(t, func(v *env) {
		v.engine.set(errLost)
		v.start(english)
		v.told("started")
		v.says("ada", time.Second)
		second.session(t, 0).says("one", true)
		v.told("final ada: one")
		if n := v.service.Stats(); n.Unopened != 0 {
			t.Errorf("a failure that nobody noticed is counted: %+v", n)
		}
	}, withSecond(second, nil))
}

// What one engine refuses, another one may do; when one is only full, it is asked
// again.
func TestARefusalIsFinalOnlyIfAllRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		second *engine
		most   int
		want   []string
	}{
		"both refuse":                        {&engine{broken: speech.Refuse("no")}, 1, []string{"failed: The transcription engine refused the request: no"}},
		"the other one cannot be reached":    {&engine{broken: errLost}, 1, nil},
		"the other one listens":              {&engine{waits: true}, 1, []string{"started"}},
		"there is no room with the other":    {&engine{waits: true}, -1, nil},
		"there is no room, until it gave up": {&engine{waits: true}, -1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(v *env) {
				v.engine.set(speech.Refuse("no"))
				v.start(english)
				v.wait(5 * time.Second)
				v.told(c.want...)
				if strings.HasSuffix(name, "gave up") {
					v.wait(startWithin)
					v.told("failed: " + busyEngines)
					if n := v.service.Stats(); n.Full < 2 {
						t.Errorf("stats %+v", n)
					}
				}
			}, withSecond(c.second, func(_, s *Source) { s.MaxSessions = c.most }))
		})
	}
}

// With room for one session, the second talker waits for the first one's.
func TestTalkersWaitForTheEnginesRoom(t *testing.T) {
	inBubble(t, func(v *env) {
		s := v.adaSpeaks()
		v.says("bob", 2*time.Second)
		s.says("one", true)
		v.wait(10 * time.Millisecond)
		v.told("started", "final ada: one")
		if v.sessions() != 1 || v.service.Stats().Full == 0 {
			t.Errorf("stats %+v", v.service.Stats())
		}
		v.says("bob", 3*time.Second)
		s.says("two", true)
		v.told("final bob: two")
	}, func(c *Config) { c.Sources[0].MaxSessions = 1 })
}

func TestTheLanguageIsFound(t *testing.T) {
	fr := []string{"fr-CA"}
	for _, c := range []struct {
		config string
		other  bool
		first  []string
		want   string
	}{
		{`"LanguageCode":"fr-CA"`, false, nil, "fr-CA"},
		{`"LanguageCode":"fr-FR"`, false, nil, "Language fr-FR is not available"},
		{`"LanguageCode":"fr-FR"`, true, nil, "fr-CA"},
		{`"LanguageCode":"de-DE"`, true, nil, "Language de-DE is not available"},
		{`"IdentifyLanguage":true,"LanguageOptions":"fr-CA,de-DE"`, false, nil, "fr-CA"},
		{`"IdentifyLanguage":true,"LanguageOptions":"fr-CA,en-US"`, false, nil, "IdentifyLanguage is not available"},
		{`"IdentifyLanguage":true,"LanguageOptions":"de-DE,it-IT"`, false, nil, "IdentifyLanguage is not available"},
		{`"IdentifyLanguage":true`, true, nil, "IdentifyLanguage is not available"},
	} {
		settings, err := speech.ParseSettings(`{"EngineTranscribeSettings":{` + c.config + `}}`)
		if err != nil {
			t.Fatal(err)
		}
		s := &Service{cfg: Config{OtherDialects: c.other}}
		for _, models := range [][]string{{"en-US", "en-GB"}, fr} {
			s.sources = append(s.sources, newSource(Source{Engine: &engine{models: models}}))
		}
		from, as, err := s.choose(settings, nil)
		got := as.LanguageCode
		if err != nil {
			got = err.Error()
		}
		if got != c.want || err == nil && (len(from) != 1 || as.IdentifyLanguage || as.LanguageOptions != "") {
			t.Errorf("%s: %q with %d engines, want %q", c.config, got, len(from), c.want)
		}
	}
}

// Of what several engines say, that counts which is about more than the language.
func TestTheNearestRefusalIsTold(t *testing.T) {
	lacks := &engine{models: []string{"en-US"}, refuses: speech.Refuse("Content redaction is not available")}
	german := &engine{models: []string{"de-DE"}}
	for _, order := range [][]*engine{{lacks, german}, {german, lacks}} {
		s := &Service{}
		for _, e := range order {
			s.sources = append(s.sources, newSource(Source{Engine: e}))
		}
		if _, _, err := s.choose(speech.Settings{LanguageCode: "en-US"}, nil); err == nil || err.Error() != "Content redaction is not available" {
			t.Errorf("%v", err)
		}
	}
}

const stricter = `{"EngineTranscribeSettings":{"LanguageCode":"en-US","VocabularyFilterName":"rude"`

// filtersOf writes filters and has the service use them.
func filtersOf(t *testing.T, files map[string]string) func(*Config) {
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(c *Config) { c.Filters = dir }
}

func TestWordsAreFiltered(t *testing.T) {
	files := filtersOf(t, map[string]string{"rude.txt": "# of the office\nDarn\n\nshut up\nNaïve, \n", "more.txt": "heck"})
	for config, want := range map[string]string{
		stricter + `}}`: "oh *** you *** *** shut the door ***",
		stricter + `,"VocabularyFilterMethod":"mask"}}`:         "oh *** you *** *** shut the door ***",
		stricter + `,"VocabularyFilterMethod":"remove"}}`:       "oh you shut the door",
		stricter + `,"VocabularyFilterMethod":"tag"}}`:          "oh darn! you Shut up shut the door naïve",
		strings.Replace(stricter, "Name", "Names", 1) + `}}`:    "oh *** you *** *** shut the door ***",
		strings.Replace(stricter, "rude", "more", 1) + `}}`:     "oh darn! you Shut up shut the door naïve",
		`{"EngineTranscribeSettings":{"LanguageCode":"en-US"}}`: "oh darn! you Shut up shut the door naïve",
	} {
		t.Run(config, func(t *testing.T) {
			inBubble(t, func(v *env) {
				v.start(config)
				v.says("ada", time.Second)
				s := v.engine.session(t, 0)
				said := "oh darn! you Shut up shut the door naïve"
				s.says(said, false)
				s.says(said, false)
				s.says(said, true)
				v.told("started", "partial ada: "+want, "final ada: "+want)
				for i, item := range v.door.last(t).Items {
					if tagged := strings.Contains(config, `"tag"`) && (i == 1 || i == 3 || i == 4 || i == 8); item.Filtered != tagged {
						t.Errorf("item %d %q: marked %t", i, item.Text, item.Filtered)
					}
				}
			}, files)
		})
	}
}

// An utterance of nothing but filtered words is not shown.
func TestNothingIsShownOfWhatIsRemoved(t *testing.T) {
	inBubble(t, func(v *env) {
		v.start(stricter + `,"VocabularyFilterMethod":"remove"}}`)
		v.says("ada", time.Second)
		s := v.engine.session(t, 0)
		s.says("darn", false)
		s.says("darn", false)
		s.says("darn", true)
		v.told("started")
	}, filtersOf(t, map[string]string{"rude.txt": "darn"}))
}

// Names come from callers and are part of a path.
func TestFiltersThatAreNotThere(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "x.txt")
	if err := os.WriteFile(outside, []byte("darn"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := filtersOf(t, map[string]string{"rude.txt": "darn", "large.txt": strings.Repeat("darn\n", maxFilter)})
	for _, name := range []string{"other", "../" + filepath.Base(filepath.Dir(outside)) + "/x", "..", ".", "large", strings.TrimSuffix(outside, ".txt"), "rude.txt"} {
		config := strings.Replace(stricter, "rude", name, 1) + "}}"
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(v *env) {
				v.start(config)
				v.told("failed: Vocabulary filter " + name + " not found")
			}, files)
			inBubble(t, func(v *env) { // by an engine that has filters of its own
				v.start(config)
				v.told("started")
			}, files, func(c *Config) { c.Sources[0].Engine.(*engine).filters = true })
		})
	}
	inBubble(t, func(v *env) {
		v.start(stricter + "}}")
		v.told("failed: Vocabulary filter rude not found")
	})
}

// The same asked for again is told again, and nothing is lost of what is under way.
func TestTheSameAgainKeepsWhatIsUnderWay(t *testing.T) {
	inBubble(t, func(v *env) {
		s := v.adaSpeaks()
		s.says("one", false)
		s.says("one", false)
		v.start(english)
		v.told("started", "partial ada: one", "started")
		v.says("ada", time.Second)
		s.says("one two", true)
		v.told("final ada: one two")
		if v.engine.opened() != 1 || v.control.phase() != meeting.TranscriptionRunning {
			t.Errorf("%d sessions, %v", v.engine.opened(), v.control.phase())
		}
		v.stop()
		v.wait(time.Second)
		v.told("stopped")
	})
}

// The same asked for again while there is no engine begins the wait anew.
func TestTheSameAgainWithoutAnEngine(t *testing.T) {
	inBubble(t, func(v *env) {
		v.start(english)
		v.engine.set(errLost)
		v.engine.session(t, 0).end(errLost)
		v.wait(30 * time.Second)
		v.told("started", "interrupted: "+unreachable)
		v.start(english)
		if n := v.service.Stats().Interrupted; n != 0 {
			t.Errorf("%d interrupted", n)
		}
		v.wait(startWithin - time.Second)
		v.told()
		v.engine.set(nil)
		v.wait(retryMost)
		v.told("started")
		v.engine.set(errLost)
		v.engine.session(t, 1).end(errLost)
		v.wait(time.Second)
		v.start(english)
		v.wait(startWithin + time.Second)
		v.told("failed: " + unreachable)
		v.start(english) // and once more, after the end
		v.wait(startWithin + time.Second)
		v.told("failed: " + unreachable)
	})
}

// Whoever starts and stops without pause leaves nothing behind, and is told the
// last of it.
func TestAStormOfStartsAndStops(t *testing.T) {
	inBubble(t, func(v *env) {
		for range 100 {
			v.start(english)
			v.control.attach(nil)
			v.control.attach(&meeting.Transcription{TranscriptionConfig: meeting.TranscriptionConfig{JSON: english, Region: "eu-west-1"}, Phase: meeting.TranscriptionStarting})
		}
		v.stop()
		v.wait(time.Minute)
		if told := v.door.take(); len(told) == 0 || told[len(told)-1] != "stopped" {
			t.Errorf("told %v", told)
		}
		if s := v.service.Stats(); s.Meetings+v.sessions() != 0 {
			t.Errorf("left: %+v", s)
		}
		v.start(english)
		v.told("started")
	})
}

func TestFinalResultsAreTimed(t *testing.T) {
	var took []time.Duration
	inBubble(t, func(v *env) {
		s := v.adaSpeaks()
		v.wait(700 * time.Millisecond)
		s.says("one two", true) // the words end a second after the beginning
		if len(took) != 1 || (took[0]-700*time.Millisecond).Abs() > 100*time.Millisecond {
			t.Errorf("final results after %v", took)
		}
	}, func(c *Config) { c.Finished = func(after time.Duration) { took = append(took, after) } })
}

// What is kept while nobody listens, and for how long a session stays, is as set.
func TestHoldAndIdleAreAsSet(t *testing.T) {
	inBubble(t, func(v *env) {
		v.engine.delay = 4 * time.Second
		v.start(english)
		v.says("ada", 6*time.Second)
		if loud, _ := v.engine.session(t, 0).sound(); loud > 4500*time.Millisecond || loud < 3*time.Second {
			t.Errorf("it has heard %v", loud)
		}
		v.engine.mu.Lock()
		v.engine.delay = 0
		v.engine.mu.Unlock()
		v.wait(2 * time.Second)
		if v.sessions() != 1 {
			t.Errorf("%d sessions", v.sessions())
		}
		v.wait(5 * time.Second)
		if v.sessions() != 0 {
			t.Errorf("%d sessions after the pause", v.sessions())
		}
	}, func(c *Config) {
		c.Hold, c.Idle = 2*time.Second, 2*time.Second
		c.Sources[0].Engine.(*engine).waits = false
	})
}

// FuzzFilter: whatever is in a file, applying it keeps or drops words, and makes none.
func FuzzFilter(f *testing.F) {
	f.Add("darn\nshut up\n# no\n", "shut up, darn", "mask")
	f.Add(" \n\x00\n", "", "remove")
	f.Fuzz(func(t *testing.T, list, text, method string) {
		one := &filter{method: method, phrases: map[string][][]string{}}
		one.add(list)
		var words []speech.Word
		for word := range strings.FieldsSeq(text) {
			words = append(words, speech.Word{Text: word})
		}
		if got := one.apply(words); len(got) > len(words) || method != "remove" && len(got) != len(words) {
			t.Errorf("%d words became %d", len(words), len(got))
		}
	})
}
