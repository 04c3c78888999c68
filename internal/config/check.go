package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ServesDemo reports whether the meeting page with its demo backend is to be
// served: as asked for or, when nothing was said, only while every address is
// one that nothing but this machine can reach. Another host name that requests
// may be for means that a tunnel or a proxy brings them from elsewhere.
func (s *Serve) ServesDemo() bool {
	if s.Pages.Demo != nil {
		return *s.Pages.Demo
	}
	return s.onlyLoopback() && !slices.ContainsFunc(s.AllowedHosts, func(name string) bool { return !isLoopback(name) })
}

// onlyLoopback reports whether nothing but this machine can reach the server.
// A public URL or a proxy means that others can, whatever it listens on.
func (s *Serve) onlyLoopback() bool {
	for _, addr := range []string{s.Listen, s.Media.UDP, s.Media.TCP, s.Turn.UDP, s.Turn.TCP, s.Turn.TLS, s.Pages.ConsoleListen, s.Telemetry.Pprof} {
		if !loopbackAddr(addr) {
			return false
		}
	}
	public, err := url.Parse(s.PublicURL)
	return len(s.TrustedProxies) == 0 && (s.PublicURL == "" || err == nil && isLoopback(public.Hostname()))
}

// loopbackAddr reports whether a listener's address is of the loopback interface;
// none at all, or what --listen says, is no address of its own.
func loopbackAddr(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return addr == "" || addr == "off" || err == nil && isLoopback(host)
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// Check returns every problem of the configuration, joined; nil when there is
// none.
func (s *Serve) Check() error {
	var errs []error
	add := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	s.checkAddresses(add)
	s.checkClashes(add)
	s.checkCredentials(add)
	s.checkNumbers(add)
	s.checkTelemetry(add)
	s.Events.check(add)
	s.checkTest(add)
	s.Cluster.check(add)
	s.checkRecording(add)
	s.Transcription.check(add)
	return errors.Join(errs...)
}

func (s *Serve) checkAddresses(add func(bool, string, ...any)) {
	for _, a := range []struct{ flag, value string }{
		{"listen", s.Listen}, {"media-udp", s.Media.UDP}, {"media-tcp", s.Media.TCP},
		{"turn-udp", s.Turn.UDP}, {"turn-tcp", s.Turn.TCP}, {"turn-tls", s.Turn.TLS}, {"metrics-listen", s.Pages.MetricsListen}, {"pprof-listen", s.Telemetry.Pprof},
		{"console-listen", s.Pages.ConsoleListen},
	} {
		if a.value == "" && a.flag != "listen" || a.flag == "media-tcp" && a.value == "off" {
			continue
		}
		_, port, err := net.SplitHostPort(a.value)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		add(err == nil, "--%s: %q is not an address of the form host:port", a.flag, a.value)
	}
	_, port, _ := net.SplitHostPort(s.Listen)
	add(port != "65535" || s.Media.TCP != "", "--media-tcp: there is no port after that of --listen; give an address, or \"off\"")
	add(s.Pages.MetricsListen == "" || s.Pages.Metrics, "--metrics-listen and --no-metrics exclude each other")
	add(s.Pages.ConsoleListen == "" || s.Pages.Console, "--console-listen and --no-console exclude each other")
	for _, name := range s.AllowedHosts {
		_, err := netip.ParseAddr(name)
		plain := name != "" && strings.Trim(name, ".") != "" && !strings.ContainsAny(name, "*/:@ ")
		add(err == nil || plain || name == "*", "--allowed-hosts: %q is not a host name without a port", name)
		add(name != "*" || !s.AnyCredentials(), "--allowed-hosts: * is not possible with --dev or --test-mode, where a web page of anybody's could call the API")
	}
	for _, ip := range s.Media.PublicIPs {
		addr, err := netip.ParseAddr(ip)
		add(err == nil && !addr.IsUnspecified() && !addr.IsMulticast(), "--media-public-ip: %q is not an IP address that clients can reach", ip)
	}
	if s.PublicURL != "" {
		u, err := url.Parse(s.PublicURL)
		ok := err == nil && u.Hostname() != "" && u.User == nil && (u.Scheme == "http" || u.Scheme == "https") &&
			strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == ""
		if ok && u.Port() != "" {
			_, err = net.LookupPort("tcp", u.Port())
			ok = err == nil
		}
		add(ok, "--public-url: %q is not of the form https://host[:port]", s.PublicURL)
	}
	add((s.TLSCert == "") == (s.TLSKey == ""), "--tls-cert and --tls-key go together")
	add(!s.TLSSelfSigned || s.TLSCert == "", "--tls-self-signed and --tls-cert exclude each other")
	add(s.Turn.TLS == "" || s.TLS(), "--turn-tls needs --tls-cert and --tls-key")
	_, err := netip.ParseAddr(s.Turn.Public)
	add(err == nil || !strings.ContainsAny(s.Turn.Public, "*/:@? "), "--turn-public: %q is not a host name or an address without a port", s.Turn.Public)
	s.checkOrigins(add)
}

// checkOrigins finds what no browser sends as its Origin, and so would let nobody
// in.
func (s *Serve) checkOrigins(add func(bool, string, ...any)) {
	for _, o := range []struct {
		flag string
		list []string
		any  bool // * stands for any
	}{{"origin", s.Pages.Origins, false}, {"cors-origin", s.API.CORSOrigins, true}} {
		for _, origin := range o.list {
			u, err := url.Parse(origin)
			ok := err == nil && u.Scheme != "" && u.Host != "" && u.Scheme+"://"+u.Host == origin
			add(ok || origin == "null" || o.any && origin == "*", "--%s: %q is not an origin of the form https://host[:port], without a path", o.flag, origin)
		}
	}
}

// checkClashes finds addresses that this server itself would open twice.
func (s *Serve) checkClashes(add func(bool, string, ...any)) {
	listenHost, listenPort := hostPort(s.Listen)
	type endpoint struct {
		flag, network, host string
		port                int // 0: any that is free
	}
	var all []endpoint
	for _, e := range []struct{ flag, network, addr string }{
		{"listen", "tcp", s.Listen}, {"media-udp", "udp", s.Media.UDP}, {"media-tcp", "tcp", s.Media.TCP}, {"turn-udp", "udp", s.Turn.UDP},
		{"turn-tcp", "tcp", s.Turn.TCP}, {"turn-tls", "tcp", s.Turn.TLS}, {"metrics-listen", "tcp", s.Pages.MetricsListen}, {"pprof-listen", "tcp", s.Telemetry.Pprof},
		{"console-listen", "tcp", s.Pages.ConsoleListen},
		{"cluster-listen", "tcp", s.Cluster.Listen}, {"cluster-http", "tcp", s.Cluster.HTTPAddr()},
	} {
		host, port := hostPort(e.addr)
		switch {
		case e.flag == "media-udp" && e.addr == "":
			host, port = listenHost, listenPort
		case e.flag == "media-tcp" && e.addr == "" && listenPort > 0:
			host, port = listenHost, listenPort+1
		}
		for _, other := range all {
			clash := port > 0 && port == other.port && e.network == other.network && overlap(host, other.host)
			add(!clash, "--%s and --%s: both want %s port %d", other.flag, e.flag, strings.ToUpper(e.network), port)
		}
		all = append(all, endpoint{e.flag, e.network, host, port})
	}
}

// hostPort splits an address; one that cannot be split has port 0.
func hostPort(addr string) (host string, port int) {
	host, name, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0
	}
	port, err = net.LookupPort("tcp", name)
	if err != nil {
		return host, 0
	}
	return host, port
}

