package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// niceness is by how much the nice value of children is above the server's.
const niceness = 5

// pipeSize is asked for where the kernel's 64 KiB would make a writer wait for
// every picture (F_SETPIPE_SZ of fcntl(2)).
const (
	pipeSize   = 1 << 20
	setPipe    = 1031
	mostErrors = 2 << 10
)

// child is a running ffmpeg. Its standard input and output are pipes, and where
// asked for the file descriptor 3 is another input.
type child struct {
	in    io.WriteCloser
	sound io.WriteCloser // nil unless asked for
	out   io.ReadCloser
	cmd   *exec.Cmd
	said  tail
	once  sync.Once
	err   error // of waiting
}

// start starts ffmpeg. It knows nothing of the server's environment and reads no
// other files or addresses than its pipes.
func start(path string, sound bool, args ...string) (c *child, err error) {
	args = append([]string{"-nostdin", "-hide_banner", "-loglevel", "error", "-protocol_whitelist", "pipe"}, args...)
	c = &child{cmd: exec.Command(path, args...)}
	c.cmd.Env = []string{"LANG=C"}
	c.cmd.Dir = "/"
	c.cmd.Stderr = &c.said
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // signals to the server's terminal are not for it
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if c.out, err = c.cmd.StdoutPipe(); err != nil {
		return nil, errors.Join(err, c.in.Close())
	}
	var theirs *os.File
	if sound {
		var ours *os.File
		if theirs, ours, err = os.Pipe(); err != nil {
			return nil, errors.Join(err, c.in.Close(), c.out.Close())
		}
		c.sound, c.cmd.ExtraFiles = ours, []*os.File{theirs}
		widen(ours)
	}
	widen(c.in)
	widen(c.out)
	err = c.cmd.Start()
	if theirs != nil {
		err = errors.Join(err, theirs.Close())
	}
	if err != nil {
		if c.sound != nil {
			err = errors.Join(err, c.sound.Close())
		}
		return nil, err
	}
	standBack(c.cmd.Process.Pid)
	return c, nil
}

// standBack lowers a process's priority below the server's. Where that is not
// possible, it works as well.
func standBack(pid int) {
	const most, base = 19, 20 // getpriority(2): the system call returns 20 less the nice value
	if own, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0); err == nil {
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, pid, min(base-own+niceness, most))
	}
}

// widen asks for a larger pipe. A machine that grants none works as well.
func widen(end any) {
	if f, ok := end.(*os.File); ok {
		if raw, err := f.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, setPipe, pipeSize) })
		}
	}
}

// stop ends the child, if it has not ended, and waits for it. The error says how
// it ended, with what it said last; it is nil when the child was to end.
func (c *child) stop(wanted bool) error {
	if wanted {
		_ = c.cmd.Process.Kill() // it may have ended
	}
	c.once.Do(func() {
		_ = c.in.Close()
		if c.sound != nil {
			_ = c.sound.Close()
		}
		c.err = c.cmd.Wait()
	})
	if wanted || c.err == nil {
		return nil
	}
	return fmt.Errorf("ffmpeg: %w: %s", c.err, c.said.String())
}

// tail keeps the last of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - mostErrors; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// String returns it on one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(string(bytes.ReplaceAll(bytes.TrimSpace(t.kept), []byte("\n"), []byte("; "))), "?")
}
