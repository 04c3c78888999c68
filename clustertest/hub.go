package clustertest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// hubEnv holds the name of the network namespace that the test runs in.
const hubEnv = "CLUSTERTEST_HUB"

// network is the addresses of hub and nodes: a part of what RFC 2544 keeps for
// tests of networks.
const network = "198.18.7."

// hubAddress is the test's own.
const hubAddress = network + "254"

// Main runs the tests of a package in a network namespace of their own, which
// needs root, and removes it with those of the nodes. Call it from TestMain.
func Main(m *testing.M) int {
	if os.Getenv(hubEnv) != "" {
		return m.Run()
	}
	code, err := inHub(fmt.Sprintf("carillon-hub-%d", os.Getpid()))
	if err != nil {
		fmt.Fprintln(os.Stderr, "clustertest gives each node a network namespace of its own, so that nodes can be cut off from each other;"+
			" that needs root, iproute2, iptables and a kernel that lets namespaces be made:", err)
		return 1
	}
	return code
}

// inHub runs this program again inside a new namespace with a bridge.
func inHub(name string) (code int, err error) {
	if err := ip("netns", "add", name); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, removeNamespaces(name)) }()
	for _, args := range []string{"link set lo up", "link add bridge type bridge", "addr add " + hubAddress + "/24 dev bridge", "link set bridge up"} {
		if err := ip(append([]string{"-n", name}, strings.Fields(args)...)...); err != nil {
			return 1, err
		}
	}
	cmd := exec.Command("ip", append([]string{"netns", "exec", name}, os.Args...)...)
	var said digest
	defer said.tell(os.Stdout)
	out := io.MultiWriter(os.Stdout, &said)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, out, out // the same for both: they come from one goroutine
	cmd.Env = append(os.Environ(), hubEnv+"="+name)
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	defer signal.Stop(signals)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have ended
		case err := <-done:
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.Exited() {
				return exit.ExitCode(), nil
			}
			if err != nil { // a signal that was sent to it alone
				return 1, fmt.Errorf("the tests ended: %w", err)
			}
			return 0, nil
		}
	}
}

// removeNamespaces ends what still runs in the hub's namespaces and removes them.
func removeNamespaces(hub string) error {
	out, err := exec.Command("ip", "netns", "list").Output()
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == hub || strings.HasPrefix(name, hub+"-") {
			err = errors.Join(err, removeNamespace(name))
		}
	}
	return err
}

func removeNamespace(name string) error {
	out, err := exec.Command("ip", "netns", "pids", name).Output()
	if err != nil {
		return err
	}
	for field := range strings.FieldsSeq(string(out)) {
		var pid int
		if _, err := fmt.Sscan(field, &pid); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
	}
	return ip("netns", "del", name)
}

// ip runs the command of that name.
func ip(args ...string) error { return run("ip", args...) }

func run(command string, args ...string) error {
	_, err := output(command, args...)
	return err
}

// output runs a command and returns what it prints.
func output(command string, args ...string) (string, error) {
	out, err := exec.Command(command, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", command, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// host is a node's machine: a namespace with one address, wired to the bridge.
type host struct {
	number    int
	namespace string
	address   string
}

// newHost makes the host of that number, from 1, until the test ends.
func newHost(tb testing.TB, number int) host {
	tb.Helper()
	hub := os.Getenv(hubEnv)
	if hub == "" {
		tb.Fatal("call clustertest.Main from TestMain")
	}
	h := host{number: number, namespace: fmt.Sprintf("%s-%d", hub, number), address: fmt.Sprintf("%s%d", network, number)}
	must := func(args string) {
		if err := ip(strings.Fields(args)...); err != nil {
			tb.Fatal(err)
		}
	}
	must("netns add " + h.namespace)
	tb.Cleanup(func() {
		if err := removeNamespace(h.namespace); err != nil {
			tb.Error(err)
		}
	})
	must(fmt.Sprintf("-n %s link add eth0 type veth peer name wire%d netns %s", h.namespace, number, hub))
	must(fmt.Sprintf("link set wire%d master bridge", number))
	must(fmt.Sprintf("link set wire%d up", number))
	must("-n " + h.namespace + " link set lo up")
	must("-n " + h.namespace + " addr add " + h.address + "/24 dev eth0")
	must("-n " + h.namespace + " link set eth0 up")
	return h
}

// unplug takes the host off the bridge, plug puts it back.
func (h host) unplug() error { return ip("link", "set", fmt.Sprintf("wire%d", h.number), "down") }

func (h host) plug() error { return ip("link", "set", fmt.Sprintf("wire%d", h.number), "up") }

// deafen makes the host drop without a word whatever comes from the other;
// hear undoes it.
func (h host) deafen(other host) error { return h.filter("-A", other) }

func (h host) hear(other host) error { return h.filter("-D", other) }

func (h host) filter(change string, other host) error {
	return ip("netns", "exec", h.namespace, "iptables", "-w", change, "INPUT", "-s", other.address, "-j", "DROP")
}
