//go:build packages

package packaging

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
)

// patience is how long a server may take until it serves, on a busy machine.
const patience = 60 * time.Second

// waitHealthy waits until the server at the address says that it is well, in
// the version that the packages have.
func waitHealthy(t *testing.T, address string, ended chan error, log fmt.Stringer) {
	t.Helper()
	deadline := time.After(patience)
	for {
		var health struct{ Status, Version string }
		if response, err := http.Get("http://" + address + "/healthz"); err == nil {
			err = json.NewDecoder(response.Body).Decode(&health)
			_ = response.Body.Close()
			if err == nil && health.Status == "ok" && health.Version == version(t) {
				return
			}
		}
		select {
		case err := <-ended:
			t.Fatalf("the server ended: %v\n%s", err, log)
		case <-deadline:
			t.Fatalf("not healthy after %v: %+v", patience, health)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// freeAddress is an address on the loopback interface whose port was free for
// both protocols, as the next one was: the server's own choice for media.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		if address, err := tryAddress(); err == nil {
			return address
		}
	}
	t.Fatal("no two ports in a row are free")
	return ""
}

func tryAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	next, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port+1))
	if err != nil {
		return "", err
	}
	defer next.Close()
	datagrams, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		return "", err
	}
	return l.Addr().String(), datagrams.Close()
}

func exists(root, path string) bool {
	_, err := os.Lstat(filepath.Join(root, path))
	return err == nil
}

// older is the package under a lower number, as if it were the version before: what
// an upgrade does is up to the new one. That records of other versions are read is
// held beside the records (internal/meeting).
func older(t *testing.T, deb string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "package")
	command(t, nil, "dpkg-deb", "--raw-extract", deb, dir)
	control := filepath.Join(dir, "DEBIAN/control")
	text := strings.Replace(string(read(t, control)), "Version: "+version(t), "Version: 0.1.9", 1)
	if err := os.WriteFile(control, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	into := filepath.Join(t.TempDir(), "carillon_0.1.9.deb")
	command(t, nil, "dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", dir, into)
	return into
}

// From installing to purging, on a system that systemd runs: the server starts by
// itself and is confined, an upgrade keeps settings and meetings, a removal
// keeps both, a purge takes them.
func TestTheDebianPackageLivesAndLeaves(t *testing.T) {
	deb, err := filepath.Abs(filepath.Join(dist, "carillon_"+version(t)+"_"+runtime.GOARCH+".deb"))
	if err != nil {
		t.Fatal(err)
	}
	m, before := newMachine(t), older(t, deb)
	m.install(t, before)
	m.untilLogged(t, "msg=started")
	if said := m.run(t, "carillon", "check", "health"); strings.TrimSpace(said) != "ready" {
		t.Errorf("the health check says %q", said)
	}
	checkCompletion(t, m.root)
	m.run(t, "runuser", "-u", "carillon", "--", "carillon", "check", "config", "--config", "/etc/carillon/carillon.yaml")
	m.put(t, "etc/carillon/carillon.yaml", "data: /var/lib/carillon\nlisten: "+m.address+"\n", 0o644)
	m.run(t, "systemctl", "restart", "carillon")
	m.checkPage(t)
	v := m.visit(t)
	checkOwner(t, m.root)

	m.run(t, "carillon", "token-key", "rotate", "--data", "/var/lib/carillon") // the guide's command, as root
	m.untilLogged(t, "read again, in use from now on")
	const backup = "BACKUP=/root/backup.tar.gz"
	m.run(t, "systemctl", "stop", "carillon")
	m.run(t, "env", "DATA=/var/lib/carillon", backup, "sh", "-e", "-c", guide(t, "sh backup", "tar"))
	m.run(t, "systemctl", "start", "carillon")
	m.install(t, deb)
	v.checkThere(t)
	back := strings.Replace(guide(t, "sh going-back", "apt"), "./carillon_0.1.9_amd64.deb", "/root/"+filepath.Base(before), 1)
	m.run(t, "env", backup, "sh", "-e", "-c", strings.Replace(back, "apt install", "apt install --yes --option Dpkg::Options::=--force-confold", 1))
	v.checkThere(t)
	if said := m.run(t, "dpkg-query", "--show", "carillon"); !strings.Contains(said, "0.1.9") {
		t.Errorf("the guide's way back leads to %s", said)
	}
	m.install(t, deb)
	v.checkThere(t)
	t.Run("certificates", m.checkCertificates)
	m.checkLog(t, v)

	m.run(t, "dpkg", "--remove", "carillon")
	if exists(m.root, "usr/bin/carillon") || !exists(m.root, "etc/carillon/carillon.yaml") || !exists(m.root, "var/lib/carillon/token.key") {
		t.Error("a removal takes the binary and keeps settings and meetings")
	}
	if answer, err := http.Get("http://" + m.address + "/healthz"); err == nil {
		t.Errorf("what was removed still answers: %s", answer.Status)
		_ = answer.Body.Close()
	}
	m.install(t, deb)
	v.checkThere(t)
	m.run(t, "dpkg", "--purge", "carillon")
	if exists(m.root, "etc/carillon") || exists(m.root, "var/lib/carillon") || strings.Contains(m.run(t, "systemctl", "list-units", "--all"), "carillon") {
		t.Error("a purge left settings, meetings or a unit")
	}
}

