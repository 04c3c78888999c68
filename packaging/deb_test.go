//go:build packages

package packaging

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take until it serves, on a busy machine.
const patience = 60 * time.Second

// debianRoot makes a root with Debian's smallest system, from the mirror that
// this machine installs from.
func debianRoot(t *testing.T) string {
	t.Helper()
	mirror, _, _ := strings.Cut(command(t, nil, "apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"), "\n")
	site, release, ok := strings.Cut(strings.TrimSpace(mirror), " ")
	if !ok {
		t.Fatalf("this machine installs from no mirror: %q", mirror)
	}
	root := filepath.Join(t.TempDir(), "root")
	command(t, nil, "debootstrap", "--variant=minbase", release, root, site)
	return root
}

// install installs or upgrades a package in the root, as docs/install.md says.
func install(t *testing.T, root, deb string) {
	t.Helper()
	name := filepath.Join("/tmp", filepath.Base(deb))
	if err := os.WriteFile(filepath.Join(root, name), read(t, deb), 0o644); err != nil {
		t.Fatal(err)
	}
	command(t, []string{"DEBIAN_FRONTEND=noninteractive"}, "chroot", root, "apt", "install", "--yes", "--option", "Dpkg::Options::=--force-confdef", name)
}

// unit reads the directives of the installed unit that say how to start it.
func unit(t *testing.T, root string) map[string]string {
	t.Helper()
	directives := map[string]string{}
	for line := range strings.Lines(string(read(t, filepath.Join(root, "usr/lib/systemd/system/carillon.service")))) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			directives[name] = value
		}
	}
	return directives
}

// startUnit runs what the unit's ExecStart says as its user in the root, and
// returns what stops it. There is no systemd in the root.
func startUnit(t *testing.T, root, address string) (stop func()) {
	t.Helper()
	u := unit(t, root)
	args := append([]string{"--userspec=" + u["User"] + ":" + u["Group"], root, "/usr/bin/env", "-i"}, strings.Fields(u["ExecStart"])...)
	cmd := exec.Command("chroot", args...)
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	waitHealthy(t, address, ended, &log)
	return func() {
		t.Helper()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v\n%s", err, log.String())
		}
	}
}

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

// From installing to purging: the server runs as its own user with its pages,
// an upgrade keeps settings and meetings, a removal keeps both, a purge takes them.
func TestTheDebianPackageLivesAndLeaves(t *testing.T) {
	deb := filepath.Join(dist, "carillon_"+version(t)+"_"+runtime.GOARCH+".deb")
	root, address := debianRoot(t), freeAddress(t)
	install(t, root, deb)
	checkCompletion(t, root)
	command(t, nil, "chroot", root, "runuser", "-u", "carillon", "--", "carillon", "check", "config", "--config", "/etc/carillon/carillon.yaml")

	settings := filepath.Join(root, "etc/carillon/carillon.yaml")
	if err := os.WriteFile(settings, []byte("data: /var/lib/carillon\nlisten: "+address+"\nmedia-tcp: \"off\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	stop := startUnit(t, root, address)
	response, err := http.Get("http://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(page), "Carillon "+version(t)) {
		t.Errorf("the meeting page: %s, %v\n%s", response.Status, err, page)
	}
	stop()
	checkOwner(t, root)
	key := read(t, filepath.Join(root, "var/lib/carillon/token.key"))

	install(t, root, deb)
	startUnit(t, root, address)()
	if string(key) != string(read(t, filepath.Join(root, "var/lib/carillon/token.key"))) {
		t.Error("the upgrade lost the token key")
	}
	command(t, nil, "chroot", root, "dpkg", "-r", "carillon")
	if exists(root, "usr/bin/carillon") || !exists(root, "etc/carillon/carillon.yaml") || !exists(root, "var/lib/carillon/token.key") {
		t.Error("a removal takes the binary and keeps settings and meetings")
	}
	command(t, nil, "chroot", root, "dpkg", "-P", "carillon")
	if exists(root, "etc/carillon") || exists(root, "var/lib/carillon") {
		t.Error("a purge left settings or meetings")
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
