package cluster

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"

	"fmt"
	"math/big"
	"time"
)

// MinSecret is the fewest bytes of a cluster's secret.
const MinSecret = 32

// certificateName is the name in every node's certificate, and the one that
// nodes ask for: who has the secret may be any node.
const certificateName = "node.carillon.internal"

// The authority's certificate has to come out the same on every node, so its
// dates are fixed.
const (
	authorityFrom  = 1767225600 // 2026-01-01
	authorityYears = 50
	nodeYears      = 10
)

// TLS returns the configuration by which nodes that have the same secret know
// each other, as client and as server. The secret makes a certificate
// authority; each process makes itself a key and a certificate of it.
func TLS(secret []byte, node string) (*tls.Config, error) {
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("cluster secret: %d bytes, at least %d are needed", len(secret), MinSecret)
	}
	authority, key, err := authorityOf(secret)
	if err != nil {
		return nil, fmt.Errorf("cluster certificate: %w", err)
	}
	cert, err := nodeCertificate(authority, key, node)
	if err != nil {
		return nil, fmt.Errorf("cluster certificate: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		RootCAs:      pool,
		ServerName:   certificateName,
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS13,
	}, nil
}

func authorityOf(secret []byte) (*x509.Certificate, ed25519.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, secret, nil, "carillon cluster certificate authority", ed25519.SeedSize)
	if err != nil {
		return nil, nil, err
	}
	key := ed25519.NewKeyFromSeed(seed)
	from := time.Unix(authorityFrom, 0).UTC()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Carillon cluster"},
		NotBefore: from, NotAfter: from.AddDate(authorityYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

func nodeCertificate(authority *x509.Certificate, authorityKey ed25519.PrivateKey, node string) (tls.Certificate, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now().UTC()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: node}, DNSNames: []string{certificateName},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(nodeYears, 0, 0), // clocks differ
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, public, authorityKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
