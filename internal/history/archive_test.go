package history

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

var week = Bounds{Age: 7 * 24 * time.Hour, Bytes: 64 << 20}

// ended is a meeting that ended n minutes after noon.
func ended(n int) *observe.Detail {
	at := observe.At(time.UnixMilli(1_772_000_000_000).Add(time.Duration(n) * time.Minute))
	return &observe.Detail{
		Meeting: observe.Meeting{
			ID: meeting.ID{1, byte(n >> 8), byte(n)}, Account: fmt.Sprint("account-", n%2), External: fmt.Sprint("meeting-", n%3), Created: observe.At(at.Add(-time.Hour)),
			Ended: at, Reason: "deleted by request", Tags: []observe.Tag{{Key: "n", Value: fmt.Sprint(n)}},
		},
		Attendees: []observe.Attendee{{ID: meeting.ID{9}, External: "ada", Deleted: true, Tags: []observe.Tag{}, Sessions: []observe.Session{
			{Key: "k", Attendee: meeting.ID{9}, State: observe.Left, Steps: []observe.Step{}, Quality: &observe.Quality{Samples: 3, LossIn: 1.5}},
		}}},
		Records:  []observe.Record{{ID: "1", Kind: "created", Actor: "key:A"}},
		Refusals: []observe.Refusal{},
	}
}

// shelf is an archive with a clock and a log of its own.
type shelf struct {
	*Archive
	t    *testing.T
	dir  string
	now  time.Time
	said bytes.Buffer
}

