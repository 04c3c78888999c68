package gather

import (
	"context"

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
	err = n.ask(ctx, address, askLog, question{Log: q}, &part)
	return part, err
}
