package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// sixty fills a ledger with 60 meetings of three entries and a fact, and closes
// it. It returns what Load must show for each.
func sixty(t *testing.T, dir string) map[meeting.ID][]string {
	t.Helper()
	l, ctx := openTB(t, Config{Dir: dir}), t.Context()
	want := map[meeting.ID][]string{}
	for i := range 60 {
		id := randomID(t)
		var rev Revision
		for n := range 3 {
			text := fmt.Sprintf("entry %d of meeting %d, as long as one may be", n, i)
			rev = must[Revision](t)(l.Append(ctx, id, rev, []byte(text), Ordinary))
			want[id] = append(want[id], text)
		}
		if err := l.AppendFact(ctx, id, []byte("joined")); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return want
}

// damageFiles is a way to damage what lies below the ledger's directory.
type damageFiles func(t *testing.T, dir string)

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, streamsDir, "jetstream", "*", "streams", pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("nothing matches %s: %v", pattern, err)
	}
	return found
}

// onFile applies fn to the content of the first file that matches.
func onFile(pattern string, fn func([]byte) []byte) damageFiles {
	return func(t *testing.T, dir string) {
		t.Helper()
		rewrite(t, glob(t, dir, pattern)[0], fn)
	}
}

func rewrite(t *testing.T, path string, fn func([]byte) []byte) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, fn(raw), 0o600); err != nil {
		t.Fatal(err)
	}
}

func onAll(pattern string, fn func([]byte) []byte) damageFiles {
	return func(t *testing.T, dir string) {
		t.Helper()
		for _, path := range glob(t, dir, pattern) {
			rewrite(t, path, fn)
		}
	}
}

