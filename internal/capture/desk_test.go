package capture

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// kind returns the kind of a refusal; 0 for none.
func kind(err error) meeting.Kind {
	var refused *meeting.Error
	if errors.As(err, &refused) {
		return refused.Kind
	}
	return 0
}

// read returns the n-th object of a recording.
func (h *house) read(d *Desk, id, recording meeting.ID, n int) (observe.RecordingFile, string) {
	h.t.Helper()
	f, content, err := d.Open(context.Background(), id, recording, n)
	must(h.t, err)
	data, err := io.ReadAll(content)
	must(h.t, errors.Join(err, content.Close()))
	return f, string(data)
}

func TestOperatorsRecordAndPlay(t *testing.T) {
	dir := t.TempDir()
	h := newHouse(t, Directory(dir), nil)
	d := NewDesk(h.service, h.plane, "console")
	m, other := h.meeting(), h.meeting()
	ctx := context.Background()
	if why := d.Unready(); why != "" || len(d.Of(m.ID)) != 0 {
		t.Errorf("%q, %v", why, d.Of(m.ID))
	}
	must(t, d.Begin(ctx, m.ID, observe.RecordingWish{Cameras: true}))
	all := d.Of(m.ID)
	if len(all) != 2 || all[0].Kind != observe.CaptureRecording || all[1].Kind != observe.ConcatenationRecording || all[1].Source != all[0].ID {
		t.Fatalf("%+v", all)
	}
	capture, join := all[0].ID, all[1].ID
	h.untilStatus(capture, meeting.PipelineInProgress)
	if err := d.Begin(ctx, m.ID, observe.RecordingWish{}); kind(err) != meeting.LimitExceeded || !strings.Contains(err.Error(), "being recorded already") {
		t.Errorf("a second one: %v", err)
	}
	if p, _ := h.plane.Pipeline(capture); !p.Settings.Artifacts.Video || p.Settings.Artifacts.Content || p.Settings.SinkArn != "arn:aws:s3:::console/"+m.ID.String() {
		t.Errorf("%+v", p.Settings)
	}
	h.until("sound", func() bool { return d.Of(m.ID)[0].Streams != nil && h.listener(m.ID) != nil })
	h.listener(m.ID).Message("ann", "chat", []byte("hello"), time.Now())
	must(t, d.Stop(ctx, m.ID, capture))
	h.untilStatus(join, meeting.PipelineStopped)

	all = d.Of(m.ID)
	if all[0].Status != "Stopped" || all[0].Waiting != 0 || all[1].Bucket != "console" || len(all[1].Streams) < 2 {
		t.Errorf("%+v", all)
	}
	for _, recording := range all {
		list, err := d.Files(m.ID, recording.ID)
		must(t, err)
		if len(list) == 0 {
			t.Errorf("%s %s has no files", recording.Kind, recording.ID)
		}
		for _, f := range list {
			got, content := h.read(d, m.ID, recording.ID, f.Number)
			if got != f || int64(len(content)) != f.Bytes || !f.Stored {
				t.Errorf("%+v, of %d bytes, listed as %+v", got, len(content), f)
			}
			if strings.HasPrefix(f.Stream, dataFolder) && !strings.Contains(content, "hello") && !strings.Contains(content, "aGVsbG8") {
				t.Errorf("%s has %q", f.Name, content)
			}
		}
	}
	for _, wrong := range [][2]meeting.ID{{other.ID, capture}, {m.ID, m.ID}, {other.ID, join}} {
		_, errFiles := d.Files(wrong[0], wrong[1])
		_, _, errOpen := d.Open(ctx, wrong[0], wrong[1], 0)
		for _, err := range []error{errFiles, errOpen, d.Stop(ctx, wrong[0], wrong[1]), d.Join(ctx, wrong[0], wrong[1])} {
			if kind(err) != meeting.NotFound {
				t.Errorf("%v: %v", wrong, err)
			}
		}
	}
	for _, n := range []int{-1, 1000} {
		if _, _, err := d.Open(ctx, m.ID, capture, n); kind(err) != meeting.NotFound {
			t.Errorf("file %d: %v", n, err)
		}
	}
	if err := d.Join(ctx, m.ID, join); kind(err) != meeting.Invalid {
		t.Errorf("joining what is joined: %v", err)
	}
	must(t, d.Join(ctx, m.ID, capture))
	all = d.Of(m.ID)
	if len(all) != 3 {
		t.Fatalf("%+v", all)
	}
	for _, r := range all {
		h.untilStatus(r.ID, meeting.PipelineStopped) // and writes no more
	}
	must(t, os.RemoveAll(filepath.Join(dir, "console")))
	if _, _, err := d.Open(ctx, m.ID, capture, 0); kind(err) != meeting.NotFound {
		t.Errorf("of a store that was emptied: %v", err)
	}
}

