package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"github.com/coder/websocket"

	"github.com/carillon-meetings/carillon/internal/identity"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// trio is a cluster of three and what was made in it.
type trio struct {
	*testing.T
	nodes []*servertest.Server
	gone  int                        // of the nodes, the last ones
	made  map[string]*types.Attendee // one of each meeting
	token map[string]string          // ClientRequestToken of each meeting
	base  map[string]string          // and its flavour, as the path that names it: every other one is legacy

	cookie *http.Cookie // of an operator who is signed in
}

func startTrio(t *testing.T, args ...string) *trio {
	return &trio{T: t, nodes: servertest.StartCluster(t, 3, args...), made: map[string]*types.Attendee{}, token: map[string]string{}, base: map[string]string{}}
}

// at returns a client of one node and flavour; it retries as SDKs do.
func (c *trio) at(node int, base string) *chimesdkmeetings.Client {
	return chimesdkmeetings.New(chimesdkmeetings.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(c.nodes[node].Endpoint + base), RetryMaxAttempts: 8,
		Credentials: credentials.NewStaticCredentialsProvider(servertest.AccessKey, servertest.SecretKey, ""),
	})
}

func (c *trio) live() int { return len(c.nodes) - c.gone }

// make creates meetings through each node in turn, with an attendee through
// the next one.
func (c *trio) make(count int) {
	c.Helper()
	for range count {
		n := len(c.made)
		token, base := fmt.Sprintf("token-%d", n), []string{"", "/legacy"}[n%2]
		m, err := c.at(n%c.live(), base).CreateMeeting(c.Context(), &chimesdkmeetings.CreateMeetingInput{
			ClientRequestToken: &token, ExternalMeetingId: aws.String(fmt.Sprint("m", n)), MediaRegion: aws.String("us-east-1"),
		})
		if err != nil {
			c.Fatal(err)
		}
		id := m.Meeting.MeetingId
		a, err := c.at((n+1)%c.live(), base).CreateAttendee(c.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: id, ExternalUserId: aws.String("somebody")})
		if err != nil {
			c.Fatal(err)
		}
		c.made[*id], c.token[*id], c.base[*id] = a.Attendee, token, base
	}
}

// check finds everything that was made through the nodes.
func (c *trio) check(through ...int) {
	c.Helper()
	for id, want := range c.made {
		for _, node := range through {
			got, err := c.at(node, c.base[id]).GetAttendee(c.Context(), &chimesdkmeetings.GetAttendeeInput{MeetingId: &id, AttendeeId: want.AttendeeId})
			if err != nil {
				c.Errorf("through node %d: %v", node, err)
				continue
			}
			if *got.Attendee.JoinToken != *want.JoinToken {
				c.Errorf("through node %d another token", node)
			}
		}
	}
	var ids []string
	for id, base := range c.base {
		if base != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, node := range through {
		if listed := c.list(node, 7); !slices.Equal(listed, ids) {
			c.Errorf("node %d lists %d meetings of %d: %v", node, len(listed), len(ids), listed)
		}
	}
}

// list lists all meetings as the legacy API does, in pages.
func (c *trio) list(node, page int) (ids []string) {
	c.Helper()
	for token := ""; ; {
		var got struct {
			Meetings []struct {
				MeetingID string `json:"MeetingId"`
			}
			NextToken string
		}
		query := fmt.Sprintf("max-results=%d", page)
		if token != "" {
			query += "&next-token=" + token
		}
		c.legacy(node, "/meetings?"+query, &got)
		for _, m := range got.Meetings {
			ids = append(ids, m.MeetingID)
		}
		if token = got.NextToken; token == "" {
			slices.Sort(ids)
			return ids
		}
	}
}

// legacy makes a GET of the legacy flavour, again while it is told to come back.
func (c *trio) legacy(node int, path string, v any) {
	c.Helper()
	for range 240 { // two minutes
		resp := c.signed(http.MethodGet, c.nodes[node].Endpoint+"/legacy"+path)
		err := json.NewDecoder(resp.Body).Decode(v)
		_ = resp.Body.Close()
		switch {
		case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
			time.Sleep(500 * time.Millisecond)
			continue
		case resp.StatusCode != http.StatusOK || err != nil:
			c.Fatalf("%s: %s, %v", path, resp.Status, err)
		}
		return
	}
	c.Fatalf("%s: not answered", path)
}

// signed makes a request without a body.
func (c *trio) signed(method, url string) *http.Response {
	c.Helper()
	return c.signedWith(method, url, "")
}

func (c *trio) signedWith(method, url, body string) *http.Response {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), method, url, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	keys := aws.Credentials{AccessKeyID: servertest.AccessKey, SecretAccessKey: servertest.SecretKey}
	if err := v4.NewSigner().SignHTTP(c.Context(), keys, req, hex.EncodeToString(sum[:]), "chime", "us-east-1", time.Now()); err != nil {
		c.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	return resp
}

func (c *trio) status(node int) (s clusterStatus) {
	c.Helper()
	target := clusterTarget{operatorTarget: operatorTarget{Endpoint: c.nodes[node].Endpoint, OperatorSecret: servertest.OperatorSecret}}
	if err := target.call(c.Context(), http.MethodGet, "", &s); err != nil {
		c.Fatal(err)
	}
	return s
}

// join opens a signaling connection of the meeting's attendee through a node.
func (c *trio) join(id string, node int) error {
	ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(c.nodes[node].Endpoint, "http")+"/control/"+id,
		&websocket.DialOptions{Subprotocols: []string{"_aws_wt_session", *c.made[id].JoinToken}})
	if err != nil {
		return err
	}
	return ws.CloseNow()
}

