package ledger

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// loseAnswers makes the first n writes lose their answer; sent tells whether
// the write itself gets through.
func loseAnswers(l *rig, n int64, sent bool) {
	var calls atomic.Int64
	l.engine.ask = func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
		lost := calls.Add(1) <= n
		if lost && !sent {
			return nil, nats.ErrTimeout
		}
		reply, err := l.engine.write.RequestMsgWithContext(ctx, m)
		if lost {
			return nil, nats.ErrTimeout
		}
		return reply, err
	}
}

// When no answer can be had for long, the caller is told that it is not known
// yet, and the outcome later.
func TestAnUnknownOutcomeIsToldLater(t *testing.T) {
	for _, sent := range []bool{true, false} {
		l, ctx, id := openTB(t, Config{}), t.Context(), randomID(t)
		l.cfg.GiveUp = 300 * time.Millisecond
		first := must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("one"), Ordinary))
		var deaf atomic.Bool
		var calls atomic.Int64
		deaf.Store(true)
		l.engine.ask = func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
			switch {
			case !deaf.Load():
				return l.engine.write.RequestMsgWithContext(ctx, m)
			case sent && calls.Add(1) == 1:
				_, _ = l.engine.write.RequestMsgWithContext(ctx, m)
			}
			return nil, nats.ErrTimeout
		}
		_, err := l.Append(ctx, id, first, []byte("two"), Ordinary)
		var p *Pending
		if !errors.As(err, &p) || !errors.Is(err, ErrUnavailable) {
			t.Fatalf("append without any answer: %v, want a *Pending", err)
		}
		deaf.Store(false)
		rev, err := p.Wait()
		if sent != (err == nil) {
			t.Errorf("sent %t: outcome %v, %v", sent, rev, err)
		}
		want := []string{"one"}
		if sent {
			want = append(want, "two")
			first = rev
		}
		must[Revision](t)(l.Append(ctx, id, first, []byte("three"), Ordinary))
		wantTexts(t, must[[]Entry](t)(l.Load(ctx, id)), append(want, "three")...)
	}
}

func TestFullLedgerRefusesButEndsMeetings(t *testing.T) {
	l, ctx := openTB(t, Config{Streams: 1, MaxBytes: 1 << 20}), t.Context()
	data := bytes.Repeat([]byte("d"), 32<<10)
	type last struct {
		id  meeting.ID
		rev Revision
	}
	var stored []last
	for {
		id := randomID(t)
		rev, err := l.Append(ctx, id, Revision{}, data, Ordinary)
		if errors.Is(err, ErrFull) {
			break
		}
		stored = append(stored, last{id, must[Revision](t)(rev, err)})
		if len(stored) > 40 {
			t.Fatal("1 MiB took more than 40 × 32 KiB")
		}
	}
	if len(stored) < 28 {
		t.Errorf("1 MiB was full after %d × 32 KiB", len(stored))
	}
	if !errors.Is(ErrFull, ErrUnavailable) {
		t.Error("ErrFull is not an ErrUnavailable")
	}
	for _, s := range stored {
		must[Revision](t)(l.End(ctx, s.id, s.rev, data, time.Millisecond))
	}
	eventually(t, "room again", func() bool {
		_, err := l.Append(ctx, randomID(t), Revision{}, data, Ordinary)
		return err == nil
	})
}

func TestNearlyFullDiskRefuses(t *testing.T) {
	l := openTB(t, Config{MinFree: 1 << 60})
	if _, err := l.Append(t.Context(), randomID(t), Revision{}, nil, Ordinary); !errors.Is(err, ErrFull) {
		t.Errorf("append: %v, want ErrFull", err)
	}
}

func TestEntriesOlderThanMaxAgeVanish(t *testing.T) {
	const age = time.Second
	l, ctx, id := openTB(t, Config{MaxAge: age}), t.Context(), randomID(t)
	must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("forgotten"), Ordinary))
	eventually(t, "entry vanishes", func() bool { return len(must[[]Entry](t)(l.Load(ctx, id))) == 0 })
	time.Sleep(age) // no marker of before is left
	for _, s := range l.held {
		// Slots that nobody wrote to are still this process's.
		must[Revision](t)(s.Append(ctx, randomID(t).InSlot(s.number), Revision{}, nil, Ordinary))
	}
}

