package capture

// Stats are totals for metrics: those of now, and those since the start.
type Stats struct {
	Pipelines int   // being carried out here
	Waiting   int64 // bytes of pieces that are not stored yet
	Room      int64 // bytes there may be of them; 0 for no bound

	Pieces, Bytes uint64 // stored
	Refusals      uint64 // attempts to store a piece that came to nothing
	Failures      uint64 // pipelines that have failed
}

// Stats returns the totals.
func (s *Service) Stats() Stats {
	s.mu.Lock()
	running := 0
	for _, j := range s.jobs {
		if !j.leftover {
			running++
		}
	}
	s.mu.Unlock()
	return Stats{
		Pipelines: running, Waiting: s.room.waiting(), Room: s.room.most,
		Pieces: s.room.pieces.Load(), Bytes: s.room.bytes.Load(), Refusals: s.room.refusals.Load(),
		Failures: s.failures.Load(),
	}
}
