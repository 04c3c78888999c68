package tracing

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of OTLP 1 (opentelemetry/proto/collector/trace/v1 and what it
// imports). The tests read all of them with the official messages.
const (
	requestResourceSpans protowire.Number = 1

	resourceSpansResource   protowire.Number = 1
	resourceSpansScopeSpans protowire.Number = 2
	resourceAttributes      protowire.Number = 1

	scopeSpansScope protowire.Number = 1
	scopeSpansSpans protowire.Number = 2
	scopeName       protowire.Number = 1

	spanTrace      protowire.Number = 1
	spanSpan       protowire.Number = 2
	spanParent     protowire.Number = 4
	spanName       protowire.Number = 5
	spanKind       protowire.Number = 6
	spanBegun      protowire.Number = 7
	spanEnded      protowire.Number = 8
	spanAttributes protowire.Number = 9
	spanStatus     protowire.Number = 15

	statusMessage protowire.Number = 2
	statusCode    protowire.Number = 3

	attrKey     protowire.Number = 1
	attrValue   protowire.Number = 2
	valueText   protowire.Number = 1
	valueNumber protowire.Number = 3

	responsePartial protowire.Number = 1
	partialRejected protowire.Number = 1
)

// statusError is Status.STATUS_CODE_ERROR.
const statusError = 2

// scope names what made the spans.
const scope = "carillon"

// encoder writes requests: what they begin with is made once.
type encoder struct {
	about, scope []byte // fields of the process and of what makes the spans
}

// newEncoder makes the beginning of requests. What is said of the process twice
// is as it was said last.
func newEncoder(resource []Attr) *encoder {
	e := &encoder{}
	var about []byte
	for i, a := range resource {
		if !slices.ContainsFunc(resource[i+1:], func(later Attr) bool { return later.key == a.key }) {
			about = appendAttr(about, resourceAttributes, a)
		}
	}
	e.about = appendMessage(nil, resourceSpansResource, about)
	e.scope = appendMessage(nil, scopeSpansScope, appendText(nil, scopeName, scope))
	return e
}

// request returns an ExportTraceServiceRequest with the spans, each a field of
// ScopeSpans. Lengths come before what they are of, so they are told beforehand.
func (e *encoder) request(spans []byte) []byte {
	inScope := len(e.scope) + len(spans)
	inGroup := len(e.about) + protowire.SizeTag(resourceSpansScopeSpans) + protowire.SizeBytes(inScope)
	body := make([]byte, 0, protowire.SizeTag(requestResourceSpans)+protowire.SizeBytes(inGroup))
	body = appendLength(body, requestResourceSpans, inGroup)
	body = append(body, e.about...)
	body = appendLength(body, resourceSpansScopeSpans, inScope)
	body = append(body, e.scope...)
	return append(body, spans...)
}

// appendLength begins a field that is a message of that length.
func appendLength(b []byte, field protowire.Number, length int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(length))
}

// append appends a Span.
func (s *Span) append(b []byte) []byte {
	b = appendMessage(b, spanTrace, s.parent.trace[:])
	b = appendMessage(b, spanSpan, s.id[:])
	if s.parent.span != (spanID{}) {
		b = appendMessage(b, spanParent, s.parent.span[:])
	}
	b = appendText(b, spanName, s.name)
	b = appendNumber(b, spanKind, uint64(s.kind))
	b = appendTime(b, spanBegun, s.begun)
	b = appendTime(b, spanEnded, s.ended)
	for _, a := range s.attrs {
		b = appendAttr(b, spanAttributes, a)
	}
	if s.failed {
		b = appendLength(b, spanStatus, sizeText(statusMessage, s.fault)+protowire.SizeTag(statusCode)+protowire.SizeVarint(statusError))
		b = appendText(b, statusMessage, s.fault)
		b = appendNumber(b, statusCode, statusError)
	}
	return b
}

// appendAttr appends a field that is a KeyValue.
func appendAttr(b []byte, field protowire.Number, a Attr) []byte {
	inValue := protowire.SizeTag(valueNumber) + protowire.SizeVarint(uint64(a.number))
	if a.isText {
		inValue = sizeText(valueText, a.text)
	}
	b = appendLength(b, field, sizeText(attrKey, a.key)+protowire.SizeTag(attrValue)+protowire.SizeBytes(inValue))
	b = appendText(b, attrKey, a.key)
	b = appendLength(b, attrValue, inValue)
	if a.isText {
		return appendText(b, valueText, a.text)
	}
	return appendNumber(b, valueNumber, uint64(a.number))
}

// sizeText is how many bytes appendText appends.
func sizeText(field protowire.Number, text string) int {
	return protowire.SizeTag(field) + protowire.SizeBytes(len(text))
}

func appendNumber(b []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

// appendMessage appends a field of bytes, or one that is a message.
func appendMessage(b []byte, field protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), m)
}

func appendText(b []byte, field protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), text)
}

// appendTime appends Unix nanoseconds.
func appendTime(b []byte, field protowire.Number, at int64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), uint64(at))
}

// rejected returns how many spans of a request the receiver says it has thrown
// away: the partial success in an ExportTraceServiceResponse.
func rejected(response []byte) (count int64, err error) {
	partial, err := bytesField(response, responsePartial)
	if err != nil {
		return 0, err
	}
	for len(partial) > 0 {
		field, wire, n := protowire.ConsumeTag(partial)
		if n < 0 {
			return 0, fmt.Errorf("partial success: %w", protowire.ParseError(n))
		}
		partial = partial[n:]
		if field == partialRejected && wire == protowire.VarintType {
			v, n := protowire.ConsumeVarint(partial)
			if n < 0 {
				return 0, fmt.Errorf("partial success: %w", protowire.ParseError(n))
			}
			return int64(v), nil
		}
		if n = protowire.ConsumeFieldValue(field, wire, partial); n < 0 {
			return 0, fmt.Errorf("partial success: %w", protowire.ParseError(n))
		}
		partial = partial[n:]
	}
	return 0, nil
}

// bytesField returns the last field of that number, nil when there is none.
func bytesField(message []byte, want protowire.Number) (found []byte, err error) {
	for len(message) > 0 {
		field, wire, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, fmt.Errorf("response: %w", protowire.ParseError(n))
		}
		message = message[n:]
		if n = protowire.ConsumeFieldValue(field, wire, message); n < 0 {
			return nil, fmt.Errorf("response: %w", protowire.ParseError(n))
		}
		if field == want && wire == protowire.BytesType {
			found, _ = protowire.ConsumeBytes(message)
		}
		message = message[n:]
	}
	return found, nil
}
