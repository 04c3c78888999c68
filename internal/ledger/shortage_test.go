//go:build linux

package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// plays are what a child process of a test does, by name. They use up what the
// whole process has, so they cannot be acted in the test's own.
var plays = map[string]func(dir string) error{
	"reserve":    playReserve,
	"no reserve": playNoReserve,
	"full disk":  playFullDisk,
	"full stop":  playFullStop,
	"no inode":   playNoInode,
}

// act runs a play in a process of its own.
func act(t *testing.T, name, dir string, attr *syscall.SysProcAttr) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childPlay+"="+name, childDir+"="+dir)
	cmd.SysProcAttr = attr
	if out, err := cmd.CombinedOutput(); err != nil { // it ends by itself
		t.Fatalf("%v\n%s", err, out)
	}
}

// last is where a meeting of a play stands.
type last struct {
	id       meeting.ID
	revision Revision
	entries  int
}

// prepare fills a ledger with meetings in all shards and opens it again, so
// that no block is open for writing.
func prepare(cfg Config, meetings int) (*rig, []last, error) {
	ctx := context.Background()
	l, err := open(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	list := make([]last, meetings)
	for i := range list {
		_, _ = rand.Read(list[i].id[:])
		if list[i].revision, err = l.Append(ctx, list[i].id, Revision{}, []byte("created"), Ordinary); err != nil {
			return nil, nil, err
		}
		list[i].entries = 1
	}
	if err := l.Close(); err != nil {
		return nil, nil, err
	}
	l, err = open(ctx, cfg)
	return l, list, err
}

// asIdle gets the ledger an engine that has no block open for writing, as one
// has that nobody wrote to for a while.
func asIdle(l *rig) error {
	old := l.current()
	old.trouble.runShort(fmt.Errorf("%w: for a test", ErrBusy))
	return until("another engine", func() error {
		if e := l.current(); e == nil || e == old {
			return errors.New("the old one is there")
		}
		return nil
	})
}

func (r *rig) current() *engine {
	r.Log.mu.Lock()
	defer r.Log.mu.Unlock()
	return r.engine
}

// takeDescriptors opens files until there are no descriptors left.
func takeDescriptors() (release func()) {
	var taken []int
	for {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return func() { closeAll(taken) }
		}
		taken = append(taken, fd)
	}
}

// writeAll appends to each meeting and stops at the first refusal.
func writeAll(l *rig, list []last, u Urgency) error {
	for i := range list {
		rev, err := l.Append(context.Background(), list[i].id, list[i].revision, []byte("more"), u)
		if err != nil {
			return err
		}
		list[i].revision, list[i].entries = rev, list[i].entries+1
	}
	return nil
}

// verify reads every meeting back. One more entry than acknowledged may be
// there where a write got no answer.
func verify(l *rig, list []last) error {
	for i := range list {
		got, err := l.Load(context.Background(), list[i].id)
		if err != nil {
			return err
		}
		if n := len(got); n < list[i].entries || n > list[i].entries+1 {
			return fmt.Errorf("meeting %v has %d entries, %d were acknowledged", list[i].id, n, list[i].entries)
		}
		list[i].revision, list[i].entries = got[len(got)-1].Revision, len(got)
	}
	return nil
}

func lowLimit() error {
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 256, Max: 256})
}

