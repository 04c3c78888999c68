package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// file writes a file of a test's own and returns its path.
func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// dataWith returns a data directory that holds one file.
func dataWith(t *testing.T, name, content string) string {
	t.Helper()
	return filepath.Dir(file(t, name, content))
}

// Whatever keeps a server from starting, `check config` says so first, in the
// same words.
func TestWhatServeRefusesCheckConfigRefuses(t *testing.T) {
	t.Setenv(config.FileEnv, "")
	cert, other := servertest.NewCertificate(t), servertest.NewCertificate(t)
	notDir := file(t, "file", "")
	unreadable := filepath.Join(t.TempDir(), "folder.yaml")
	if err := os.Mkdir(unreadable, 0o700); err != nil {
		t.Fatal(err)
	}
	keys := func(content string) []string { return []string{"--key-file", file(t, "keys.yaml", content)} }
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"key file missing":            {[]string{"--key-file", "/nowhere/keys.yaml"}, "/nowhere/keys.yaml"},
		"key file is a folder":        {[]string{"--key-file", unreadable}, "--key-file"},
		"key file is no YAML":         {keys("keys: [\n"), "--key-file"},
		"key file is empty":           {keys(""), "--key-file"},
		"key file has unknown fields": {keys("keys:\n  - access-key-id: A\n    secret: b\n"), "secret"},
		"key file has an unknown operation": {
			keys("keys:\n  - {access-key-id: A, secret-access-key: b, allow: [\"chime:Fly\"]}\n"), "chime:Fly"},
		"key file has a key twice": {
			keys("keys:\n  - {access-key-id: A, secret-access-key: b}\n  - {access-key-id: A, secret-access-key: c}\n"), "--key-file"},
		"key file has a bad account": {
			keys("keys:\n  - {access-key-id: A, secret-access-key: b, account: demo}\n"), "--key-file"},
		"access key of other letters":      {[]string{"--access-key", "a key", "--secret-key", "s"}, "--access-key"},
		"half a key":                       {[]string{"--access-key", "AKID"}, "--access-key and --secret-key go together"},
		"account":                          {[]string{"--account", "12"}, "--account"},
		"Region":                           {[]string{"--region", "US East"}, "--region"},
		"certificate missing":              {[]string{"--tls-cert", "/nowhere/cert.pem", "--tls-key", cert.KeyFile}, "/nowhere/cert.pem"},
		"certificate without a key":        {[]string{"--tls-cert", cert.CertFile}, "--tls-cert and --tls-key go together"},
		"certificate of another key":       {[]string{"--tls-cert", cert.CertFile, "--tls-key", other.KeyFile}, "private key does not match"},
		"certificate that is none":         {[]string{"--tls-cert", notDir, "--tls-key", cert.KeyFile}, "--tls-cert"},
		"TURN over TLS without TLS":        {[]string{"--turn-tls", "127.0.0.1:0"}, "--turn-tls needs"},
		"listen address":                   {[]string{"--listen", "nonsense"}, `"nonsense" is not an address`},
		"listen port":                      {[]string{"--listen", "127.0.0.1:99999"}, "--listen"},
		"listen on somebody else's":        {[]string{"--listen", "192.0.2.1:0"}, "--listen: listen tcp 192.0.2.1:0"},
		"listen on an unknown name":        {[]string{"--listen", "no-such-name.invalid:0"}, "--listen"},
		"no port left for media":           {[]string{"--listen", "127.0.0.1:65535"}, "--media-tcp"},
		"media address":                    {[]string{"--media-udp", "127.0.0.1"}, "--media-udp"},
		"media on somebody else's":         {[]string{"--media-udp", "192.0.2.1:0"}, "--media-udp: listen udp 192.0.2.1:0"},
		"media over TCP":                   {[]string{"--media-tcp", "on"}, "--media-tcp"},
		"public address":                   {[]string{"--media-public-ip", "meet.example.org"}, "--media-public-ip"},
		"TURN address":                     {[]string{"--turn-udp", ":x"}, "--turn-udp"},
		"TURN on somebody else's":          {[]string{"--turn-tcp", "192.0.2.1:0"}, "--turn-tcp"},
		"metrics on somebody else's":       {[]string{"--metrics-listen", "192.0.2.1:0"}, "--metrics-listen"},
		"metrics on and off":               {[]string{"--metrics-listen", "127.0.0.1:0", "--no-metrics"}, "--metrics-listen and --no-metrics"},
		"one port twice":                   {[]string{"--listen", "127.0.0.1:18480", "--media-tcp", "0.0.0.0:18480"}, "--listen and --media-tcp: both want TCP port 18480"},
		"one port twice by default":        {[]string{"--listen", "127.0.0.1:18480", "--turn-udp", "127.0.0.1:18480"}, "--media-udp and --turn-udp: both want UDP port 18480"},
		"public URL":                       {[]string{"--public-url", "https://meet.example.org/path"}, "--public-url"},
		"host name with a port":            {[]string{"--allowed-hosts", "meet.example.org:8480"}, "--allowed-hosts"},
		"test mode for everybody":          {[]string{"--test-mode", "--listen", "0.0.0.0:0"}, "--test-mode is for this machine only"},
		"test mode on all of IPv6":         {[]string{"--test-mode", "--listen", "[::]:0"}, "--test-mode is for this machine only"},
		"test mode without a host":         {[]string{"--test-mode", "--listen", ":0"}, "--test-mode is for this machine only"},
		"test mode at a host's name":       {[]string{"--test-mode", "--listen", "example.invalid:0"}, "--test-mode is for this machine only"},
		"test mode with media for all":     {[]string{"--test-mode", "--media-udp", "0.0.0.0:0"}, "--test-mode is for this machine only"},
		"test mode with TURN for all":      {[]string{"--test-mode", "--turn-udp", "0.0.0.0:0"}, "--test-mode is for this machine only"},
		"test mode with a console for all": {[]string{"--test-mode", "--console-listen", "0.0.0.0:0"}, "--test-mode is for this machine only"},
		"test mode with metrics for all":   {[]string{"--test-mode", "--metrics-listen", "0.0.0.0:0"}, "--test-mode is for this machine only"},
		"lifeline without test mode":       {[]string{"--test-stop-at-eof"}, "needs --test-mode"},
		"test mode at another address":     {[]string{"--test-mode", "--public-url", "http://192.0.2.1:8480"}, "--test-mode is for this machine only"},
		"test mode for any network":        {[]string{"--test-mode", "--test-networks", "0.0.0.0/0"}, "0.0.0.0/0 is everybody"},
		"test mode behind a proxy":         {[]string{"--test-mode", "--test-networks", "10.0.0.0/8", "--trusted-proxies", "10.0.0.1"}, "--trusted-proxies exclude"},
		"test mode in a cluster":           {[]string{"--test-mode", "--node", "a"}, "--test-mode is for one server"},
		"test networks without test mode":  {[]string{"--test-networks", "10.0.0.0/8"}, "needs --test-mode"},
		"any host in test mode":            {[]string{"--allowed-hosts", "*", "--test-mode"}, "--dev or --test-mode"},
		"any host in development":          {[]string{"--allowed-hosts", "*", "--dev"}, "--dev"},
		"proxy network":                    {[]string{"--trusted-proxies", "10.0.0.0/99"}, "10.0.0.0/99"},
		"data directory is a file":         {[]string{"--data", notDir}, "is not a directory"},
		"data directory below a file":      {[]string{"--data", filepath.Join(notDir, "data")}, "--data"},
		"data directory not for files":     {[]string{"--data", "/proc/1/data"}, "--data: /proc/1 cannot be written"},
		"recordings not for files":         {[]string{"--recordings", "/proc/recordings"}, "--recordings: /proc cannot be written"},
		"token key cut short":              {[]string{"--data", dataWith(t, "token.key", "c2hvcnQ=\n")}, "token.key does not hold a key of 32 bytes"},
		"key pair without a secret":        {[]string{"--data", dataWith(t, "access.key", "AKID\n")}, "access.key does not hold"},
		"key pair cut off":                 {[]string{"--data", dataWith(t, "access.key", "AKIAIOSFODNN7ABCDEFG wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPL")}, "access.key is cut off within the secret key"},
		"key pairs, two":                   {[]string{"--data", dataWith(t, "access.key", "AKIDA secret\nAKIDB secret\n")}, "access.key does not hold one line"},
		"operator secret emptied":          {[]string{"--data", dataWith(t, "operator.secret", "\n")}, "operator.secret is empty"},
		"operators file missing":           {[]string{"--operators-file", "/nowhere/operators.yaml"}, "--operators-file: open /nowhere"},
		"operators file with a bad role":   {[]string{"--operators-file", file(t, "o.yaml", strings.Replace(fileOfAlice, "role: operator", "role: king", 1))}, "king"},
		"operators file with a secret":     {[]string{"--operators-file", file(t, "o.yaml", strings.Replace(fileOfAlice, hashOfAlice, "in clear", 1))}, "no bcrypt hash"},
		"console address":                  {[]string{"--console-listen", "nonsense"}, `--console-listen: "nonsense"`},
		"console address without one":      {[]string{"--console-listen", "127.0.0.1:0", "--no-console"}, "--console-listen and --no-console"},
		"console where the metrics are":    {[]string{"--console-listen", "127.0.0.1:9480", "--metrics-listen", "127.0.0.1:9480"}, "both want TCP port 9480"},
		"console of another machine":       {[]string{"--console-listen", "192.0.2.1:9480"}, "--console-listen: listen tcp"},
		"audit age":                        {[]string{"--audit-age", "0s"}, "--audit-age"},
		"audit size":                       {[]string{"--audit-mib", "0"}, "--audit-mib"},
		"operator secret too short":        {[]string{"--operator-secret", "short"}, "--operator-secret"},
		"timer":                            {[]string{"--timer-idle", "0s"}, "--timer-idle"},
		"quota":                            {[]string{"--limit-meetings=-1"}, "--limit-meetings"},
		"connections":                      {[]string{"--limit-connections", "0"}, "--limit-connections"},
		"throttle":                         {[]string{"--throttle-rate=-1"}, "--throttle-rate"},
		"a flag that does not exist":       {[]string{"--no-such-flag"}, "--no-such-flag"},
		"a duration that is none":          {[]string{"--timer-idle", "soon"}, "--timer-idle"},
		"several at once, of every kind":   {[]string{"--listen", "x", "--key-file", "/nowhere/keys.yaml", "--data", notDir}, "--data"},
		"several at once, the first kind":  {[]string{"--listen", "x", "--key-file", "/nowhere/keys.yaml", "--data", notDir}, "--listen"},
	} {
		t.Run(name, func(t *testing.T) {
			refusedAlike(t, c.want, c.args...)
		})
	}
}

