package main

import (
	"cmp"
	"context"
	"errors"
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
	node, err := media.NewNode(media.Config{
		UDPAddr:          s.ports.mediaUDP(s.cfg),
		TCPAddr:          s.ports.mediaTCP(s.cfg),
		PublicIPs:        public,
		MaxVideoSenders:  s.cfg.Limits.VideoSenders,
		MaxContentShares: s.cfg.Limits.ContentShares,
		MaxSubscriptions: s.cfg.Limits.VideoSubscriptions,
		Timeout:          s.cfg.Timers.Dropped,
		MaxTalkers:       s.cfg.Media.Talkers,
		Logger:           s.log.With("part", "media"),
	})
	if err != nil {
		return err
	}
	s.media = &mediaPlane{node: node}
	return s.openTURN()
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

// openTURN starts the TURN server if an address is configured for one. It
// relays to what the media node's answers name, and to nothing else.
func (s *server) openTURN() error {
	c := s.cfg.Turn
	if c.UDP == "" && c.TCP == "" && c.TLS == "" {
		return nil
	}
	cfg := turn.Config{
		UDPAddr: c.UDP, TCPAddr: c.TCP, TLSAddr: c.TLS,
		PublicHost: cmp.Or(c.Public, s.ports.public.Hostname()),
		Media:      s.media.node.UDPAddr(),
		Announced:  s.media.node.Announced(),
		TTL:        c.TTL,

		MaxAllocations: s.files.relays,
		MaxConns:       s.files.relays,
		Now:            s.test.now(),
		Logger:         s.log.With("part", "turn"),
	}
	if c.TLS != "" {
		cfg.TLS = s.certificates.config()
	}
	server, err := turn.New(cfg)
	s.media.turn = server
	return err
}

// tellTURN says what the clients' check of their connection is worth: it tells
// UDP from TCP by leaving out the TURN addresses of the other, so that it finds
// a blocked transport only when there are addresses for both.
func (s *server) tellTURN() {
	udp, tcp := s.cfg.Turn.UDP != "", s.cfg.Turn.TCP != "" || s.cfg.Turn.TLS != ""
	switch {
	case udp != tcp:
		s.log.Warn("TURN is on for one transport only: the meeting readiness checker of clients cannot find out that the other is blocked. Set --turn-udp and --turn-tcp",
			"udp", udp, "tcp", tcp)
	case !udp:
		s.log.Info("TURN is off: the meeting readiness checker of clients, where an application runs it, cannot tell UDP from TCP. See --turn-udp and --turn-tcp")
	}
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
