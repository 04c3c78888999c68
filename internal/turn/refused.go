package turn

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"strings"
)

// A refusal is a line in the log, but anybody can have any number of them for the
// price of a datagram: beyond linesAtOnce there are linesPerSecond.
const (
	linesPerSecond = 1
	linesAtOnce    = 20
)

// refusal is why a request is refused, by the names that the API has for such.
type refusal struct {
	level        slog.Level
	name, reason string
}

// Error implements error.
func (r refusal) Error() string { return "turn: " + r.reason }

var (
	errForeign  = refusal{slog.LevelInfo, "UnauthorizedException", "the credentials are none of this server's"}
	errExpired  = refusal{slog.LevelInfo, "UnauthorizedException", "the credentials have expired"}
	errPassword = refusal{slog.LevelInfo, "UnauthorizedException", "the password is wrong"}
	errPeer     = refusal{slog.LevelInfo, "ForbiddenException", "relays lead to the media port only"}
	errTooMany  = refusal{slog.LevelInfo, "LimitExceededException", "the attendee has too many relays"}
	errNoTCP    = refusal{slog.LevelInfo, "BadRequestException", "only UDP is relayed"}
	errNoEven   = refusal{slog.LevelInfo, "BadRequestException", "no even ports are given out"}
	errChannels = refusal{slog.LevelInfo, "LimitExceededException", "the relay has too many channels"}
	errNoFamily = refusal{slog.LevelInfo, "BadRequestException", "media has no address of the family that was asked for"}
	errFull     = refusal{slog.LevelWarn, "ServiceUnavailableException", "too many relays are open"}
	errUnopened = refusal{slog.LevelError, "ServiceFailureException", "the relay could not be opened"}
)

// refused writes down that a request was refused. Names and passwords are no
// matter of the log's. The protocol's answer has no room for the id: it tells one
// line from another.
func (s *Server) refused(from net.Addr, method string, why refusal) {
	if !s.lines.AllowN(s.cfg.Now(), 1) {
		return
	}
	s.cfg.Logger.LogAttrs(context.Background(), why.level, "turn refused", slog.String("request_id", rand.Text()), slog.String("operation", method),
		slog.String("error", why.name), slog.String("reason", why.reason), slog.String("from", hostOf(from)))
}

// authenticated is told what came of checking a password.
func (s *Server) authenticated(from, _ net.Addr, _, _, _ string, method string, good bool) {
	if !good {
		s.refused(from, method, errPassword)
	}
}

// failed is told of each request that came to nothing, in the words of what
// refused it: relays do not know who asks for them. What is wrong with a request
// itself, and with its credentials, is not among them.
func (s *Server) failed(from, _ net.Addr, _, words string) {
	words, ok := strings.CutPrefix(words, "failed to handle Allocate-request from "+from.String()+": ")
	if !ok {
		return
	}
	for _, why := range []refusal{errTooMany, errNoTCP, errNoEven, errNoFamily, errFull, errUnopened} {
		if cause, ok := strings.CutPrefix(words, why.Error()); ok {
			why.reason += cause
			s.refused(from, "Allocate", why)
		}
	}
}

// permit is the PermissionHandler: relays lead to media only.
func (s *Server) permit(from net.Addr, peer net.IP) bool {
	ok := s.relays.permit(peer)
	if !ok {
		s.refused(from, "CreatePermission", errPeer)
	}
	return ok
}

func hostOf(addr net.Addr) string {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	return host
}