// refusedOnce has an exceeded quota told at once: SDKs take it for throttling and
// try again for half a minute.
func refusedOnce(o *chimesdkmeetings.Options) { o.RetryMaxAttempts = 1 }

// full finds that both flavours' quotas are used up, at whatever node.
func (c *trio) full() {
	c.Helper()
	for node := range c.nodes {
		for _, base := range []string{"", "/legacy"} {
			_, err := c.at(node, base).CreateMeeting(c.Context(), &chimesdkmeetings.CreateMeetingInput{
				ClientRequestToken: aws.String(fmt.Sprintf("one-too-many-%d", node)), ExternalMeetingId: aws.String("mm"), MediaRegion: aws.String("us-east-1"),
			}, refusedOnce)
			if err == nil || !strings.Contains(err.Error(), "LimitExceeded") {
				c.Errorf("one meeting too many through node %d%s: %v", node, base, err)
			}
		}
	}
}

// operated finds everything through the application API of any node, and that
// who signs in to the console at one node is known at the others.
func (c *trio) operated() {
	c.Helper()
	c.signIn(0)
	for node := range c.nodes {
		var listed struct{ Meetings []struct{ ID string } }
		app := c.signed(http.MethodGet, c.nodes[node].Endpoint+"/app/v1/meetings?maxResults=100")
		err := json.NewDecoder(app.Body).Decode(&listed)
		_ = app.Body.Close()
		if err != nil || app.StatusCode != http.StatusOK || len(listed.Meetings) != len(c.made) {
			c.Errorf("the application API of node %d lists %d meetings: %s, %v", node, len(listed.Meetings), app.Status, err)
		}
		var session struct{ SignedIn bool }
		if c.console(node, "session", &session); !session.SignedIn {
			c.Errorf("not signed in at node %d", node)
		}
		c.fares(node)
		c.logged(node)
		c.audited(node, "n0 start", "n1 start", "n2 start", "n0 sign in")
	}
}

// balanced waits until the live nodes have about the same number of slots.
func (c *trio) balanced(live int) {
	c.Helper()
	var counts map[string]int
	for range 1200 { // two minutes
		counts = map[string]int{}
		moving := false
		for _, s := range c.status(0).Slots {
			counts[s.Owner]++
			moving = moving || s.Next != ""
		}
		if least := slices.Min(slices.Collect(maps.Values(counts))); !moving && len(counts) == live && least >= meeting.Slots/live-1 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.Fatalf("slots are not balanced: %v", counts)
}

func TestThreeNodesAnswerAsOne(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	c := startTrio(t, "--otlp-endpoint", r.URL, "--limit-meetings", "15", "--limit-pipelines", "6", "--recordings", t.TempDir())
	c.balanced(3)
	c.make(1)
	c.keyUsed(0, 1, 2)
	c.make(29)
	c.check(0, 1, 2)
	c.full()
	c.operated()
	c.recorded(6)
	for id := range c.made {
		for node := range c.nodes {
			if err := c.join(id, node); err != nil {
				t.Errorf("join through node %d: %v", node, err)
			}
			again, err := c.at(node, c.base[id]).CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
				ClientRequestToken: aws.String(c.token[id]), ExternalMeetingId: aws.String("again"), MediaRegion: aws.String("us-east-1"),
			})
			if err != nil || *again.Meeting.MeetingId != id {
				t.Errorf("the same token through node %d: %v", node, err)
			}
		}
	}
	status := c.status(1)
	if status.Node != "n1" || len(status.Nodes) != 3 || len(status.Slots) != meeting.Slots || len(status.Streams) < 5 {
		t.Errorf("status %+v", status)
	}
	c.measured(status.Slots)
	c.traced(r, status.Slots)
	for _, s := range status.Streams {
		if s.Leader == "" || len(s.Replicas) != 2 {
			t.Errorf("stream %+v", s)
		}
	}
}

