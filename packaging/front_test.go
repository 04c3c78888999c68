//go:build packages

package packaging

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
)

// fronted is the server of the compose file with Caddy in front, which runs the
// file that is shipped, both on this machine.
type fronted struct {
	url         string // of the front
	certificate string // file of the authority that Caddy makes for localhost
	server      *exec.Cmd
	log         *strings.Builder
	end         func()
}

const (
	frontKey    = "AKIAFRONT"
	frontSecret = "a secret of the test"
)

// startFronted starts both and waits until the server answers through the front.
func startFronted(t *testing.T) *fronted {
	t.Helper()
	upstream, plain, secure := freeAddress(t), freeAddress(t), freeAddress(t)
	_, port, _ := net.SplitHostPort(secure)
	_, httpPort, _ := net.SplitHostPort(plain)
	store := t.TempDir()
	f := &fronted{url: "https://localhost:" + port, certificate: filepath.Join(store, "caddy/pki/authorities/local/root.crt"), log: new(strings.Builder)}
	f.server = exec.Command(serverBinary(t), "serve")
	f.server.Env = append(composed(t, nil, "compose.yaml").settings(t), "CARILLON_LISTEN="+upstream, "CARILLON_PUBLIC_URL="+f.url,
		"CARILLON_TRUSTED_PROXIES=127.0.0.1", "CARILLON_METRICS_LISTEN="+freeAddress(t), "CARILLON_ACCESS_KEY="+frontKey, "CARILLON_SECRET_KEY="+frontSecret)
	f.server.Stderr = f.log
	caddy := exec.Command("caddy", "run", "--config", "compose/Caddyfile", "--adapter", "caddyfile")
	caddy.Env = append(os.Environ(), "XDG_DATA_HOME="+store, "XDG_CONFIG_HOME="+store, "CARILLON_HOST=localhost", "CARILLON_UPSTREAM="+upstream,
		"CARILLON_HTTP_PORT="+httpPort, "CARILLON_HTTPS_PORT="+port)
	for _, cmd := range []*exec.Cmd{f.server, caddy} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	f.end = func() {
		for _, cmd := range []*exec.Cmd{caddy, f.server} {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait()
		}
	}
	t.Cleanup(func() {
		if f.server.ProcessState == nil {
			f.end()
		}
	})
	f.waitReady(t)
	return f
}

func (f *fronted) waitReady(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		if _, err := os.Stat(f.certificate); err == nil {
			if answer, err := f.client(t, "").Get(f.url + "/readyz"); err == nil {
				_ = answer.Body.Close()
				if answer.StatusCode == http.StatusOK {
					return
				}
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing answers at %s", f.url)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// client trusts the front's certificate, and comes from an address of the
// loopback network.
func (f *fronted) client(t *testing.T, from string) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(read(t, f.certificate)) {
		t.Fatalf("%s holds no certificate", f.certificate)
	}
	dialer := new(net.Dialer)
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(address)
			return dialer.DialContext(ctx, "tcp4", "127.0.0.1:"+port)
		},
		TLSClientConfig: &tls.Config{RootCAs: pool},
	}}
}

// A stock client and the signaling of a browser go through the front; the server
// knows who they are, and believes nobody who says to be somebody else.
func TestTheFrontLeadsToTheServer(t *testing.T) {
	f := startFronted(t)
	through := f.client(t, "127.0.0.99")
	chime := chimesdkmeetings.New(chimesdkmeetings.Options{
		BaseEndpoint: aws.String(f.url), Region: "us-east-1", HTTPClient: through,
		Credentials: credentials.NewStaticCredentialsProvider(frontKey, frontSecret, ""),
	})
	made, err := chime.CreateMeetingWithAttendees(t.Context(), &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: aws.String("standup-1"), ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String("us-east-1"), Attendees: attendees("ada"),
	})
	if err != nil {
		t.Fatal(err)
	}
	signaling := aws.ToString(made.Meeting.MediaPlacement.SignalingUrl)
	if want := strings.Replace(f.url, "https:", "wss:", 1) + "/"; !strings.HasPrefix(signaling, want) {
		t.Errorf("signaling at %s, want %s", signaling, want)
	}
	join(t, through, signaling, aws.ToString(made.Attendees[0].JoinToken))

	forged, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+"/meetings", nil)
	if err != nil {
		t.Fatal(err)
	}
	forged.Header = http.Header{"Forwarded": {"for=192.0.2.1"}, "X-Forwarded-For": {"192.0.2.2"}}
	answer, err := f.client(t, "127.0.0.98").Do(forged)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	f.end()
	for from, want := range map[string]bool{"from=127.0.0.99": true, "from=127.0.0.98": true, "from=127.0.0.1 ": false, "from=192.0.2": false} {
		if strings.Contains(f.log.String(), from) != want {
			t.Errorf("%s in the log: not %v\n%s", from, want, f.log.String())
		}
	}
}

// Two people meet in real browsers through the front, on the page of the example.
func TestPeopleMeetThroughTheFront(t *testing.T) {
	f := startFronted(t)
	command(t, nil, "npm", "--prefix", "examples", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	command(t, nil, "npm", "--prefix", "examples", "run", "bundle", "--silent")
	command(t, []string{
		"AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS=" + f.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=" + frontKey, "AWS_SECRET_ACCESS_KEY=" + frontSecret,
		"NODE_EXTRA_CA_CERTS=" + f.certificate, "CHROMIUM_FLAGS=--ignore-certificate-errors",
	}, "node", "--test", "packaging/front.test.mjs")
}
