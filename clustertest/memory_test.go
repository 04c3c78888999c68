//go:build figures

package clustertest

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/load/gauge"
)

const (
	// half is how many meetings exist when memory is looked at first, with
	// attendeesEach attendees in each; then as many come again. What the store keeps
	// at hand of what was written last is there both times, and cancels out.
	half          = 15_000
	attendeesEach = 10
	// keepers create them at the same time.
	keepers = 16
	// settling is how long the store may take to let go of what it has written.
	settling = 30 * time.Second
)

// footprint is the memory of a node's process in MiB.
type footprint struct {
	heap     float64 // reachable objects of Go, right after a collection
	resident float64
}

// How the memory of a node grows: with the meetings that it owns, not with those
// that exist. The same meetings are with one server alone for comparison.
func TestFiguresOfMemory(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "| %d, then %d meetings of %d attendees | of the second half it owns | heap at half → at all | resident | growth of the heap for 1,000 that it owns | for 1,000 that exist |\n|---|---|---|---|---|---|\n",
		half, 2*half, attendeesEach)
	s := shop(t)
	alone := s.Start(t, Build{}, 1)
	one := grow(t, &b, "one server alone", alone)[0]
	alone.Nodes[0].Stop()
	three := s.Start(t, Build{}, 3)
	for _, n := range three.Nodes {
		waitSlots(t, three, n, true)
	}
	for i, g := range grow(t, &b, "of three", three) {
		if g.heap > one.heap/2 {
			t.Errorf("node %d owns %d of %d meetings and grew by %.1f MiB, one server with all of them by %.1f", i+1, g.owned, half, g.heap, one.heap)
		}
	}
	t.Logf("\n%s", b.String())
}

// growth is what the second half of the meetings does to a node.
type growth struct {
	owned int
	heap  float64 // MiB
}

// grow creates the meetings, writes a line for each node, and returns how the
// nodes grew with the second half.
func grow(t *testing.T, b *strings.Builder, what string, c *Cluster) (list []growth) {
	t.Helper()
	keep(t, c, "first")
	before := weigh(t, c.Nodes)
	ids := keep(t, c, "second")
	after := weigh(t, c.Nodes)
	var owners Status
	if len(c.Nodes) > 1 {
		owners = c.Status()
	}
	for i, n := range c.Nodes {
		g := growth{heap: after[i].heap - before[i].heap}
		for _, id := range ids {
			if len(c.Nodes) == 1 || owners.Slots[slotOf(id)].Owner == n.Name {
				g.owned++
			}
		}
		fmt.Fprintf(b, "| %s %s | %d | %.1f → %.1f MiB | %.0f → %.0f MiB | %.2f MiB | %.2f MiB |\n", n.Name, what, g.owned, before[i].heap, after[i].heap,
			before[i].resident, after[i].resident, 1000*g.heap/float64(max(g.owned, 1)), 1000*g.heap/half)
		list = append(list, g)
	}
	return list
}

// keep creates half of the meetings through the balancer and returns their ids.
func keep(t *testing.T, c *Cluster, which string) []string {
	t.Helper()
	ids := make([]string, half)
	var next atomic.Int64
	var working sync.WaitGroup
	begun := time.Now()
	for range keepers {
		transport := c.Balancer.Client().Transport.(*http.Transport)
		transport.DisableKeepAlives = false
		defer transport.CloseIdleConnections()
		api := newAPI(&http.Client{Transport: transport}, stockAttempts)
		working.Go(func() {
			for i := next.Add(1) - 1; i < half && !t.Failed(); i = next.Add(1) - 1 {
				id, err := open(t.Context(), api, fmt.Sprintf("%s-%d", which, i))
				if err != nil {
					t.Error(err)
				}
				ids[i] = id
			}
		})
	}
	working.Wait()
	if t.Failed() {
		t.FailNow()
	}
	t.Logf("%d meetings of %d attendees created in %v", half, attendeesEach, time.Since(begun).Round(time.Second))
	return ids
}

// open creates one meeting with its attendees, whose ids have the length of most.
func open(ctx context.Context, api *sdk.Client, token string) (id string, err error) {
	ctx, cancel := timed(ctx)
	defer cancel()
	people := make([]types.CreateAttendeeRequestItem, attendeesEach)
	for i := range people {
		people[i].ExternalUserId = aws.String(fmt.Sprintf("%032s-%03d", token, i))
	}
	out, err := api.CreateMeetingWithAttendees(ctx, &sdk.CreateMeetingWithAttendeesInput{
		ClientRequestToken: &token, ExternalMeetingId: &token, MediaRegion: aws.String("us-east-1"), Attendees: people,
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Meeting.MeetingId), nil
}

// weigh waits at each node for a collection that ends after the store has settled,
// which Go begins every two minutes at the latest, and returns what is left.
func weigh(t *testing.T, nodes []*Node) []footprint {
	t.Helper()
	const collected, heap = "go_memstats_last_gc_time_seconds", "go_memstats_heap_alloc_bytes"
	settled := float64(time.Now().Add(settling).UnixNano()) / 1e9
	prints := make([]footprint, len(nodes))
	for end := time.Now().Add(5 * time.Minute); slices.Contains(prints, footprint{}); time.Sleep(20 * time.Millisecond) { // what it reads is garbage, and hastens it
		for i, n := range nodes {
			if m := metrics(t, n); prints[i] == (footprint{}) && m[collected] > settled {
				resident, _, err := gauge.Memory(n.Pid())
				if err != nil {
					t.Fatal(err)
				}
				prints[i] = footprint{heap: m[heap] / (1 << 20), resident: resident}
			}
		}
		if time.Now().After(end) {
			t.Fatalf("no collection of garbage at a node: %v", prints)
		}
	}
	return prints
}

// metrics returns the node's metrics that have no labels.
func metrics(t *testing.T, n *Node) map[string]float64 {
	t.Helper()
	resp, err := n.client().Get("http://" + publicName + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	values := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			values[name] = n
		}
	}
	return values
}