// A crash between storing an end and removing what it replaces leaves both.
func TestHalfDoneEndHidesWhatItReplaces(t *testing.T) {
	dir := t.TempDir()
	l, ctx, id := openTB(t, Config{Dir: dir}), t.Context(), randomID(t)
	first := must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("created"), Ordinary))
	end := message{kind: kindEnd, before: first.sum, data: []byte("ended"), expires: time.Now().Add(300 * time.Millisecond)}
	w := write{subject: entrySubject(id), message: end}
	must[uint64](t)(l.slot(id).store(ctx, id, &w)) // without the removals
	wantTexts(t, must[[]Entry](t)(l.Load(ctx, id)), "ended")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTB(t, Config{Dir: dir})
	eventually(t, "the whole meeting vanishes", func() bool { return len(must[[]Entry](t)(l.Load(ctx, id))) == 0 })
}

func TestTheDirectoryHasOneOwner(t *testing.T) {
	dir := t.TempDir()
	l := openTB(t, Config{Dir: dir})
	if _, err := Open(t.Context(), Config{Dir: dir}); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("second open: %v, want ErrLocked", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	openTB(t, Config{Dir: dir})
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(layout string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, layoutName), []byte(layout), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, c := range map[string]struct {
		cfg  Config
		says string
	}{
		"no directory":       {Config{}, "no data directory"},
		"too many streams":   {Config{Dir: t.TempDir(), Streams: 65}, "1 to 64"},
		"a file":             {Config{Dir: file}, "not a directory"},
		"below a file":       {Config{Dir: filepath.Join(file, "dir")}, "not a directory"},
		"another version":    {Config{Dir: with(`{"version":3,"slots":64,"streams":8}`)}, "newer program"},
		"the version before": {Config{Dir: with(`{"version":1,"shards":8,"created":true}`)}, "before the first release"},
		"a broken layout":    {Config{Dir: with(`{`)}, layoutName},
		"impossible layout":  {Config{Dir: with(`{"version":2,"slots":64,"streams":0}`)}, "0 streams"},
	} {
		_, err := Open(t.Context(), c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one saying %q", name, err, c.says)
		}
	}
}

func TestALostStreamIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := openTB(t, Config{Dir: dir}).Close(); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "streams", "jetstream", "*", "streams", "MT03"))
	if err != nil || len(found) != 1 {
		t.Fatalf("streams in the directory: %v, %v", found, err)
	}
	if err := os.RemoveAll(found[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "MT03") {
		t.Errorf("open without a stream: %v", err)
	}
}

// What was written under one key is not served under another.
func TestTheDirectoryKnowsItsKey(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		key  string
		want error
	}{{"one", nil}, {"one", nil}, {"two", ErrForeignKey}, {"", nil}, {"one", nil}} {
		l, err := Open(t.Context(), Config{Dir: dir, KeyCheck: c.key})
		if !errors.Is(err, c.want) {
			t.Errorf("key %q: %v, want %v", c.key, err, c.want)
		}
		if err == nil {
			err = l.Close()
		}
		if err != nil && c.want == nil {
			t.Fatal(err)
		}
	}
}

func TestExists(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	exists := func() bool { return must[bool](t)(Exists(dir)) }
	if exists() {
		t.Error("a missing directory holds a ledger")
	}
	if err := openTB(t, Config{Dir: dir}).Close(); err != nil {
		t.Fatal(err)
	}
	if !exists() {
		t.Error("a ledger was not found")
	}
	if err := os.Remove(filepath.Join(dir, layoutName)); err != nil {
		t.Fatal(err)
	}
	if !exists() {
		t.Error("streams without their layout were not found")
	}
}

func TestTheDirectoryDecidesTheStreams(t *testing.T) {
	dir := t.TempDir()
	l, ctx, id := openTB(t, Config{Dir: dir, Streams: 3}), t.Context(), randomID(t)
	must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("one"), Ordinary))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTB(t, Config{Dir: dir, Streams: 16, MaxBytes: 1 << 30})
	if l.layout.Streams != 3 {
		t.Errorf("reopened with %d streams", l.layout.Streams)
	}
	wantTexts(t, must[[]Entry](t)(l.Load(ctx, id)), "one")
}

