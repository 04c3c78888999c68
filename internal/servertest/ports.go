package servertest

import (
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
)

// Ports that tests name beforehand lie below those that the kernel gives to
// whoever asks for any (32768 and up): so nobody takes one between the moment it
// was found free and the start of a server, nor while a server is down.
const (
	lowestPort    = 10_000
	portsEach     = 1000 // of a test process
	portProcesses = 22
)

// ports gives away the TCP ports of a test process, none twice.
type ports struct {
	mu   sync.Mutex
	next int // guarded by mu
}

var ours = sync.OnceValue(func() *ports {
	return &ports{next: lowestPort + os.Getpid()%portProcesses*portsEach}
})

// FreeAddresses returns addresses of the loopback interface on which nobody
// listens, and which no other test of this process is given.
func FreeAddresses(tb testing.TB, n int) (list []string) {
	tb.Helper()
	p := ours()
	p.mu.Lock()
	defer p.mu.Unlock()
	for tries := 0; len(list) < n; tries++ {
		if tries == portsEach*portProcesses {
			tb.Fatalf("only %d of %d ports are free", len(list), n)
		}
		address := fmt.Sprintf("127.0.0.1:%d", p.next)
		if p.next++; p.next == lowestPort+portsEach*portProcesses {
			p.next = lowestPort
		}
		if l, err := net.Listen("tcp", address); err == nil && l.Close() == nil {
			list = append(list, address)
		}
	}
	return list
}