// refusedAlike has serve and check config refuse flags in the same words, which
// have a sentence in them.
func refusedAlike(t *testing.T, want string, flags ...string) {
	t.Helper()
	var words [2]string
	for i, command := range [][]string{{"serve"}, {"check", "config"}} {
		args := append(command, "--data", filepath.Join(t.TempDir(), "data"), "--log-level", "error")
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // a server that starts in spite of it ends at once
		err := run(ctx, append(args, flags...))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%s: %v, want %q", strings.Join(command, " "), err, want)
		}
		words[i], _, _ = strings.Cut(err.Error(), "\nSee '") // which names the command
	}
	if words[0] != words[1] {
		t.Errorf("serve says\n%s\ncheck config says\n%s", words[0], words[1])
	}
}

// check config is asked beside a running server: it must not mind that, and
// must leave nothing behind.
func TestCheckConfigBesideARunningServer(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	if err := run(t.Context(), []string{"check", "config", "--data", dir, "--listen", s.ports.web.Addr().String()}); err != nil {
		t.Errorf("beside the server: %v", err)
	}
	fresh := filepath.Join(t.TempDir(), "not", "yet")
	if err := run(t.Context(), []string{"check", "config", "--data", fresh, "--listen", "127.0.0.1:0"}); err != nil {
		t.Errorf("before the first start: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(fresh)); !os.IsNotExist(err) {
		t.Errorf("checking made the data directory: %v", err)
	}
}

// checked parses the flags of check config and prints what is in force.
func checked(t *testing.T, args ...string) string {
	t.Helper()
	var cli commandLine
	parser, err := kong.New(&cli)
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := parser.Parse(append([]string{"check", "config"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := printSettings(&out, inForce(&cli.Check.Config.Serve, ctx)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestCheckConfigPrintsAConfiguration(t *testing.T) {
	out := checked(t, "--trusted-proxies", "10.0.0.0/8,192.0.2.1", "--secret-key", "hidden", "--media-public-ip", "192.0.2.7", "--listen", "0.0.0.0:8480")
	for _, line := range []string{"trusted-proxies: [10.0.0.0/8, 192.0.2.1/32] # command line", "secret-key: \"(set, not shown)\" # command line", "media-public-ip: [192.0.2.7] # command line", "demo: false", "timer-idle: 5m0s"} {
		if !strings.Contains(out, line+"\n") {
			t.Errorf("%q is missing:\n%s", line, out)
		}
	}
	if strings.Contains(out, "hidden") || strings.Contains(out, "0xc") {
		t.Errorf("%s", out)
	}
	again := file(t, "config.yaml", strings.ReplaceAll(out, "secret-key: \"(set, not shown)\" # command line\n", ""))
	var cli commandLine
	parser, err := kong.New(&cli, kong.Configuration(config.Load, again))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"serve"}); err != nil {
		t.Fatalf("what is printed is no configuration file: %v", err)
	}
	if fmt.Sprint(cli.Serve.TrustedProxies) != "[10.0.0.0/8 192.0.2.1/32]" || cli.Serve.ServesDemo() {
		t.Errorf("read back as %+v", cli.Serve.Serve)
	}
}

// The defaults of the command line are the real service's quotas.
func TestTheDefaultQuotasAreThoseOfTheService(t *testing.T) {
	if got := limits(settings(t, "--limits=amazon")); got != meeting.DefaultLimits() {
		t.Errorf("%+v", got)
	}
	if got := limits(settings(t, "--limit-attendees=10")); got.Attendees != 10 || got.HDAttendees != 10 {
		t.Errorf("in small meetings: %+v", got)
	}
}

func TestConnectionsFitIntoTheOpenFiles(t *testing.T) {
	wanted := room{connections: 4000, perAddress: 1000, sockets: 20000}
	for files, want := range map[int]room{
		0:     {4000, 1000, 20000, 0, 0},
		65536: {4000, 1000, 20000, 0, 65536},
		24100: {4000, 1000, 20000, 0, 24100},
		20000: {4000, 1000, 15900, 0, 20000},
		1024:  {231, 115, 693, 0, 1024},
		256:   {39, 19, 117, 0, 256},
	} {
		got, err := fitFiles(files, wanted)
		if err != nil || got != want {
			t.Errorf("%d files: %+v, %v, want %+v", files, got, err, want)
		}
		if files > 0 && got.connections+got.sockets+keptFiles > files {
			t.Errorf("%d files: %+v is too much", files, got)
		}
	}
	if _, err := fitFiles(128, wanted); err == nil || !strings.Contains(err.Error(), "128 files") {
		t.Errorf("128 files: %v", err)
	}
	wanted.relays = wantedRelays
	for files, want := range map[int]room{
		65536: {4000, 1000, 20000, 8192, 65536},
		20000: {4000, 1000, 10926, 2487, 20000},
		1024:  {231, 115, 463, 115, 1024},
		256:   {39, 19, 79, 19, 256},
	} {
		if got, err := fitFiles(files, wanted); err != nil || got != want {
			t.Errorf("%d files with TURN: %+v, %v, want %+v", files, got, err, want)
		}
	}
	small := room{connections: 10, perAddress: 5, sockets: 20}
	if got, err := fitFiles(200, small); err != nil || got.connections != 10 || got.sockets != 20 {
		t.Errorf("a small server: %+v, %v", got, err)
	}
}

// What is in force says where it comes from, and holds no secret: the page of
// settings shows the same.
func TestSettingsSayWhereTheyComeFrom(t *testing.T) {
	path := file(t, "carillon.yaml", "limit-attendees: 100\nlimit-meetings: 7\ntimer-idle: 10m\nsecret-key: from-the-file\n")
	t.Setenv("CARILLON_LIMIT_MEETINGS", "8")
	t.Setenv("CARILLON_TIMER_IDLE", "11m")
	var cli commandLine
	parser, err := kong.New(&cli, kong.DefaultEnvars("CARILLON"), kong.Configuration(config.Load, path))
	if err != nil {
		t.Fatal(err)
	}
	k, err := parser.Parse([]string{"serve", "--timer-idle", "12m", "--no-metrics", "--operator-secret", "an operator secret", "--nats-url", "nats://me:pass@host"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]console.Setting{}
	for _, s := range inForce(&cli.Serve.Serve, k) {
		got[s.Name] = s
		for _, secret := range []string{"from-the-file", "an operator secret", "pass"} {
			if strings.Contains(s.Value, secret) {
				t.Errorf("%s shows %q", s.Name, s.Value)
			}
		}
	}
	const limits, pages = "Limits", "Pages, console and metrics"
	for _, want := range []console.Setting{
		{Name: "limit-attendees", Group: limits, Value: "100", From: byFile}, {Name: "limit-meetings", Group: limits, Value: "8", From: byEnvironment},
		{Name: "timer-idle", Group: "Life of a meeting", Value: "12m0s", From: byCommandLine}, {Name: "metrics", Group: pages, Value: "false", From: byCommandLine},
		{Name: "limit-replicas", Group: limits, Value: "4", From: byDefault}, {Name: "demo", Group: pages, Value: "true", From: byDefault},
		{Name: "operator-secret", Group: pages, Value: `"(set, not shown)"`, From: byCommandLine},
		{Name: "secret-key", Group: "Who may call the API", Value: `"(set, not shown)"`, From: byFile},
	} {
		if got[want.Name] != want {
			t.Errorf("%+v, want %+v", got[want.Name], want)
		}
	}
	if len(got) < 100 {
		t.Errorf("only %d settings", len(got))
	}
}

// URLs may hold secrets wherever one can be given.
func TestSettingsShowNoSecretsInURLs(t *testing.T) {
	path := file(t, "carillon.yaml", "webhooks: [{name: chat, url: 'https://hooks.example/services/T0/secret-path?key=secret-key', secret-files: [a]}, {name: plain, url: 'https://plain.example', secret-files: [b]}]\n"+
		"transcription: [{name: own, kind: vosk, url: 'wss://me:secret-word@vosk.example/socket?token=secret-token', languages: [en-US]}]\n")
	var cli commandLine
	parser, err := kong.New(&cli, kong.DefaultEnvars("CARILLON"), kong.Configuration(config.Load, path))
	if err != nil {
		t.Fatal(err)
	}
	k, err := parser.Parse([]string{"serve", "--webhook", "https://me:secret-word@hooks.example/secret-path", "--otlp-endpoint", "https://otlp.example/v1?api-key=secret-key",
		"--events-sqs-endpoint", "http://secret-word@sqs.example:9324/000/"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range inForce(&cli.Serve.Serve, k) {
		got[s.Name] = s.Value
		if strings.Contains(s.Value, "secret-word") || strings.Contains(s.Value, "secret-path") || strings.Contains(s.Value, "secret-key") || strings.Contains(s.Value, "secret-token") {
			t.Errorf("%s shows %q", s.Name, s.Value)
		}
	}
	for name, want := range map[string]string{
		"webhook": "https://(not shown)@hooks.example/(not shown)", "webhooks": "plain", "transcription": "own",
		"otlp-endpoint": "https://otlp.example/v1?(not shown)", "events-sqs-endpoint": "http://(not shown)@sqs.example:9324/000/",
	} {
		if !strings.Contains(got[name], want) {
			t.Errorf("%s shows %q, want %s", name, got[name], want)
		}
	}
}
