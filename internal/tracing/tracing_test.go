package tracing

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	spans "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver is the network with an OTLP receiver behind it. It reads requests
// with the official messages.
type receiver struct {
	mu      sync.Mutex
	answers []answer // of the next requests, in order; then 200
	posts   []post
	takes   time.Duration // for each request
}

type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
	hangs  bool // until the request is given up
}

type post struct {
	at     time.Time
	header http.Header
	host   string
	read   *collector.ExportTraceServiceRequest
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	p := post{at: time.Now(), header: req.Header, host: req.URL.String(), read: new(collector.ExportTraceServiceRequest)}
	if err := proto.Unmarshal(raw, p.read); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.posts = append(r.posts, p)
	a := answer{status: http.StatusOK}
	if len(r.answers) > 0 {
		a, r.answers = r.answers[0], r.answers[1:]
	}
	r.mu.Unlock()
	time.Sleep(r.takes)
	if a.hangs {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body))}, nil
}

// got returns all spans that were posted.
func (r *receiver) got() (all []*spans.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.posts {
		for _, of := range p.read.GetResourceSpans() {
			for _, scope := range of.GetScopeSpans() {
				all = append(all, scope.GetSpans()...)
			}
		}
	}
	return all
}

// requests returns how many came.
func (r *receiver) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.posts)
}

// traced runs a test with a Tracer that sends to r, by a clock that stands
// still while anything works.
func traced(t *testing.T, r *receiver, cfg Config, test func(t *testing.T, tr *Tracer)) {
	synctest.Test(t, func(t *testing.T) {
		cfg.Endpoint, cfg.Client = "http://receiver.test:4318/v1/traces", r
		if cfg.Ratio == 0 {
			cfg.Ratio = 1
		}
		tr := New(cfg)
		defer tr.Close(t.Context())
		test(t, tr)
	})
}

func TestWhatIsSentIsWhatTheOfficialMessagesSay(t *testing.T) {
	r := &receiver{}
	traced(t, r, Config{Header: http.Header{"Authorization": {"Bearer x"}}, Resource: []Attr{Text("service.name", "other"), Text("service.name", "carillon")}}, func(t *testing.T, tr *Tracer) {
		began := time.Now()
		call := tr.Start("unknown", Parent{}, began)
		step := call.Child("ledger write", began.Add(time.Millisecond))
		time.Sleep(5 * time.Millisecond)
		step.Fail("it burns")
		step.Done(errors.New("never told"))
		call.Name("CreateMeeting")
		call.Add(Text("rpc.method", "CreateMeeting"), Number("status", 200), Number("below", -3))
		call.End(began.Add(7 * time.Millisecond))
		call.End(began.Add(time.Hour)) // too late
		time.Sleep(2 * gatherTime)
		synctest.Wait()

		got := r.got()
		if len(got) != 2 {
			t.Fatalf("%d spans were sent, want 2", len(got))
		}
		inner, outer := got[0], got[1]
		if outer.GetName() != "CreateMeeting" || outer.GetKind() != spans.Span_SPAN_KIND_SERVER || len(outer.GetParentSpanId()) != 0 || outer.GetStatus() != nil {
			t.Errorf("the call: %v", outer)
		}
		if from, to := outer.GetStartTimeUnixNano(), outer.GetEndTimeUnixNano(); from != uint64(began.UnixNano()) || to-from != uint64(7*time.Millisecond) {
			t.Errorf("the call lasts from %d to %d", from, to)
		}
		if inner.GetName() != "ledger write" || inner.GetKind() != spans.Span_SPAN_KIND_INTERNAL || !bytes.Equal(inner.GetParentSpanId(), outer.GetSpanId()) {
			t.Errorf("the step: %v", inner)
		}
		if inner.GetStatus().GetCode() != spans.Status_STATUS_CODE_ERROR || inner.GetStatus().GetMessage() != "it burns" {
			t.Errorf("the failed step: %v", inner.GetStatus())
		}
		if hex.EncodeToString(outer.GetTraceId()) != call.TraceID() || !bytes.Equal(inner.GetTraceId(), outer.GetTraceId()) || len(outer.GetSpanId()) != 8 {
			t.Errorf("trace %x and %x, want %s", outer.GetTraceId(), inner.GetTraceId(), call.TraceID())
		}
		attrs := map[string]*common.AnyValue{}
		for _, a := range outer.GetAttributes() {
			attrs[a.GetKey()] = a.GetValue()
		}
		if len(attrs) != 3 || attrs["rpc.method"].GetStringValue() != "CreateMeeting" || attrs["status"].GetIntValue() != 200 || attrs["below"].GetIntValue() != -3 {
			t.Errorf("attributes %v", attrs)
		}
		p := r.posts[0]
		about := p.read.GetResourceSpans()[0]
		if a := about.GetResource().GetAttributes(); len(a) != 1 || a[0].GetKey() != "service.name" || a[0].GetValue().GetStringValue() != "carillon" {
			t.Errorf("about the process: %v", a)
		}
		if about.GetScopeSpans()[0].GetScope().GetName() != scope || p.host != "http://receiver.test:4318/v1/traces" ||
			p.header.Get("Content-Type") != "application/x-protobuf" || p.header.Get("Authorization") != "Bearer x" {
			t.Errorf("sent to %s with %v by %v", p.host, p.header, about.GetScopeSpans()[0].GetScope())
		}
		if s := tr.Stats(); s != (Stats{Sent: 2}) {
			t.Errorf("counted %+v", s)
		}
	})
}

