package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// store is a Sink in memory that fails when it is told to.
type store struct {
	mu      sync.Mutex
	objects map[string][]byte
	meta    map[string]Object
	order   []string
	fail    func(key string) error // nil for never
	putting func(key string)       // called while an object is put
	halves  []string               // objects that a crash left half stored
	stuck   error                  // of Abandon
}

func newStore() *store { return &store{objects: map[string][]byte{}, meta: map[string]Object{}} }

func (s *store) Check(context.Context, string, string) error { return nil }

func (s *store) Put(_ context.Context, o Object, content io.ReaderAt, size int64) error {
	if s.putting != nil {
		s.putting(o.Key)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(content, 0, size), data); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(o.Key); err != nil {
			return err
		}
	}
	s.objects[o.Bucket+"/"+o.Key], s.meta[o.Key] = data, o
	s.order = append(s.order, o.Key)
	return nil
}

func (s *store) List(_ context.Context, bucket, prefix string) (list []Listed, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, data := range s.objects {
		if key, ok := strings.CutPrefix(name, bucket+"/"); ok && strings.HasPrefix(key, prefix) {
			list = append(list, Listed{key, int64(len(data))})
		}
	}
	slices.SortFunc(list, func(a, b Listed) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}

func (s *store) Abandon(_ context.Context, bucket, prefix string, mine func(key string) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stuck != nil {
		return s.stuck
	}
	s.halves = slices.DeleteFunc(s.halves, func(name string) bool {
		key, ok := strings.CutPrefix(name, bucket+"/")
		return ok && strings.HasPrefix(key, prefix) && mine(key)
	})
	return nil
}

func (s *store) Open(_ context.Context, bucket, key string) (Content, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.objects[bucket+"/"+key]
	if !ok {
		return nil, fmt.Errorf("no object %s", key)
	}
	return nopCloser{strings.NewReader(string(data))}, nil
}

type nopCloser struct{ *strings.Reader }

func (nopCloser) Close() error { return nil }

func aPipeline() *meeting.Pipeline {
	return &meeting.Pipeline{ID: meeting.ID{7}, Kind: meeting.CapturePipeline, Meeting: meeting.ID{2},
		Settings: meeting.PipelineSettings{Bucket: "bucket", Prefix: "p", KMSKey: "key", KMSContext: "context"}}
}

// upload runs an uploader until everything is stored.
func upload(t *testing.T, sink Sink, s *spool, trouble func(time.Duration, error)) {
	t.Helper()
	drain := make(chan struct{})
	close(drain)
	if trouble == nil {
		trouble = func(time.Duration, error) {}
	}
	(&uploader{sink: sink, spool: s, now: time.Now, trouble: trouble}).run(context.Background(), drain)
}

func TestPiecesAreStoredWithAllThatIsSaidOfThem(t *testing.T) {
	s, sink := openTestSpool(t, t.TempDir(), new(budget)), newStore()
	defer s.close()
	must(t, s.add(aPiece("audio", 0), []byte("content")))
	upload(t, sink, s, nil)
	if got := sink.objects["bucket/p/audio/0"]; string(got) != "content" {
		t.Errorf("%q", got)
	}
	o := sink.meta["p/audio/0"]
	if o.Type != typeMP4 || o.KMSKey != "key" || o.KMSContext != "context" || o.Metadata["duration-ms"] != "5000" ||
		o.Metadata["start"] != "2026-03-04T05:06:07.123Z" || o.Metadata["pipeline"] != (meeting.ID{7}).String() || o.Metadata["meeting"] != (meeting.ID{2}).String() {
		t.Errorf("%+v", o)
	}
	if len(s.waiting()) != 0 {
		t.Errorf("%v", s.waiting())
	}
}

func TestAStreamIsStoredInOrderAndStreamsSideBySide(t *testing.T) {
	s, sink := openTestSpool(t, t.TempDir(), new(budget)), newStore()
	defer s.close()
	var want []string
	for i := range 8 {
		for stream := range 3 {
			p := aPiece(fmt.Sprint("video/", stream), i)
			must(t, s.add(p, []byte("x")))
			if stream == 0 {
				want = append(want, p.Key)
			}
		}
	}
	var mu sync.Mutex
	running, most := 0, 0
	sink.putting = func(string) {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		time.Sleep(time.Millisecond)
		mu.Lock()
		running--
		mu.Unlock()
	}
	upload(t, sink, s, nil)
	got := slices.DeleteFunc(slices.Clone(sink.order), func(key string) bool { return !strings.HasPrefix(key, "p/video/0/") })
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if most > inFlight || most < 2 {
		t.Errorf("%d at the same time", most)
	}
}

func TestStoringIsTriedUntilItWorks(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, sink := openTestSpool(t, dir, new(budget)), newStore()
		defer s.close()
		must(t, s.add(aPiece("audio", 0), []byte("x")))
		down := time.Now().Add(5 * time.Minute)
		refused := 0
		sink.fail = func(string) error {
			if time.Now().Before(down) {
				refused++
				return errors.New("down")
			}
			return nil
		}
		var longest time.Duration
		works := 0
		upload(t, sink, s, func(since time.Duration, err error) {
			if longest = max(longest, since); err == nil {
				works++
			}
		})
		if took := time.Since(down); took < 0 || took > lastRetry {
			t.Errorf("stored %s after the store was back", took)
		}
		if refused < 10 || refused > 25 || longest < 4*time.Minute || works != 1 {
			t.Errorf("tried %d times, failing for %s, told %d times that it works", refused, longest, works)
		}
	})
}