// overlap reports whether two hosts cannot both be listened on at one port.
func overlap(a, b string) bool {
	everywhere := func(host string) bool {
		addr, err := netip.ParseAddr(host)
		return host == "" || err == nil && addr.IsUnspecified()
	}
	return strings.EqualFold(a, b) || everywhere(a) || everywhere(b)
}

func (s *Serve) checkCredentials(add func(bool, string, ...any)) {
	c := s.Credentials
	_, err := c.AppKeyOf()
	add(err == nil, "%w", err)
	add((c.AccessKey == "") == (c.SecretKey == ""), "--access-key and --secret-key go together")
	add(c.AccessKey == "" || c.KeyFile == "", "--access-key and --key-file exclude each other: the file names all keys")
	add(isAccount(c.Account), "--account: %q is not twelve digits", c.Account)
	region := strings.Trim(s.API.Region, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && len(s.API.Region) <= 64
	add(region, "--region: %q is not the name of a Region: lower-case letters, digits and dashes", s.API.Region)
}

func (s *Serve) checkRecording(add func(bool, string, ...any)) {
	r := s.Recording
	add(r.Recordings == "" || r.S3.Endpoint == "", "--recordings and --capture-s3-endpoint exclude each other")
	if r.S3.Endpoint != "" {
		u, err := url.Parse(r.S3.Endpoint)
		add(err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https"), "--capture-s3-endpoint: %q is not of the form https://host[:port]", r.S3.Endpoint)
		add(r.S3.AccessKey != "" && r.S3.SecretKeyFile != "", "--capture-s3-endpoint needs --capture-s3-access-key and --capture-s3-secret-key-file")
	}
	for _, name := range r.Codecs {
		add(slices.Contains([]string{"h264", "vp8", "vp9", "av1"}, name) || name == "none" && len(r.Codecs) == 1,
			"--capture-codecs: %q is not h264, vp8, vp9 or av1, nor none alone", name)
	}
	bucket := regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`).MatchString(r.Bucket) && !strings.Contains(r.Bucket, "..")
	add(bucket, "--recordings-bucket: %q is not the name of a bucket: 3 to 63 lower-case letters, digits, dots and dashes", r.Bucket)
	add(r.GiveUp > 0, "--capture-give-up must be positive")
	add(r.SpoolMiB >= 0, "--capture-spool-mib must not be negative")
	add(r.MaxComposed > 0, "--capture-max-composed must be positive")
}

// longest is the longest time that can be set: sums of a few must not overflow.
const longest = 10 * 365 * 24 * time.Hour

// mostStored bounds what is stored for one purpose, in MiB: half a petabyte of
// both records and dead letters is what the ledger's engine takes at most.
const mostStored = 1 << 28

func (s *Serve) checkNumbers(add func(bool, string, ...any)) {
	l := s.Limits
	for _, n := range []struct {
		flag     string
		value    int
		min, max int
	}{
		{"limit-meetings", l.Meetings, 0, 10_000_000}, {"limit-attendees", l.Attendees, 1, 10_000},
		{"limit-hd-attendees", l.HDAttendees, 1, 10_000}, {"limit-replicas", l.Replicas, 1, 1000},
		{"limit-meeting-tags", l.MeetingTags, 1, 1000}, {"limit-attendee-tags", l.AttendeeTags, 1, 1000},
		{"limit-video-senders", l.VideoSenders, 0, 250}, {"limit-video-subscriptions", l.VideoSubscriptions, 0, 250},
		{"limit-content-shares", l.ContentShares, 0, 250}, {"limit-cache-mib", l.CacheMiB, 1, 1 << 20},
		{"limit-storage-mib", l.StorageMiB, 0, mostStored}, {"limit-signaling-sockets", l.SignalingSockets, 1, 10_000_000},
		{"limit-connections", l.Connections, 1, 10_000_000}, {"limit-connections-per-address", l.PerAddress, 1, 10_000_000},
		{"limit-demo-meetings", l.DemoMeetings, 1, 10_000_000}, {"limit-pipelines", l.Pipelines, 1, 1_000_000},
		{"media-talkers", s.Media.Talkers, 1, 16}, {"memory-limit-mib", s.MemoryLimitMiB, 0, 1 << 30},
		{"throttle-burst", s.API.ThrottleBurst, 1, 1_000_000}, {"history-mib", s.History.MiB, 1, 1 << 20},
		{"audit-mib", s.Audit.MiB, 1, 1 << 20},
	} {
		add(n.value >= n.min && n.value <= n.max, "--%s: %d is not between %d and %d", n.flag, n.value, n.min, n.max)
	}
	add(s.API.ThrottleRate >= 0, "--throttle-rate must not be negative")
	t := s.Timers
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{
		{"timer-idle", t.Idle}, {"timer-max-age", t.MaxAge}, {"timer-tombstone", t.Tombstone}, {"history-age", s.History.Age}, {"audit-age", s.Audit.Age},
		{"timer-dropped", t.Dropped}, {"shutdown-timeout", s.ShutdownTimeout}, {"clock-skew", s.API.ClockSkew}, {"turn-ttl", s.Turn.TTL}, {"body-timeout", s.API.BodyTimeout},
	} {
		add(d.value > 0, "--%s must be positive", d.flag)
		add(d.value <= longest, "--%s: more than ten years", d.flag)
	}
	add(!slices.Contains(s.API.MediaRegions, ""), "--media-regions: an empty name")
}