func newShelf(t *testing.T, bounds Bounds) *shelf {
	s := &shelf{t: t, dir: t.TempDir(), now: ended(0).Meeting.Ended.Add(time.Hour)}
	s.reopen(bounds)
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *shelf) reopen(bounds Bounds) {
	s.t.Helper()
	if s.Archive != nil {
		if err := s.Close(); err != nil {
			s.t.Fatal(err)
		}
	}
	var err error
	if s.Archive, err = OpenArchive(s.dir, bounds, func() time.Time { return s.now }, slog.New(slog.NewTextHandler(&s.said, nil))); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shelf) keep(n int) {
	s.t.Helper()
	if err := s.Keep(s.t.Context(), ended(n)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shelf) latestOf() []observe.Meeting {
	s.t.Helper()
	latest, err := s.Latest(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return latest
}

// has fails unless exactly these of the first hundred meetings are kept, whole.
func (s *shelf) has(want ...int) {
	s.t.Helper()
	var got []int
	for n := range 100 {
		d, ok, err := s.Detail(s.t.Context(), ended(n).Meeting.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		if !ok {
			continue
		}
		got = append(got, n)
		if !reflect.DeepEqual(&d, ended(n)) {
			s.t.Errorf("%d came back as %+v", n, d)
		}
		if m, ok, err := s.Meeting(s.t.Context(), d.Meeting.ID); !ok || err != nil || !reflect.DeepEqual(m, d.Meeting) {
			s.t.Errorf("the row of %d came back as %+v", n, m)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("kept are %v, want %v", got, want)
	}
}

func TestEndedMeetingsSurviveARestart(t *testing.T) {
	s := newShelf(t, week)
	s.keep(3)
	s.keep(1)
	s.has(1, 3)
	s.reopen(week)
	s.keep(2)
	s.keep(1) // again
	s.has(1, 2, 3)
	s.reopen(week)
	s.has(1, 2, 3)
	if latest := s.latestOf(); len(latest) != 3 || latest[0].ID != ended(3).Meeting.ID || latest[2].ID != ended(1).Meeting.ID {
		t.Errorf("the latest are %+v", latest)
	}
	if size, n := s.Size(); n != 3 || size <= 0 {
		t.Errorf("%d bytes, %d meetings", size, n)
	}
	if s.said.Len() > 0 {
		t.Errorf("it said %s", s.said.String())
	}
}

func TestWhatIsTooOldGoes(t *testing.T) {
	s := newShelf(t, week)
	s.keep(1)
	s.reopen(week) // a segment of its own
	s.keep(50)
	s.now = ended(10).Meeting.Ended.Add(week.Age)
	s.has(50)
	s.expire()
	if files, _ := filepath.Glob(filepath.Join(s.dir, "*")); len(files) != 1 {
		t.Errorf("files left: %v", files)
	}
	s.reopen(week)
	s.has(50)
	s.now = ended(60).Meeting.Ended.Add(week.Age)
	s.has()
	if len(s.latestOf()) != 0 {
		t.Error("what is too old is among the latest")
	}
}

func TestTheBytesAreBounded(t *testing.T) {
	one, err := new(press).frame(ended(0))
	if err != nil {
		t.Fatal(err)
	}
	bounds := Bounds{Age: week.Age, Bytes: int64(20 * len(one))}
	s := newShelf(t, bounds)
	for n := range 60 {
		s.keep(n)
		if size, _ := s.Size(); size > bounds.Bytes {
			t.Fatalf("%d bytes after %d meetings, bound is %d", size, n, bounds.Bytes)
		}
	}
	if !s.Has(ended(59).Meeting.ID) {
		t.Error("the newest is not kept")
	}
	if s.Has(ended(0).Meeting.ID) {
		t.Error("the oldest is kept")
	}
	if _, n := s.Size(); n < 15 {
		t.Errorf("only %d are kept", n)
	}
}

func TestDamageIsPassedOver(t *testing.T) {
	one, err := new(press).frame(ended(1))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(b []byte) []byte
		left  []int
	}{
		"the beginning of the first":  {func(b []byte) []byte { b[2] ^= 1; return b }, []int{2, 3}},
		"a length":                    {func(b []byte) []byte { b[6] ^= 1; return b }, []int{2, 3}},
		"a row":                       {func(b []byte) []byte { b[frameHead+5] ^= 1; return b }, []int{2, 3}},
		"a body":                      {func(b []byte) []byte { b[len(one)-9] ^= 1; return b }, []int{2, 3}},
		"the end is missing":          {func(b []byte) []byte { return b[:len(b)-3] }, []int{1, 2}},
		"a piece in the middle":       {func(b []byte) []byte { return append(b[:len(one)+7], b[len(one)+30:]...) }, []int{1, 3}},
		"all of it":                   {func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) }, nil},
		"a length without end":        {func(b []byte) []byte { copy(b[4:], "\x00\x3f\xff\xff\x00\xff\xff\xff"); return b }, []int{2, 3}},
		"nothing is left of the file": {func([]byte) []byte { return nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t, week)
			for n := 1; n <= 3; n++ {
				s.keep(n)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(s.dir, "*"))
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			whole, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(files[0], c.spoil(whole), 0o600); err != nil {
				t.Fatal(err)
			}
			s.reopen(week)
			s.has(c.left...)
			if name != "nothing is left of the file" && !strings.Contains(s.said.String(), "WARN") {
				t.Error("nothing was said about it")
			}
			s.keep(4)
			s.reopen(week)
			s.has(append(c.left, 4)...)
		})
	}
}

// What could not be written leaves nothing behind, and later writes succeed.
func TestAFailedWrite(t *testing.T) {
	s := newShelf(t, week)
	s.keep(1)
	for range 3 { // into the file of the first, and into new ones
		spoiled := func(path string) {
			t.Helper()
			f, err := os.Open(path) // for reading only
			if err != nil {
				t.Fatal(err)
			}
			if err := s.open.Close(); err != nil {
				t.Fatal(err)
			}
			s.open = f
		}
		if s.open == nil {
			if _, err := s.room(1); err != nil {
				t.Fatal(err)
			}
		}
		spoiled(s.segments[len(s.segments)-1].path)
		if err := s.Keep(t.Context(), ended(2)); err == nil {
			t.Fatal("a failed write is said to have succeeded")
		}
	}
	s.has(1)
	if files, _ := filepath.Glob(filepath.Join(s.dir, "*")); len(files) != 1 {
		t.Errorf("files left: %v", files)
	}
	s.keep(2)
	s.reopen(week)
	s.has(1, 2)
}

