package console

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/carillon-meetings/carillon/internal/observe/timeline"
)

// listSource reads the list of all meetings.
type listSource struct {
	directory Directory
	live      Live
	ended     Ended
}

func (s *listSource) read(ctx context.Context) (reading, error) {
	all, err := s.directory.Meetings(ctx)
	if err != nil {
		return reading{}, fmt.Errorf("the list of meetings cannot be read: %w", err)
	}
	kept, err := s.ended.Latest(ctx)
	if err != nil {
		return reading{}, fmt.Errorf("the list of ended meetings cannot be read: %w", err)
	}
	rows := make(map[string]json.RawMessage, len(all)+len(kept))
	for i := range all {
		timeline.AddLoad(&all[i], s.live)
	}
	for _, m := range slices.Concat(all, kept) { // what is kept of a meeting is more than the directory remembers
		if rows[m.ID.String()], err = json.Marshal(m); err != nil {
			return reading{}, err
		}
	}
	return reading{state: state{"meetings": rows}}, nil
}
