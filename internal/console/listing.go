package console

import (
	"context"
	"fmt"
	"slices"

	"github.com/carillon-meetings/carillon/internal/observe"
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
	for i := range all {
		timeline.AddLoad(&all[i], s.live)
	}
	// What is kept of a meeting is more than the directory remembers: it comes last.
	rows, err := tableOf(slices.Concat(all, kept), func(m *observe.Meeting) string { return m.ID.String() })
	return reading{state: state{"meetings": rows}}, err
}
