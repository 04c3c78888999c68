package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/identity"
	"github.com/carillon-meetings/carillon/internal/keyuse"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// openKeyUse opens the book of when keys were last used.
func (s *server) openKeyUse() (err error) {
	s.used, err = keyuse.Open(filepath.Join(s.cfg.Data, "keys-used.json"), s.test.now())
	return err
}

// storeKeyUse keeps the book until ctx ends.
func (s *server) storeKeyUse(ctx context.Context) error {
	s.used.Run(ctx.Done(), func(err error) { s.log.Warn("when keys were last used is not stored", "err", err) })
	return nil
}

// keepUsed forgets when keys were used that are no more.
func (s *server) keepUsed(keys *sigv4.Keys) {
	var ids []string
	for _, k := range keys.List() {
		ids = append(ids, k.ID)
	}
	s.used.Keep(ids)
}

// keyUseHere is when keys were last used at this node.
func (s *server) keyUseHere() keyuse.Part { return s.used.Part(s.cfg.Cluster.Node) }

// keyUse is the same of all nodes; silent are those that did not answer.
func (s *server) keyUse(ctx context.Context) (parts []keyuse.Part, silent []string) {
	if s.member == nil {
		return []keyuse.Part{s.keyUseHere()}, nil
	}
	parts = s.member.nodes.KeyUse(ctx)
	return parts, unheard(s.member, parts, func(p keyuse.Part) string { return p.Node })
}

// sheet is how the server is set up.
func (s *server) sheet(ctx context.Context) console.Sheet {
	used, silent := s.keyUse(ctx)
	sheet := console.Sheet{
		Node: s.cfg.Cluster.Node, KeysFrom: s.keysFrom(), Keys: []console.SheetKey{}, Silent: silent,
		Certificates: s.shownCertificates(), Files: []console.WatchedFile{}, Settings: s.settings,
	}
	for _, k := range s.verifier.Keys().List() {
		sheet.Keys = append(sheet.Keys, console.SheetKey{
			ID: k.ID, Account: k.Account, Disabled: k.Disabled, Allow: k.Allow, Deny: k.Deny, Sessions: k.Sessions,
			Expires: observe.At(k.Expires), Used: observe.At(keyuse.Latest(k.ID, used)),
		})
	}
	for _, r := range s.watching {
		read, fault := r.state()
		f := console.WatchedFile{What: r.what, Files: r.files, Read: observe.At(read)}
		if fault != nil {
			f.Fault = fault.Error()
		}
		sheet.Files = append(sheet.Files, f)
	}
	return sheet
}

// keysFrom says where the access keys come from.
func (s *server) keysFrom() string {
	switch c := s.cfg.Credentials; {
	case s.cfg.AnyCredentials():
		return "any credentials are accepted"
	case c.KeyFile != "":
		return c.KeyFile
	case c.AccessKey != "":
		return "--access-key"
	}
	return filepath.Join(s.cfg.Data, identity.AccessKeyFile)
}

// certificateUse is something that a certificate is for.
type certificateUse struct {
	label, words, source string
	find                 func() *x509.Certificate // nil when it cannot be read
}

// certificateUses are all certificates that this server depends on.
func (s *server) certificateUses() (list []certificateUse) {
	own := func() *x509.Certificate {
		if pair := s.certificates.current.Load(); pair != nil {
			return leaf(pair.Leaf, pair.Certificate)
		}
		return nil
	}
	source := s.cfg.TLSCert
	if s.cfg.TLSSelfSigned {
		source = filepath.Join(s.cfg.Data, identity.SelfSignedFile)
	}
	if s.cfg.TLS() {
		list = append(list, certificateUse{"listener", "API, signaling and pages", source, own})
	}
	if s.cfg.Turn.TLS != "" {
		list = append(list, certificateUse{"turn", "TURN over TLS", source, own})
	}
	if s.cfg.Cluster.On() {
		list = append(list, certificateUse{"cluster", "connections between the nodes", "made at the start from " + s.cfg.Cluster.SecretFile, func() *x509.Certificate {
			if s.member == nil || s.member.tls == nil {
				return nil
			}
			pair := s.member.tls.Certificates[0]
			return leaf(pair.Leaf, pair.Certificate)
		}})
	}
	if file := s.cfg.Cluster.NATSCA; file != "" {
		list = append(list, certificateUse{"nats", "NATS: who signs its certificates", file, func() *x509.Certificate { return firstToEnd(file) }})
	}
	for _, t := range s.trusts() {
		list = append(list, certificateUse{t.use, t.of + ": who signs its certificate", t.file, func() *x509.Certificate { return firstToEnd(t.file) }})
	}
	return list
}

func leaf(parsed *x509.Certificate, chain [][]byte) *x509.Certificate {
	if parsed != nil || len(chain) == 0 {
		return parsed
	}
	cert, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil // it was loaded: it is one
	}
	return cert
}

// firstToEnd is the certificate of a file that ends first; nil when there is none.
func firstToEnd(file string) (first *x509.Certificate) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err == nil && (first == nil || cert.NotAfter.Before(first.NotAfter)) {
			first = cert
		}
	}
	return first
}

func (s *server) shownCertificates() []console.Certificate {
	list := []console.Certificate{}
	for _, use := range s.certificateUses() {
		cert := use.find()
		if cert == nil {
			continue
		}
		names := append(append([]string{}, cert.DNSNames...), ipTexts(cert)...)
		if len(names) == 0 {
			names = []string{cert.Subject.CommonName}
		}
		list = append(list, console.Certificate{
			Use: use.words, Name: strings.Join(names, ", "), Issuer: cert.Issuer.String(),
			From: observe.At(cert.NotBefore), Until: observe.At(cert.NotAfter), Source: use.source,
		})
	}
	return list
}

func ipTexts(cert *x509.Certificate) (texts []string) {
	for _, ip := range cert.IPAddresses {
		texts = append(texts, ip.String())
	}
	return texts
}

// watchCertificates adds when certificates end.
func (m *metrics) watchCertificates(s *server) {
	for _, use := range s.certificateUses() {
		opts := prometheus.GaugeOpts{
			Name: "carillon_certificate_expiry_timestamp_seconds", Help: "When a certificate ends, in Unix time, by what it is for; 0 when it cannot be read.",
			ConstLabels: prometheus.Labels{"use": use.label},
		}
		m.registry.MustRegister(prometheus.NewGaugeFunc(opts, func() float64 {
			if cert := use.find(); cert != nil {
				return float64(cert.NotAfter.Unix())
			}
			return 0
		}))
	}
}

// endsSoon is how long before its end a certificate is worth a warning at the start.
const endsSoon = 14 * 24 * time.Hour

// tellCertificates warns of certificates that end soon.
func (s *server) tellCertificates() {
	for _, use := range s.certificateUses() {
		if cert := use.find(); cert != nil && time.Until(cert.NotAfter) < endsSoon {
			s.log.Warn("a certificate ends soon, or has ended", "use", use.words, "source", use.source, "ends", cert.NotAfter.UTC().Format(time.RFC3339))
		}
	}
}