func TestStoringEndsWhenItIsTold(t *testing.T) {
	s, sink := openTestSpool(t, t.TempDir(), new(budget)), newStore()
	defer s.close()
	must(t, s.add(aPiece("audio", 0), []byte("x")))
	sink.fail = func(string) error { return errors.New("down") }
	ctx, cancel := context.WithCancel(context.Background())
	(&uploader{sink: sink, spool: s, now: time.Now, trouble: func(time.Duration, error) { cancel() }}).run(ctx, make(chan struct{}))
	if len(s.waiting()) != 1 {
		t.Errorf("%v", s.waiting())
	}
}

func TestPiecesThatComeLaterAreStoredToo(t *testing.T) {
	s, sink := openTestSpool(t, t.TempDir(), new(budget)), newStore()
	defer s.close()
	stored, drain, done := make(chan string, 10), make(chan struct{}), make(chan struct{})
	sink.putting = func(key string) { stored <- key }
	go func() {
		defer close(done)
		(&uploader{sink: sink, spool: s, now: time.Now, trouble: func(time.Duration, error) {}}).run(context.Background(), drain)
	}()
	for i := range 3 {
		must(t, s.add(aPiece("audio", i), []byte("x")))
		if key := <-stored; key != fmt.Sprintf("p/audio/%d", i) {
			t.Errorf("%s", key)
		}
	}
	close(drain)
	<-done
	if len(s.waiting()) != 0 {
		t.Errorf("%v", s.waiting())
	}
}

func TestADirectoryHoldsTheSameObjects(t *testing.T) {
	d := Directory(t.TempDir())
	ctx := context.Background()
	must(t, d.Check(ctx, "bucket", "p"))
	key := "p/video/2026-a#content.mp4"
	for _, content := range []string{"first", "the second"} {
		must(t, d.Put(ctx, Object{Bucket: "bucket", Key: key}, strings.NewReader(content), int64(len(content))))
		f, err := d.Open(ctx, "bucket", key)
		must(t, err)
		got, err := io.ReadAll(f)
		if must(t, errors.Join(err, f.Close())); string(got) != content {
			t.Errorf("%q", got)
		}
	}
	if _, err := d.Open(ctx, "bucket", "absent"); err == nil {
		t.Error("an object that is not there")
	}
	if err := Directory("/proc/nothing").Check(ctx, "bucket", ""); err == nil {
		t.Error("a directory that cannot be written")
	}
}
