//go:build packages

package packaging

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// The machine's side of the pods' network, from the range for tests of networks
// (RFC 2544). Each pod has the rest of its address from a counter, so that one
// that starts again has another, as in Kubernetes.
const (
	bridge = "carillon-chart"
	subnet = "198.18.77."
)

// network joins pods as a cluster's network does.
type network struct {
	pods []*pod
	last int // of the addresses that were given out
}

func newNetwork(t *testing.T, pods ...*pod) *network {
	t.Helper()
	n := &network{pods: pods}
	n.remove() // what a run that was killed left
	t.Cleanup(n.remove)
	ip(t, "link add "+bridge+" type bridge")
	ip(t, "addr add "+subnet+"254/24 dev "+bridge)
	ip(t, "link set "+bridge+" up")
	for _, p := range pods {
		p.network = fmt.Sprintf("%s-%d", bridge, p.number)
		ip(t, "netns add "+p.network)
		ip(t, fmt.Sprintf("-n %s link add eth0 type veth peer name ccpod%d netns %d", p.network, p.number, os.Getpid()))
		ip(t, fmt.Sprintf("link set ccpod%d master %s up", p.number, bridge))
		ip(t, "-n "+p.network+" link set lo up")
		ip(t, "-n "+p.network+" link set eth0 up")
		n.move(t, p)
	}
	return n
}

// move gives a pod a new address, and the new names to all.
func (n *network) move(t *testing.T, p *pod) {
	t.Helper()
	n.last++
	p.address = fmt.Sprint(subnet, n.last)
	ip(t, "-n "+p.network+" addr flush dev eth0")
	ip(t, "-n "+p.network+" addr add "+p.address+"/24 dev eth0")
	for _, of := range n.pods {
		hosts := "127.0.0.1 localhost\n"
		for _, other := range n.pods { // its own line is the kubelet's, the others' stand for DNS
			if other.address != "" {
				hosts += other.address + " " + other.host() + "\n"
			}
		}
		put(t, filepath.Join(of.root, "etc/hosts"), []byte(hosts), 0o644)
	}
}

func (n *network) remove() {
	for _, p := range n.pods {
		_ = exec.Command("ip", "netns", "del", fmt.Sprintf("%s-%d", bridge, p.number)).Run()
	}
	_ = exec.Command("ip", "link", "del", bridge).Run()
}

func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v\n%s", args, err, out)
	}
}

// terminate ends a pod as Kubernetes does: the hook, then the signal, all of it
// within the grace period.
func (p *pod) terminate(t *testing.T) {
	t.Helper()
	began, grace := time.Now(), time.Duration(p.set.Template.Spec.Grace)*time.Second
	time.Sleep(time.Duration(p.Lifecycle.PreStop.Sleep.Seconds) * time.Second) // the hook itself
	if err := p.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-p.ended; err != nil {
		t.Errorf("%s ended with %v\n%s", p.name, err, p.log.String())
	}
	if took := time.Since(began); took > grace {
		t.Errorf("%s took %v to end and has %v", p.name, took, grace)
	}
}

// terminateLater ends the pods with the test, all at once.
func terminateLater(t *testing.T, pods []*pod) {
	t.Cleanup(func() {
		for _, p := range pods {
			_ = p.process.Process.Signal(syscall.SIGTERM)
		}
		for _, p := range pods {
			<-p.ended
		}
		if t.Failed() {
			for _, p := range pods {
				t.Logf("%s said:\n%s", p.name, p.log.String())
			}
		}
	})
}

// sdk is a client of the AWS SDK that reaches the server at a pod.
func (p *pod) sdk(accessKey, secretKey string) *chimesdkmeetings.Client {
	return sdkAt(p.url("web"), accessKey, secretKey)
}

// sdkAt is a client of the AWS SDK for the server at a URL.
func sdkAt(url, accessKey, secretKey string) *chimesdkmeetings.Client {
	return chimesdkmeetings.New(chimesdkmeetings.Options{
		BaseEndpoint: aws.String(url), Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
}

// joinAt joins a meeting with media at a pod, by the signaling address that the
// meeting has.
func joinAt(t *testing.T, p *pod, signalingURL, token string) (answer string) {
	t.Helper()
	lead := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(p.url("web"), "http://"))
	}
	plain := strings.Replace(signalingURL, "wss:", "ws:", 1) // what the ingress takes off
	return join(t, &http.Client{Transport: &http.Transport{DialContext: lead}}, plain, token)
}

// join joins a meeting with media and returns the answer that it got.
func join(t *testing.T, through *http.Client, signalingURL, token string) (answer string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cert, err := client.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	media, err := client.New(cert)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = media.Close() })
	d, err := door.Dial(ctx, through, signalingURL, token, func(*wire.Index) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	if answer, err = d.Enter(ctx, 1, media.Offer(false, 0), true); err != nil {
		t.Fatal(err)
	}
	if err := media.Connect(ctx, answer); err != nil {
		t.Fatalf("no media: %v\n%s", err, answer)
	}
	return answer
}

