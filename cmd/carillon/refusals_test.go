package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/identity"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// refusedFlags are flags, or a configuration file, that must be refused with a sentence.
type refusedFlags struct {
	args []string
	want string
}

// asked asks, with one parser for many cases, the function that serve and check
// config both ask first: TestWhatServeRefusesCheckConfigRefuses holds them to it.
type asked struct {
	parser *kong.Kong
	line   *struct {
		Config kong.ConfigFlag
		Serve  serveCommand `cmd:""`
	}
}

func newAsked(t *testing.T) asked {
	t.Helper()
	var a asked
	var err error
	a.line = new(struct {
		Config kong.ConfigFlag
		Serve  serveCommand `cmd:""`
	})
	if a.parser, err = kong.New(a.line, kong.Configuration(config.Load), config.Paths()); err != nil {
		t.Fatal(err)
	}
	return a
}

// refuses checks that flags are refused with a sentence.
func (a asked) refuses(t *testing.T, name, want string, flags ...string) {
	t.Helper()
	_, err := a.parser.Parse(append([]string{"serve", "--data", filepath.Join(t.TempDir(), "data")}, flags...))
	if err == nil {
		_, err = prepare(&a.line.Serve.Serve)
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", name, err, want)
	}
}

// What a cluster's flags, its secret and its store have wrong.
func TestServeAndCheckConfigRefuseAClusterAlike(t *testing.T) {
	t.Setenv(config.FileEnv, "")
	all := newAsked(t)
	secret, empty, short := file(t, "cluster.secret", strings.Repeat("secret ", 8)), file(t, "empty", "\n"), file(t, "short", "too short")
	noKey := file(t, "no-key.pem", "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n")
	of := func(more ...string) []string {
		return append([]string{"--node", "a", "--cluster-listen", "127.0.0.1:17222", "--cluster-peers", "127.0.0.1:17224,127.0.0.1:17226", "--cluster-secret-file", secret}, more...)
	}
	nats := func(more ...string) []string {
		return append([]string{"--node", "a", "--nats-url", "nats://127.0.0.1:1", "--cluster-http", "127.0.0.1:17222", "--cluster-secret-file", secret}, more...)
	}
	for name, c := range map[string]refusedFlags{
		"a node without the rest":           {[]string{"--node", "a"}, "--node, --cluster-listen, --cluster-peers and --cluster-secret-file go together"},
		"a name with a dot":                 {of("--node", "a.b"), "--node"},
		"an address for everybody":          {of("--cluster-listen", "0.0.0.0:17222"), "--cluster-listen"},
		"a peer without a port":             {of("--cluster-peers", "n1,n2"), "--cluster-peers"},
		"a cluster of two":                  {[]string{"--node", "a", "--cluster-listen", "127.0.0.1:17222", "--cluster-peers", "127.0.0.1:17224", "--cluster-secret-file", secret}, "at least 3 nodes"},
		"an inner door that is none":        {of("--cluster-http", "17223"), "--cluster-http"},
		"one port for both":                 {of("--cluster-http", "127.0.0.1:17222"), "both want TCP port 17222"},
		"another machine's address":         {of("--cluster-listen", "192.0.2.1:17222"), "--cluster-listen: listen tcp 192.0.2.1:17222"},
		"secret file missing":               {of("--cluster-secret-file", "/nowhere/secret"), "--cluster-secret-file: open /nowhere/secret"},
		"secret file empty":                 {of("--cluster-secret-file", empty), "is empty"},
		"secret too short":                  {of("--cluster-secret-file", short), "at least 32 are needed"},
		"NATS files without NATS":           {of("--nats-ca-file", noKey), "need --nats-url"},
		"NATS without the rest":             {[]string{"--nats-url", "nats://127.0.0.1:1"}, "go together"},
		"NATS and a store of one's own":     {nats("--cluster-peers", "127.0.0.1:1"), "exclude each other"},
		"NATS by http":                      {nats("--nats-url", "http://127.0.0.1"), "--nats-url is not of the form"},
		"two replicas":                      {nats("--nats-replicas", "2"), "--nats-replicas"},
		"authorities of NATS missing":       {nats("--nats-ca-file", "/nowhere/ca.pem"), "--nats-ca-file: nats: error loading or parsing rootCA file: open /nowhere/ca.pem"},
		"authorities of NATS that are none": {nats("--nats-ca-file", empty), "--nats-ca-file: nats: failed to parse root certificate"},
		"credentials for NATS missing":      {nats("--nats-credentials-file", "/nowhere/creds"), "--nats-credentials-file: nats: open /nowhere/creds"},
		"credentials for NATS without seed": {nats("--nats-credentials-file", empty), "--nats-credentials-file: unable to extract key pair"},
	} {
		all.refuses(t, name, c.want, c.args...)
	}
	refusedAlike(t, "--nats-ca-file: nats:", nats("--nats-ca-file", empty)...)
}

