package main

import (
	"context"
	"path/filepath"

	"github.com/carillon-meetings/carillon/internal/audit"
)

// openAudit opens the account of who did what.
func (s *server) openAudit() (err error) {
	s.audit, err = audit.Open(audit.Config{
		Dir: filepath.Join(s.cfg.Data, "audit"), Node: s.cfg.Cluster.Node, Age: s.cfg.Audit.Age, Bytes: int64(s.cfg.Audit.MiB) << 20,
		Logger: s.log.With("part", "audit"),
	})
	return err
}

// noteServer writes down what the server did by itself.
func (s *server) noteServer(action, target string, err error) {
	e := audit.Entry{Via: audit.Server, Action: action, Target: target, Outcome: audit.Done}
	if err != nil {
		e.Outcome, e.Reason = audit.Refused, err.Error()
	}
	s.audit.Write(e)
}

// noteReload writes down that files were read again.
func (s *server) noteReload(what string, err error) { s.noteServer("read again", what, err) }

// readAudit is what the console shows of it: in a cluster, of the accounts of all
// nodes.
func (s *server) readAudit(ctx context.Context, q audit.Query) (audit.Page, error) {
	if s.member == nil {
		return s.audit.Read(ctx, q)
	}
	parts, err := s.member.nodes.Audit(ctx, q)
	if err != nil {
		return audit.Page{}, err
	}
	page, err := q.Merge(parts...)
	page.Silent = unheard(s.member, parts, func(p audit.Part) string { return p.Node })
	return page, err
}