func remove(patterns ...string) damageFiles {
	return func(t *testing.T, dir string) {
		t.Helper()
		for _, pattern := range patterns {
			paths := []string{filepath.Join(dir, pattern)}
			if strings.Contains(pattern, "/") {
				paths = glob(t, dir, strings.TrimPrefix(pattern, "/"))
			}
			for _, path := range paths {
				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func both(list ...damageFiles) damageFiles {
	return func(t *testing.T, dir string) {
		t.Helper()
		for _, fn := range list {
			fn(t, dir)
		}
	}
}

func flip(at int) func([]byte) []byte {
	return func(raw []byte) []byte {
		if at < 0 {
			at += len(raw)
		}
		raw[at] ^= 4
		return raw
	}
}

func layoutSays(change func(*layout)) damageFiles {
	return func(t *testing.T, dir string) {
		t.Helper()
		rewrite(t, filepath.Join(dir, layoutName), func(raw []byte) []byte {
			var l layout
			if err := json.Unmarshal(raw, &l); err != nil {
				t.Fatal(err)
			}
			change(&l)
			return must[[]byte](t)(json.Marshal(l))
		})
	}
}

const (
	blocks = "MT0[0-7]/msgs/*.blk"
	block  = "MT02/msgs/1.blk"
)

// Whatever happens to the files while the ledger is closed, it either has all
// of its entries or says what is wrong and refuses.
func TestDamageIsNoticed(t *testing.T) {
	garbage := func([]byte) []byte { return []byte("garbage, and a little more than 32 bytes of it") }
	empty := func([]byte) []byte { return nil }
	for name, c := range map[string]struct {
		damage damageFiles
		says   string // "" when nothing must be lost
	}{
		"the last record cut by ten bytes":       {onFile(block, func(b []byte) []byte { return b[:len(b)-10] }), "MT02, block 1.blk"},
		"one bit of the last record":             {onFile(block, flip(-30)), "checksum"},
		"one bit of the last checksum":           {onFile(block, flip(-3)), "checksum"},
		"the last record gone without a trace":   {onFile(block, withoutLastRecord), "MT02 ends with message"},
		"one byte in the middle of a block":      {onFile(block, func(b []byte) []byte { return flip(len(b) / 2)(b) }), "MT02, block 1.blk"},
		"one bit of the first length":            {onFile(block, flip(1)), "MT02, block 1.blk"},
		"one bit of the last length":             {onFile(block, longer), "MT02, block 1.blk"},
		"one bit of a subject":                   {onFile(block, flip(blockHeader+6)), "checksum"},
		"one bit of a sequence":                  {onFile(block, flip(4)), "checksum"},
		"a hundred bytes of a block":             {onFile(block, func(b []byte) []byte { copy(b[300:400], make([]byte, 100)); return b }), "MT02, block 1.blk"},
		"a block halved":                         {onFile(block, func(b []byte) []byte { return b[:len(b)/2] }), "MT02"},
		"a block emptied":                        {onFile(block, empty), "MT02"},
		"a block deleted":                        {remove("/" + block), "MT02"},
		"a block deleted and its index":          {remove("/"+block, "/MT02/msgs/index.db"), "MT02"},
		"something appended to a block":          {onFile(block, func(b []byte) []byte { return append(b, "rubbish"...) }), "MT02, block 1.blk"},
		"the first record of every block zeroed": {onAll(blocks, func(b []byte) []byte { clear(b[:100]); return b }), "MT00, block 1.blk, byte 0"},
		"four streams instead of eight":          {layoutSays(func(l *layout) { l.Streams = 4 }), "says 4 streams"},
		"sixteen streams instead of eight":       {layoutSays(func(l *layout) { l.Streams = 16 }), "is missing"},
		"eight slots":                            {layoutSays(func(l *layout) { l.Slots = 8 }), "8 slots"},
		"a layout of before":                     {layoutSays(func(l *layout) { l.Version = 1 }), "before the first release"},
		"another version of the layout":          {layoutSays(func(l *layout) { l.Version = 99 }), "version 99"},
		"the layout emptied":                     {func(t *testing.T, dir string) { rewrite(t, filepath.Join(dir, layoutName), empty) }, layoutName},
		"the layout and one stream removed":      {remove(layoutName, "/MT03"), layoutName + " is missing"},
		"the layout removed":                     {remove(layoutName), layoutName + " is missing"},
		"a stream removed":                       {remove("/MT03"), "MT03: its messages are missing"},
		"the messages of a stream removed":       {remove("/MT03/msgs"), "MT03: its messages are missing"},
		"the witness removed":                    {remove(witnessName), witnessName},
		"the witness emptied":                    {func(t *testing.T, dir string) { rewrite(t, filepath.Join(dir, witnessName), empty) }, witnessName},
		"all indexes deleted":                    {remove("/*/msgs/index.db"), ""},
		"all indexes garbage":                    {onAll("*/msgs/index.db", garbage), ""},
		"nothing":                                {both(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			want := sixty(t, dir)
			c.damage(t, dir)
			l, err := open(t.Context(), Config{Dir: dir})
			if c.says != "" {
				if err == nil {
					_ = l.Close()
					t.Fatal("the damaged ledger was opened")
				}
				if !strings.Contains(err.Error(), c.says) {
					t.Errorf("refused with %q, want a text with %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			for id, texts := range want {
				wantTexts(t, must[[]Entry](t)(l.Load(t.Context(), id)), texts...)
			}
		})
	}
}

// withoutLastRecord takes the last record away, whole.
func withoutLastRecord(block []byte) []byte {
	for at := 0; ; {
		next := at + int(uint32(block[at])|uint32(block[at+1])<<8|uint32(block[at+2])<<16|uint32(block[at+3]&0x7f)<<24)
		if next >= len(block) {
			return block[:at]
		}
		at = next
	}
}

// A refused start changes nothing: the same directory, mended, has everything.
func TestARefusedStartChangesNothing(t *testing.T) {
	dir := t.TempDir()
	want := sixty(t, dir)
	path := glob(t, dir, block)[0]
	good := must[[]byte](t)(os.ReadFile(path))
	for range 2 {
		rewrite(t, path, func(raw []byte) []byte { return flip(500)(raw) })
		if _, err := Open(t.Context(), Config{Dir: dir}); !errors.Is(err, ErrDamaged) {
			t.Fatalf("open: %v, want ErrDamaged", err)
		}
		rewrite(t, path, func([]byte) []byte { return good })
	}
	l := openTB(t, Config{Dir: dir})
	for id, texts := range want {
		wantTexts(t, must[[]Entry](t)(l.Load(t.Context(), id)), texts...)
	}
}

// Who accepts the loss gets what is left, and the next start is an ordinary
// one.
func TestLossCanBeAccepted(t *testing.T) {
	dir := t.TempDir()
	want := sixty(t, dir)
	onFile(block, func(b []byte) []byte { return flip(len(b) / 2)(b) })(t, dir)
	remove(witnessName)(t, dir)
	l := openTB(t, Config{Dir: dir, AcceptLoss: true})
	lost := 0
	for id, texts := range want {
		got := must[[]Entry](t)(l.Load(t.Context(), id))
		if len(got) < len(texts) {
			lost++
		}
	}
	if lost == 0 || lost > 20 {
		t.Errorf("%d of 60 meetings lack entries after one byte", lost)
	}
	id := randomID(t)
	must[Revision](t)(l.Append(t.Context(), id, Revision{}, []byte("after"), Ordinary))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	wantTexts(t, must[[]Entry](t)(openTB(t, Config{Dir: dir}).Load(t.Context(), id)), "after")
}

// After a crash the record being written may be cut short, and the end of the
// last block is the only place where that is no damage.
func TestATornRecordIsCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		damage damageFiles
		ok     bool
	}{
		"half a record":              {onFile(block, func(b []byte) []byte { return append(b, b[:70]...) }), true},
		"a few bytes":                {onFile(block, func(b []byte) []byte { return append(b, 9, 9, 9) }), true},
		"zeros":                      {onFile(block, func(b []byte) []byte { return append(b, make([]byte, 5000)...) }), true},
		"a record, its end not yet":  {onFile(block, tornRecord), true},
		"an acknowledged record cut": {onFile(block, func(b []byte) []byte { return b[:len(b)-10] }), false},
		"a whole record, spoilt":     {onFile(block, flip(-30)), false},
		"the middle":                 {onFile(block, flip(500)), false},
		"a length made longer":       {onFile(block, longer), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			want := sixty(t, dir)
			unclean(t, dir)
			c.damage(t, dir)
			l, err := open(t.Context(), Config{Dir: dir})
			if !c.ok {
				if !errors.Is(err, ErrDamaged) {
					t.Fatalf("open: %v, want ErrDamaged", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for id, texts := range want {
				wantTexts(t, must[[]Entry](t)(l.Load(t.Context(), id)), texts...)
			}
			must[Revision](t)(l.Append(t.Context(), randomID(t), Revision{}, []byte("goes on"), Ordinary))
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			openTB(t, Config{Dir: dir})
		})
	}
}

// longer makes the last record claim to be longer than it is, as if the rest of
// it had not been written.
func longer(block []byte) []byte {
	block[len(withoutLastRecord(block))+1] |= 0x10
	return block
}

// tornRecord appends a record of which only the first part reached the disk,
// in a file that has its full length.
func tornRecord(block []byte) []byte {
	length := int(block[0]) | int(block[1])<<8
	record := make([]byte, length)
	copy(record, block[:length/2])
	return append(block, record...)
}

// unclean makes the testimony that of a process that ended without closing.
func unclean(t *testing.T, dir string) {
	t.Helper()
	told := must[testimony](t)(loadTestimony(dir))
	told.Clean = false
	for name, s := range told.Stores {
		s.Blocks = nil
		told.Stores[name] = s
	}
	if err := told.save(dir); err != nil {
		t.Fatal(err)
	}
}

// The account is kept while the ledger runs, so that a crash does not lose it.
func TestTheWitnessKeepsUp(t *testing.T) {
	dir := t.TempDir()
	l, ctx, id := openTB(t, Config{Dir: dir, Streams: 1}), t.Context(), randomID(t)
	var rev Revision
	for range 2 * witnessEvery {
		rev = must[Revision](t)(l.Append(ctx, id, rev, nil, Ordinary))
	}
	eventually(t, "the witness is written", func() bool {
		told := must[testimony](t)(loadTestimony(dir))
		return !told.Clean && told.Stores["MT00"].Last >= witnessEvery
	})
}

// Our reading of blocks is that of the embedded server: many sizes, headers,
// erased messages, several blocks.
func TestBlocksAreReadAsTheServerWritesThem(t *testing.T) {
	dir := t.TempDir()
	l, ctx := openTB(t, Config{Dir: dir, Streams: 1}), t.Context()
	var last Revision
	for n := range 300 {
		id := randomID(t)
		data := make([]byte, n*n) // up to 90 KB: more than one block in all
		rev := must[Revision](t)(l.Append(ctx, id, Revision{}, data, Ordinary))
		last = must[Revision](t)(l.Append(ctx, id, rev, data, Ordinary))
		if n%3 == 0 {
			last = must[Revision](t)(l.End(ctx, id, last, []byte("end"), time.Hour))
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	stores := must[[]blockStore](t)(blockStores(filepath.Join(dir, streamsDir)))
	for _, s := range stores {
		seq, damage, err := s.check(crashed)
		if err != nil || len(damage) > 0 {
			t.Errorf("%s: %v, %v", s.name, damage, err)
		}
		if s.name == "MT00" && (seq != last.Seq || len(s.files) < 2) {
			t.Errorf("MT00: last sequence %d in %d blocks, want %d in several", seq, len(s.files), last.Seq)
		}
	}
}

func FuzzBlocks(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 100))
	f.Add([]byte{31, 0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "1.blk"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		s := blockStore{name: "MT00", dir: dir, files: must[[]blockFile](t)(blockFiles(dir))}
		if _, _, err := s.check(crashed); err != nil {
			t.Fatal(err)
		}
	})
}
