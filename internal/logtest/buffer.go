// Package logtest holds the log of what a test runs, so that the test can see
// what was written and, above all, that no secret was. Only tests import it.
package logtest

import (
	"bytes"
	"strings"
	"sync"
)

// Buffer keeps all that is written to it. The zero value is ready; it may be
// read while it is written.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write keeps p. It returns no error.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Contains says whether text was written.
func (b *Buffer) Contains(text string) bool { return strings.Contains(b.String(), text) }
