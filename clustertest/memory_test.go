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
	// kept is how many meetings exist, with attendeesEach attendees in each.
	kept          = 30_000
	attendeesEach = 10
	// keepers create them at the same time.
	keepers = 16
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
	b.WriteString("| 30,000 meetings of ten attendees | meetings it owns | heap before → after | for 1,000 that it owns | for 1,000 that exist | resident before → after |\n|---|---|---|---|---|---|\n")
	s := shop(t)
	alone := s.Start(t, Build{}, 1)
	before := weigh(t, alone.Nodes)[0]
	keep(t, alone)
	one := weigh(t, alone.Nodes)[0]
	b.WriteString(entry("one server alone", kept, before, one))
	alone.Nodes[0].Stop()
	three := s.Start(t, Build{}, 3)
	for _, n := range three.Nodes {
		waitSlots(t, three, n, true)
	}
	idle := weigh(t, three.Nodes)
	ids := keep(t, three)
	loaded := weigh(t, three.Nodes)
	owner := three.Status().Slots
	for i, n := range three.Nodes {
		owned := 0
		for _, id := range ids {
			if owner[slotOf(id)].Owner == n.Name {
				owned++
			}
		}
		b.WriteString(entry("node "+n.Name+" of three", owned, idle[i], loaded[i]))
		grown, whole := loaded[i].heap-idle[i].heap, one.heap-before.heap
		if share := float64(owned) / kept; grown > whole*(share+1)/2 {
			t.Errorf("%s owns %.0f %% of the meetings and grew by %.0f MiB, one server with all of them by %.0f", n.Name, 100*share, grown, whole)
		}
	}
	t.Logf("\n%s", b.String())
}

func entry(what string, owned int, before, after footprint) string {
	grown := after.heap - before.heap
	return fmt.Sprintf("| %s | %d | %.1f → %.1f MiB | %.2f MiB | %.2f MiB | %.0f → %.0f MiB |\n", what, owned,
		before.heap, after.heap, 1000*grown/float64(max(owned, 1)), 1000*grown/kept, before.resident, after.resident)
}

// keep creates the meetings through the balancer and returns their ids.
func keep(t *testing.T, c *Cluster) []string {
	t.Helper()
	ids := make([]string, kept)
	var next atomic.Int64
	var working sync.WaitGroup
	begun := time.Now()
	for range keepers {
		transport := c.Balancer.Client().Transport.(*http.Transport)
		transport.DisableKeepAlives = false
		defer transport.CloseIdleConnections()
		api := newAPI(&http.Client{Transport: transport}, stockAttempts)
		working.Go(func() {
			for i := next.Add(1) - 1; i < kept && !t.Failed(); i = next.Add(1) - 1 {
				id, err := open(t.Context(), api, fmt.Sprintf("kept-%d", i))
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
	t.Logf("%d meetings of %d attendees created in %v", kept, attendeesEach, time.Since(begun).Round(time.Second))
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

// weigh waits at each node for a collection that ends after the call, which Go
// begins every two minutes at the latest, and returns what is left.
func weigh(t *testing.T, nodes []*Node) []footprint {
	t.Helper()
	const collected, heap = "go_memstats_last_gc_time_seconds", "go_memstats_heap_alloc_bytes"
	begun := float64(time.Now().UnixNano()) / 1e9
	prints := make([]footprint, len(nodes))
	for end := time.Now().Add(5 * time.Minute); slices.Contains(prints, footprint{}); time.Sleep(200 * time.Millisecond) {
		for i, n := range nodes {
			if m := metrics(t, n); prints[i] == (footprint{}) && m[collected] > begun {
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
