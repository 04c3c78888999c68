package tracing

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Span is one step that took time. Its methods are safe on a nil Span, where
// they do nothing, and must otherwise be called by one goroutine at a time, up
// to the first end.
type Span struct {
	tracer *Tracer
	parent Parent // its trace is the span's own
	id     spanID
	name   string
	kind   kind
	begun  int64 // Unix nanoseconds, as ended
	ended  int64
	attrs  []Attr
	fault  string // why it failed; "" when it did not
	failed bool
	over   atomic.Bool
}

// kind is the role of a span in a call (OTLP, Span.SpanKind).
type kind uint8

const (
	internal kind = 1
	server   kind = 2
)

// Attr is something that is known of a span or of the process: a text or a
// whole number.
type Attr struct {
	key    string
	text   string
	number int64
	isText bool
}

// Text returns an attribute. It must hold nothing secret and nothing of a
// user's.
func Text(key, value string) Attr { return Attr{key: key, text: value, isText: true} }

// Number returns an attribute.
func Number(key string, value int) Attr { return Attr{key: key, number: int64(value)} }

// Start begins a span that no other one here is around: a call, or a join. It
// is nil when it is not to be told: a parent's caller has decided that, else
// Config.Ratio does.
func (t *Tracer) Start(name string, parent Parent, at time.Time) *Span {
	if t == nil {
		return nil
	}
	if parent = t.decided(parent); !parent.sampled {
		return nil
	}
	return &Span{tracer: t, parent: parent, id: newSpanID(), name: name, kind: server, begun: at.UnixNano()}
}

// decided returns the parent, or of none that of a new trace.
func (t *Tracer) decided(parent Parent) Parent {
	if parent.trace == (traceID{}) {
		binary.LittleEndian.PutUint64(parent.trace[:8], rand.Uint64())
		binary.LittleEndian.PutUint64(parent.trace[8:], rand.Uint64()|1) // never all zero
		parent.sampled = rand.Float64() < t.cfg.Ratio
	}
	return parent
}

// Forward is Start for a request that another server answers. below is the
// traceparent that has the other one's spans below this one, or that it is not to
// tell any; "" of a nil Tracer, which knows nothing.
func (t *Tracer) Forward(name string, parent Parent, at time.Time) (span *Span, below string) {
	if t == nil {
		return nil, ""
	}
	parent = t.decided(parent)
	if span = t.Start(name, parent, at); span == nil {
		return nil, Parent{trace: parent.trace, span: newSpanID()}.header()
	}
	return span, Parent{trace: parent.trace, span: span.id, sampled: true}.header()
}

func newSpanID() (id spanID) {
	binary.LittleEndian.PutUint64(id[:], rand.Uint64()|1) // never all zero
	return id
}

// Child begins a step of the span.
func (s *Span) Child(name string, at time.Time) *Span {
	if s == nil {
		return nil
	}
	parent := Parent{trace: s.parent.trace, span: s.id, sampled: true}
	return &Span{tracer: s.tracer, parent: parent, id: newSpanID(), name: name, kind: internal, begun: at.UnixNano()}
}

// Name gives the span another name: what a call asks for is known only after a
// while.
func (s *Span) Name(name string) {
	if s != nil {
		s.name = name
	}
}

// Add says more of the span, which keeps the slice.
func (s *Span) Add(attrs ...Attr) {
	if s != nil {
		if s.attrs == nil {
			s.attrs = attrs // which are the span's own from now on
			return
		}
		s.attrs = append(s.attrs, attrs...)
	}
}

// Fail marks the span as failed, with words for the operator that hold nothing
// secret; they may be "".
func (s *Span) Fail(words string) {
	if s != nil {
		s.failed, s.fault = true, words
	}
}

// End ends the span and leaves it to be sent. Only the first end counts.
func (s *Span) End(at time.Time) {
	if s == nil || s.over.Swap(true) {
		return
	}
	s.ended = at.UnixNano()
	s.tracer.push(s)
}

// Done is End at this moment; a step that ended with an error has failed.
func (s *Span) Done(err error) {
	if s == nil {
		return
	}
	s.failed = s.failed || err != nil
	s.End(time.Now())
}

// TraceID names the span's trace in 32 hexadecimal digits, for the log; "" of
// a nil Span.
func (s *Span) TraceID() string {
	if s == nil {
		return ""
	}
	return hex.EncodeToString(s.parent.trace[:])
}

// around is the key of the span in a context.
type around struct{}

// With returns a context in which span is what steps belong to.
func With(ctx context.Context, span *Span) context.Context {
	if span == nil {
		return ctx
	}
	return context.WithValue(ctx, around{}, span)
}

// Step begins a step of the span that is around in ctx; nil when none is.
func Step(ctx context.Context, name string) *Span {
	span, _ := ctx.Value(around{}).(*Span)
	if span == nil {
		return nil
	}
	return span.Child(name, time.Now())
}
