package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/gate"
)

// ports are the addresses of the server. The web port is opened first, because
// the others take their defaults from it.
type ports struct {
	web     net.Listener
	metrics net.Listener   // nil when the metrics have no address of their own
	pprof   net.Listener   // nil without --pprof-listen
	console net.Listener   // nil when the console has no address of its own
	node    net.Listener   // for the other nodes of a cluster; nil alone
	public  *url.URL       // base URL for clients
	addr    netip.AddrPort // of web
}

func (p *ports) open(ctx context.Context, cfg *config.Serve, secure *tls.Config, conns *gate.Connections) (err error) {
	if p.web, err = listen(ctx, cfg.Listen, secure, conns); err != nil {
		return err
	}
	if p.public, err = publicBase(cfg, p.web.Addr()); err != nil {
		return err
	}
	if p.addr, err = netip.ParseAddrPort(p.web.Addr().String()); err != nil || !cfg.Cluster.On() {
		return err
	}
	p.node, err = new(net.ListenConfig).Listen(ctx, "tcp", cfg.Cluster.HTTPAddr())
	return err
}

// close closes the HTTP ports; closing them twice is no error.
func (p *ports) close() error {
	var errs []error
	for _, l := range []net.Listener{p.web, p.metrics, p.pprof, p.console, p.node} {
		if l == nil {
			continue
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// mediaUDP and mediaTCP are where media listens; mediaTCP is empty when it is
// switched off.
func (p *ports) mediaUDP(cfg *config.Serve) string {
	if cfg.Media.UDP != "" {
		return cfg.Media.UDP
	}
	return p.addr.String()
}

func (p *ports) mediaTCP(cfg *config.Serve) string {
	switch cfg.Media.TCP {
	case "off":
		return ""
	case "":
		return netip.AddrPortFrom(p.addr.Addr(), p.addr.Port()+1).String()
	}
	return cfg.Media.TCP
}

// mediaHost is the host and port of media that clients are told: the first
// address that is announced for media, else the public host, with the media port.
func (p *ports) mediaHost(cfg *config.Serve) string {
	_, port, err := net.SplitHostPort(p.mediaUDP(cfg))
	if err != nil {
		port = strconv.Itoa(int(p.addr.Port()))
	}
	host := p.public.Hostname()
	if announced := cfg.Media.PublicIPs; len(announced) > 0 {
		host = announced[0]
	}
	return net.JoinHostPort(host, port)
}

// connectSources are the origins a page of ours may open connections to beside
// its own: signaling goes to the public address, which differs from the page's
// own when that was opened by another name.
func (p *ports) connectSources() []string {
	socket := "ws"
	if p.public.Scheme == "https" {
		socket = "wss"
	}
	return []string{socket + "://" + p.public.Host, p.public.Scheme + "://" + p.public.Host}
}
