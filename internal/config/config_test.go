package config

import (
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

type app struct {
	Serve Serve `cmd:""`
}

// parse fills a Serve from a file and a command line, as the binary does.
func parse(t *testing.T, file string, args ...string) (*Serve, error) {
	t.Helper()
	var cli app
	resolver, err := Load(strings.NewReader(file))
	if err != nil {
		return nil, err
	}
	parser, err := kong.New(&cli, kong.DefaultEnvars("CARILLON"), kong.Resolvers(resolver))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(append([]string{"serve"}, args...))
	return &cli.Serve, err
}

func TestDefaultsAreFreeOfProblems(t *testing.T) {
	s, err := parse(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil {
		t.Errorf("Check of the defaults: %v", err)
	}
	if s.Timers.Idle != 5*time.Minute || s.Timers.MaxAge != 24*time.Hour || s.Limits.Attendees != 250 {
		t.Errorf("defaults differ from the real service's: %+v %+v", s.Timers, s.Limits)
	}
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	file := "listen: 127.0.0.1:1\nlimit-meetings: 11\ntimer-idle: 1m\nmedia-public-ip: [10.0.0.1, 10.0.0.2]\ndemo: false\n"
	t.Setenv("CARILLON_LIMIT_MEETINGS", "12")
	t.Setenv("CARILLON_LISTEN", "127.0.0.1:2")
	s, err := parse(t, file, "--listen", "127.0.0.1:3")
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != "127.0.0.1:3" || s.Limits.Meetings != 12 || s.Timers.Idle != time.Minute {
		t.Errorf("got listen %s, meetings %d, idle %s", s.Listen, s.Limits.Meetings, s.Timers.Idle)
	}
	if len(s.Media.PublicIPs) != 2 || s.Media.PublicIPs[1] != "10.0.0.2" || s.Pages.Demo {
		t.Errorf("got public ips %v, demo %t", s.Media.PublicIPs, s.Pages.Demo)
	}
}

func TestUnusableFilesAreRefused(t *testing.T) {
	for name, file := range map[string]string{
		"unknown key":   "lisen: 127.0.0.1:1\n",
		"not yaml":      "a: [b\n",
		"wrong type":    "limit-meetings: many\n",
		"nested":        "limit-meetings: {a: 1}\n",
		"missing value": "listen:\n",
	} {
		if _, err := parse(t, file); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCheckNamesEveryProblemAtOnce(t *testing.T) {
	s, err := parse(t, "", "--listen", "nonsense", "--access-key", "A", "--account", "12", "--timer-idle", "0s",
		"--limit-hd-attendees", "300", "--public-url", "ftp://x/y", "--media-public-ip", "host", "--tls-cert", "/nowhere", "--throttle-rate=-1")
	if err != nil {
		t.Fatal(err)
	}
	problems := s.Check()
	if problems == nil {
		t.Fatal("Check found nothing")
	}
	for _, want := range []string{"--listen", "--access-key", "--account", "--timer-idle", "--limit-hd-attendees", "--public-url", "--media-public-ip", "--tls-cert", "/nowhere", "--throttle-rate"} {
		if !strings.Contains(problems.Error(), want) {
			t.Errorf("the list does not name %s:\n%v", want, problems)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("listen: 127.0.0.1:1\nmedia-public-ip: [a, b]\n")
	f.Add("? [a]: b")
	f.Fuzz(func(t *testing.T, file string) {
		r, err := Load(strings.NewReader(file))
		if err != nil {
			return
		}
		for _, name := range []string{"listen", "limit-meetings"} {
			_, _ = r.Resolve(nil, nil, &kong.Flag{Value: &kong.Value{Name: name, Tag: &kong.Tag{}}})
		}
	})
}
