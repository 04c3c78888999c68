package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/carillon-meetings/carillon/internal/durable"
)

// SelfSignedFile holds the certificate made for trying and its key, both PEM.
const SelfSignedFile = "self-signed.pem"

const (
	// selfSignedLife is the longest that browsers take of a certificate that
	// nobody else has signed.
	selfSignedLife = 397 * 24 * time.Hour
	// selfSignedLeft is how much of it must be left at a start.
	selfSignedLeft = 30 * 24 * time.Hour
)

// SelfSigned returns a certificate for the hosts, names or addresses, that
// nobody but its maker vouches for. The one in dir is used again, so that an
// exception made in a browser lasts, unless it lacks a host or ends within a
// month; a new one is made and kept then. The caller holds the lock of dir.
func SelfSigned(dir string, hosts []string, now time.Time) (*tls.Certificate, error) {
	kept, err := keptSelfSigned(dir)
	if err != nil || kept != nil && serves(kept.Leaf, hosts, now) {
		return kept, err
	}
	raw, err := newSelfSigned(hosts, now)
	if err != nil {
		return nil, err
	}
	if err := durable.WriteFile(filepath.Join(dir, SelfSignedFile), raw); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(raw, raw)
	return &pair, err
}

// CheckSelfSigned returns what SelfSigned would refuse in dir, and makes nothing.
func CheckSelfSigned(dir string) error {
	_, err := keptSelfSigned(dir)
	return err
}

// keptSelfSigned returns the certificate in dir; nil when there is none.
func keptSelfSigned(dir string) (*tls.Certificate, error) {
	path := filepath.Join(dir, SelfSignedFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(raw, raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; remove it to have a new one made", path, err)
	}
	return &pair, nil
}

func serves(c *x509.Certificate, hosts []string, now time.Time) bool {
	for _, host := range hosts {
		if c.VerifyHostname(host) != nil {
			return false
		}
	}
	return now.After(c.NotBefore) && c.NotAfter.Sub(now) > selfSignedLeft
}

func newSelfSigned(hosts []string, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Carillon, self-signed"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfSignedLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true, // so that curl and AWS tools can be told to trust the file
	}
	template.KeyUsage |= x509.KeyUsageCertSign
	for _, host := range hosts {
		if addr, err := netip.ParseAddr(host); err == nil {
			template.IPAddresses = append(template.IPAddresses, addr.Unmap().AsSlice())
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}