func TestAnUnfilledBatchWaitsAndAFullOneDoesNot(t *testing.T) {
	r := &receiver{}
	traced(t, r, Config{}, func(t *testing.T, tr *Tracer) {
		began := time.Now()
		tr.Start("one", Parent{}, began).Done(nil)
		time.Sleep(gatherTime - time.Millisecond)
		synctest.Wait()
		if n := len(r.got()); n != 0 {
			t.Errorf("%d spans were sent before their time", n)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if n := len(r.got()); n != 1 {
			t.Errorf("%d spans were sent in time, want 1", n)
		}
		for range maxBatch + 1 {
			tr.Start("many", Parent{}, began).Done(nil)
		}
		synctest.Wait()
		if n := len(r.got()); n < 1+maxBatch {
			t.Errorf("%d spans were sent, want a full batch at once", n)
		}
		for _, p := range r.posts {
			if n := len(p.read.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()); n > maxBatch {
				t.Errorf("a batch of %d", n)
			}
		}
	})
}

// A request for the few spans that ended during the one before it would cost more
// than all else that is done about them.
func TestSpansThatEndDuringARequestWaitForOthers(t *testing.T) {
	const pause = 500 * time.Microsecond
	r := &receiver{takes: 10 * time.Millisecond}
	traced(t, r, Config{}, func(t *testing.T, tr *Tracer) {
		const rounds = 3
		for range rounds*maxBatch + 100 {
			tr.Start("call", Parent{}, time.Now()).Done(nil)
			time.Sleep(pause)
		}
		synctest.Wait()
		if n := r.requests(); n != rounds {
			t.Errorf("%d requests for %d batches", n, rounds)
		}
		time.Sleep(gatherTime - 100*pause)
		synctest.Wait()
		if n := r.requests(); n != rounds+1 {
			t.Errorf("%d requests: the last spans are sent when the first of them has waited for %v", n, gatherTime)
		}
		for range maxBatch {
			tr.Start("call", Parent{}, time.Now()).Done(nil)
		}
		time.Sleep(2 * r.takes) // the one before is at work yet
		synctest.Wait()
		if s := tr.Stats(); s != (Stats{Sent: (rounds+1)*maxBatch + 100}) {
			t.Errorf("counted %+v", s)
		}
	})
}

// The room of a batch that was sent is used for another one: each span must be
// read as it was written all the same.
func TestTheSpansOfManyBatchesComeOnceEach(t *testing.T) {
	r := &receiver{}
	traced(t, r, Config{Gather: time.Second}, func(t *testing.T, tr *Tracer) {
		const rounds = 3
		for round := range rounds {
			for n := range 3*maxBatch + 7 {
				tr.Start(fmt.Sprintf("%d of round %d", n, round), Parent{}, time.Now()).Done(nil)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		seen := map[string]int{}
		for _, span := range r.got() {
			seen[span.GetName()]++
		}
		for name, n := range seen {
			if n != 1 {
				t.Errorf("%s came %d times", name, n)
			}
		}
		if len(seen) != rounds*(3*maxBatch+7) || len(r.posts) < rounds*4 {
			t.Errorf("%d spans came in %d requests", len(seen), len(r.posts))
		}
	})
}

// A receiver that does not answer delays nobody: what there is no room for is
// dropped at once, and counted.
func TestAReceiverThatHangsDelaysNobody(t *testing.T) {
	r := &receiver{}
	for range maxTries {
		r.answers = append(r.answers, answer{hangs: true})
	}
	traced(t, r, Config{}, func(t *testing.T, tr *Tracer) {
		tr.Start("first", Parent{}, time.Now()).Done(nil)
		time.Sleep(gatherTime)
		synctest.Wait()
		began := time.Now()
		for range maxQueue + 10 {
			tr.Start("more", Parent{}, began).Done(nil)
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("leaving spans took %v", d)
		}
		if s := tr.Stats(); s != (Stats{NoRoom: 10}) {
			t.Errorf("counted %+v, want 10 without room", s)
		}
		time.Sleep(2 * time.Minute) // five times 10 s, and 1+2+4+8 s between
		synctest.Wait()
		if s := tr.Stats(); s != (Stats{NoRoom: 10, NotTaken: 1, Sent: maxQueue}) {
			t.Errorf("counted %+v, want the first given up and the rest sent", s)
		}
	})
}

func TestWhatIsTriedAgain(t *testing.T) {
	refused := errors.New("connection refused")
	for _, c := range []struct {
		name   string
		answer answer
		pause  time.Duration // until the second try; 0: there is none
	}{
		{"no connection", answer{err: refused}, firstPause},
		{"too many requests", answer{status: 429}, firstPause},
		{"unavailable, come back in 5 s", answer{status: 503, header: http.Header{"Retry-After": {"5"}}}, 5 * time.Second},
		{"unavailable, come back next year", answer{status: 503, header: http.Header{"Retry-After": {"31536000"}}}, maxPause},
		{"unavailable, come back yesterday", answer{status: 503, header: http.Header{"Retry-After": {"-9"}}}, firstPause},
		{"bad request", answer{status: 400}, 0},
		{"unauthorized", answer{status: 401}, 0},
		{"moved", answer{status: 302, header: http.Header{"Location": {"http://elsewhere.test/"}}}, 0},
		{"internal error", answer{status: 500}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &receiver{answers: []answer{c.answer}}
			var log bytes.Buffer
			traced(t, r, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(t *testing.T, tr *Tracer) {
				tr.Start("call", Parent{}, time.Now()).Done(nil)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				want, posts := Stats{NotTaken: 1}, 1
				if c.pause > 0 {
					want, posts = Stats{Sent: 1}, 2
				}
				if s := tr.Stats(); s != want || len(r.posts) != posts {
					t.Fatalf("%d requests and %+v, want %d and %+v", len(r.posts), s, posts, want)
				}
				if posts == 2 && r.posts[1].at.Sub(r.posts[0].at) != c.pause {
					t.Errorf("tried again after %v, want %v", r.posts[1].at.Sub(r.posts[0].at), c.pause)
				}
				if n := strings.Count(log.String(), "traces are not taken"); n != 1 {
					t.Errorf("the log says %d times that traces are not taken:\n%s", n, log.String())
				}
				if back := strings.Contains(log.String(), "taken again"); back != (c.pause > 0) {
					t.Errorf("the log:\n%s", log.String())
				}
			})
		})
	}
}

func TestWhatTheReceiverThrowsAwayIsCounted(t *testing.T) {
	for _, c := range []struct {
		rejected int64
		want     Stats
	}{{0, Stats{Sent: 3}}, {2, Stats{Sent: 1, Rejected: 2}}, {-1, Stats{Sent: 3}}, {1 << 40, Stats{Rejected: 3}}} {
		body, err := proto.Marshal(&collector.ExportTraceServiceResponse{
			PartialSuccess: &collector.ExportTracePartialSuccess{RejectedSpans: c.rejected, ErrorMessage: "no room"},
		})
		if err != nil {
			t.Fatal(err)
		}
		traced(t, &receiver{answers: []answer{{status: 200, body: body}}}, Config{}, func(t *testing.T, tr *Tracer) {
			for range 3 {
				tr.Start("call", Parent{}, time.Now()).Done(nil)
			}
			time.Sleep(2 * gatherTime)
			synctest.Wait()
			if s := tr.Stats(); s != c.want {
				t.Errorf("%d rejected: counted %+v, want %+v", c.rejected, s, c.want)
			}
		})
	}
}

func TestClosingSendsWhatWaitsWithinItsTime(t *testing.T) {
	r := &receiver{}
	traced(t, r, Config{}, func(t *testing.T, tr *Tracer) {
		tr.Start("last", Parent{}, time.Now()).Done(nil)
		began := time.Now()
		tr.Close(t.Context())
		if d := time.Since(began); d != 0 || len(r.got()) != 1 {
			t.Errorf("closing took %v and sent %d spans, want one at once", d, len(r.got()))
		}
		tr.Start("too late", Parent{}, time.Now()).Done(nil)
		if s := tr.Stats(); s != (Stats{Sent: 1, NoRoom: 1}) {
			t.Errorf("counted %+v", s)
		}
	})
	down := &receiver{}
	for range 100 {
		down.answers = append(down.answers, answer{hangs: true})
	}
	traced(t, down, Config{}, func(t *testing.T, tr *Tracer) {
		for range 2 * maxBatch {
			tr.Start("call", Parent{}, time.Now()).Done(nil)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		tr.Close(ctx)
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("closing took %v, want the 3 s it was given", d)
		}
		if s := tr.Stats(); s != (Stats{NotTaken: 2 * maxBatch}) {
			t.Errorf("counted %+v", s)
		}
	})
}

func TestWhoIsTraced(t *testing.T) {
	const yes, no = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	from := func(values ...string) Parent { return FromHeader(http.Header{"Traceparent": values}) }
	traced(t, &receiver{}, Config{Ratio: 0.25}, func(t *testing.T, tr *Tracer) {
		span := tr.Start("call", from(yes), time.Now())
		if span.TraceID() != "0af7651916cd43dd8448eb211c80319c" || hex.EncodeToString(span.parent.span[:]) != "b7ad6b7169203331" {
			t.Errorf("a caller's trace is continued as %s below %x", span.TraceID(), span.parent.span)
		}
		if tr.Start("call", from(no), time.Now()) != nil {
			t.Error("a call is traced whose caller does not trace it")
		}
		n := 0
		for range 4000 {
			if tr.Start("call", Parent{}, time.Now()) != nil {
				n++
			}
		}
		if n < 800 || n > 1200 {
			t.Errorf("%d of 4000 calls are traced, want a quarter", n)
		}
	})
}

// Nobody has to ask whether there is a trace.
func TestWithoutATracerNothingHappens(t *testing.T) {
	var tr *Tracer
	span := tr.Start("call", Parent{}, time.Now())
	ctx := With(t.Context(), span)
	if ctx != t.Context() || span != nil || Step(ctx, "step") != nil || span.Child("step", time.Now()) != nil || span.TraceID() != "" {
		t.Error("there is a span without a tracer")
	}
	span.Name("x")
	span.Add(Text("a", "b"))
	span.Fail("why")
	span.Done(nil)
	span.End(time.Now())
	tr.Close(t.Context())
	if tr.Stats() != (Stats{}) {
		t.Error("something was counted")
	}
	if n := testing.AllocsPerRun(100, func() { Step(ctx, "step").Done(nil) }); n != 0 {
		t.Errorf("a step that is not traced allocates %v times", n)
	}
}

func TestTraceparent(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for text, ok := range map[string]bool{
		good: true, strings.Replace(good, "-01", "-ff", 1): true,
		"cc" + good[2:]: true, "cc" + good[2:] + "-what-will-be-added": true,
		"":                        false,
		good + "-more":            false, // of version 00
		"cc" + good[2:] + ".more": false,
		"ff" + good[2:]:           false,
		strings.ToUpper(good):     false,
		good[:54]:                 false,
		strings.Replace(good, "0af7651916cd43dd8448eb211c80319c", strings.Repeat("0", 32), 1): false,
		strings.Replace(good, "b7ad6b7169203331", strings.Repeat("0", 16), 1):                 false,
		strings.Replace(good, "0af", "0ag", 1):                                                false,
		strings.Replace(good, "-b7", "_b7", 1):                                                false,
		"0-" + good:                                                                           false, " " + good: false,
	} {
		if p := FromHeader(http.Header{"Traceparent": {text}}); (p != Parent{}) != ok {
			t.Errorf("%q: read as %v", text, p)
		}
	}
	if (FromHeader(http.Header{"Traceparent": {good, good}}) != Parent{}) {
		t.Error("of two parents one was believed")
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	f.Add("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x")
	f.Fuzz(func(t *testing.T, text string) {
		p := parse(text)
		if p == (Parent{}) {
			return
		}
		if again := hex.EncodeToString(p.trace[:]) + "-" + hex.EncodeToString(p.span[:]); !strings.HasPrefix(text[3:], again) {
			t.Errorf("%q: read as %s", text, again)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	body, err := proto.Marshal(&collector.ExportTraceServiceResponse{PartialSuccess: &collector.ExportTracePartialSuccess{RejectedSpans: 7, ErrorMessage: "no"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		var want collector.ExportTraceServiceResponse
		if proto.Unmarshal(body, &want) != nil {
			_, _ = rejected(body) // must not panic
			return
		}
		if _, err := rejected(body); err != nil {
			t.Errorf("%x: %v", body, err)
		}
	})
}

// What a traced call costs, from its beginning to the bytes that are posted.
func BenchmarkCall(b *testing.B) {
	tr := New(Config{Endpoint: "http://receiver.test/v1/traces", Client: taken{}, Ratio: 1})
	defer tr.Close(b.Context())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		call := tr.Start("unknown operation", Parent{}, time.Now())
		ctx := With(b.Context(), call)
		for _, step := range []string{"signature", "turn", "ledger write", "answer"} {
			Step(ctx, step).Done(nil)
		}
		call.Add(Text("rpc.method", "CreateMeeting"), Text("aws.request_id", "a-request-id"), Number("http.response.status_code", 201))
		call.Done(nil)
		for i%100 == 99 && tr.waits() > maxQueue/2 {
			runtime.Gosched() // nothing is dropped
		}
	}
	if tr.Stats().NoRoom > 0 {
		b.Error("spans were dropped")
	}
}

// waits tells how many spans wait.
func (t *Tracer) waits() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.queued
}

// taken takes everything.
type taken struct{}

func (taken) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}
