package config

import (
	"fmt"
	"math"
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

// Of two files in one, the second half would have no effect.
func TestAFileHasOneDocument(t *testing.T) {
	_, err := parse(t, "region: us-east-1\n---\nregion: us-west-2\n")
	if err == nil || !strings.Contains(err.Error(), "more than one YAML document") {
		t.Errorf("two documents: %v", err)
	}
	if _, err := parse(t, "---\nregion: us-east-1\n"); err != nil {
		t.Errorf("a document that is begun: %v", err)
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
	if len(s.Media.PublicIPs) != 2 || s.Media.PublicIPs[1] != "10.0.0.2" || s.ServesDemo() {
		t.Errorf("got public ips %v, demo %t", s.Media.PublicIPs, s.ServesDemo())
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
		"--limit-hd-attendees", "0", "--public-url", "ftp://x/y", "--media-public-ip", "host", "--tls-cert", "/nowhere", "--throttle-rate=-1",
		"--region", "US East", "--allowed-hosts", "a:1,*", "--dev", "--metrics-listen", "x", "--limit-connections", "0")
	if err != nil {
		t.Fatal(err)
	}
	problems := s.Check()
	if problems == nil {
		t.Fatal("Check found nothing")
	}
	for _, want := range []string{"--listen", "--access-key", "--account", "--timer-idle", "--limit-hd-attendees", "--public-url", "--media-public-ip", "--tls-cert", "--throttle-rate", "--region",
		`--allowed-hosts: "a:1"`, "--allowed-hosts: * is not possible with --dev", "--metrics-listen", "--limit-connections"} {
		if !strings.Contains(problems.Error(), want) {
			t.Errorf("the list does not name %s:\n%v", want, problems)
		}
	}
}

func TestAddressesThatAreAskedForTwice(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string // "": none
	}{
		"the defaults":              {nil, ""},
		"any free port":             {[]string{"--listen", "127.0.0.1:0", "--media-tcp", "127.0.0.1:0"}, ""},
		"TCP and UDP":               {[]string{"--listen", "127.0.0.1:1", "--turn-udp", "127.0.0.1:3", "--turn-tcp", "127.0.0.1:3"}, ""},
		"other hosts":               {[]string{"--listen", "127.0.0.1:1", "--metrics-listen", "127.0.0.2:1"}, ""},
		"the same host":             {[]string{"--listen", "127.0.0.1:1", "--metrics-listen", "127.0.0.1:1"}, "--listen and --metrics-listen"},
		"every host":                {[]string{"--listen", ":1", "--metrics-listen", "127.0.0.1:1"}, "--listen and --metrics-listen"},
		"the default of media":      {[]string{"--listen", "127.0.0.1:1", "--turn-tcp", "127.0.0.1:2"}, "--media-tcp and --turn-tcp"},
		"the same name":             {[]string{"--turn-tcp", "localhost:7", "--turn-tls", "LOCALHOST:7", "--tls-cert", "c", "--tls-key", "k"}, "--turn-tcp and --turn-tls"},
		"no default when it is off": {[]string{"--listen", "127.0.0.1:1", "--media-tcp", "off", "--turn-tcp", "127.0.0.1:2"}, ""},
	} {
		s, err := parse(t, "", c.args...)
		if err != nil {
			t.Fatal(err)
		}
		problems := s.Check()
		if c.want == "" && problems != nil || c.want != "" && (problems == nil || !strings.Contains(problems.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, problems, c.want)
		}
	}
}

func TestProxiesAreAddressesOrNetworks(t *testing.T) {
	s, err := parse(t, "trusted-proxies: [10.1.2.3/8, \"2001:db8::/32\", \"::ffff:192.0.2.1\"]\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.TrustedProxies); got != "[10.0.0.0/8 2001:db8::/32 192.0.2.1/32]" {
		t.Errorf("%s", got)
	}
	for _, bad := range []string{"10.0.0.0/99", "proxy.example.org"} {
		if _, err := parse(t, "", "--trusted-proxies", bad); err == nil {
			t.Errorf("%s is accepted", bad)
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

func TestUnknownVariablesAreRefused(t *testing.T) {
	var cli app
	parser, err := kong.New(&cli, kong.DefaultEnvars("CARILLON"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		variable string
		known    bool
	}{
		{"CARILLON_LISTEN=:1", true},
		{"CARILLON_CONFIG=x", true},
		{"CARILLON_LISTNE=:1", false},
		{"CARILLON_TIMER_IDEL=1m", false},
		{"CARILLON_PORT_LIMIT=1", false},
		{"carillon_listen=:1", true}, // another program's
		{"CARILLON_SERVICE_HOST=10.0.0.1", true},
		{"CARILLON_SERVICE_PORT_HTTP=8480", true},
		{"CARILLON_PORT=tcp://10.0.0.1:8480", true},
		{"CARILLON_PORT_8480_TCP_ADDR=10.0.0.1", true},
	} {
		err := CheckEnv(parser.Model.Node, []string{"HOME=/root", tc.variable})
		name, _, _ := strings.Cut(tc.variable, "=")
		if (err == nil) != tc.known || err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", tc.variable, err)
		}
	}
}

func TestTheQuotaOfMeetingsIsAPreset(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want int
	}{
		{nil, math.MaxInt32},
		{[]string{"--limits=amazon"}, 250},
		{[]string{"--limits=amazon", "--limit-meetings=7"}, 7},
		{[]string{"--limit-meetings=7"}, 7},
	} {
		s, err := parse(t, "", tc.args...)
		if err != nil || s.Check() != nil || s.MeetingQuota() != tc.want {
			t.Errorf("%v: %v, %v, quota %d, want %d", tc.args, err, s.Check(), s.MeetingQuota(), tc.want)
		}
	}
	if _, err := parse(t, "", "--limits=google"); err == nil {
		t.Error("an unknown preset was taken")
	}
}