// Three nodes of the chart, on what the chart made: they find each other, any of
// them answers for all, media goes to the address of the owner's machine, and one
// that is stopped as Kubernetes stops it comes back at another address.
func TestTheChartsThreeNodesAreOneServer(t *testing.T) {
	secrets := map[string]map[string]string{"carillon": {"cluster-secret": strings.Repeat("a secret of the test ", 3), "operator": "operator secret of the test"}}
	r := newRelease(t, newHelm(t).mustRender(t, "three"), secrets)
	pods := make([]*pod, r.set.Replicas)
	for i := range pods {
		pods[i] = newPod(t, r, i)
	}
	n := newNetwork(t, pods...)
	for _, p := range pods {
		p.start(t)
	}
	terminateLater(t, pods)
	for _, p := range pods {
		p.waitReady(t)
	}
	exports := pods[0].exec(t, "env")
	key := regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\nexport AWS_SECRET_ACCESS_KEY=(\S+)`).FindStringSubmatch(exports)
	if len(key) != 3 || !strings.Contains(exports, "=https://meet.example.org\n") {
		t.Fatalf("the command of the notes prints %q", exports)
	}
	made, err := pods[0].sdk(key[1], key[2]).CreateMeetingWithAttendees(t.Context(), &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: aws.String("standup-1"), ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String("us-east-1"),
		Attendees: attendees("ada", "bob"),
	})
	if err != nil {
		t.Fatal(err)
	}
	answer := joinAt(t, pods[1], aws.ToString(made.Meeting.MediaPlacement.SignalingUrl), aws.ToString(made.Attendees[0].JoinToken))
	if !strings.Contains(answer, " "+subnet) {
		t.Errorf("media is not at the address of a pod's machine:\n%s", answer)
	}
	pods[2].terminate(t)
	n.move(t, pods[2])
	for i, p := range pods[:2] {
		if _, err := p.sdk(key[1], key[2]).GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: made.Meeting.MeetingId}); err != nil {
			t.Errorf("node %d with one away: %v", i, err)
		}
	}
	pods[2].start(t)
	pods[2].waitReady(t)
	joinAt(t, pods[2], aws.ToString(made.Meeting.MediaPlacement.SignalingUrl), aws.ToString(made.Attendees[1].JoinToken))
	if said := pods[0].exec(t, "cluster", "status", "--data", "/var/lib/carillon"); strings.Count(said, "meet-carillon-") < 3 {
		t.Errorf("the command of the notes prints\n%s", said)
	}
}

// One node of the chart with keys of one's own and TURN, and what it serves where.
func TestTheChartsOneNodeServes(t *testing.T) {
	keys := "keys:\n  - access-key-id: AKIAEXAMPLE\n    secret-access-key: a secret of the test\n    account: \"111122223333\"\n    allow: [\"chime:*\"]\n"
	r := newRelease(t, newHelm(t).mustRender(t, "one"), map[string]map[string]string{"carillon": {"keys.yaml": keys}})
	p := newPod(t, r, 0)
	newNetwork(t, p)
	p.exec(t, "check", "config")
	p.start(t)
	terminateLater(t, []*pod{p})
	p.waitReady(t)
	made, err := p.sdk("AKIAEXAMPLE", "a secret of the test").CreateMeetingWithAttendees(t.Context(), &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: aws.String("standup-1"), ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String("us-east-1"), Attendees: attendees("ada"),
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, p.log.String())
	}
	joinAt(t, p, aws.ToString(made.Meeting.MediaPlacement.SignalingUrl), aws.ToString(made.Attendees[0].JoinToken))
	for port, want := range map[string]bool{"web": false, "metrics": true} {
		answer, err := http.Get(p.url(port) + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if got := strings.Contains(string(page), "carillon_api_request_duration_seconds"); err != nil || got != want {
			t.Errorf("metrics at port %s: %v, want %v; %v", port, got, want, err)
		}
	}
	for _, name := range []string{"turn-udp", "turn-tcp"} {
		if p.port(name) == 0 {
			t.Errorf("no port %s", name)
		}
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url("turn-tcp"), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// Nodes behind load balancers announce the addresses of these, each its own.
func TestTheChartsNodesAnnounceTheirLoadBalancers(t *testing.T) {
	r := newRelease(t, newHelm(t).mustRender(t, "balanced"), map[string]map[string]string{"carillon": {"cluster-secret": strings.Repeat("x", 40)}})
	for i, address := range []string{"203.0.113.10", "203.0.113.11", "203.0.113.12"} {
		p := newPod(t, r, i)
		newNetwork(t, p)
		if said := p.exec(t, "check", "config"); !strings.Contains(said, "media-public-ip: ["+address+"]") || !strings.Contains(said, `node: "`+p.name+`"`) {
			t.Errorf("%s goes by\n%s", p.name, said)
		}
	}
}

func attendees(users ...string) (items []types.CreateAttendeeRequestItem) {
	for _, user := range users {
		items = append(items, types.CreateAttendeeRequestItem{ExternalUserId: aws.String(user)})
	}
	return items
}
