package capture

import (
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// What metrics tell of recordings is what became of them: pieces that wait while
// the store is down, and are stored
// when it is back.
func TestStatsTellWhatBecameOfRecordings(t *testing.T) {
	sink, broken := breakable()
	h, clock, _ := inTrouble(t, sink, func(c *Config) { c.MaxSpool = 1 << 20 })
	if got := h.service.Stats(); got != (Stats{Room: 1 << 20}) {
		t.Errorf("at first %+v", got)
	}
	p := h.record(h.meeting())
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	h.until("the first pieces to be stored", func() bool { s := h.service.Stats(); return s.Waiting == 0 && s.Pieces > 0 })
	begun := h.service.Stats()
	broken(true)
	h.say(p, clock)
	h.until("a piece to wait", func() bool { s := h.service.Stats(); return s.Waiting > 0 && s.Refusals > 0 })
	if got := h.service.Stats(); got.Pipelines != 1 || got.Pieces != begun.Pieces || got.Bytes != begun.Bytes || got.Failures != 0 {
		t.Errorf("while the store is down %+v, before %+v", got, begun)
	}
	waited := h.service.Stats().Waiting
	broken(false)
	h.until("it to be stored", func() bool { return h.service.Stats().Waiting == 0 })
	if got := h.service.Stats(); got.Pieces <= begun.Pieces || got.Bytes < begun.Bytes+uint64(waited) {
		t.Errorf("afterwards %+v, before %+v with %d bytes waiting", got, begun, waited)
	}
	h.stop(p.ID)
	h.untilStatus(p.ID, meeting.PipelineStopped)
	h.until("the end", func() bool { s := h.service.Stats(); return s.Pipelines == 0 && s.Failures == 0 })
}
