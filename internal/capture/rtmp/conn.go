package rtmp

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/flv"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

const (
	// openWithin bounds the way from the open connection to the server's consent.
	openWithin = 10 * time.Second
	// writeWithin is how long a server may take nothing.
	writeWithin = 10 * time.Second
	// version and handshakeSize are those of the handshake (§5.2).
	version       = 3
	handshakeSize = 1536
	// The transactions of the commands that are answered.
	connecting, creating, publishing = 1, 4, 5
)

// Events of control messages (§7.1.7).
const (
	eventPing = 6
	eventPong = 7
)

// Errors of a connection.
var (
	// ErrRefused is wrapped when the server does not take the stream.
	ErrRefused = errors.New("the RTMP server does not take the stream")
	errEnded   = errors.New("the RTMP server has ended the stream")
)

// conn is a connection on which a stream is published.
type conn struct {
	net.Conn
	in     *chunkReader
	stream uint32

	mu     sync.Mutex
	out    []byte
	window uint32 // bytes after which the server wants to be told; 0 for never
	told   uint32 // of these
}

// open goes through the handshake and the commands until the server takes the
// stream. It closes c when it fails.
func open(ctx context.Context, c net.Conn, target meeting.StreamTarget, trust *tls.Config) (*conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	one := &conn{in: newChunkReader(c), Conn: c}
	err := c.SetDeadline(time.Now().Add(openWithin))
	if target.TLS && err == nil {
		err = one.secure(ctx, target.Host, trust)
	}
	if err == nil {
		err = one.shake()
	}
	if err == nil {
		err = one.publish(target)
	}
	if err == nil {
		err = one.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = one.Close()
		return nil, err
	}
	return one, nil
}

func (c *conn) secure(ctx context.Context, host string, trust *tls.Config) error {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if trust != nil {
		cfg = trust.Clone()
	}
	cfg.ServerName = host
	over := tls.Client(c.Conn, cfg)
	if err := over.HandshakeContext(ctx); err != nil {
		return err
	}
	c.Conn, c.in = over, newChunkReader(over)
	return nil
}

// shake is the handshake: C0, C1, then C2 for the server's S1 (§5.2).
func (c *conn) shake() error {
	hello := make([]byte, 1+handshakeSize)
	hello[0] = version
	_, _ = rand.Read(hello[1+8:]) // after the time and four zeros; Read never fails
	if _, err := c.Write(hello); err != nil {
		return err
	}
	answer := make([]byte, 1+2*handshakeSize)
	if _, err := io.ReadFull(c.in.from, answer); err != nil {
		return err
	}
	if answer[0] != version {
		return fmt.Errorf("%w: version %d", errMalformed, answer[0])
	}
	_, err := c.Write(answer[1 : 1+handshakeSize])
	return err
}

// publish asks for the stream (§7.2).
func (c *conn) publish(t meeting.StreamTarget) error {
	size := binary.BigEndian.AppendUint32(nil, sentChunk)
	c.put(chunksControl, message{kind: typeChunkSize, body: size})
	address := t.Scheme() + "://" + t.Address + "/" + t.App
	connect := putObject(command("connect", connecting), []member{
		{"app", t.App}, {"type", "nonprivate"}, {"flashVer", "FMLE/3.0 (compatible; Carillon)"}, {"tcUrl", address},
	})
	if _, err := c.ask(connect, connecting); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	// What Flash said before publishing; some servers wait for it.
	c.command(putString(putNull(command("releaseStream", 2)), t.Key), 0)
	c.command(putString(putNull(command("FCPublish", 3)), t.Key), 0)
	answer, err := c.ask(putNull(command("createStream", creating)), creating)
	if err != nil {
		return fmt.Errorf("createStream: %w", err)
	}
	if len(answer) < 4 {
		return fmt.Errorf("createStream: %w", errMalformed)
	}
	id, ok := answer[3].(float64)
	if !ok || id < 0 || id > 1<<31 {
		return fmt.Errorf("createStream: %w", errMalformed)
	}
	c.stream = uint32(id)
	c.command(putString(putString(putNull(command("publish", publishing)), t.Key), "live"), c.stream)
	if err := c.flush(); err != nil {
		return err
	}
	return c.awaitConsent()
}

// command begins a command.
func command(name string, transaction float64) []byte {
	return putNumber(putString(nil, name), transaction)
}

func (c *conn) command(body []byte, stream uint32) {
	c.put(chunksCommand, message{kind: typeCommand, stream: stream, body: body})
}

