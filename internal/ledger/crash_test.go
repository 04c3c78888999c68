package ledger

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// The durability tests run this test binary again as a writer, end it the hard
// way, and compare what it was told was stored with what is stored.

const (
	playDisk   = "LEDGER_TEST_PLAY_DISK"    // size of a tmpfs that the play mounts in childDir, in bytes
	playInodes = "LEDGER_TEST_PLAY_INODES"  // how many files there are room for on it
	childPlay  = "LEDGER_TEST_PLAY"         // makes the binary act one of plays in childDir
	childDir   = "LEDGER_TEST_WRITER_DIR"   // makes the binary a writer in this directory
	childAcks  = "LEDGER_TEST_WRITER_ACKS"  // the file it notes acknowledged writes in
	childLimit = "LEDGER_TEST_WRITER_LIMIT" // largest file it may write, in bytes; the disk's error

	faultStatus = 3 // exit status of a writer whose ledger reported a fault
)

func TestMain(m *testing.M) {
	if name := os.Getenv(childPlay); name != "" {
		if size := os.Getenv(playDisk); size != "" {
			if err := unix.Mount("tmpfs", os.Getenv(childDir), "tmpfs", 0, "size="+size+",nr_inodes="+cmp.Or(os.Getenv(playInodes), "0")); err != nil {
				fmt.Fprintln(os.Stderr, "a disk of its own:", err)
				os.Exit(1)
			}
		}
		if err := plays[name](os.Getenv(childDir)); err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(childDir); dir != "" {
		err := writeUntilKilled(dir, os.Getenv(childAcks), os.Getenv(childLimit))
		fmt.Fprintln(os.Stderr, "writer:", err)
		if errors.Is(err, errStorage) {
			os.Exit(faultStatus)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// ack is one acknowledged write, as noted outside the ledger.
type ack struct {
	ID       meeting.ID
	Revision uint64  // sequence
	Sum      [8]byte // of the data
	Fact     bool
	End      bool // earlier acknowledged entries of the meeting are replaced
}

// writeUntilKilled appends from 16 goroutines, two entries and a fact to each
// meeting, ends every fourth meeting, and notes each acknowledged write.
func writeUntilKilled(dir, acks, limit string) error {
	if err := limitFiles(limit); err != nil {
		return err
	}
	out, err := os.OpenFile(acks, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	l, err := open(context.Background(), Config{Dir: dir, AnswerWithin: time.Second})
	if err != nil {
		return err
	}
	w := &writer{log: l, out: out, failed: make(chan error, 16)}
	for range cap(w.failed) {
		go w.run()
	}
	select {
	case err := <-l.Fault():
		// Stay a little, as a process that is slow to end would: nothing may
		// be acknowledged any more.
		for range cap(w.failed) {
			if err := <-w.failed; !errors.Is(err, ErrUnavailable) {
				return fmt.Errorf("after the fault: %w", err)
			}
		}
		return err
	case err := <-w.failed:
		// A write that found the fault before we heard of it.
		select {
		case fault := <-l.Fault():
			return fault
		case <-time.After(5 * time.Second):
			return err
		}
	}
}

// limitFiles makes writes beyond a file size fail; "" sets no limit.
func limitFiles(limit string) error {
	if limit == "" {
		return nil
	}
	var size uint64
	if _, err := fmt.Sscan(limit, &size); err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ) // the write is to fail, not the process
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: size})
}

type writer struct {
	log    *rig
	mu     sync.Mutex
	out    *os.File
	failed chan error
}

func (w *writer) run() {
	for n := 0; ; n++ {
		if err := w.meeting(n%4 == 3); err != nil {
			w.failed <- err
			return
		}
	}
}

func (w *writer) meeting(end bool) error {
	ctx := context.Background()
	var id meeting.ID
	var rev Revision
	_, _ = rand.Read(id[:])
	for range 2 {
		data := checkedData()
		next, err := w.log.Append(ctx, id, rev, data, Ordinary)
		if err != nil {
			return err
		}
		rev = next
		if err := w.note(ack{ID: id, Revision: rev.Seq, Sum: stampOf(data)}); err != nil {
			return err
		}
	}
	fact := checkedData()
	if err := w.log.AppendFact(ctx, id, fact); err != nil {
		return err
	}
	if err := w.note(ack{ID: id, Sum: stampOf(fact), Fact: true}); err != nil {
		return err
	}
	if !end {
		return nil
	}
	data := checkedData()
	rev, err := w.log.End(ctx, id, rev, data, time.Hour)
	if err != nil {
		return err
	}
	return w.note(ack{ID: id, Revision: rev.Seq, Sum: stampOf(data), End: true})
}

func (w *writer) note(a ack) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return binary.Write(w.out, binary.BigEndian, a) // one write call
}

// checkedData returns random data that carries its own checksum.
func checkedData() []byte {
	size := make([]byte, 2)
	_, _ = rand.Read(size)
	body := make([]byte, 64+int(binary.BigEndian.Uint16(size))%8192)
	_, _ = rand.Read(body)
	sum := sha256.Sum256(body)
	return append(sum[:], body...)
}

func stampOf(data []byte) [8]byte { return [8]byte(data[:8]) }

func whole(data []byte) bool {
	if len(data) < sha256.Size {
		return false
	}
	sum := sha256.Sum256(data[sha256.Size:])
	return bytes.Equal(sum[:], data[:sha256.Size])
}

// startWriter runs the writer as a child process.
func startWriter(tb testing.TB, dir, acks string, env ...string) *exec.Cmd {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, childDir+"="+dir, childAcks+"="+acks)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended already
		_ = cmd.Wait()
	})
	return cmd
}

