package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
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
func loseAnswers(l *Log, n int64, sent bool) {
	var calls atomic.Int64
	l.engine.ask = func(m *nats.Msg, within time.Duration) (*nats.Msg, error) {
		lost := calls.Add(1) <= n
		if lost && !sent {
			return nil, nats.ErrTimeout
		}
		reply, err := l.engine.write.RequestMsg(m, within)
		if lost {
			return nil, nats.ErrTimeout
		}
		return reply, err
	}
}

func TestLostAnswerIsResolved(t *testing.T) {
	for _, sent := range []bool{true, false} {
		t.Run(fmt.Sprintf("sent=%v", sent), func(t *testing.T) {
			l, ctx, id := openTB(t, Config{}), t.Context(), randomID(t)
			first := must[uint64](t)(l.Append(ctx, id, 0, []byte("one"), Ordinary))
			loseAnswers(l, 2, sent)
			rev := must[uint64](t)(l.Append(ctx, id, first, []byte("two"), Ordinary))
			got := must[[]Entry](t)(l.Load(ctx, id, 0))
			wantTexts(t, got, "one", "two")
			if got[1].Revision != rev {
				t.Errorf("told revision %d, stored as %d", rev, got[1].Revision)
			}
			loseAnswers(l, 1, sent)
			must[uint64](t)(l.End(ctx, id, rev, []byte("end"), time.Hour))
			wantTexts(t, must[[]Entry](t)(l.Load(ctx, id, 0)), "end")
			loseAnswers(l, 2, sent)
			if err := l.AppendFact(ctx, id, []byte("fact")); err != nil {
				t.Fatal(err)
			}
			wantTexts(t, must[[]Entry](t)(l.LoadFacts(ctx, id)), "fact")
		})
	}
}

func TestLostWriteThatSomebodyOvertookIsStale(t *testing.T) {
	l, ctx, id := openTB(t, Config{}), t.Context(), randomID(t)
	first := must[uint64](t)(l.Append(ctx, id, 0, []byte("one"), Ordinary))
	var calls int
	l.engine.ask = func(m *nats.Msg, within time.Duration) (*nats.Msg, error) {
		if calls++; calls == 1 {
			other := *m
			other.Data = envelope{kind: kindEntry, data: []byte("other")}.seal()
			if _, err := l.engine.write.RequestMsg(&other, within); err != nil {
				t.Error(err)
			}
			return nil, nats.ErrTimeout
		}
		return l.engine.write.RequestMsg(m, within)
	}
	if _, err := l.Append(ctx, id, first, []byte("two"), Ordinary); !errors.Is(err, ErrStale) {
		t.Errorf("append: %v, want ErrStale", err)
	}
	wantTexts(t, must[[]Entry](t)(l.Load(ctx, id, 0)), "one", "other")
}

func TestUnresolvedWriteIsUnavailable(t *testing.T) {
	l, ctx, id := openTB(t, Config{}), t.Context(), randomID(t)
	loseAnswers(l, attempts, true)
	if _, err := l.Append(ctx, id, 0, []byte("one"), Ordinary); !errors.Is(err, ErrUnavailable) {
		t.Errorf("append without any answer: %v, want ErrUnavailable", err)
	}
	wantTexts(t, must[[]Entry](t)(l.Load(ctx, id, 0)), "one")
}

func TestFullLedgerRefusesButEndsMeetings(t *testing.T) {
	l, ctx := openTB(t, Config{Shards: 1, MaxBytes: 1 << 20}), t.Context()
	data := bytes.Repeat([]byte("d"), 32<<10)
	type last struct {
		id  meeting.ID
		rev uint64
	}
	var stored []last
	for {
		id := randomID(t)
		rev, err := l.Append(ctx, id, 0, data, Ordinary)
		if errors.Is(err, ErrFull) {
			break
		}
		stored = append(stored, last{id, must[uint64](t)(rev, err)})
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
		must[uint64](t)(l.End(ctx, s.id, s.rev, data, time.Millisecond))
	}
	eventually(t, "room again", func() bool {
		_, err := l.Append(ctx, randomID(t), 0, data, Ordinary)
		return err == nil
	})
}

func TestNearlyFullDiskRefuses(t *testing.T) {
	l := openTB(t, Config{MinFree: 1 << 60})
	if _, err := l.Append(t.Context(), randomID(t), 0, nil, Ordinary); !errors.Is(err, ErrFull) {
		t.Errorf("append: %v, want ErrFull", err)
	}
}

func TestEntriesOlderThanMaxAgeVanish(t *testing.T) {
	l, ctx, id := openTB(t, Config{MaxAge: 300 * time.Millisecond}), t.Context(), randomID(t)
	must[uint64](t)(l.Append(ctx, id, 0, []byte("forgotten"), Ordinary))
	eventually(t, "entry vanishes", func() bool { return len(must[[]Entry](t)(l.Load(ctx, id, 0))) == 0 })
}