// What is wrong with recordings, transcription, events, traces and the rest that
// names files and other servers.
func TestServeAndCheckConfigRefuseWhatIsNamedAlike(t *testing.T) {
	t.Setenv(config.FileEnv, "")
	all := newAsked(t)
	empty, odd := file(t, "empty", ""), file(t, "odd", "no header")
	missing := "/nowhere/file"
	s3 := func(secret string) []string {
		return []string{"--capture-s3-endpoint", "https://s3.example.org", "--capture-s3-access-key", "A", "--capture-s3-secret-key-file", secret}
	}
	sqs := func(more ...string) []string {
		return append([]string{"--events-sqs-endpoint", "https://sqs.example.org", "--events-access-key", "A", "--events-secret-key-file", odd}, more...)
	}
	amazon := func(secret string) []string {
		return []string{"--transcription-amazon", "aws", "--transcription-amazon-access-key", "A", "--transcription-amazon-secret-key-file", secret}
	}
	hook := file(t, "hook.secret", "whsec_"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32)))
	yaml := func(format string, args ...any) []string {
		return []string{"--config", file(t, "c.yaml", fmt.Sprintf(format, args...))}
	}
	for name, c := range map[string]refusedFlags{
		"recordings in a file":             {[]string{"--recordings", empty}, "--recordings: " + empty + " is not a directory"},
		"recordings in two places":         {append(s3(odd), "--recordings", t.TempDir()), "--recordings and --capture-s3-endpoint exclude"},
		"recordings without a key":         {s3("")[:2], "--capture-s3-endpoint needs"},
		"recordings' secret missing":       {s3(missing), "--capture-s3-secret-key-file: open " + missing},
		"recordings' secret empty":         {s3(empty), "--capture-s3-secret-key-file: " + empty + " is empty"},
		"a codec":                          {[]string{"--capture-codecs", "h265"}, "--capture-codecs"},
		"a bucket":                         {[]string{"--recordings-bucket", "A"}, "--recordings-bucket"},
		"ffmpeg that is not there":         {[]string{"--capture-ffmpeg", missing}, "--capture-ffmpeg"},
		"an engine by http":                {[]string{"--transcription-vosk", "http://h"}, "--transcription-vosk"},
		"filters nowhere":                  {[]string{"--transcription-filters-dir", "/nowhere"}, "--transcription-filters-dir: open /nowhere"},
		"Transcribe's secret missing":      {amazon(missing), "open " + missing},
		"Transcribe's secret empty":        {amazon(empty), empty + " is empty"},
		"an engine's token missing":        {yaml("transcription: [{name: a, kind: vosk, url: \"ws://h\", token-file: %s}]", missing), "open " + missing},
		"an engine's authorities":          {yaml("transcription: [{name: a, kind: vosk, url: \"wss://h\", ca-file: %s}]", empty), "holds no certificate"},
		"an engine's unknown setting":      {yaml("transcription: [{nmae: a}]"), "nmae"},
		"a web hook without a secret":      {[]string{"--webhook", "https://h"}, "no secret file"},
		"a web hook's secret missing":      {[]string{"--webhook", "https://h", "--webhook-secret-file", missing}, "open " + missing},
		"a web hook's secret that is none": {[]string{"--webhook", "https://h", "--webhook-secret-file", odd}, "a webhook secret is"},
		"a web hook in the clear":          {[]string{"--webhook", "http://h", "--webhook-secret-file", hook}, "needs insecure: true"},
		"a web hook of another form":       {yaml("webhooks: [{name: a, url: \"https://h\", secret-files: [%s], form: xml}]", hook), "no such form"},
		"a web hook's authorities":         {yaml("webhooks: [{name: a, url: \"https://h\", secret-files: [%s], ca-file: %s}]", hook, empty), "holds no certificate"},
		"a web hook's certificate":         {yaml("webhooks: [{name: a, url: \"https://h\", secret-files: [%s], client-cert: %s, client-key: %s}]", hook, empty, empty), "web hook \"a\""},
		"a web hook for ever":              {yaml("webhooks: [{name: a, url: \"https://h\", secret-files: [%s], max-age: 100000h}]", hook), "more than ten years"},
		"a queue without a key":            {[]string{"--events-sqs-endpoint", "https://h"}, "--events-access-key"},
		"the secret of queues missing":     {sqs("--events-secret-key-file", missing), "--events-secret-key-file: open " + missing},
		"the secret of queues empty":       {sqs("--events-secret-key-file", empty), "--events-secret-key-file: " + empty + " is empty"},
		"a dead letter queue":              {sqs("--events-dead-letter-queue", "letters"), "--events-dead-letter-queue"},
		"dead letters for ever":            {sqs("--events-dead-age", "100000h"), "--events-dead-age: more than ten years"},
		"too much room for dead letters":   {sqs("--events-dead-mib", "1073741824"), "--events-dead-mib"},
		"an account's setting":             {[]string{"--key-file", file(t, "k.yaml", "keys: [{access-key-id: A, secret-access-key: b}]\naccounts: {\"000000000000\": {nope: 1}}\n")}, "nope"},
		"traces' headers without traces":   {[]string{"--otlp-headers-file", odd}, "needs --otlp-endpoint"},
		"traces' headers missing":          {[]string{"--otlp-endpoint", "http://h", "--otlp-headers-file", missing}, "--otlp-headers-file: open " + missing},
		"traces' headers that are none":    {[]string{"--otlp-endpoint", "http://h", "--otlp-headers-file", odd}, "--otlp-headers-file: line 1"},
		"profiles for everybody":           {[]string{"--pprof-listen", "0.0.0.0:0"}, "--pprof-listen"},
		"TURN's name with a port":          {[]string{"--turn-public", "turn.example.org:3478"}, "--turn-public"},
		"a public URL of no port":          {[]string{"--public-url", "https://meet.example.org:99999"}, "--public-url"},
		"a public URL with a name":         {[]string{"--public-url", "https://me@meet.example.org"}, "--public-url"},
		"an address of everything":         {[]string{"--media-public-ip", "0.0.0.0"}, "--media-public-ip"},
		"two places for keys":              {[]string{"--access-key", "A", "--secret-key", "b", "--key-file", file(t, "both.yaml", "keys: [{access-key-id: A, secret-access-key: b}]\n")}, "exclude each other"},
		"a web origin with a path":         {[]string{"--origin", "https://meet.example.org/"}, "--origin"},
		"any web origin":                   {[]string{"--origin", "*"}, "--origin"},
		"an API origin without a scheme":   {[]string{"--cors-origin", "meet.example.org"}, "--cors-origin"},
		"an application's key":             {[]string{"--app-keys", "000000000000=short"}, "--app-keys"},
		"two certificates":                 {[]string{"--tls-self-signed", "--tls-cert", odd, "--tls-key", odd}, "exclude each other"},
		"more records than there can be":   {[]string{"--limit-storage-mib", "1099511627776"}, "--limit-storage-mib"},
		"meetings for ever":                {[]string{"--timer-max-age", "2000000h"}, "--timer-max-age: more than ten years"},
	} {
		all.refuses(t, name, c.want, c.args...)
	}
	refusedAlike(t, "is empty", s3(empty)...)
}

