package signal

import (
	"net/netip"
	"sync"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// maxRefusals is how many refused joins are remembered, over all meetings.
// Anybody can make some by trying tokens, so they are kept apart from what is
// known of those who got in.
const maxRefusals = 1024

// refusals remembers the latest refused joins.
type refusals struct {
	mu   sync.Mutex
	all  []Refusal
	next int // where the oldest is once full
}

func (r *refusals) add(one Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) < maxRefusals {
		r.all = append(r.all, one)
		return
	}
	r.all[r.next] = one
	r.next = (r.next + 1) % maxRefusals
}

// of returns those of one meeting, oldest first.
func (r *refusals) of(id meeting.ID) []Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Refusal
	for i := range r.all {
		if one := r.all[(r.next+i)%len(r.all)]; one.Meeting == id {
			out = append(out, one)
		}
	}
	return out
}

// refusal describes a refused connection.
func (s *Server) refusal(id meeting.ID, remote netip.Addr, err error) Refusal {
	return Refusal{Meeting: id, At: s.cfg.Now(), Remote: remote, Words: refusalWords(err)}
}
