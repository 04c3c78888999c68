package rtmp

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/flv"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// server is an RTMP server as far as publishers see it.
type server struct {
	t *testing.T
	// refuse, if it is not empty, is the code of the answer to publish; fail is the
	// command that is answered with an error.
	refuse, fail string
	stall        chan struct{} // if it is not nil, nothing of the stream is read before it is closed

	mu       sync.Mutex
	asked    []string // names of the commands, and what they are about
	messages []message
	conn     net.Conn // of the publisher; nil while there is none
	down     bool     // nobody is let in
}

// dial opens a connection to the server.
func (s *server) dial(context.Context, string, string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	s.conn = theirs
	go s.serve(theirs)
	return ours, nil
}

// serve ends with the connection.
func (s *server) serve(c net.Conn) {
	defer c.Close()
	hello := make([]byte, 1+handshakeSize)
	if _, err := io.ReadFull(c, hello); err != nil {
		return
	}
	answer := append(append([]byte{}, hello...), hello[1:]...)
	if _, err := c.Write(answer); err != nil {
		return
	}
	if _, err := io.ReadFull(c, hello[1:]); err != nil || string(hello[1:]) != string(answer[1:1+handshakeSize]) {
		return
	}
	in := newChunkReader(c)
	for {
		m, err := in.next()
		if err != nil {
			return
		}
		if m.kind != typeCommand {
			if m.kind == byte(flv.Video) && s.stall != nil {
				<-s.stall
			}
			s.mu.Lock()
			s.messages = append(s.messages, m)
			s.mu.Unlock()
			continue
		}
		command, err := values(m.body)
		if err != nil || len(command) < 2 {
			s.t.Errorf("command %q: %v", m.body, err)
			return
		}
		if s.answer(c, command, m.stream) != nil {
			return
		}
	}
}

// answer answers a command.
func (s *server) answer(c net.Conn, command []any, stream uint32) error {
	name, _ := command[0].(string)
	about := ""
	for _, v := range command[2:] {
		switch v := v.(type) {
		case string:
			about += " " + v
		case map[string]any:
			about += " " + v["app"].(string) + " " + v["tcUrl"].(string)
		}
	}
	s.mu.Lock()
	s.asked = append(s.asked, name+about)
	s.mu.Unlock()
	transaction := command[1].(float64)
	var out []byte
	send := func(kind byte, body []byte) {
		out = appendChunks(out, chunksControl, firstChunk, message{kind: kind, stream: stream, body: body})
	}
	switch {
	case name == s.fail:
		send(typeCommand, putObject(putNull(putNumber(putString(nil, "_error"), transaction)), []member{{"level", "error"}, {"code", "NetConnection.Connect.Rejected"}, {"description", "secret"}}))
	case name == "connect":
		send(typeWindow, binary.BigEndian.AppendUint32(nil, 10))
		send(typeControl, []byte{0, eventPing, 1, 2, 3, 4})
		send(typeCommand, putObject(putNull(putNumber(putString(nil, "_result"), transaction)), []member{{"code", "NetConnection.Connect.Success"}}))
	case name == "createStream":
		send(typeCommand, putNumber(putNull(putNumber(putString(nil, "_result"), transaction)), 7))
	case name == "publish":
		code := "NetStream.Publish.Start"
		if s.refuse != "" {
			code = s.refuse
		}
		send(typeCommand, putObject(putNull(putNumber(putString(nil, "onStatus"), 0)), []member{{"level", "status"}, {"code", code}, {"description", "stream secret"}}))
	default:
		return nil
	}
	_, err := c.Write(out)
	return err
}

// cut ends the connection there is.
func (s *server) cut(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// tags returns the messages of the stream that came, and forgets them.
func (s *server) tags() (list []message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.kind == byte(flv.Audio) || m.kind == byte(flv.Video) || m.kind == byte(flv.Script) {
			list = append(list, m)
		}
	}
	s.messages = nil
	return list
}

func target(t *testing.T) meeting.StreamTarget {
	t.Helper()
	to, err := meeting.StreamURL("rtmp://example.org/live/more/secret?sign=1").Target()
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// The tags of a stream.
func script() flv.Tag    { return flv.Tag{Kind: flv.Script, Body: putString(nil, "onMetaData")} }
func videoHead() flv.Tag { return flv.Tag{Kind: flv.Video, Body: []byte{0x17, 0, 0, 0, 0, 'c'}} }
func soundHead() flv.Tag { return flv.Tag{Kind: flv.Audio, Body: []byte{0xAF, 0, 'a'}} }

func key(at time.Duration) flv.Tag {
	return flv.Tag{Kind: flv.Video, At: at, Body: []byte{0x17, 1, 0, 0, 0, 'k'}}
}

func delta(at time.Duration) flv.Tag {
	return flv.Tag{Kind: flv.Video, At: at, Body: []byte{0x27, 1, 0, 0, 0, 'd'}}
}

func sound(at time.Duration) flv.Tag {
	return flv.Tag{Kind: flv.Audio, At: at, Body: []byte{0xAF, 1, 's'}}
}