func TestStrangeFilesAreLeftAlone(t *testing.T) {
	s := newShelf(t, week)
	s.keep(1)
	for _, name := range []string{"ended-x.seg", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.reopen(week)
	s.has(1)
	if _, err := os.Stat(filepath.Join(s.dir, "ended-x.seg")); err != nil {
		t.Error(err)
	}
}

func TestPagesOfEndedMeetings(t *testing.T) {
	s := newShelf(t, week)
	for _, n := range []int{5, 1, 4, 2, 3, 6, 7, 8} {
		s.keep(n)
	}
	list := func(q observe.Query) (all []int) {
		q.Ended, q.Account = true, cmpAccount(q.Account)
		for range 20 {
			page, err := s.List(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Meetings) > q.Limit {
				t.Errorf("a page of %d, limit %d", len(page.Meetings), q.Limit)
			}
			for _, m := range page.Meetings {
				all = append(all, int(m.ID[2]))
			}
			if page.Next.IsZero() {
				return all
			}
			q.After = page.Next
		}
		t.Fatal("the list has no end")
		return nil
	}
	for _, c := range []struct {
		q    observe.Query
		want string
	}{
		{observe.Query{Limit: 100}, "[8 6 4 2]"},
		{observe.Query{Limit: 1}, "[8 6 4 2]"},
		{observe.Query{Limit: 3, Account: "account-1"}, "[7 5 3 1]"},
		{observe.Query{Limit: 3, External: "meeting-2"}, "[8 2]"},
		{observe.Query{Limit: 3, Tag: observe.Tag{Key: "n", Value: "6"}}, "[6]"},
		{observe.Query{Limit: 3, Tag: observe.Tag{Key: "n"}}, "[8 6 4 2]"},
		{observe.Query{Limit: 3, Tag: observe.Tag{Key: "m"}}, "[]"},
	} {
		if got := fmt.Sprint(list(c.q)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
	if page, err := s.List(t.Context(), observe.Query{Account: "account-0", Limit: 5}); err != nil || len(page.Meetings) != 0 {
		t.Errorf("active ones: %+v, %v", page, err)
	}
}

func cmpAccount(account string) string {
	if account == "" {
		return "account-0"
	}
	return account
}

func FuzzScan(f *testing.F) {
	one, err := new(press).frame(ended(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(one)
	f.Add(append(append([]byte("x"), one...), one[:30]...))
	f.Fuzz(func(t *testing.T, data []byte) {
		at := 0
		scan(data, func(_ *observe.Meeting, offset int, h header) {
			if offset != at {
				t.Errorf("a frame at %d, expected at %d", offset, at)
			}
			at = offset + frameHead + h.head + h.body
		}, func(offset, length int) {
			if offset != at || length < 1 {
				t.Errorf("%d bad bytes at %d, expected at %d", length, offset, at)
			}
			at = offset + length
		})
		if at != len(data) {
			t.Errorf("%d bytes of %d looked at", at, len(data))
		}
	})
}

func BenchmarkKeep(b *testing.B) {
	a, err := OpenArchive(b.TempDir(), week, func() time.Time { return ended(0).Meeting.Ended.Time }, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	d := *ended(1)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		d.Meeting.ID = meeting.ID{2, byte(n >> 16), byte(n >> 8), byte(n)}
		if err := a.Keep(b.Context(), &d); err != nil {
			b.Fatal(err)
		}
	}
}

func TestALargeMeetingIsCompressed(t *testing.T) {
	s := newShelf(t, week)
	d := ended(1)
	for n := range 2000 {
		d.Records = append(d.Records, observe.Record{ID: fmt.Sprint("media-", n), Kind: "joined", Actor: "media", External: fmt.Sprint("user-", n)})
	}
	if err := s.Keep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	s.reopen(week)
	if got, ok, err := s.Detail(t.Context(), d.Meeting.ID); !ok || err != nil || !reflect.DeepEqual(&got, d) {
		t.Error("it did not come back")
	}
	if size, _ := s.Size(); size > 40<<10 {
		t.Errorf("it takes %d bytes", size)
	}
}
