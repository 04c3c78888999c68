//go:build packages

package packaging

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
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
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
)

// fronted is the server of the compose file with a proxy in front that ends TLS, which
// runs the file that is shipped, both on this machine.
type fronted struct {
	url         string // of the front
	upstream    string // base URL of the server behind it
	certificate string // file of the authority that the front's certificate is from
	server      *exec.Cmd
	log         *strings.Builder
	end         func()
}

const (
	frontKey    = "AKIAFRONT"
	frontSecret = "a secret of the test"
)

// A front prepares a proxy that serves localhost at two addresses, without and with
// TLS, for the server upstream. The file of the certificate's authority may come later.
type front func(t *testing.T, upstream, plain, secure string) (proxy *exec.Cmd, certificate string)

// fronts are the proxies that files are shipped for.
var fronts = map[string]front{"caddy": caddyFront, "nginx": nginxFront}

func caddyFront(t *testing.T, upstream, plain, secure string) (*exec.Cmd, string) {
	store := t.TempDir()
	caddy := exec.Command("caddy", "run", "--config", "compose/Caddyfile", "--adapter", "caddyfile")
	caddy.Env = append(os.Environ(), "XDG_DATA_HOME="+store, "XDG_CONFIG_HOME="+store, "CARILLON_HOST=localhost", "CARILLON_UPSTREAM="+upstream,
		"CARILLON_HTTP_PORT="+portOf(plain), "CARILLON_HTTPS_PORT="+portOf(secure))
	return caddy, filepath.Join(store, "caddy/pki/authorities/local/root.crt")
}

