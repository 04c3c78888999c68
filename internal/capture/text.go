package capture

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// textFor is how long lines are gathered before they become an object.
const textFor = 5 * time.Second

// lines is the objects of one text folder: one JSON object per line.
type lines struct {
	stream string
	start  time.Time // of the first line; zero when there is none
	text   []byte
	pieces int // made so far
}

// stamp is how times stand in the lines.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000") + "+00:00" }

// add appends a value as a line.
func (l *lines) add(at time.Time, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		return // of strings and structs: never
	}
	if l.start.IsZero() {
		l.start = at
	}
	l.text = append(append(l.text, text...), '\n')
}

// due reports whether the lines gathered are old enough to become an object.
func (l *lines) due(now time.Time) bool { return !l.start.IsZero() && now.Sub(l.start) >= textFor }

// take returns the object of what was gathered; ok is false when that is nothing.
func (l *lines) take(now time.Time) (p Piece, content []byte, ok bool) {
	if l.start.IsZero() {
		return p, nil, false
	}
	p = Piece{Stream: l.stream, Type: typeText, Start: l.start, Millis: now.Sub(l.start).Milliseconds()}
	content = l.text
	l.start, l.text = time.Time{}, nil
	l.pieces++
	return p, content, true
}

// eventLine is a line of meeting-events.
type eventLine struct {
	Timestamp       string
	EventType       string
	EventParameters *eventParameters `json:",omitempty"`
}

type eventParameters struct {
	AttendeeID    string `json:"AttendeeId"`
	MediaModality string
}

// The types of events, in the spelling that Amazon's files have.
const (
	captureStarted  = "CaptureStarted"
	captureEnded    = "CaptureEnded"
	attendeeJoined  = "AttendeeJoined"
	attendeeLeft    = "AttendeeLeft"
	attendeeMuted   = "AttendeeMute"
	attendeeUnmuted = "AttendeeUnmute"
	videoJoined     = "AttendeeVideoJoined"
	videoLeft       = "AttendeeVideoLeft"
	activeSpeaker   = "ActiveSpeaker"
)

func (l *lines) event(at time.Time, kind, attendee, modality string) {
	l.add(at, eventLine{stamp(at), kind, &eventParameters{attendee, modality}})
}

func (l *lines) plainEvent(at time.Time, kind string) { l.add(at, eventLine{stamp(at), kind, nil}) }

// messageLine is a line of data-channel.
type messageLine struct {
	Timestamp        string
	Topic            string
	Data             string
	SenderAttendeeID string `json:"SenderAttendeeId"`
	DataEncoding     string `json:",omitempty"`
}

// reservedTopic begins the topics of the service itself.
const reservedTopic = "aws:"

func (l *lines) message(at time.Time, sender, topic string, data []byte) {
	if strings.HasPrefix(topic, reservedTopic) {
		return
	}
	m := messageLine{Timestamp: stamp(at), Topic: topic, Data: string(data), SenderAttendeeID: sender}
	if !utf8.Valid(data) {
		m.Data, m.DataEncoding = base64.StdEncoding.EncodeToString(data), "base64"
	}
	l.add(at, m)
}