func (m *machine) checkPage(t *testing.T) {
	t.Helper()
	waitHealthy(t, m.address, nil, m)
	response, err := http.Get("http://" + m.address + "/")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(page), "Carillon "+version(t)) {
		t.Errorf("the meeting page: %s, %v\n%s", response.Status, err, page)
	}
}

// visit is a meeting on the machine and who calls for it.
type visit struct {
	*machine
	secret string
	chime  *chimesdkmeetings.Client
	made   *chimesdkmeetings.CreateMeetingWithAttendeesOutput
}

// visit makes a meeting with the key pair that the first start made.
func (m *machine) visit(t *testing.T) *visit {
	t.Helper()
	key := regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\nexport AWS_SECRET_ACCESS_KEY=(\S+)`).FindStringSubmatch(m.run(t, "carillon", "env", "--data", "/var/lib/carillon"))
	if len(key) != 3 {
		t.Fatal("no key pair")
	}
	v := &visit{machine: m, secret: key[2], chime: sdkAt("http://"+m.address, key[1], key[2])}
	var err error
	v.made, err = v.chime.CreateMeetingWithAttendees(t.Context(), &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: aws.String("standup-1"), ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String("us-east-1"), Attendees: attendees("ada"),
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, m)
	}
	return v
}

// checkThere holds that the meeting is there and its old token lets in, with sound.
func (v *visit) checkThere(t *testing.T) {
	t.Helper()
	waitHealthy(t, v.address, nil, v)
	if _, err := v.chime.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: v.made.Meeting.MeetingId}); err != nil {
		t.Errorf("the meeting is gone: %v\n%s", err, v)
	}
	join(t, http.DefaultClient, aws.ToString(v.made.Meeting.MediaPlacement.SignalingUrl), aws.ToString(v.made.Attendees[0].JoinToken))
}

// checkLog holds that the journal has what an operator looks for, and no secret.
func (m *machine) checkLog(t *testing.T, v *visit) {
	t.Helper()
	log := m.String()
	for _, want := range []string{"msg=started", "msg=stopped", "operation=CreateMeetingWithAttendees", "msg=connected"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in the log\n%s", want, log)
		}
	}
	operator := strings.TrimSpace(string(read(t, filepath.Join(m.root, "var/lib/carillon/operator.secret"))))
	for _, secret := range []string{v.secret, operator, aws.ToString(v.made.Attendees[0].JoinToken)} {
		if strings.Contains(log, secret) {
			t.Errorf("a secret is in the log:\n%s", log)
		}
	}
}

// checkCompletion holds that each shell finds its completion where it looks for it.
func checkCompletion(t *testing.T, root string) {
	t.Helper()
	for shell, path := range map[string]string{
		"bash": "usr/share/bash-completion/completions/carillon",
		"fish": "usr/share/fish/vendor_completions.d/carillon.fish",
		"zsh":  "usr/share/zsh/vendor-completions/_carillon",
	} {
		if want := command(t, nil, "chroot", root, "carillon", "completion", shell); string(read(t, filepath.Join(root, path))) != want {
			t.Errorf("%s is not what carillon completion %s prints", path, shell)
		}
	}
}

// checkOwner holds that what the server keeps, and its secrets, are for nobody else.
func checkOwner(t *testing.T, root string) {
	t.Helper()
	for path, want := range map[string]string{"/var/lib/carillon": "carillon 700", "/etc/carillon/carillon.env": "root 600"} {
		if got := strings.TrimSpace(command(t, nil, "chroot", root, "stat", "-c", "%U %a", path)); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

// The unit confines the server: systemd's own measure, from 0 (safe) to 10. What
// is left is that it talks to the network.
func TestTheUnitIsHardened(t *testing.T) {
	command(t, nil, "systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", "packaging/deb/carillon.service")
}
