//go:build packages

package packaging

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// machine is a Debian system that its own systemd runs, in namespaces of its own: what
// a person has who installs a package, down to the unit's confinement.
type machine struct {
	root    string
	address string // by which this machine reaches it
	init    string // process number of its systemd, here
}

// The two ends of its network, from the range for tests of networks (RFC 2544).
const (
	machineNetwork = "carillon-deb"
	machineHost    = "198.18.78.1"
	machineAddress = "198.18.78.2"
)

// enterCgroup begins a process in a control group of its own, which systemd takes for
// the topmost. $0 is the group.
const enterCgroup = `mkdir -p "$0" && echo $$ >"$0/cgroup.procs" && exec "$@"`

// boot makes a root the root of everything, for systemd to start in. Not even chroot
// does: the kernel gives no user namespace (PrivateUsers=) to what is in one.
const boot = `set -e
mount --make-rprivate /
mount --bind "$0" "$0"
cd "$0"
mount -t proc proc proc
mount -t tmpfs tmpfs run
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs sys/fs/cgroup
mkdir sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd 2>/dev/null || mount -t cgroup2 cgroup2 sys/fs/cgroup
pivot_root . mnt
exec chroot . /bin/sh -c 'umount -l /mnt; exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=journal --show-status=0' </dev/null`

// newMachine installs Debian's smallest system with systemd, from the mirror that this
// machine installs from, and starts it.
func newMachine(t *testing.T) *machine {
	t.Helper()
	mirror, _, _ := strings.Cut(command(t, nil, "apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"), "\n")
	site, release, ok := strings.Cut(strings.TrimSpace(mirror), " ")
	if !ok {
		t.Fatalf("this machine installs from no mirror: %q", mirror)
	}
	m := &machine{root: filepath.Join(t.TempDir(), "root"), address: machineAddress + ":8480"}
	command(t, nil, "debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus", release, m.root, site)
	m.connect(t)
	m.boot(t)
	return m
}

// connect makes the machine's network.
func (m *machine) connect(t *testing.T) {
	t.Helper()
	remove := func() { _ = exec.Command("ip", "netns", "del", machineNetwork).Run() }
	remove() // what a run that was killed left
	t.Cleanup(remove)
	ip(t, "netns add "+machineNetwork)
	ip(t, fmt.Sprintf("-n %s link add eth0 type veth peer name ccdeb netns %d", machineNetwork, os.Getpid()))
	ip(t, "addr add "+machineHost+"/24 dev ccdeb")
	ip(t, "link set ccdeb up")
	ip(t, "-n "+machineNetwork+" addr add "+machineAddress+"/24 dev eth0")
	ip(t, "-n "+machineNetwork+" link set lo up")
	ip(t, "-n "+machineNetwork+" link set eth0 up")
}

// boot starts systemd and waits until it has started what it starts.
func (m *machine) boot(t *testing.T) {
	t.Helper()
	group := "/sys/fs/cgroup/systemd"
	if _, err := os.Stat(group); err != nil {
		group = filepath.Dir(group)
	}
	group = filepath.Join(group, machineNetwork)
	cmd := exec.Command("sh", "-c", enterCgroup, group, "ip", "netns", "exec", machineNetwork, "unshare", "--pid", "--fork", "--kill-child",
		"--mount", "--uts", "--ipc", "--cgroup", "sh", "-c", boot, m.root)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		removeGroup(t, group)
	})
	children := fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", cmd.Process.Pid)
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		if found, err := os.ReadFile(children); err == nil && len(found) > 0 {
			m.init, _, _ = strings.Cut(string(found), " ")
			said, _ := m.command("systemctl", "is-system-running").CombinedOutput()
			if state := strings.TrimSpace(string(said)); state == "running" || state == "degraded" {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("systemd does not start")
		}
	}
}

// removeGroup removes a control group and those in it, once their processes are gone.
func removeGroup(t *testing.T, group string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		var below []string
		_ = filepath.WalkDir(group, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				below = append(below, path)
			}
			return nil
		})
		if len(below) == 0 {
			return
		}
		for _, path := range slices.Backward(below) {
			_ = os.Remove(path)
		}
		if time.Now().After(deadline) {
			t.Errorf("%s stays", group)
			return
		}
	}
}

// command is a program on the machine, run by its root.
func (m *machine) command(args ...string) *exec.Cmd {
	return exec.Command("nsenter", slices.Concat([]string{"--target", m.init, "--mount", "--pid", "--uts", "--ipc", "--net", "--root", "--wd",
		"/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive"}, args)...)
}

// run runs a program on the machine and returns what it printed; it fails the test
// when the program does.
func (m *machine) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := m.command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s\n%s", args, err, out, m)
	}
	return string(out)
}

// put writes a file of root's on the machine.
func (m *machine) put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	path = filepath.Join(m.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// install installs or upgrades a package as docs/install.md says, by a person who
// keeps the settings that were changed.
func (m *machine) install(t *testing.T, deb string) {
	t.Helper()
	name := filepath.Join("/root", filepath.Base(deb)) // systemd has put something over /tmp
	m.put(t, name, string(read(t, deb)), 0o644)
	m.run(t, "apt", "install", "--yes", "--option", "Dpkg::Options::=--force-confold", name)
}

// String is the log of the server.
func (m *machine) String() string {
	log, err := m.command("journalctl", "--no-pager", "--output=cat", "--unit=carillon").CombinedOutput()
	if err != nil {
		return fmt.Sprintf("no log: %v, %s", err, log)
	}
	return string(log)
}

// untilLogged waits until the server has logged something.
func (m *machine) untilLogged(t *testing.T, what string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(m.String(), what); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing of %q in the log\n%s", what, m)
		}
	}
}
