package history

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// quality sums up samples.
type quality struct {
	observe.Quality
	lossIn, lossOut float64
	rtt             time.Duration
	timed           int // samples that have an RTT
}

func (q *quality) add(s observe.Sample) {
	q.Samples++
	q.lossIn += s.LossIn
	q.lossOut += s.LossOut
	q.LossInMax, q.LossOutMax = max(q.LossInMax, s.LossIn), max(q.LossOutMax, s.LossOut)
	if s.RTT > 0 {
		q.timed++
		q.rtt += time.Duration(s.RTT)
		q.RTTMax = max(q.RTTMax, s.RTT)
	}
	if s.Signal < observe.GoodSignal {
		q.Weak++
	}
	if s.Concealing {
		q.Concealed++
	}
}

// view returns the sum; nil when there was nothing to sum up.
func (q *quality) view() *observe.Quality {
	if q.Samples == 0 {
		return nil
	}
	v := q.Quality
	v.LossIn, v.LossOut = observe.Tenth(q.lossIn/float64(q.Samples)), observe.Tenth(q.lossOut/float64(q.Samples))
	if q.timed > 0 {
		v.RTT = observe.Span(q.rtt / time.Duration(q.timed))
	}
	return &v
}
