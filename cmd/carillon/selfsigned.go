package main

import (
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/identity"
)

// openCertificate puts the certificate into use, if there is one, and makes that
// for trying where it is asked for. The data directory is locked.
func (s *server) openCertificate() (err error) {
	if s.cfg.TLSSelfSigned {
		s.certificate, err = identity.SelfSigned(s.cfg.Data, ownNames(s.cfg), time.Now())
	}
	s.certificates.current.Store(s.certificate)
	return err
}

// ownNames are the names and addresses under which this machine may be called.
func ownNames(cfg *config.Serve) []string {
	names := []string{"localhost"}
	if name, err := os.Hostname(); err == nil {
		names = append(names, name)
	}
	if public, err := url.Parse(cfg.PublicURL); err == nil && public.Hostname() != "" {
		names = append(names, public.Hostname())
	}
	for _, name := range cfg.AllowedHosts {
		if name != "*" {
			names = append(names, strings.TrimPrefix(name, "."))
		}
	}
	names = append(names, cfg.Media.PublicIPs...)
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return append(names, "127.0.0.1")
	}
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			names = append(names, prefix.Addr().WithZone("").String())
		}
	}
	return names
}