func TestSubjects(t *testing.T) {
	id := meeting.ID{1, 2, 15: 0x45} // slot 5
	for name, want := range map[string]subject{
		entrySubject(id): {slot: 5, id: id},
		factSubject(id):  {slot: 5, id: id, fact: true},
		"mt.63.f":        {slot: 63, marker: true},
	} {
		if got, ok := parseSubject(name); !ok || got != want {
			t.Errorf("%s: %+v, %t, want %+v", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "mt", "mt.5", "mt.5.", "mt.64.f", "mt.-1.f", "ev.5.f", "mt.x.f", "mt.6." + id.String(), "xx.5." + id.String(), entrySubject(id) + "x"} {
		if got, ok := parseSubject(name); ok {
			t.Errorf("%q was taken for %+v", name, got)
		}
	}
}

func TestServerThatDoesNotSyncIsRefused(t *testing.T) {
	for _, cfg := range []*server.JetStreamConfig{nil, {}, {SyncInterval: time.Second}} {
		if err := verifySync(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
	if err := verifySync(&server.JetStreamConfig{SyncAlways: true}); err != nil {
		t.Error(err)
	}
	if l := openTB(t, Config{}); !l.engine.server.JetStreamConfig().SyncAlways {
		t.Error("the embedded server does not sync every write")
	}
}

func TestFaultEndsAllService(t *testing.T) {
	l, ctx, id := openTB(t, Config{}), t.Context(), randomID(t)
	must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("one"), Ordinary))
	cause := errors.New("disk on fire")
	// The disk fails while the write is under way: its answer must not count.
	l.engine.ask = func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
		defer l.fault.trip(cause)
		return l.engine.write.RequestMsgWithContext(ctx, m)
	}
	if _, err := l.Append(ctx, randomID(t), Revision{}, nil, Ordinary); !errors.Is(err, ErrUnavailable) || !errors.Is(err, cause) {
		t.Errorf("write answered while the disk failed: %v", err)
	}
	if _, err := l.Load(ctx, id); !errors.Is(err, cause) {
		t.Errorf("load after the fault: %v", err)
	}
	if err, ok := <-l.Fault(); !ok || !errors.Is(err, cause) {
		t.Errorf("fault channel gave %v", err)
	}
	if _, ok := <-l.Fault(); ok {
		t.Error("fault channel stays open")
	}
}

func TestServerLogIsBridged(t *testing.T) {
	var out bytes.Buffer
	b := bridge{log: slog.New(slog.NewTextHandler(&out, nil)), trouble: newTrouble(newFault())}
	b.Noticef("a notice")
	b.Debugf("a detail")
	b.Tracef("a payload")
	b.Warnf("stream %s is %d behind", "MT00", 3)
	if got := out.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "MT00 is 3 behind") || strings.Contains(got, " a ") {
		t.Errorf("log is %q", got)
	}
	if err := b.trouble.check(); err != nil {
		t.Errorf("a warning became a fault: %v", err)
	}
	b.Errorf("Error trying to connect to route (attempt %v): %v", 60, os.ErrClosed)
	if got := out.String(); strings.Contains(got, "level=ERROR") || !strings.Contains(got, "attempt 60") {
		t.Errorf("a node that is away makes the log %q", got)
	}
	b.Errorf("Filestore [MT00] Critical write error: %v", os.ErrClosed)
	if err := b.trouble.check(); !errors.Is(err, errStorage) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("a write error became %v", err)
	}
	fatal := bridge{log: b.log, trouble: newTrouble(newFault())}
	fatal.Fatalf("Can't start JetStream: %s", "reason")
	if err := fatal.trouble.check(); err == nil || !strings.Contains(err.Error(), "reason") {
		t.Errorf("a fatal error became %v", err)
	}
}

func TestRefusals(t *testing.T) {
	for code, want := range map[server.ErrorIdentifier]error{10071: errFence, 10164: errInFlight, 10077: ErrFull, 10023: ErrFull, 10002: ErrFull, 10008: errNobody, 1: ErrUnavailable} {
		if err := refusal(code, "maximum bytes exceeded"); !errors.Is(err, want) {
			t.Errorf("code %d: %v, want %v", code, err, want)
		}
	}
	if err := refusal(10077, "stream closed"); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrFull) {
		t.Errorf("another store error: %v", err)
	}
}

func TestOpenIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Config{Dir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("open: %v", err)
	}
}

func FuzzUnseal(f *testing.F) {
	f.Add(message{kind: kindEntry, nonce: 1, before: 7, time: time.Unix(1, 2), data: []byte("data")}.seal())
	f.Add(message{kind: kindEnd, nonce: 1, expires: time.UnixMilli(5)}.seal())
	f.Add(must2(marker{Epoch: 1, Node: "n"}.seal(2, time.Unix(3, 4))))
	f.Add([]byte{})
	f.Add([]byte{kindEnd, 22, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22})
	f.Add([]byte{0x41, 40, 3})
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, known, err := unseal(raw)
		if err != nil {
			if !errors.Is(err, errMessage) && !errors.Is(err, ErrNewer) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if !known {
			return
		}
		again, _, err := unseal(m.seal())
		if err != nil || !reflect.DeepEqual(again, m) && len(m.data) > 0 {
			t.Fatalf("%x sealed again is %+v, not %+v: %v", raw, again, m, err)
		}
		if _, err := unsealMarker(1, raw); err != nil && !errors.Is(err, errMessage) {
			t.Fatal(err)
		}
	})
}

func must2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
