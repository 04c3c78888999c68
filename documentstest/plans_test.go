package documentstest

// plan is what there is to know of a page to type it. Most pages need little of
// it, and many nothing.
type plan struct {
	// checkout has the page typed in a copy of the repository instead of an empty
	// folder.
	checkout bool
	// before is typed before the first block: what the page takes for granted.
	before string
	// steps are for blocks that are more than typed, in the order of the page.
	steps []step
}

// step is how one block is run.
type step struct {
	// begins is how the block begins; the first such block that no earlier step has
	// taken is meant.
	begins string
	// before is typed before it and after behind it, which has to succeed.
	before, after string
	// replace has pairs: what stands in the block, and what is typed instead.
	replace []string
	// shorten has such pairs too, for what takes long: with -as-written they do not
	// count.
	shorten []string
	// says has regular expressions that its output must match.
	says []string
	// serves is an address at which the block, which does not end by itself, answers.
	serves string
	// slow blocks are typed with -as-written only; by names who runs them otherwise.
	slow bool
	// checks is a command that a block of settings, in a file, is given to.
	checks string
	// like is a command that prints JSON like that of the block, which may be without
	// the optional members.
	like     string
	optional []string
	// by names who runs the block instead: a folder or a file, and what has to stand
	// in it. Several are separated by semicolons.
	by string
	// not is why nobody runs the block.
	not string
}

const (
	exports = "eval \"$(carillon env)\"\n"

	// meeting makes a meeting by the exports of the server that runs, and sets the
	// variables that pages write for it.
	meeting = exports + `MEETING=$(curl --silent --fail-with-body --aws-sigv4 aws:amz:us-east-1:chime --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
  --data '{"ClientRequestToken": "a-token", "ExternalMeetingId": "standup", "MediaRegion": "us-east-1"}' "$AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS/meetings" |
  sed 's/.*"MeetingId":"\([^"]*\)".*/\1/')
ACCOUNT=000000000000
`
	// nodes waits until the three nodes of a page serve.
	nodes = "for n in 1 2 3; do answers http://127.0.0.1:858$n/readyz; done"

	// hash is that of an operator's secret, of cost 10.
	hash = "$2a$10$3E2jqswu4jEUM1fmviWWTe4PBRsDMNvaC724.Di9oBeOdpI64PW8."

	engine    = "a container engine is nowhere that these tests run; "
	published = "it takes a release that is published; "
)

