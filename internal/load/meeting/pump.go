package meeting

import (
	"context"
	"time"
)

// The pumps send for everybody: two goroutines instead of two for each
// attendee. Both keep to the clock: when the machine was busy elsewhere they
// catch up, so that the number of packets does not depend on it.

// every calls tick n times an interval, evenly spread, until ctx ends.
func every(ctx context.Context, interval time.Duration, n int, tick func(i int)) {
	begin := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		tick(i)
		next := begin.Add(time.Duration(i+1) * interval / time.Duration(n))
		timer.Reset(max(0, time.Until(next)))
	}
}

// talk sends the sound of all attendees: 50 packets a second each, in ten
// portions every 20 ms.
func (r *run) talk(ctx context.Context) {
	const portions = 10
	every(ctx, 20*time.Millisecond, portions, func(i int) {
		for n := i % portions; n < len(r.attendees); n += portions {
			r.utter(r.attendees[n], i/portions)
		}
	})
}

// utter sends the frame of one attendee.
func (r *run) utter(a *attendee, frame int) {
	switch {
	case a == r.clicker:
		at := frame % loopFrames
		now := time.Now()
		if sample, ok := r.clicking.clicks[at]; a.say(r.clicking.sounds[at]) && ok {
			r.ear.sent.last.Store(now.Add(samples(sample)).UnixNano())
		}
	case a.role == talking:
		a.say(r.speech.sounds[(frame+a.offset)%loopFrames])
	case !r.o.Quiet:
		a.say(r.silence)
	}
}

// film sends the pictures of all cameras.
func (r *run) film(ctx context.Context) {
	every(ctx, time.Second/videoRate, len(r.cameras), func(i int) { r.cameras[i%len(r.cameras)].film() })
}
