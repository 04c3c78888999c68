package meeting

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/load/gauge"
)

// sample is the state of everything at one moment.
type sample struct {
	at         time.Time
	server     usage
	own        time.Duration // CPU of the generator
	audioSent  uint64
	audioHeard uint64
	videoSent  uint64
	videoSeen  uint64
	connected  time.Duration // of all attendees together
}

func (r *run) sample() (s sample, err error) {
	s = sample{
		at: time.Now(), own: ownCPU(),
		audioSent: r.total.audioSent.Load(), audioHeard: r.total.audioHeard.Load(),
		videoSent: r.total.videoSent.Load(), videoSeen: r.total.videoSeen.Load(),
	}
	for _, a := range r.attendees {
		s.connected += a.connected(s.at)
	}
	s.server, err = usageOf(r.o.Pid)
	return s, err
}

// measure lets the meetings go on for the duration, with churn, and fills in
// what came of it. idle is what the server used before anybody joined.
func (r *run) measure(ctx context.Context, idle usage, report *Report) error {
	if r.ear != nil {
		r.ear.taken()
	}
	a, err := r.sample()
	if err != nil {
		return err
	}
	churning, stop := context.WithCancel(ctx)
	var churn sync.WaitGroup
	if r.o.Churn > 0 {
		churn.Go(func() { r.churn(churning) })
	}
	err = wait(ctx, r.o.Duration)
	b, sampleErr := r.sample()
	stop()
	churn.Wait()
	if err != nil {
		return err
	}
	if sampleErr != nil {
		return sampleErr
	}
	r.media(a, b, report)
	if r.o.Pid != 0 {
		seconds := b.at.Sub(a.at).Seconds()
		report.ServerCores = (b.server.cpu - a.server.cpu).Seconds() / seconds
		if packets := report.PacketsIn + report.PacketsOut; packets > 0 {
			report.PerPacket = 1e6 * report.ServerCores / packets
		}
		report.RSS = b.server.rss
		report.PerAttendee = (b.server.own - idle.own) / float64(len(r.attendees))
	}
	return nil
}

// media fills in what went in and came out between two samples.
func (r *run) media(a, b sample, report *Report) {
	span := b.at.Sub(a.at)
	report.Seconds = span.Seconds()
	report.PacketsIn = float64(b.audioSent-a.audioSent+b.videoSent-a.videoSent) / span.Seconds()
	report.PacketsOut = float64(b.audioHeard-a.audioHeard+b.videoSeen-a.videoSeen) / span.Seconds()
	report.GeneratorCores = (b.own - a.own).Seconds() / span.Seconds()

	connected := b.connected - a.connected
	audio := connected.Seconds() * 50
	present := connected.Seconds() / (span.Seconds() * float64(len(r.attendees)))
	video := 0.0
	if len(r.cameras) > 0 {
		views := 0
		for _, x := range r.attendees {
			views += r.watched(x)
		}
		video = float64(b.videoSent-a.videoSent) * float64(views) / float64(len(r.cameras)) * present
	}
	heard, seen := float64(b.audioHeard-a.audioHeard), float64(b.videoSeen-a.videoSeen)
	report.DeliveredAudio = percent(heard, audio)
	report.DeliveredVideo = percent(seen, video)
	report.Delivered = percent(min(heard, audio)+min(seen, video), audio+video)
	if r.ear != nil {
		delays, frames, concealed := r.ear.taken()
		report.ClicksHeard = len(delays)
		report.ClicksSent = int(span.Seconds()*50/clickFrames + 0.5)
		report.DelayP50, report.DelayP99 = gauge.Milliseconds(gauge.Percentile(delays, 0.5)), gauge.Milliseconds(gauge.Percentile(delays, 0.99))
		report.Concealed = percent(float64(concealed), float64(frames))
	}
}

// churn makes attendees leave and come back, one after the other, until ctx
// ends. Every other one loses its connection instead of leaving. Cameras, who
// clicks and who listens for it stay.
func (r *run) churn(ctx context.Context) {
	var movers []*attendee
	for _, a := range r.attendees {
		if a.role != filming && a != r.clicker && a.ear == nil {
			movers = append(movers, a)
		}
	}
	if len(movers) == 0 {
		return
	}
	work := context.WithoutCancel(ctx) // a join that has begun ends well
	var moving sync.WaitGroup
	defer moving.Wait()
	busy := make(chan struct{}, 16)
	every(ctx, time.Duration(float64(time.Second)/r.o.Churn), 1, func(i int) {
		if i >= len(movers) && len(movers) < cap(busy) {
			moving.Wait() // nobody moves twice at a time
		}
		busy <- struct{}{}
		moving.Go(func() {
			defer func() { <-busy }()
			r.move(work, movers[i%len(movers)], i%2 == 0)
		})
	})
}

// move makes one attendee go and come back.
func (r *run) move(ctx context.Context, a *attendee, politely bool) {
	a.leave(ctx, politely)
	if politely {
		a.session = rand.Uint64() // a new visit; without, the server sees a reconnect
	}
	err := r.enter(ctx, a)
	if err == nil {
		err = r.watch(ctx, a)
	}
	r.failed(err)
}

// finish fills in what is known at the end.
func (r *run) finish(report *Report) {
	for _, a := range r.attendees {
		r.failed(a.gone())
	}
	var answered, media []time.Duration
	for _, j := range r.joins {
		answered, media = append(answered, j.answered), append(media, j.media)
	}
	report.Joins = len(r.joins)
	report.JoinP50, report.JoinP99 = gauge.Milliseconds(gauge.Percentile(answered, 0.5)), gauge.Milliseconds(gauge.Percentile(answered, 0.99))
	report.FirstMedia, report.FirstP99 = gauge.Milliseconds(gauge.Percentile(media, 0.5)), gauge.Milliseconds(gauge.Percentile(media, 0.99))
	report.Errors = r.errors
	if r.first != nil {
		report.FirstError = r.first.Error()
	}
	report.LoadAverage = loadAverage()
}