// plans returns what is special about pages, by their path.
func plans() map[string]plan {
	all := map[string]plan{
		"CONTRIBUTING.md": {steps: []step{{begins: "make build", by: "Makefile: \nbuild:; Makefile: \nlint:; Makefile: \ntest-quick:; Makefile: \ntest:"}}},
		"README.md":       readme(),
		"clients/README.md": {steps: []step{
			{begins: "apt-get", by: "scripts/setup-tests: awscli python3-boto3"},
			{begins: "export CARILLON_ENDPOINT", by: "clients: func TestBoto3(; clients: func TestJavaScript("},
		}},
		"docs/api.md": {steps: []step{{begins: "keys:", checks: "carillon check config --key-file", says: []string{`key-file`}}}},
		"docs/app.md": {steps: []step{
			{begins: "curl", by: "clients: func runExamples("},
			{begins: "import os, boto3", by: "clients: func runExamples("},
			{begins: "import { SignatureV4 }", by: "clients: func runExamples("},
		}},
		"docs/cluster.md": clusterPage(),
		"docs/conform.md": {
			before: "carillon serve\n" + exports,
			steps: []step{
				{begins: "carillon conform", shorten: []string{`"$AWS_SECRET_ACCESS_KEY"`, `"$AWS_SECRET_ACCESS_KEY" --run '^GetMeeting_'`}, says: []string{`\n[1-9]\d* held, 0 failed in`}},
				// Against Amazon it takes an account there.
				{begins: "carillon conform --endpoint https", replace: []string{
					"https://meetings-chime.us-east-1.amazonaws.com", "http://127.0.0.1:8480", "--access-key …", `--access-key "$AWS_ACCESS_KEY_ID"`, "--secret-key …", `--secret-key "$AWS_SECRET_ACCESS_KEY"`,
				}, says: []string{`\n[1-9]\d* held, 0 failed in`}},
			},
		},
		"docs/events.md":  eventsPage(),
		"docs/install.md": installPage(),
		"docs/load.md": {
			before: "carillon serve\n" + exports,
			steps: []step{
				{begins: "carillon load api", shorten: []string{"--duration 10s", "--duration 1s"}, says: []string{`"op":"BatchCreateAttendee"`, `"disk_p99_ms"`}},
				{begins: "carillon load meeting", shorten: []string{"--duration 20s", "--duration 1s", "--listeners 45", "--listeners 5"}, says: []string{`"joins":[1-9]\d*,"errors":0`}},
			},
		},
		"docs/monitoring.md": {steps: []step{
			{begins: "go tool pprof", before: "carillon serve --pprof-listen 127.0.0.1:6060", says: []string{`Type: inuse_space`}},
		}},
		"docs/operations.md": {steps: []step{
			{begins: "keys:", checks: "carillon check config --key-file"},
			{begins: "operators:", checks: "carillon check config --operators-file", replace: []string{"$2a$10$…", hash}},
		}},
		"docs/pages.md": {steps: []step{{begins: "cd web", by: "scripts/fetch: npm ci; scripts/lint: npm run check; scripts/lint: npm test; scripts/build-pages: npm run build; scripts/test-browser: cd web && npm run e2e"}}},
		"docs/recording.md": {steps: []step{
			{begins: "carillon serve", after: meeting},
			{begins: "aws chime-sdk-media-pipelines create-media-capture", says: []string{`"MediaPipelineId"`, `"Status": "Initializing"`}},
			{begins: "aws chime-sdk-media-pipelines create-media-live", says: []string{`"MediaPipelineId"`}},
		}},
		"docs/runbook.md": runbookPage(),
		"docs/testing-your-app.md": {steps: []step{
			{begins: "carillon serve --test-mode", after: "curl --silent --fail http://127.0.0.1:8480/test/v1/clock"},
			{begins: `{"operation": "CreateAttendee"`, before: `fault() { curl --silent --fail-with-body --data "@$1" http://127.0.0.1:8480/test/v1/faults; }`, checks: "fault", says: []string{`"id"`}},
			{begins: "package app_test", by: "documentstest: func TestTheTestInTheDocuments("},
		}},
		"docs/testing.md": {checkout: true, steps: []step{
			{begins: "cd clustertest", by: "clustertest: func TestDrain; clustertest: func TestNothingIsLost; clustertest: CLUSTERTEST_LOGS; Makefile: DURATION)"},
			{begins: "go test -race", slow: true},
			{begins: "cd e2e", by: "scripts/test-browser: scripts/fetch e2e; e2e/tests/content.test.mjs: screen share"},
		}},
		"docs/transcription.md": {checkout: true, steps: []step{
			{begins: "docker run", not: engine + "an engine that speaks the same protocol is behind the captions of e2e"},
			{begins: "carillon serve", after: meeting},
			{begins: "carillon serve", before: "mkdir -p /etc/carillon\necho secret >/etc/carillon/transcribe.secret"},
			{begins: "go test -tags figures", slow: true},
		}},
		"docs/troubleshooting.md": {before: "carillon serve", steps: []step{
			{begins: "curl", says: []string{`"status":"ok"`, `carillon_mixer_frames_late_total`, `listen.*127\.0\.0\.1:8480`}},
		}},
		"examples/README.md": {checkout: true, before: "carillon serve", steps: []step{
			{begins: "eval \"$(carillon env)\"\ncd examples\n", slow: true, by: "examples: func TestQuickStarts(", replace: []string{"npm ci && ", ""}, after: "cd ..", says: []string{`(?s)"JoinToken".*"JoinToken".*"JoinToken"`}},
			{begins: "eval", slow: true, by: "examples: func TestTheApp(", replace: []string{"npm ci && ", ""}, serves: "http://localhost:3000/"},
			{begins: "eval", slow: true, by: "examples: func TestReact(", before: "export PORT=3001", replace: []string{"npm ci && cd react && npm ci && ", "cd react && "}, serves: "http://localhost:3001/"},
		}},
	}
	return all
}