// until tries again for a while.
func until(what string, try func() error) error {
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = try(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// playReserve: others have all descriptors, and the ledger goes on with those
// that it held back.
func playReserve(dir string) error {
	if err := lowLimit(); err != nil {
		return err
	}
	l, list, err := prepare(Config{Dir: dir}, 40)
	if err != nil {
		return err
	}
	if err := asIdle(l); err != nil {
		return err
	}
	release := takeDescriptors()
	for range 3 {
		if err := writeAll(l, list, Ordinary); err != nil {
			return fmt.Errorf("without descriptors: %w", err)
		}
		if err := verify(l, list); err != nil {
			return fmt.Errorf("without descriptors: %w", err)
		}
	}
	release()
	return errors.Join(verify(l, list), l.Close())
}

// playNoReserve: even the reserve is gone. Calls are refused, the process goes
// on, and when there are descriptors again everything is there and works.
func playNoReserve(dir string) error {
	if err := lowLimit(); err != nil {
		return err
	}
	l, list, err := prepare(Config{Dir: dir}, 40)
	if err != nil {
		return err
	}
	for round := range 3 {
		if err := asIdle(l); err != nil {
			return err
		}
		l.descriptors.close()
		release := takeDescriptors()
		time.Sleep(2 * fresh)
		if err := writeAll(l, list, Ordinary); !errors.Is(err, ErrBusy) {
			return fmt.Errorf("round %d: without any descriptor: %w", round, err)
		}
		if err := past(l, list); err != nil {
			return err
		}
		if err := writeAll(l, list, Ordinary); !errors.Is(err, ErrBusy) {
			return fmt.Errorf("round %d: while the engine is away: %w", round, err)
		}
		release()
		if err := until("back again", func() error { return verify(l, list) }); err != nil {
			return err
		}
		if err := writeAll(l, list, Ordinary); err != nil {
			return fmt.Errorf("round %d: with descriptors again: %w", round, err)
		}
		if err := errors.Join(verify(l, list), noFault(l)); err != nil {
			return err
		}
		l.descriptors = newDescriptors(l.lock)
	}
	return errors.Join(verify(l, list), l.Close())
}

// past writes to every meeting past all checks, as a call does that passed them
// just before the shortage, and waits until the engine has noticed.
func past(l *rig, list []last) error {
	e := l.current()
	for _, m := range list {
		msg := &nats.Msg{Subject: entrySubject(m.id), Data: message{kind: kindEntry, before: m.revision.sum, data: []byte("more")}.seal()}
		_ = e.write.PublishMsg(msg) // nobody waits for an answer
	}
	select {
	case <-e.trouble.fell:
		return nil
	case <-time.After(20 * time.Second):
		return errors.New("the engine did not notice")
	}
}

func noFault(l *rig) error {
	select {
	case err := <-l.Fault():
		return fmt.Errorf("taken for a fault: %w", err)
	default:
		return nil
	}
}

// occupant is somebody else who uses the disk.
type occupant struct{ path string }

// fill takes the disk to the last byte.
func (o occupant) fill() error {
	f, err := os.OpenFile(o.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		n, err := f.Write(make([]byte, size))
		switch {
		case errors.Is(err, unix.ENOSPC):
			if n == 0 {
				size /= 2
			}
		case err != nil:
			return err
		}
	}
	return f.Sync()
}

// playFullDisk: somebody else fills the disk, again and again.
func playFullDisk(dir string) error {
	cfg := Config{Dir: filepath.Join(dir, "ledger"), MinFree: 16 << 20}
	l, list, err := prepare(cfg, 40)
	if err != nil {
		return err
	}
	ballast := filepath.Join(cfg.Dir, ballastName)
	grown := func() error {
		if st, err := os.Stat(ballast); err != nil || st.Size() != 32<<20 {
			return fmt.Errorf("ballast: %v, %w", st, err)
		}
		return nil
	}
	if err := until("ballast", grown); err != nil {
		return err
	}
	other := occupant{filepath.Join(dir, "other")}
	for round := range 2 { // the ballast is good for four
		if err := other.fill(); err != nil {
			return err
		}
		if err := writeAll(l, list, Ordinary); !errors.Is(err, ErrFull) {
			return fmt.Errorf("round %d: an ordinary entry on a full disk: %w", round, err)
		}
		if err := until("urgent entries on a full disk", func() error { return writeAll(l, list, Urgent) }); err != nil {
			return err
		}
		if err := errors.Join(verify(l, list), noFault(l)); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	if err := l.Close(); err != nil {
		return err
	}
	if err := other.fill(); err != nil {
		return err
	}
	if l, err = open(context.Background(), cfg); err != nil {
		return fmt.Errorf("start on a full disk: %w", err)
	}
	if err := until("urgent entries after a start", func() error { return writeAll(l, list, Urgent) }); err != nil {
		return err
	}
	return playExhausted(l, list, other, grown)
}

// playExhausted: the ballast is used up, too. Nothing can be written, and as
// soon as there is room everything works and the ballast is back.
func playExhausted(l *rig, list []last, other occupant, grown func() error) error {
	for {
		if err := other.fill(); err != nil {
			return err
		}
		room, err := l.Space()
		if err != nil {
			return err
		}
		if room.Ballast == 0 {
			break
		}
		if err := writeAll(l, list[:1], Urgent); err != nil && !errors.Is(err, ErrFull) {
			return err
		}
	}
	if err := other.fill(); err != nil {
		return err
	}
	if err := writeAll(l, list, Urgent); !errors.Is(err, ErrFull) {
		return fmt.Errorf("urgent entry without any room: %w", err)
	}
	if err := past(l, list); err != nil {
		return err
	}
	if err := errors.Join(os.Remove(other.path), until("back again", func() error { return verify(l, list) })); err != nil {
		return err
	}
	if err := until("ordinary entries", func() error { return writeAll(l, list, Ordinary) }); err != nil {
		return err
	}
	return errors.Join(verify(l, list), noFault(l), until("ballast back", grown), l.Close())
}

// onSmallDisk runs fn with a directory on a file system of its own, of the
// given size in bytes: ext4, made with further options, on a loop device for root,
// else tmpfs in a namespace that the play makes for itself.
func onSmallDisk(t *testing.T, size int64, mkfs []string, fn func(dir string, attr *syscall.SysProcAttr)) {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		t.Setenv(playDisk, fmt.Sprint(size))
		fn(dir, &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		})
		return
	}
	fn(newDisk(t, size, mkfs...).dir, nil)
}

func TestADiskThatIsFullIsNoFault(t *testing.T) {
	onSmallDisk(t, 160<<20, nil, func(dir string, attr *syscall.SysProcAttr) { act(t, "full disk", dir, attr) })
}

func TestDescriptorsAreHeldBack(t *testing.T) { act(t, "reserve", t.TempDir(), nil) }

func TestWithoutDescriptorsCallsAreRefused(t *testing.T) { act(t, "no reserve", t.TempDir(), nil) }
