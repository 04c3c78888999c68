package documentstest

func readme() plan {
	return plan{checkout: true, steps: []step{
		{begins: "make run", serves: "http://127.0.0.1:8480/"},
		{begins: "make test", by: "Makefile: \ntest:"},
		{begins: "eval"},
		{begins: "MEETING=$(aws chime-sdk-meetings", says: []string{`"ExternalUserId": "ada"`, `"JoinToken"`, `"Audio": "Receive"`, `"Errors": \[\]`}},
		{begins: "MEETING=$(aws chime create-meeting", says: []string{`"ExternalUserId": "grace"`, `"JoinToken"`}},
		{begins: "openssl rand"},
		{begins: "bin/carillon cluster status", before: nodes, says: []string{`(?m)^n1 .*\n^n2 .*\n^n3 `}},
	}}
}

func clusterPage() plan {
	// The page has its reader do the same on two machines more: here they are
	// addresses and folders, to which the secret is copied.
	const machines = `for n in 1 2 3; do ip addr add 10.0.0.$n/32 dev lo; done
for machine in b:10.0.0.2 c:10.0.0.3; do
  (
    mkdir "${machine%%:*}"
    cd "${machine%%:*}"
    until [ -s ../cluster.secret ]; do sleep 0.1; done
    cp ../cluster.secret .
    carillon serve --node "${machine%%:*}" --cluster-listen "${machine#*:}:7400" --cluster-peers 10.0.0.1:7400,10.0.0.2:7400,10.0.0.3:7400 \
      --cluster-secret-file cluster.secret --listen "${machine#*:}:8480" --public-url https://meet.example.org
  ) &
done
`
	return plan{steps: []step{
		{begins: "openssl rand", before: machines, serves: "http://10.0.0.1:8480/readyz"},
		{begins: "carillon cluster status", before: "for n in 2 3; do answers http://10.0.0.$n:8480/readyz; done", says: []string{`(?m)^a .*\n^b .*\n^c `}},
		{begins: "{\n  \"node\": \"a\"", like: "carillon cluster status --json --endpoint http://10.0.0.1:8480", optional: []string{"next", "offline"}},
		{begins: "carillon serve --node a --nats-url", by: "cmd/carillon: func TestNodesOnANATSThatIsThere("},
	}}
}

func eventsPage() plan {
	const files = `mkdir -p /etc/carillon
carillon events secret >/etc/carillon/billing.secret
echo secret >/etc/carillon/sqs.key
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=ca -keyout /dev/null -out /etc/carillon/ca.pem 2>/dev/null
`
	// A receiver that wants no more events.
	const gone = `python3 -c '
import http.server
class Gone(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(410)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8000), Gone).serve_forever()' &
cat >webhooks.yaml <<'END'
webhooks: [{name: billing, url: "http://127.0.0.1:8000/", secret-files: [hook.secret], allow-private: true, insecure: true}]
END
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
carillon serve --config webhooks.yaml
` + meeting + `for _ in {1..600}; do carillon events status | grep --quiet 410 && break; sleep 0.1; done
`
	// A receiver that writes down what it is told of two who join.
	const told = `python3 -c '
import http.server
class Told(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        with open("told.log", "ab") as log:
            log.write(self.rfile.read(int(self.headers["content-length"])) + b"\n")
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8001), Told).serve_forever()' 2>/dev/null &
carillon serve --webhook http://127.0.0.1:8001/ --webhook-secret-file hook.secret --webhook-allow-private
` + exports + `carillon load meeting --talkers 1 --listeners 1 --duration 1s --settle 0s >load.log
for _ in {1..600}; do grep --quiet AttendeeJoined told.log && break; sleep 0.1; done
`
	const receivers = "eventstest: func TestTheReceiversInTheDocuments("
	return plan{steps: []step{
		{begins: "carillon events secret"},
		{begins: "import http from", by: receivers},
		{begins: "import base64", by: receivers},
		{begins: "hook, _ :=", by: receivers},
		{begins: "webhooks:", before: files, checks: "carillon check config --config"},
		{begins: "keys:", checks: "carillon check config --key-file", replace: []string{"keys: […]", "keys: [{access-key-id: AKIAEXAMPLE, secret-access-key: secret}]"}},
		{begins: "carillon serve --events-sqs-endpoint", before: "export AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=y\necho secret >key"},
		{begins: `{"version":"0"`, before: told, like: "grep --max-count 1 AttendeeJoined told.log"},
		{begins: "carillon events status", before: gone, says: []string{`webhook:billing`}},
	}}
}

func installPage() plan {
	return plan{checkout: true, steps: []step{
		{begins: "sha256sum", by: "packaging: func TestTheArchiveAsTheGuideSays("},
		{begins: "apt install", by: "packaging: func TestTheDebianPackageLivesAndLeaves("},
		{begins: "docker load", not: engine + "packaging runs the image by buildah"},
		{begins: "cd packaging/compose", not: engine + "packaging loads the files as docker compose does, and runs what they say"},
		{begins: "# one node", not: "it takes a Kubernetes; packaging renders the chart and runs its pods"},
		{begins: "make build", slow: true, serves: "http://127.0.0.1:8480/"},
		{begins: "go install", not: published + "make build compiles the same"},
		// The other two shells, which are not here: TestZshCompletes, TestFishCompletes.
		{begins: "source <(carillon completion bash)", replace: []string{"source <(carillon completion zsh)", ":", "carillon completion fish | source", ":"}, after: "complete -p carillon"},
	}}
}

func runbookPage() plan {
	const serving = `mkdir -p /etc/carillon "$PWD/renewed"
export RENEWED_LINEAGE=$PWD/renewed
issue() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$RENEWED_LINEAGE/privkey.pem" -out "$RENEWED_LINEAGE/fullchain.pem" 2>/dev/null; }
issue second
`
	// A server that runs meanwhile presents the renewed certificate.
	const renewed = `carillon serve --listen 127.0.0.1:8443 --tls-cert /etc/carillon/tls/fullchain.pem --tls-key /etc/carillon/tls/privkey.pem
issue third
`
	const taken = `for _ in {1..600}; do
  case $(openssl s_client -connect 127.0.0.1:8443 </dev/null 2>/dev/null | openssl x509 -noout -subject) in *third*) echo renewed; break ;; esac
  sleep 0.1
done
`
	const restored = "cmd/carillon: func TestBackupAndRestoreAsTheGuideSays("
	return plan{steps: []step{
		// The group is of the Debian package; whoever runs this may be nobody else.
		{begins: "#!/bin/sh\nset -e\ninstall", before: serving, replace: []string{" -o root -g carillon", ""}, after: renewed + ". $SESSION_DIR/step-0.sh\n" + taken, says: []string{`renewed`}},
		{begins: "listen: 0.0.0.0:8443", checks: "carillon check config --config"},
		{begins: "[Service]", by: "packaging: func (m *machine) checkCertificates("},
		{begins: "listen: 127.0.0.1:8480", checks: "carillon check config --config"},
		{begins: "tar --create", by: restored},
		{begins: "mkdir -p", by: restored},
		{begins: "systemctl stop", by: "packaging: func TestTheDebianPackageLivesAndLeaves("},
		{begins: "carillon token-key", before: "carillon serve --data /var/lib/carillon"},
	}}
}