// TestWhatIsNotStoredYetPlaysToo reads from the spool while the store is down.
func TestWhatIsNotStoredYetPlaysToo(t *testing.T) {
	sink := newStore()
	down := errors.New("down")
	sink.fail = func(string) error { return down }
	h := newHouse(t, sink, nil)
	d := NewDesk(h.service, h.plane, "console")
	m := h.meeting()
	p := h.record(m)
	h.until("something that waits", func() bool { return d.Of(m.ID)[0].Waiting > 0 })
	f, content := h.read(d, m.ID, p.ID, 0)
	if f.Stored || int64(len(content)) != f.Bytes {
		t.Errorf("%+v with %d bytes", f, len(content))
	}
	sink.mu.Lock()
	sink.fail = nil
	sink.mu.Unlock()
	h.stop(p.ID)
	h.untilStatus(p.ID, meeting.PipelineStopped)
	after, again := h.read(d, m.ID, p.ID, 0)
	if again != content || !after.Stored {
		t.Errorf("stored, it is something else: %+v", after)
	}
}

func TestWithoutAStoreNothingBegins(t *testing.T) {
	h := newHouse(t, nil, nil)
	d := NewDesk(h.service, h.plane, "console")
	m := h.meeting()
	if why := d.Unready(); !strings.Contains(why, "--recordings") {
		t.Errorf("%q", why)
	}
	if err := d.Begin(context.Background(), m.ID, observe.RecordingWish{}); kind(err) != meeting.Invalid || len(d.Of(m.ID)) != 0 {
		t.Errorf("%v, %v", err, d.Of(m.ID))
	}
	if err := d.Begin(context.Background(), meeting.ID{1}, observe.RecordingWish{}); kind(err) != meeting.NotFound {
		t.Errorf("a meeting that is not there: %v", err)
	}
}

func TestADirectoryGivesNothingFromOutside(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "bucket"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600))
	must(t, os.Symlink(filepath.Join(dir, "secret"), filepath.Join(dir, "bucket", "link")))
	for _, key := range []string{"../secret", "a/../../secret", "link", "/etc/passwd", "", "."} {
		content, err := Directory(dir).Open(context.Background(), "bucket", key)
		if err == nil {
			data, _ := io.ReadAll(content)
			_ = content.Close()
			if len(data) > 0 {
				t.Errorf("%q gave %q", key, data)
			}
		}
	}
	if _, err := Directory(dir).Open(context.Background(), "bucket", "nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
}

// TestOnlyPicturesHaveACodec says of a stream that it has pictures once one of its
// pieces has.
func TestOnlyPicturesHaveACodec(t *testing.T) {
	sound, both, camera := aPiece("audio", 0), aPiece("audio", 5), aPiece("video/ann", 0)
	sound.Codec, both.Codec, camera.Codec = "opus", "opus h264", "vp8"
	codecs := func(pieces ...Piece) (list []string) {
		streams, _ := (&listing{pieces: pieces}).sum()
		for _, s := range streams {
			list = append(list, s.Codec)
		}
		return list
	}
	if got := codecs(sound, camera); !slices.Equal(got, []string{"", "vp8"}) {
		t.Errorf("%q", got)
	}
	if got := codecs(sound, camera, both); !slices.Equal(got, []string{"h264", "vp8"}) {
		t.Errorf("%q", got)
	}
}

// TestAJournalIsReadAgainWhenItHasGrown and not otherwise.
func TestAJournalIsReadAgainWhenItHasGrown(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, dir, new(budget))
	var c catalogue
	id := meeting.ID{1}
	for n := range 3 {
		if l, err := c.read(id, dir); err != nil || len(l.pieces) != n {
			t.Fatalf("%d pieces, %v, want %d", len(l.pieces), err, n)
		}
		must(t, s.add(aPiece("audio", n), []byte("x")))
	}
	must(t, s.close())
	l, err := c.read(id, dir)
	must(t, err)
	if all, err := c.sum(id, dir); err != nil || all.waiting != 3 || len(all.streams) != 1 || all.streams[0].Files != 3 || all.streams[0].Bytes != 3 {
		t.Errorf("%+v, %v", all, err)
	}
	for n := range maxListings + 1 {
		_, err := c.read(meeting.ID{9, byte(n)}, dir)
		must(t, err)
	}
	for n := range maxSums + 1 {
		_, err := c.sum(meeting.ID{8, byte(n), byte(n >> 8)}, dir)
		must(t, err)
	}
	if len(c.lists) > maxListings || len(c.sums) > maxSums {
		t.Errorf("%d journals and %d sums are kept", len(c.lists), len(c.sums))
	}
	must(t, os.WriteFile(filepath.Join(dir, journalName), []byte(strings.Repeat("#", int(l.length))), 0o600))
	if again, err := c.read(meeting.ID{8, maxSums & 0xff, maxSums >> 8}, dir); err != nil || len(again.pieces) != 3 {
		t.Errorf("a journal of the same length was read again: %v", err)
	}
	if missing, err := c.read(meeting.ID{2}, filepath.Join(dir, "none")); err != nil || len(missing.pieces) != 0 {
		t.Errorf("no journal: %v", err)
	}
}