// ask sends a command and returns the values of the answer to it.
func (c *conn) ask(body []byte, transaction float64) ([]any, error) {
	c.command(body, 0)
	if err := c.flush(); err != nil {
		return nil, err
	}
	for {
		answer, err := c.answer()
		switch {
		case err != nil:
			return nil, err
		case len(answer) < 2 || answer[1] != transaction:
		case answer[0] == "_error":
			return nil, fmt.Errorf("%w%s", ErrRefused, code(answer))
		default:
			return answer, nil
		}
	}
}

// awaitConsent waits until the server says that the stream is being published.
func (c *conn) awaitConsent() error {
	for {
		answer, err := c.answer()
		if err != nil {
			return err
		}
		switch status(answer) {
		case "":
		case "NetStream.Publish.Start":
			return nil
		default:
			return fmt.Errorf("%w%s", ErrRefused, code(answer))
		}
	}
}

// answer returns the values of the server's next command.
func (c *conn) answer() ([]any, error) {
	for {
		m, err := c.in.next()
		if err != nil {
			return nil, err
		}
		if m.kind == typeCommand {
			return values(m.body)
		}
		if err := c.control(m); err != nil {
			return nil, err
		}
	}
}

// control does what a message that is no command asks for.
func (c *conn) control(m message) error {
	c.mu.Lock()
	if m.kind == typeWindow && len(m.body) >= 4 {
		c.window = binary.BigEndian.Uint32(m.body)
	}
	due := c.window > 0 && c.in.bytes-c.told >= c.window
	if due {
		c.told = c.in.bytes
	}
	c.mu.Unlock()
	if due {
		c.put(chunksControl, message{kind: typeAcknowledge, body: binary.BigEndian.AppendUint32(nil, c.in.bytes)})
	}
	if m.kind == typeControl && len(m.body) >= 6 && binary.BigEndian.Uint16(m.body) == eventPing {
		c.put(chunksControl, message{kind: typeControl, body: append([]byte{0, eventPong}, m.body[2:6]...)})
	}
	return c.flush()
}

// status is the code of an onStatus command, "" for other ones. An error without
// a code has the level as its code.
func status(answer []any) string {
	if len(answer) == 0 || answer[0] != "onStatus" {
		return ""
	}
	for _, v := range answer {
		if about, ok := v.(map[string]any); ok {
			for _, name := range []string{"code", "level"} {
				if s, ok := about[name].(string); ok && s != "" {
					return s
				}
			}
		}
	}
	return "unknown"
}

// code is what of a refusal may be logged: its code, if that looks like one. What
// servers describe may repeat the key.
func code(answer []any) string {
	for _, v := range answer {
		about, ok := v.(map[string]any)
		if !ok {
			continue
		}
		if s, ok := about["code"].(string); ok && len(s) < 64 && len(s) > 0 && isCode(s) {
			return ": " + s
		}
	}
	return ""
}

// isCode reports whether a text has the form of NetStream.Publish.BadName.
func isCode(s string) bool {
	const prefix = "Net"
	if len(s) < len(prefix) || s[:len(prefix)] != prefix {
		return false
	}
	for _, c := range s {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '.' {
			return false
		}
	}
	return true
}

// listen answers the server until the connection ends, and returns why it did.
func (c *conn) listen() error {
	for {
		answer, err := c.answer()
		switch {
		case errors.Is(err, io.EOF):
			return errEnded
		case err != nil:
			return err
		}
		if s := status(answer); s != "" && s != "NetStream.Publish.Start" {
			return fmt.Errorf("%w%s", errEnded, code(answer))
		}
	}
}

// put appends a message to what flush sends.
func (c *conn) put(chunks byte, m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = appendChunks(c.out, chunks, sentChunkOr(m), m)
}

// sentChunkOr is the size of a message's chunks: the one that announces the size
// goes by the size of before.
func sentChunkOr(m message) int {
	if m.kind == typeChunkSize {
		return firstChunk
	}
	return sentChunk
}

// flush sends what was put.
func (c *conn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.out) == 0 {
		return nil
	}
	if err := c.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	_, err := c.Write(c.out)
	c.out = c.out[:0]
	return err
}

// send puts a tag, so long after the connection's first one.
func (c *conn) send(t *flv.Tag, at time.Duration) {
	m := message{kind: byte(t.Kind), stream: c.stream, at: uint32(at.Milliseconds()), body: t.Body}
	switch t.Kind {
	case flv.Audio:
		c.put(chunksAudio, m)
	case flv.Video:
		c.put(chunksVideo, m)
	case flv.Script:
		m.body = append(putString(nil, "@setDataFrame"), t.Body...)
		c.put(chunksAudio, m)
	}
}
