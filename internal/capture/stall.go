package capture

import (
	"context"
	"net"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	// stalledAfter is for how long a connection to the S3 server may stand still
	// before it counts as broken: a server that hangs takes requests and answers
	// none.
	stalledAfter = time.Minute
	// idleFor is how long a connection is kept without a request; less than that,
	// so that none begins on one that is about to break.
	idleFor = stalledAfter / 2
	// connectWithin bounds the making of a connection.
	connectWithin = 10 * time.Second
)

// steadyClient returns a client whose requests fail when nothing moves for as long
// as stalled, in whichever direction.
func steadyClient(stalled time.Duration) *awshttp.BuildableClient {
	dialer := &net.Dialer{Timeout: connectWithin}
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.IdleConnTimeout = idleFor
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &steadyConn{c, stalled}, nil
		}
	})
}

// steadyConn is a connection that breaks when nothing moves.
type steadyConn struct {
	net.Conn
	stalled time.Duration
}

// Read breaks when nothing comes.
func (c *steadyConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.stalled)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

// Write breaks when nothing goes. An answer, which is being waited for already,
// has as long from now on.
func (c *steadyConn) Write(b []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.stalled)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
