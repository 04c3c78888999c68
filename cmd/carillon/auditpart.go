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

// readAudit is what the console shows of it.
func (s *server) readAudit(ctx context.Context, q audit.Query) (audit.Page, error) {
	return s.audit.Read(ctx, q)
}
