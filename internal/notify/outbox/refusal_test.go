package outbox

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
)

// Why nobody answered is told without where that was.
func TestWhyNobodyAnsweredNamesNoAddress(t *testing.T) {
	there := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 8443}
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Addr: there, Err: err} }
	for want, err := range map[string]error{
		"connection refused":                  dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)),
		"no such host":                        dial(&net.DNSError{Err: "no such host", Name: "hooks.internal", Server: "10.0.0.2:53"}),
		"no answer in time":                   &url.Error{Op: "Post", URL: "https://hooks.internal/?key=secret", Err: context.DeadlineExceeded},
		"the certificate is another server's": fmt.Errorf("tls: %w", x509.HostnameError{Certificate: new(x509.Certificate), Host: "hooks.internal"}),
		"unexpected EOF":                      &url.Error{Op: "Post", URL: "https://hooks.internal/", Err: io.ErrUnexpectedEOF},
		"something else":                      errors.New("something else"),
	} {
		if got := Unanswered(err); got != want {
			t.Errorf("%v becomes %q, want %q", err, got, want)
		}
	}
}
