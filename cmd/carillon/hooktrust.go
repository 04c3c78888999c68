package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/carillon-meetings/carillon/internal/config"
)

// hookTrust is whom a web hook is believed to be, and which certificate it is
// shown.
type hookTrust struct {
	name, file string // of the web hook, and its ca-file; "": the system's authorities
	pool       atomic.Pointer[x509.CertPool]
	shown      func(*tls.CertificateRequestInfo) (*tls.Certificate, error) // nil: none
}

// newHookTrust reads the files of a web hook; nil when it has none.
func newHookTrust(w config.Webhook) (*hookTrust, error) {
	if w.CAFile == "" && w.ClientCert == "" {
		return nil, nil
	}
	t := &hookTrust{name: w.Name, file: w.CAFile}
	if w.CAFile != "" {
		if err := t.load(); err != nil {
			return nil, err
		}
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
func (t *hookTrust) load() error {
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
func (t *hookTrust) config() *tls.Config {
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
