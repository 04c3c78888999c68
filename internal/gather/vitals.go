package gather

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/keyuse"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Vitals returns how each node has fared that answers, this one first: in the
// last day, or only the last hour in finer steps.
func (n *Nodes) Vitals(ctx context.Context, day bool) []observe.Vitals {
	return append([]observe.Vitals{n.cfg.Vitals(day)}, others(ctx, n, func(ctx context.Context, address string) (v observe.Vitals, err error) {
		err = n.ask(ctx, address, askVitals, question{Day: day}, &v)
		return v, err
	})...)
}

// Log asks the node at an address for lines of its log.
func (n *Nodes) Log(ctx context.Context, address string, q observe.LogQuery) (part observe.LogPart, err error) {
	err = n.ask(ctx, address, askLines, question{Lines: q}, &part)
	return part, err
}

// Logs returns the lines of each node that answers, this one first.
func (n *Nodes) Logs(ctx context.Context, q observe.LogQuery) []observe.LogPart {
	return append([]observe.LogPart{n.cfg.Log(q)}, others(ctx, n, func(ctx context.Context, address string) (observe.LogPart, error) {
		return n.Log(ctx, address, q)
	})...)
}

// Audit returns what each node that answers has in its account, this one first.
// The error is that of this node's own.
func (n *Nodes) Audit(ctx context.Context, q audit.Query) ([]audit.Part, error) {
	own, err := n.cfg.Audit(ctx, q)
	if err != nil {
		return nil, err
	}
	return append([]audit.Part{own}, others(ctx, n, func(ctx context.Context, address string) (part audit.Part, err error) {
		err = n.ask(ctx, address, askAudit, question{Audit: q}, &part)
		return part, err
	})...), nil
}

// KeyUse returns when each access key was last used at each node that answers,
// this one first.
func (n *Nodes) KeyUse(ctx context.Context) []keyuse.Part {
	return append([]keyuse.Part{n.cfg.KeyUse()}, others(ctx, n, func(ctx context.Context, address string) (part keyuse.Part, err error) {
		err = n.ask(ctx, address, askKeyUse, question{}, &part)
		return part, err
	})...)
}
