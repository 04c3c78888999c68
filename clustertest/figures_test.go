//go:build figures

package clustertest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"

	"github.com/carillon-meetings/carillon/internal/load/gauge"
)

// rounds is how often each thing is measured; of CPU times the median counts.
const rounds = 5

// How long the meetings of a node are without sound after it was killed, and
// when it is drained, and how long calls take meanwhile.
func TestFiguresOfTakeovers(t *testing.T) {
	c := shop(t).Start(t, Build{}, 3)
	v := NewVerdict()
	trial := begin(t, c, v, Load{Meetings: 24, Pause: time.Second})
	probes := probe(t, c, 48)
	for i := range rounds {
		probes.during(c, "kill -9 of a node", c.Nodes[i%3], func(n *Node) {
			trial.Suffer(fault("kill -9 of a node", func(c *Cluster) { c.killFor(n, killedFor) }), nil)
		})
		waitSlots(t, c, c.Nodes[i%3], true)
	}
	for i := range rounds {
		probes.during(c, "drain of a node", c.Nodes[i%3], func(n *Node) {
			trial.Suffer(fault("drain of a node", func(c *Cluster) { n.Stop(); n.Start() }), nil)
		})
		waitSlots(t, c, c.Nodes[i%3], true)
	}
	probes.close()
	trial.End()
	t.Logf("\n%s\n%s", v.Table(), probes.table())
	if n := v.Found(Failed) + v.Found(Stranded) + probes.failed; n > 0 {
		t.Errorf("%d calls failed or callers stayed away: %v", n, v.Words())
	}
}

// probes call many meetings all the time, with the SDK's retries.
type probes struct {
	stop   context.CancelFunc
	done   sync.WaitGroup
	mu     sync.Mutex
	spans  []span // guarded by mu
	failed int    // guarded by mu
	rows   []string
}

// span is one call.
type span struct {
	slot  int
	begun time.Time
	took  time.Duration
}

func probe(t *testing.T, c *Cluster, meetings int) *probes {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &probes{stop: cancel}
	api := newAPI(c.Balancer.Client(), stockAttempts)
	for i := range meetings {
		id := openMeeting(t, api, fmt.Sprintf("probe-%d-%d", time.Now().UnixNano(), i))
		p.done.Go(func() {
			for ctx.Err() == nil {
				p.call(api, id)
				time.Sleep(400 * time.Millisecond)
			}
		})
	}
	return p
}