// A crash between storing an end and removing what it replaces leaves both.
func TestHalfDoneEndHidesWhatItReplaces(t *testing.T) {
	dir := t.TempDir()
	l, ctx, id := openTB(t, Config{Dir: dir, Shards: 1}), t.Context(), randomID(t)
	must[uint64](t)(l.Append(ctx, id, 0, []byte("created"), Ordinary))
	end := envelope{kind: kindEnd, data: []byte("ended"), expires: time.Now().Add(200 * time.Millisecond)}
	must[uint64](t)(l.engine.publish(&nats.Msg{Subject: l.layout.subject(0, id), Data: end.seal()})) // without the roll-up
	wantTexts(t, must[[]Entry](t)(l.Load(ctx, id, 0)), "ended")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTB(t, Config{Dir: dir})
	if err := l.Scan(ctx, func(meeting.ID, Entry) error { return nil }); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the whole meeting vanishes", func() bool { return len(must[[]Entry](t)(l.Load(ctx, id, 0))) == 0 })
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
		"no directory":      {Config{}, "no data directory"},
		"too many shards":   {Config{Dir: t.TempDir(), Shards: 101}, "1 to 100"},
		"a file":            {Config{Dir: file}, "not a directory"},
		"below a file":      {Config{Dir: filepath.Join(file, "dir")}, "not a directory"},
		"another version":   {Config{Dir: with(`{"version":2,"shards":8}`)}, "version 2"},
		"a broken layout":   {Config{Dir: with(`{`)}, layoutName},
		"impossible layout": {Config{Dir: with(`{"version":1,"shards":0}`)}, "0 shards"},
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

func TestTheDirectoryDecidesTheShards(t *testing.T) {
	dir := t.TempDir()
	l, ctx, id := openTB(t, Config{Dir: dir, Shards: 3}), t.Context(), randomID(t)
	must[uint64](t)(l.Append(ctx, id, 0, []byte("one"), Ordinary))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTB(t, Config{Dir: dir, Shards: 16, MaxBytes: 1 << 30})
	if l.layout.Shards != 3 {
		t.Errorf("reopened with %d shards", l.layout.Shards)
	}
	wantTexts(t, must[[]Entry](t)(l.Load(ctx, id, 0)), "one")
}

func TestShardsAreForEver(t *testing.T) {
	l := layout{Shards: 8}
	spread := make([]int, l.Shards)
	for n := range 4000 {
		spread[l.shardOf(meeting.ID{byte(n), byte(n >> 8), 0x40, 0x80})]++
	}
	if low, high := slices.Min(spread), slices.Max(spread); low < 400 || high > 600 {
		t.Errorf("4000 meetings spread as %v", spread)
	}
	// Another answer would lose every stored meeting.
	for range 100 {
		id, h := randomID(t), fnv.New32a()
		h.Write(id[:])
		if got, want := l.shardOf(id), int(h.Sum32()%8); got != want {
			t.Fatalf("meeting %v is in shard %d, not in %d as FNV-1a has it", id, got, want)
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
	must[uint64](t)(l.Append(ctx, id, 0, []byte("one"), Ordinary))
	cause := errors.New("disk on fire")
	// The disk fails while the write is under way: its answer must not count.
	l.engine.ask = func(m *nats.Msg, within time.Duration) (*nats.Msg, error) {
		defer l.fault.trip(cause)
		return l.engine.write.RequestMsg(m, within)
	}
	if _, err := l.Append(ctx, randomID(t), 0, nil, Ordinary); !errors.Is(err, ErrUnavailable) || !errors.Is(err, cause) {
		t.Errorf("write answered while the disk failed: %v", err)
	}
	if _, err := l.Load(ctx, id, 0); !errors.Is(err, cause) {
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
	b := bridge{slog.New(slog.NewTextHandler(&out, nil)), newTrouble(newFault())}
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
	b.Errorf("Filestore [MT00] Critical write error: %v", os.ErrClosed)
	if err := b.trouble.check(); !errors.Is(err, errStorage) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("a write error became %v", err)
	}
	fatal := bridge{b.log, newTrouble(newFault())}
	fatal.Fatalf("Can't start JetStream: %s", "reason")
	if err := fatal.trouble.check(); err == nil || !strings.Contains(err.Error(), "reason") {
		t.Errorf("a fatal error became %v", err)
	}
}

func TestRefusals(t *testing.T) {
	for code, want := range map[server.ErrorIdentifier]error{10071: ErrStale, 10164: ErrStale, 10077: ErrFull, 10023: ErrFull, 10002: ErrFull, 1: ErrUnavailable} {
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
	f.Add(envelope{kind: kindEntry, nonce: 1, time: time.Unix(1, 2), data: []byte("data")}.seal())
	f.Add(envelope{kind: kindEnd, nonce: 1, expires: time.UnixMilli(5)}.seal())
	f.Add([]byte{})
	f.Add([]byte{kindEnd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Fuzz(func(t *testing.T, msg []byte) {
		e, err := unseal(msg)
		if err != nil {
			if !errors.Is(err, errEnvelope) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if again := e.seal(); !bytes.Equal(again, msg) {
			t.Fatalf("%x sealed again is %x", msg, again)
		}
	})
}