func TestANodeDiesAndComesBack(t *testing.T) {
	t.Parallel()
	c := startTrio(t)
	c.balanced(3)
	c.make(12)
	c.nodes[2].Kill()
	c.silent("n2", 0, 1)
	c.check(0, 1)
	for id := range c.made {
		if err := c.join(id, 0); err != nil {
			t.Errorf("join after the crash: %v", err)
		}
	}
	c.nodes[2].Restart()
	c.nodes[2].WaitReady()
	c.make(3)
	c.check(0, 1, 2)
	c.audited(0, "n2 start", "n2 start") // before and after
}

func TestANodeIsStoppedInOrder(t *testing.T) {
	t.Parallel()
	c := startTrio(t)
	c.balanced(3)
	c.make(12)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		c.nodes[1].Stop()
	}()
	for running := true; running; {
		select {
		case <-stopped:
			running = false
		default:
		}
		c.check(0, 2)
	}
	for _, n := range c.status(0).Nodes {
		if n.Node == "n1" && n.Slots != 0 {
			t.Errorf("it ended with %d slots", n.Slots)
		}
	}
}

// A node is emptied, stopped and taken out; the others go on without it.
func TestANodeLeavesForGood(t *testing.T) {
	t.Parallel()
	c := startTrio(t)
	c.balanced(3)
	c.make(6)
	target := clusterTarget{operatorTarget{Endpoint: c.nodes[0].Endpoint, OperatorSecret: servertest.OperatorSecret}, true}
	remove := clusterRemoveCommand{target, "n2"}
	if err := remove.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "drain it first") {
		t.Errorf("removed with slots: %v", err)
	}
	if err := (&clusterDrainCommand{target, "n9"}).Run(t.Context()); err == nil {
		t.Error("a node was drained that there is not")
	}
	if err := (&clusterDrainCommand{target, "n2"}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.check(0, 1, 2) // it still passes on
	c.nodes[2].Stop()
	if err := remove.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.gone = 1
	c.make(6)
	c.check(0, 1)
	until(t, "the other node to know that n2 is no member any more", func() bool {
		nodes := c.status(1).Nodes
		return len(nodes) == 2 && nodes[0].Slots+nodes[1].Slots == meeting.Slots
	})
}

// A server that was on its own takes its meetings into a cluster; the tokens it
// gave out are good at all nodes.
func TestOneServerBecomesThree(t *testing.T) {
	t.Parallel()
	alone := servertest.Start(t)
	c := &trio{T: t, nodes: []*servertest.Server{alone, alone, alone}, made: map[string]*types.Attendee{}, token: map[string]string{}, base: map[string]string{}}
	c.make(20)
	ended := c.endOne()
	alone.Stop()
	dirs := []string{t.TempDir(), alone.Dir, t.TempDir()}
	for _, name := range []string{identity.TokenKeyFile, identity.AccessKeyFile, identity.OperatorSecretFile} {
		content, err := os.ReadFile(filepath.Join(alone.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{dirs[0], dirs[2]} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.nodes = servertest.StartClusterIn(t, dirs, "--timer-tombstone", "1s") // what is told of the ended one is what it kept
	c.make(4)
	c.check(0, 1, 2)
	c.keep(1, 0, 1, 2)
	for node := range c.nodes {
		c.tells(node, ended, "ended alone, deleted by request by key:"+servertest.AccessKey+", ada removed, bob")
	}
	for id := range c.made {
		for node := range c.nodes {
			if err := c.join(id, node); err != nil {
				t.Errorf("join through node %d: %v", node, err)
			}
		}
	}
}
