package console

import (
	"net/http"
	"regexp"
	"strings"
)

// plainHost matches the Host values that may be repeated in a header: names,
// IPv4 and bracketed IPv6 addresses, with or without a port.
var plainHost = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// setHeaders puts the security headers on an answer. Everything a page loads
// or connects to comes from its own origin; there is no inline script or style
// and nothing is evaluated. The meeting page alone may run WebAssembly.
func (c *Console) setHeaders(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", c.contentPolicy(r))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer") // addresses hold meeting codes
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), "+
		"speaker-selection=(self), fullscreen=(self), clipboard-write=(self), geolocation=(), payment=(), usb=()")
	secure := c.cfg.TLS
	if strings.HasPrefix(r.URL.Path, pathOperator) {
		secure = c.cfg.OperatorTLS
	}
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// contentPolicy returns the content security policy of a request's answer.
func (c *Console) contentPolicy(r *http.Request) string {
	connect := []string{"'self'"}
	if plainHost.MatchString(r.Host) { // 'self' covers WebSockets only in newer browsers
		connect = append(connect, "ws://"+r.Host, "wss://"+r.Host)
	}
	connect = append(connect, c.cfg.ConnectSources...)
	scripts := "script-src 'self'"
	if isMeetingPage(r.URL.Path) {
		scripts += " 'wasm-unsafe-eval'" // what finds the person before a background that is to be blurred
	}
	rules := []string{
		"default-src 'none'",
		scripts,
		"style-src 'self'",
		"img-src 'self'",
		"font-src 'self'",
		"media-src 'self' blob:",
		"connect-src " + strings.Join(connect, " "),
		"worker-src blob:", // the meeting SDK's encoded-transform worker
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}
	if strings.HasPrefix(r.URL.Path, pathOperator) {
		// The operators' pages never turn text into markup or code.
		rules = append(rules, "require-trusted-types-for 'script'", "trusted-types 'none'")
	}
	return strings.Join(rules, "; ")
}

// isMeetingPage tells whether a path is one at which the meeting page stands.
func isMeetingPage(path string) bool {
	return path == pathStart || path == pathJoin || strings.HasPrefix(path, pathMeeting)
}
