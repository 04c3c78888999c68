package tracing

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

// Parent is the span of a caller's that a span here belongs to. The zero value
// is none.
type Parent struct {
	trace   traceID
	span    spanID
	sampled bool
}

type (
	traceID [16]byte
	spanID  [8]byte
)

// Lengths of the fields of a traceparent, in characters (W3C Trace Context
// §3.2), with the dashes between them.
const (
	lenVersion = 2
	lenParent  = 2 + 1 + 32 + 1 + 16 + 1 + 2
	flagBit    = 1 // sampled
)

// FromHeader returns the parent that a request names by its traceparent. One
// that is not as W3C Trace Context has it, or that comes more than once, is
// none.
func FromHeader(h http.Header) Parent {
	values := h["Traceparent"]
	if len(values) != 1 {
		return Parent{}
	}
	return parse(values[0])
}

// parentKey is the key of a Parent in a context.
type parentKey struct{}

// WithParent returns a context in which a request's spans belong to the
// traceparent, whatever its header says: that one may be signed, and so has to
// stay as it is.
func WithParent(ctx context.Context, traceparent string) context.Context {
	return context.WithValue(ctx, parentKey{}, parse(traceparent))
}

// FromRequest returns the parent of a request: that of WithParent, or the one that
// its header names.
func FromRequest(r *http.Request) Parent {
	if p, ok := r.Context().Value(parentKey{}).(Parent); ok {
		return p
	}
	return FromHeader(r.Header)
}

// header returns the traceparent that parse reads, in version 00.
func (p Parent) header() string {
	flags := 0
	if p.sampled {
		flags = flagBit
	}
	return fmt.Sprintf("00-%x-%x-%02x", p.trace, p.span, flags)
}

// parse reads a traceparent: version, trace, span and flags. Of a version that
// is not known yet only what begins like version 00 is read (§3.2.4).
func parse(text string) (p Parent) {
	version, rest, _ := strings.Cut(text, "-")
	var v, flags [1]byte
	switch {
	case len(version) != lenVersion || !fill(v[:], version) || v[0] == 0xff,
		v[0] == 0 && len(text) != lenParent,
		len(text) < lenParent, len(text) > lenParent && text[lenParent] != '-':
		return Parent{}
	}
	trace, span, end := rest[:32], rest[33:49], rest[50:52]
	if rest[32] != '-' || rest[49] != '-' || !fill(p.trace[:], trace) || !fill(p.span[:], span) || !fill(flags[:], end) ||
		p.trace == (traceID{}) || p.span == (spanID{}) {
		return Parent{}
	}
	p.sampled = flags[0]&flagBit != 0
	return p
}

// fill reads lower-case hexadecimal digits into b.
func fill(b []byte, digits string) bool {
	if strings.ToLower(digits) != digits {
		return false
	}
	_, err := hex.Decode(b, []byte(digits))
	return err == nil
}
