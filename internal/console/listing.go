package console

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// listSource reads the list of all meetings.
type listSource struct {
	directory Directory
	live      Live
}

func (s *listSource) read(ctx context.Context) (reading, error) {
	all, err := s.directory.Meetings(ctx)
	if err != nil {
		return reading{}, fmt.Errorf("the list of meetings cannot be read: %w", err)
	}
	rows := make(map[string]json.RawMessage, len(all))
	for _, m := range all {
		addLoad(&m, s.live)
		if rows[m.ID.String()], err = json.Marshal(m); err != nil {
			return reading{}, err
		}
	}
	return reading{state: state{"meetings": rows}}, nil
}

// addLoad adds to a meeting what the signaling side knows of it. Once it has
// ended nobody is there any more, whatever signaling has not heard of yet.
func addLoad(m *observe.Meeting, live Live) {
	m.Load = live.Load(m.ID)
	if !m.Ended.IsZero() {
		m.Load = m.Load.Past()
	}
}