// call creates and deletes an attendee, which is two calls.
func (p *probes) call(api *sdk.Client, id string) {
	name := strconv.FormatInt(time.Now().UnixNano(), 36)
	var attendee string
	for _, fn := range []func(context.Context) error{
		func(ctx context.Context) error {
			out, err := api.CreateAttendee(ctx, &sdk.CreateAttendeeInput{MeetingId: &id, ExternalUserId: &name})
			if err == nil {
				attendee = aws.ToString(out.Attendee.AttendeeId)
			}
			return err
		},
		func(ctx context.Context) error {
			_, err := api.DeleteAttendee(ctx, &sdk.DeleteAttendeeInput{MeetingId: &id, AttendeeId: &attendee})
			if judge(err) == missing {
				return nil // an attempt without an answer has done it
			}
			return err
		},
	} {
		ctx, cancel := timed(context.Background())
		begun := time.Now()
		err := fn(ctx)
		took := time.Since(begun)
		cancel()
		p.mu.Lock()
		p.spans = append(p.spans, span{slotOf(id), begun, took})
		if err != nil {
			p.failed++
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func slotOf(id string) int {
	last, err := strconv.ParseUint(id[len(id)-2:], 16, 8)
	if err != nil {
		panic(err)
	}
	return int(last) % 64
}

// during notes the longest call on slots of the node and on others while
// something is done to the node.
func (p *probes) during(c *Cluster, what string, n *Node, do func(*Node)) {
	own := map[int]bool{}
	for slot, s := range c.Status().Slots {
		own[slot] = s.Owner == n.Name
	}
	begun := time.Now()
	do(n)
	var longest [2]time.Duration // on its own slots, on others
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.spans {
		if s.begun.Add(s.took).After(begun) {
			i := 1
			if own[s.slot] {
				i = 0
			}
			longest[i] = max(longest[i], s.took)
		}
	}
	p.rows = append(p.rows, fmt.Sprintf("| %s | %s | %s | %s |", what, n.Name, seconds(longest[0]), seconds(longest[1])))
}

func (p *probes) close() {
	p.stop()
	p.done.Wait()
}

func (p *probes) table() string {
	text := "| what | node | longest call on its meetings | longest call on meetings of other nodes |\n|---|---|---|---|\n"
	for _, row := range p.rows {
		text += row + "\n"
	}
	return text + fmt.Sprintf("\n%d calls, %d failed after retries\n", len(p.spans), p.failed)
}

func openMeeting(t *testing.T, api *sdk.Client, token string) string {
	t.Helper()
	ctx, cancel := timed(t.Context())
	defer cancel()
	out, err := api.CreateMeeting(ctx, &sdk.CreateMeetingInput{ClientRequestToken: &token, ExternalMeetingId: &token, MediaRegion: aws.String("us-east-1")})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Meeting.MeetingId)
}

// What a batch of 100 costs: at its owner, through another node, and at one
// server alone.
func TestFiguresOfABatch(t *testing.T) {
	s := shop(t)
	three, alone := s.Start(t, Build{}, 3), []time.Duration(nil)
	var atOwner, through, all []time.Duration
	owner, other := three.Nodes[0], three.Nodes[1]
	for range rounds {
		both := []*Node{owner, other}
		ids := owned(t, three, owner, 2*batches)
		begun := cpu(t, three.Nodes...)
		atOwner = append(atOwner, spend(t, owner, ids[:batches], both))
		all = append(all, (cpu(t, three.Nodes...)-begun)/(2*batches))
		through = append(through, spend(t, other, ids[batches:], both))
	}
	for _, n := range three.Nodes {
		n.Stop()
	}
	one := s.Start(t, Build{}, 1)
	for range rounds {
		api := newAPI(one.Nodes[0].client(), stockAttempts)
		var ids []string
		for i := range batches {
			ids = append(ids, openMeeting(t, api, fmt.Sprintf("alone-%d-%d", time.Now().UnixNano(), i)))
		}
		alone = append(alone, spend(t, one.Nodes[0], ids, one.Nodes))
	}
	a, b, c, d := median(atOwner), median(through), median(all), median(alone)
	t.Logf("\n| a batch of 100 | CPU |\n|---|---|\n| one server alone | %v |\n| at the owner, it and another node | %v |\n"+
		"| through that other node, both | %v, %+.0f %% |\n| at the owner, all three nodes | %v, %.1f × one server |\n",
		d, a, b, 100*(float64(b)/float64(a)-1), c, float64(c)/float64(d))
}

// batches is how many meetings get their two batches in a round: enough for
// the steps of 10 ms in which the system tells CPU time not to show.
const batches = 250

// owned creates meetings until so many lie in slots of the node.
func owned(t *testing.T, c *Cluster, n *Node, want int) (ids []string) {
	t.Helper()
	status := c.Status()
	api := newAPI(n.client(), stockAttempts)
	for i := 0; len(ids) < want; i++ {
		id := openMeeting(t, api, fmt.Sprintf("owned-%d-%d", time.Now().UnixNano(), i))
		if status.Slots[slotOf(id)].Owner == n.Name {
			ids = append(ids, id)
		}
	}
	return ids
}

// spend creates 200 attendees in each meeting by calls to a node, two clients
// at a time, and returns the CPU time of some nodes for each batch.
func spend(t *testing.T, at *Node, ids []string, of []*Node) time.Duration {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: at.client().Transport.(*http.Transport).DialContext, MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	api := newAPI(client, stockAttempts)
	work := make(chan string, len(ids))
	for _, id := range ids {
		work <- id
	}
	close(work)
	begun := cpu(t, of...)
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			for id := range work {
				for batch := range 2 {
					names := make([]string, 100)
					for i := range names {
						names[i] = fmt.Sprintf("%032d-%03d", batch, i)
					}
					if _, err := invite(t.Context(), api, id, names); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	clients.Wait()
	return (cpu(t, of...) - begun) / time.Duration(2*len(ids))
}

func cpu(t *testing.T, nodes ...*Node) (sum time.Duration) {
	t.Helper()
	for _, n := range nodes {
		used, err := gauge.CPUTime(n.Pid())
		if err != nil {
			t.Fatal(err)
		}
		sum += used
	}
	return sum
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2].Round(10 * time.Microsecond)
}
