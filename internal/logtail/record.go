package logtail

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"math"
	"time"
)

// plainRecord begins a line that is not JSON yet.
const plainRecord = 1

// usualLine is room for most lines, in bytes.
const usualLine = 512

// handler keeps records. Those of texts, whole numbers and lengths of time alone,
// as the line of a call is one, are kept as they are: making JSON of them takes
// ten times as long.
type handler struct {
	tail  *Tail
	json  slog.Handler // keeps all others, as JSON
	with  []byte       // fields of every record, as appendField writes them
	plain bool         // with holds all of these
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.json.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if h.plain && r.Time.Location() == time.Local {
		var room [usualLine]byte
		if line, ok := appendRecord(room[:0], r, h.with); ok && len(line) <= maxLine {
			h.tail.keep(line)
			return nil
		}
	}
	return h.json.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := &handler{tail: h.tail, json: h.json.WithAttrs(attrs), with: bytes.Clone(h.with), plain: h.plain}
	for _, a := range attrs {
		var ok bool
		more.with, ok = appendField(more.with, a)
		more.plain = more.plain && ok
	}
	return more
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{tail: h.tail, json: h.json.WithGroup(name)}
}

// appendRecord writes a record: level, time, message, and the fields. It is not ok
// when there is something else in it than those hold.
func appendRecord(b []byte, r slog.Record, with []byte) (line []byte, ok bool) {
	b = binary.AppendVarint(append(b, plainRecord), int64(r.Level))
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Time.UnixNano()))
	b = append(appendText(b, r.Message), with...)
	r.Attrs(func(a slog.Attr) bool {
		b, ok = appendField(b, a)
		return ok
	})
	return b, ok || r.NumAttrs() == 0
}

// appendField writes a field: its kind, its name and its value.
func appendField(b []byte, a slog.Attr) (field []byte, ok bool) {
	kind := a.Value.Kind()
	b = appendText(append(b, byte(kind)), a.Key)
	switch kind {
	case slog.KindString:
		return appendText(b, a.Value.String()), true
	case slog.KindInt64:
		return binary.AppendVarint(b, a.Value.Int64()), true
	case slog.KindDuration:
		return binary.AppendVarint(b, int64(a.Value.Duration())), true
	}
	return b, false
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// asJSON returns a line as slog.JSONHandler writes it.
func asJSON(line []byte) []byte {
	if line[0] != plainRecord {
		return line
	}
	var out bytes.Buffer
	h := slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.Level(math.MinInt), ReplaceAttr: readable})
	_ = h.Handle(context.Background(), readRecord(line)) // a Buffer takes everything
	if made := bytes.TrimSuffix(out.Bytes(), []byte("\n")); len(made) <= maxLine {
		return made
	}
	return shortened(out.Bytes())
}

// readRecord reads what appendRecord wrote.
func readRecord(line []byte) slog.Record {
	f := fields(line[1:])
	level := f.number()
	at := time.Unix(0, int64(binary.LittleEndian.Uint64(f)))
	f = f[8:]
	r := slog.NewRecord(at, slog.Level(level), f.text(), 0)
	for len(f) > 0 {
		kind := slog.Kind(f[0])
		f = f[1:]
		field := slog.Attr{Key: f.text()}
		switch kind {
		case slog.KindString:
			field.Value = slog.StringValue(f.text())
		case slog.KindInt64:
			field.Value = slog.Int64Value(f.number())
		case slog.KindDuration:
			field.Value = slog.DurationValue(time.Duration(f.number()))
		}
		r.AddAttrs(field)
	}
	return r
}

// fields is what is left to read of a record.
type fields []byte

func (f *fields) text() string {
	size, n := binary.Uvarint(*f)
	text := string((*f)[n : n+int(size)])
	*f = (*f)[n+int(size):]
	return text
}

func (f *fields) number() int64 {
	v, n := binary.Varint(*f)
	*f = (*f)[n:]
	return v
}
