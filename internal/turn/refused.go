package turn

import "net"

// A refusal is a line in the log, but anybody can have any number of them for the
// price of a datagram: beyond linesAtOnce there are linesPerSecond.
const (
	linesPerSecond = 1
	linesAtOnce    = 20
)

// refused writes down that a request was refused. Names and passwords are no
// matter of the log's.
func (s *Server) refused(from net.Addr, method, reason string) {
	if !s.lines.AllowN(s.cfg.Now(), 1) {
		return
	}
	s.cfg.Logger.Info("turn refused", "operation", method, "error", "UnauthorizedException", "reason", reason, "from", hostOf(from))
}

// authenticated is told what came of checking a password.
func (s *Server) authenticated(from, _ net.Addr, _, _, _ string, method string, good bool) {
	if !good {
		s.refused(from, method, "the password is wrong")
	}
}

// permit is the PermissionHandler: relays lead to media only.
func (s *Server) permit(from net.Addr, peer net.IP) bool {
	ok := s.relays.permit(peer)
	if !ok {
		s.refused(from, "CreatePermission", "relays lead to the media port only")
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
