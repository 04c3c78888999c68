package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/carillon-meetings/carillon/internal/config"
)

// trust is whom a server that this one calls is believed to be, and which
// certificate it is shown.
type trust struct {
	of, use string // of whom, in words and as a label
	file    string // with the authorities; "": the system's
	pool    atomic.Pointer[x509.CertPool]
	shown   func(*tls.CertificateRequestInfo) (*tls.Certificate, error) // nil: none
}

// newTrust reads the authorities of a file.
func newTrust(of, use, file string) (*trust, error) {
	t := &trust{of: of, use: use, file: file}
	if file == "" {
		return t, nil
	}
	return t, t.load()
}

// hookTrust reads the files of a web hook; nil when it has none.
func hookTrust(w config.Webhook) (*trust, error) {
	if w.CAFile == "" && w.ClientCert == "" {
		return nil, nil
	}
	t, err := newTrust("web hook "+w.Name, "webhook:"+w.Name, w.CAFile)
	if err != nil {
		return nil, err
	}
	if w.ClientCert != "" {
		first, err := tls.LoadX509KeyPair(w.ClientCert, w.ClientKey)
		if err != nil {
			return nil, err
		}
		t.shown = renewed(w.ClientCert, w.ClientKey, &first)
	}
	return t, nil
}

// load reads the authorities; those in use stay when it cannot.
func (t *trust) load() error {
	pool, err := readAuthorities(t.file)
	if err == nil {
		t.pool.Store(pool)
	}
	return err
}

// readAuthorities returns the certificates of a PEM file.
func readAuthorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return pool, nil
}

// config is how the next connection is made.
func (t *trust) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: t.pool.Load(), GetClientCertificate: t.shown}
}

// renewed returns the certificate in the files as it is when a connection is
// made, or the last one that could be read.
func renewed(certFile, keyFile string, first *tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	var last atomic.Pointer[tls.Certificate]
	last.Store(first)
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if pair, err := tls.LoadX509KeyPair(certFile, keyFile); err == nil {
			last.Store(&pair)
		}
		return last.Load(), nil
	}
}
