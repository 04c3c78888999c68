package main

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal"
)

// publicBase returns the URL under which clients reach the server: the
// configured one, or the listener's own address, where an unspecified host
// becomes the first announced or interface address.
func publicBase(cfg *config.Serve, listener net.Addr) (*url.URL, error) {
	if cfg.PublicURL != "" {
		u, err := url.Parse(cfg.PublicURL)
		if err != nil {
			return nil, fmt.Errorf("--public-url: %w", err)
		}
		return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
	}
	scheme := "http"
	if cfg.TLS() {
		scheme = "https"
	}
	ap, err := netip.ParseAddrPort(listener.String())
	if err != nil {
		return nil, fmt.Errorf("listen address: %w", err)
	}
	host := ap.Addr().String()
	if ap.Addr().IsUnspecified() {
		host = reachableHost(cfg.Media.PublicIPs)
	}
	return &url.URL{Scheme: scheme, Host: net.JoinHostPort(host, strconv.Itoa(int(ap.Port())))}, nil
}

// reachableHost returns the first announced address, else the first address of
// an interface that is up, else the loopback address.
func reachableHost(announced []string) string {
	if len(announced) > 0 {
		return announced[0]
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err == nil && !prefix.Addr().IsLoopback() && !prefix.Addr().IsLinkLocalUnicast() {
			return prefix.Addr().String()
		}
	}
	return "127.0.0.1"
}

// placement builds the addresses of a meeting's MediaPlacement, all of them
// here. mediaHost is where media of this server's meetings is reached, as
// host:port. turnOn tells whether there is a TURN server, events whether clients
// get an address for their own reports.
//
// Clients of the legacy API's age ask the TurnControlUrl, if they are given
// one, and use nothing but TURN from then on. In the current API it is always
// there: nobody calls it, and native clients' models require it.
func placement(base *url.URL, mediaHost string, turnOn, events bool) func(meeting.Summary) api.MediaPlacement {
	web := base.String()
	socket := "ws" + strings.TrimPrefix(web, "http")
	return func(m meeting.Summary) api.MediaPlacement {
		id := m.ID.String()
		p := api.MediaPlacement{
			AudioHostURL:     cmp.Or(m.MediaHost, mediaHost),
			AudioFallbackURL: socket + signal.PathCalls + id,
			SignalingURL:     socket + signal.PathControl + id,
			TurnControlURL:   web + signal.PathTURN,
			ScreenDataURL:    socket + signal.PathScreen + id,
			ScreenSharingURL: socket + signal.PathScreen + id,
			ScreenViewingURL: socket + signal.PathScreenViewing + "?passcode=null&viewer_uuid=null&X-BitHub-Call-Id=" + id,
		}
		if m.Owner.Flavour == meeting.Legacy && !turnOn {
			p.TurnControlURL = ""
		}
		if events {
			p.EventIngestionURL = web + signal.PathEvents + "/" + id
		}
		return p
	}
}