// A data directory that is not this server's, or that has lost something.
func TestServeAndCheckConfigRefuseADataDirectoryAlike(t *testing.T) {
	t.Setenv(config.FileEnv, "")
	all := newAsked(t)
	const layout = `{"version":2,"slots":%d,"streams":8,"key_check":%q,"created":false%s}`
	of := func(more ...string) map[string]string {
		files := map[string]string{identity.TokenKeyFile: base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("t"), 32))}
		for i := 0; i < len(more); i += 2 {
			files[more[i]] = more[i+1]
		}
		return files
	}
	for name, c := range map[string]struct {
		files map[string]string
		args  []string
		want  string
		alike bool // is tried with both commands
	}{
		"the token key is missing beside meetings": {map[string]string{"ledger/ledger.json": fmt.Sprintf(layout, meeting.Slots, "", "")}, nil, "is missing beside existing meetings", true},
		"the token key is another server's":        {of("ledger/ledger.json", fmt.Sprintf(layout, meeting.Slots, "0123456789abcdef", "")), nil, "token.key does not fit the data directory", true},
		"it is a node's of a cluster":              {of("ledger/ledger.json", fmt.Sprintf(layout, meeting.Slots, "", `,"shared":true`)), nil, "that of a node of a cluster", false},
		"it is a newer program's":                  {of("ledger/ledger.json", strings.Replace(fmt.Sprintf(layout, meeting.Slots, "", ""), `"version":2`, `"version":3`, 1)), nil, "needs a newer program", false},
		"the layout is no JSON":                    {of("ledger/ledger.json", "{"), nil, "read layout", false},
		"the layout is missing":                    {of("ledger/streams/jetstream/$G/streams/MT00/x", ""), nil, "ledger.json is missing", false},
		"the ledger is a file":                     {of("ledger", ""), nil, "--data", false},
		"the audit is a file":                      {of("audit", ""), nil, "audit is not a directory", false},
		"the archive is a file":                    {of("history", ""), nil, "history is not a directory", false},
		"the access key has a blank too many":      {of(identity.AccessKeyFile, "A#B secret"), nil, "access key of the data directory", false},
		"the keys of join tokens":                  {of(identity.JoinKeysFile, "mint now x\n"), nil, "join.keys: line 1", false},
		"the certificate made here":                {of(identity.SelfSignedFile, "spoilt"), []string{"--tls-self-signed"}, "remove it to have a new one made", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range slices.Sorted(maps.Keys(c.files)) {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(c.files[name]), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			all.refuses(t, name, c.want, append(c.args, "--data", dir)...)
			if c.alike {
				refusedAlike(t, c.want, append(c.args, "--data", dir)...)
			}
		})
	}
}

