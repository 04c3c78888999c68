package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/signal"
	"github.com/carillon-meetings/carillon/internal/turn"
)

// mediaPlane is the media node and, when it is switched on, the TURN server in
// front of it.
type mediaPlane struct {
	node *media.Node
	turn *turn.Server
}

func (s *server) openMedia(context.Context) error {
	public, err := parseAddrs(s.cfg.Media.PublicIPs)
	if err != nil {
		return err
	}
	udp := s.ports.mediaUDP(s.cfg)
	host, _, err := net.SplitHostPort(udp)
	if err != nil {
		return err
	}
	listening, err := netip.ParseAddr(host)
	node, nodeErr := media.NewNode(media.Config{
		UDPAddr:          udp,
		TCPAddr:          s.ports.mediaTCP(s.cfg),
		PublicIPs:        public,
		Loopback:         err == nil && listening.IsLoopback() && len(public) == 0,
		MaxVideoSenders:  s.cfg.Limits.VideoSenders,
		MaxContentShares: s.cfg.Limits.ContentShares,
		MaxSubscriptions: s.cfg.Limits.VideoSubscriptions,
		MaxTalkers:       s.cfg.Media.Talkers,
		Logger:           s.log.With("part", "media"),
	})
	if nodeErr != nil {
		return nodeErr
	}
	s.media = &mediaPlane{node: node}
	return s.openTURN(listening, public)
}

func parseAddrs(texts []string) ([]netip.Addr, error) {
	var list []netip.Addr
	for _, text := range texts {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return nil, err
		}
		list = append(list, ip)
	}
	return list, nil
}

// openTURN starts the TURN server if an address is configured for one.
func (s *server) openTURN(listening netip.Addr, public []netip.Addr) error {
	c := s.cfg.Turn
	if c.UDP == "" && c.TCP == "" && c.TLS == "" {
		return nil
	}
	cfg := turn.Config{
		UDPAddr: c.UDP, TCPAddr: c.TCP, TLSAddr: c.TLS,
		PublicHost: c.Public,
		Media:      netip.AddrPortFrom(listening, uint16(s.media.node.UDPPort())),
		TTL:        c.TTL,
		Logger:     s.log.With("part", "turn"),
	}
	for _, addr := range s.announced(listening, public) {
		cfg.Announced = append(cfg.Announced, netip.AddrPortFrom(addr, uint16(s.media.node.UDPPort())))
	}
	if cfg.PublicHost == "" {
		cfg.PublicHost = s.ports.public.Hostname()
	}
	if c.TLS != "" {
		cert, err := tls.LoadX509KeyPair(s.cfg.TLSCert, s.cfg.TLSKey)
		if err != nil {
			return err
		}
		cfg.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	server, err := turn.New(cfg)
	s.media.turn = server
	return err
}

// announced are the addresses that media is announced under: the public ones,
// else the listening one, else those of this machine's interfaces.
func (s *server) announced(listening netip.Addr, public []netip.Addr) []netip.Addr {
	if len(public) > 0 {
		return public
	}
	if listening.IsValid() && !listening.IsUnspecified() {
		return []netip.Addr{listening}
	}
	var list []netip.Addr
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		s.log.Warn("cannot list the addresses of this machine", "err", err)
	}
	for _, a := range interfaces {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, prefix.Addr())
		}
	}
	return list
}

// credentials returns what signaling gives clients to use the TURN server
// with; nil when there is none.
func (m *mediaPlane) credentials() func(string) signal.TURN {
	if m.turn == nil {
		return nil
	}
	return func(attendee string) signal.TURN {
		c := m.turn.Credentials(attendee)
		return signal.TURN{Username: c.Username, Password: c.Password, TTL: c.TTL, URIs: c.URIs}
	}
}

// Close ends all media and waits for it.
func (m *mediaPlane) Close() error {
	var err error
	if m.turn != nil {
		err = m.turn.Close()
	}
	return errors.Join(err, m.node.Close())
}