// awaitAcks waits until the writer has noted at least n acknowledged writes.
func awaitAcks(t *testing.T, acks string, n int) {
	t.Helper()
	eventually(t, "writer gets acknowledgements", func() bool {
		st, err := os.Stat(acks)
		return err == nil && st.Size() >= int64(n*binary.Size(ack{}))
	})
}

func readAcks(t *testing.T, path string) []ack {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var acks []ack
	for r := bufio.NewReader(f); ; {
		var a ack
		if err := binary.Read(r, binary.BigEndian, &a); err != nil {
			return acks // the last one may be cut short
		}
		acks = append(acks, a)
	}
}

// stamp tells entries apart by their data.
type stamp struct {
	id   meeting.ID
	sum  [8]byte
	fact bool
}

// inventory lists what the adoption read, and checks that it is whole.
func inventory(t *testing.T, l *rig) map[stamp]uint64 {
	t.Helper()
	stored := map[stamp]uint64{}
	for id, entries := range l.seen {
		for _, e := range entries {
			if !whole(e.Data) || e.Gap {
				t.Errorf("meeting %v revision %v is not whole (%d bytes), or one before it is missing", id, e.Revision, len(e.Data))
				continue
			}
			stored[stamp{id, stampOf(e.Data), e.Fact}] = e.Revision.Seq
		}
	}
	return stored
}

// compare holds the reopened ledger against the acknowledged writes and
// returns how many there were and how many are lost.
func compare(t *testing.T, l *rig, acks []ack) (acked, lost int) {
	t.Helper()
	stored, ended := inventory(t, l), map[meeting.ID]uint64{}
	for _, a := range acks {
		if a.End {
			ended[a.ID] = a.Revision
		}
	}
	for _, a := range acks {
		rev, ok := stored[stamp{a.ID, a.Sum, a.Fact}]
		switch {
		case ok && (a.Fact || rev == a.Revision):
		case !a.Fact && replaced(t, l, a, ended[a.ID]):
		default:
			lost++
			t.Errorf("lost: %+v (stored as %d)", a, rev)
		}
	}
	return len(acks), lost
}

// replaced tells whether an entry is rightly gone: its meeting has ended, by an
// acknowledged end or by one whose acknowledgement came too late.
func replaced(t *testing.T, l *rig, a ack, ended uint64) bool {
	t.Helper()
	if ended > a.Revision {
		return true
	}
	left, err := l.Load(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	return len(left) == 1 && left[0].Revision.Seq > a.Revision
}

func TestNothingIsLostWhenTheProcessIsKilled(t *testing.T) {
	dir := t.TempDir()
	var acks []ack
	for round := range 3 {
		path := filepath.Join(t.TempDir(), "acks")
		cmd := startWriter(t, dir, path)
		awaitAcks(t, path, 400)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		acks = append(acks, readAcks(t, path)...)
		l := openTB(t, Config{Dir: dir})
		acked, lost := compare(t, l, acks)
		t.Logf("round %d: %d writes acknowledged so far, %d lost", round, acked, lost)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWriteErrorEndsIt(t *testing.T) {
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "acks")
	cmd := startWriter(t, dir, path, childLimit+"=300000")
	err := cmd.Wait()
	if cmd.ProcessState.ExitCode() != faultStatus {
		t.Fatalf("writer on a failing disk ended with %v, want status %d", err, faultStatus)
	}
	acks := readAcks(t, path)
	if len(acks) < 50 {
		t.Fatalf("only %d writes before the disk failed", len(acks))
	}
	acked, lost := compare(t, openTB(t, Config{Dir: dir}), acks)
	t.Logf("%d writes acknowledged, %d lost", acked, lost)
}
