package servertest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/logtest"
)

// OperatorSecret is that of every node of StartCluster.
const OperatorSecret = "operators-of-the-test-cluster"

// StartCluster starts the nodes of one cluster, all at once, each with a data
// directory of its own and further arguments of `carillon serve`, and waits
// until each serves its slots. They are called n0, n1 and so on. They are
// stopped when the test ends, all at once: one that is left alone could write
// nothing down any more, and waits in vain.
func StartCluster(tb testing.TB, nodes int, args ...string) []*Server {
	tb.Helper()
	dirs := make([]string, nodes)
	for i := range dirs {
		dirs[i] = tb.TempDir()
	}
	return StartClusterIn(tb, dirs, args...)
}

// StartClusterIn is StartCluster with the nodes' data directories given.
func StartClusterIn(tb testing.TB, dirs []string, args ...string) []*Server {
	tb.Helper()
	nodes := len(dirs)
	secret := filepath.Join(tb.TempDir(), "cluster.secret")
	if err := os.WriteFile(secret, []byte("the secret of a cluster that only a test has"), 0o600); err != nil {
		tb.Fatal(err)
	}
	addresses := FreeAddresses(tb, 3*nodes)
	stores, inner, outer := addresses[:nodes], addresses[nodes:2*nodes], addresses[2*nodes:]
	list := make([]*Server, nodes)
	for i := range list {
		own := append([]string{
			"--node", fmt.Sprint("n", i), "--cluster-listen", stores[i], "--cluster-http", inner[i],
			"--cluster-peers", strings.Join(stores, ","), "--cluster-secret-file", secret, "--operator-secret", OperatorSecret,
		}, args...)
		s := &Server{tb: tb, Dir: dirs[i], args: own, listen: outer[i], out: &logtest.Buffer{}}
		list[i] = s
		address := s.launch()
		tb.Cleanup(func() {
			s.Stop()
			if tb.Failed() {
				tb.Logf("node n%d wrote:\n%s", i, s.tail())
			}
		})
		defer func() {
			s.await(address)
			s.WaitReady()
		}()
	}
	tb.Cleanup(func() {
		for _, s := range list {
			s.terminate()
		}
	})
	return list
}

// WaitReady waits until the server says that it takes calls.
func (s *Server) WaitReady() {
	s.tb.Helper()
	said := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(s.Endpoint + "/readyz")
		if err != nil {
			said = err.Error()
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if said = string(body); resp.StatusCode == http.StatusOK {
			return
		}
	}
	s.tb.Fatalf("the server is not ready: %s\n%s", said, s.tail())
}