// What comes from variables and from the configuration file.
func TestServeAndCheckConfigRefuseTheEnvironmentAlike(t *testing.T) {
	for name, c := range map[string]struct{ variable, value, want string }{
		"a variable that is no setting": {"CARILLON_LISTNE", "x", "no setting belongs to CARILLON_LISTNE"},
		"a value that is none":          {"CARILLON_TIMER_IDLE", "soon", "CARILLON_TIMER_IDLE"},
		"a word that is none":           {"CARILLON_LOG_FORMAT", "xml", "--log-format"},
		"a file that is not there":      {config.FileEnv, "/nowhere/carillon.yaml", "CARILLON_CONFIG: open /nowhere/carillon.yaml"},
		"a file that is a folder":       {config.FileEnv, t.TempDir(), "is a directory"},
		"a file with an unknown key":    {config.FileEnv, file(t, "a.yaml", "lisen: x\n"), "unknown keys: lisen"},
		"a file with a value that is none": {
			config.FileEnv, file(t, "b.yaml", "timer-idle: 5\n"), "--timer-idle"},
		"a file with a key twice": {config.FileEnv, file(t, "c.yaml", "listen: a\nlisten: b\n"), "already defined"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(config.FileEnv, "")
			t.Setenv(c.variable, c.value)
			refusedAlike(t, c.want)
		})
	}
}

// In test mode the data directory is a temporary one, whatever lies in the
// default one, and check config leaves none behind.
func TestCheckConfigInTestMode(t *testing.T) {
	t.Setenv(config.FileEnv, "")
	t.Setenv("TMPDIR", t.TempDir())
	t.Chdir(t.TempDir())
	if err := os.WriteFile("carillon-data", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"check", "config", "--test-mode", "--listen", "127.0.0.1:0"}); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	refusedAlike(t, "--data", "--data", "carillon-data")
}

// A certificate that can be used is in order whatever it stands beside.
func TestCheckConfigTakesWhatServeTakes(t *testing.T) {
	t.Setenv(config.FileEnv, "")
	cert := servertest.NewCertificate(t)
	for _, flags := range [][]string{
		{"--tls-cert", cert.CertFile, "--tls-key", cert.KeyFile, "--turn-tls", "127.0.0.1:0", "--turn-public", "2001:db8::1"},
		{"--tls-self-signed", "--origin", "https://meet.example.org:8443,capacitor://localhost,null", "--cors-origin", "*"},
		{"--limit-attendees", "10", "--public-url", "https://[2001:db8::1]:8443"},
		{"--limit-storage-mib", "268435456", "--events-dead-mib", "268435456", "--timer-max-age", "87600h"},
	} {
		flags = append(flags, "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data"), "--log-level", "error")
		if err := run(t.Context(), append([]string{"check", "config"}, flags...)); err != nil {
			t.Errorf("check config %v: %v", flags, err)
		}
		startServer(t, filepath.Join(t.TempDir(), "data"), flags...)
	}
}