// nginxFront puts names and addresses of this machine into the site that is
// shipped, and that into a Debian-like nginx.conf of the test's own.
func nginxFront(t *testing.T, upstream, plain, secure string) (*exec.Cmd, string) {
	dir := t.TempDir()
	command(t, nil, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
		"-addext", "subjectAltName=DNS:localhost", "-keyout", dir+"/privkey.pem", "-out", dir+"/fullchain.pem")
	site := string(read(t, "nginx/carillon.conf"))
	for _, change := range [][2]string{
		{"/etc/letsencrypt/live/meet.example.org", dir}, {"meet.example.org", "localhost"}, {"server 127.0.0.1:8480;", "server " + upstream + ";"},
		{"listen 80;", "listen " + plain + ";"}, {"listen [::]:80;", "listen [::1]:" + portOf(plain) + ";"},
		{"listen 443 ", "listen " + secure + " "}, {"listen [::]:443 ", "listen [::1]:" + portOf(secure) + " "},
	} {
		if !strings.Contains(site, change[0]) {
			t.Fatalf("the site has no %q", change[0])
		}
		site = strings.ReplaceAll(site, change[0], change[1])
	}
	whole := "user root;\ndaemon off;\npid " + dir + "/pid;\nevents {}\nhttp {\n\taccess_log off;\n\tclient_body_temp_path " + dir + "/body;\n\tproxy_temp_path " + dir + "/proxy;\n" + site + "}\n"
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	nginx := exec.Command("nginx", "-p", dir, "-c", "nginx.conf", "-e", dir+"/log")
	nginx.Stdout, nginx.Stderr = t.Output(), t.Output()
	return nginx, dir + "/fullchain.pem"
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// startFronted starts both, with further settings of the server, and waits until
// it answers through the front.
func startFronted(t *testing.T, with front, settings ...string) *fronted {
	t.Helper()
	upstream, plain, secure := freeAddress(t), freeAddress(t), freeAddress(t)
	proxy, certificate := with(t, upstream, plain, secure)
	f := &fronted{url: "https://localhost:" + portOf(secure), upstream: "http://" + upstream, certificate: certificate, log: new(strings.Builder)}
	f.server = exec.Command(serverBinary(t), "serve")
	f.server.Env = append(composed(t, nil, "compose.yaml").settings(t), "CARILLON_LISTEN="+upstream, "CARILLON_PUBLIC_URL="+f.url,
		"CARILLON_TRUSTED_PROXIES=127.0.0.1", "CARILLON_METRICS_LISTEN="+freeAddress(t), "CARILLON_MEDIA_TCP="+freeAddress(t),
		"CARILLON_ACCESS_KEY="+frontKey, "CARILLON_SECRET_KEY="+frontSecret)
	f.server.Env = append(f.server.Env, settings...)
	f.server.Stderr = f.log
	for _, cmd := range []*exec.Cmd{f.server, proxy} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	f.end = func() {
		for _, cmd := range []*exec.Cmd{proxy, f.server} {
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
			t.Fatalf("nothing answers at %s; the server says\n%s", f.url, f.log.String())
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

// behindEach runs a test behind each of the fronts.
func behindEach(t *testing.T, test func(t *testing.T, f *fronted)) {
	for name, with := range fronts {
		t.Run(name, func(t *testing.T) { test(t, startFronted(t, with)) })
	}
}

// standup makes a meeting of ada's.
func (f *fronted) standup(t *testing.T, through *http.Client) *chimesdkmeetings.CreateMeetingWithAttendeesOutput {
	t.Helper()
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
	return made
}

// The figures of a server that has them on its only address, as one has that comes
// as a package, are for whoever asks on its machine and not for the world.
func TestTheFrontKeepsTheFiguresIn(t *testing.T) {
	f := startFronted(t, nginxFront, "CARILLON_METRICS_LISTEN=")
	for base, want := range map[string]int{f.url: http.StatusNotFound, f.upstream: http.StatusOK} {
		answer, err := f.client(t, "").Get(base + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s answers for metrics with %s", base, answer.Status)
		}
	}
}

// A stock client and the signaling of a browser go through the front; the server
// knows who they are, and believes nobody who says to be somebody else.
func TestTheFrontLeadsToTheServer(t *testing.T) {
	behindEach(t, func(t *testing.T, f *fronted) {
		through := f.client(t, "127.0.0.99")
		made := f.standup(t, through)
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
	})
}

// slowly hands out a body in parts, each after a while: over a slow line.
type slowly struct {
	body  io.Reader
	part  int
	pause time.Duration
}

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(s.pause)
	return s.body.Read(p[:min(len(p), s.part)])
}

// The largest bodies that the API takes come through, over lines that need longer
// for them than the server has patience with silence; larger ones are refused by the
// server, as an SDK understands it.
func TestLongUploadsComeThroughTheFront(t *testing.T) {
	const largest = 5 << 20 // bytes: the API's own bound
	behindEach(t, func(t *testing.T, f *fronted) {
		through := f.client(t, "")
		made := f.standup(t, through)
		for size, wants := range map[int]string{largest - 1000: `"ExternalUserId":"grace"`, largest + 1000: "RequestEntityTooLargeException"} {
			body := []byte(`{"Attendees":[{"ExternalUserId":"grace"}]}`)
			body = append(body, bytes.Repeat([]byte(" "), size-len(body))...)
			address := f.url + "/meetings/" + aws.ToString(made.Meeting.MeetingId) + "/attendees?operation=batch-create"
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, slowly{bytes.NewReader(body), 32 << 10, 40 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			request.ContentLength = int64(size)
			request.Header.Set("Content-Type", "application/json")
			sum := sha256.Sum256(body)
			who := aws.Credentials{AccessKeyID: frontKey, SecretAccessKey: frontSecret}
			if err := v4.NewSigner().SignHTTP(t.Context(), who, request, hex.EncodeToString(sum[:]), "chime", "us-east-1", time.Now()); err != nil {
				t.Fatal(err)
			}
			answer, err := through.Do(request)
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			said, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err != nil || !strings.Contains(string(said)+answer.Header.Get("X-Amzn-Errortype"), wants) {
				t.Errorf("%d bytes: %s %v %v\n%s", size, answer.Status, answer.Header, err, said)
			}
		}
	})
}

// Who comes without TLS is led to it.
func TestTheFrontsLeadToTLS(t *testing.T) {
	for name, with := range fronts {
		t.Run(name, func(t *testing.T) {
			plain := ""
			f := startFronted(t, func(t *testing.T, upstream, unsafe, secure string) (*exec.Cmd, string) {
				plain = unsafe
				return with(t, upstream, unsafe, secure)
			})
			through := f.client(t, "")
			through.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			answer, err := through.Get("http://localhost:" + portOf(plain) + "/join?m=1")
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusPermanentRedirect || !strings.HasPrefix(to, "https://localhost") || !strings.HasSuffix(to, "/join?m=1") {
				t.Errorf("%s to %q", answer.Status, to)
			}
		})
	}
}

// Two people meet in real browsers through the front, on the page of the example.
func TestPeopleMeetThroughTheFront(t *testing.T) {
	command(t, nil, "npm", "--prefix", "examples", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	command(t, nil, "npm", "--prefix", "examples", "run", "bundle", "--silent")
	behindEach(t, func(t *testing.T, f *fronted) {
		command(t, []string{
			"AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS=" + f.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=" + frontKey, "AWS_SECRET_ACCESS_KEY=" + frontSecret,
			"NODE_EXTRA_CA_CERTS=" + f.certificate, "CHROMIUM_FLAGS=--ignore-certificate-errors",
		}, "node", "--test", "packaging/front.test.mjs")
	})
}
