package cluster

import (
	"bytes"
	"crypto/tls"
	"io"
	"testing"
)

// shake lets two nodes meet on loopback and returns what went wrong.
func shake(t *testing.T, client, server *tls.Config) error {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, err = conn.Write([]byte("hello"))
			_ = conn.Close()
		}
		served <- err
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), client)
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, 5))
		_ = conn.Close()
	}
	if served := <-served; served != nil {
		return served
	}
	return err
}

func TestNodesOfOneSecretKnowEachOther(t *testing.T) {
	config := func(secret byte, node string) *tls.Config {
		c, err := TLS(bytes.Repeat([]byte{secret}, MinSecret), node)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := shake(t, config(1, "a"), config(1, "b")); err != nil {
		t.Errorf("the same secret: %v", err)
	}
	if err := shake(t, config(1, "a"), config(2, "b")); err == nil {
		t.Error("another secret was admitted")
	}
	stranger := config(1, "a").Clone()
	stranger.Certificates = nil
	if err := shake(t, stranger, config(1, "b")); err == nil {
		t.Error("a client without a certificate was admitted")
	}
	if _, err := TLS(make([]byte, MinSecret-1), "a"); err == nil {
		t.Error("a short secret was taken")
	}
}
