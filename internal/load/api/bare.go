package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// serveBare is the bare handler: whatever is asked, it reads the body and
// writes size bytes. It prints its address and serves until stdin ends, which
// it does with the process that started it.
func serveBare(stdin io.Reader, stdout io.Writer, size int) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("bare handler: %w", err)
	}
	reply := bytes.Repeat([]byte("x"), size)
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			return // the connection broke
		}
		w.Header()["Content-Type"] = []string{"application/json"}
		w.Header()["Content-Length"] = []string{strconv.Itoa(size)}
		_, _ = w.Write(reply) // nobody to tell
	})}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	if _, err := fmt.Fprintln(stdout, "http://"+l.Addr().String()); err != nil {
		return errors.Join(err, s.Close())
	}
	_, err = io.Copy(io.Discard, stdin)
	err = errors.Join(err, s.Close())
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// bare is a running bare handler in a process of its own.
type bare struct {
	cmd      *exec.Cmd
	stdin    io.Closer
	endpoint string
}

// startBare runs the command, which is to call Run with Bare set.
func startBare(ctx context.Context, command []string, size int) (*bare, error) {
	args := append(command[1:len(command):len(command)], "--bare-reply="+strconv.Itoa(size))
	cmd := exec.CommandContext(ctx, command[0], args...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("bare handler: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("bare handler: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("bare handler: %w", err)
	}
	b := &bare{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bare handler told no address: %w", err), b.stop())
	}
	b.endpoint = strings.TrimSpace(line)
	return b, nil
}

// stop ends the process and waits for it.
func (b *bare) stop() error {
	if err := errors.Join(b.stdin.Close(), b.cmd.Wait()); err != nil {
		return fmt.Errorf("bare handler: %w", err)
	}
	return nil
}
