package meeting

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// TestATinyLoad fills one meeting of a real server. The bounds only tell
// figures that mean something from nonsense: the machine may be busy.
func TestATinyLoad(t *testing.T) {
	s := servertest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	r, err := Run(ctx, Options{
		Endpoint: s.Endpoint, AccessKey: servertest.AccessKey, SecretKey: servertest.SecretKey,
		Talkers: 2, Listeners: 2, Cameras: 1, Meetings: 1, Duration: 3 * time.Second, Settle: time.Second, Joining: 2,
		Pid: os.Getpid(), // any process will do to see that figures are read
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	if r.Joins != 5 || r.Errors != 0 {
		t.Errorf("%d of 5 joined; %d errors, the first %q", r.Joins, r.Errors, r.FirstError)
	}
	between := func(name string, got, low, high float64) {
		t.Helper()
		if got < low || got > high {
			t.Errorf("%s is %.3f, which is not between %.3f and %.3f", name, got, low, high)
		}
	}
	// A machine that is too busy for sound loses some of it, and the figures
	// must say so; so the lower bounds are far down.
	between("delivered audio", r.DeliveredAudio, 50, 105)
	between("delivered video", r.DeliveredVideo, 50, 105)
	between("packets in", r.PacketsIn, 5*50*0.5+videoRate*6*0.5, 5*50*1.1+videoRate*6*1.1)
	between("packets out", r.PacketsOut, 5*50*0.5+4*videoRate*6*0.5, 5*50*1.1+4*videoRate*6*1.1)
	between("clicks heard", float64(r.ClicksHeard), 1, float64(r.ClicksSent)+1)
	between("delay", r.DelayP50, 5, 400) // the mixer alone cannot be faster than 5 ms
	between("concealed", r.Concealed, 0, 50)
	between("time to join", r.JoinP50, 0.1, 20000)
	between("time to first media", r.FirstMedia, r.JoinP50, 20000)
	between("server CPU", r.ServerCores, 0.0001, 64)
	between("server memory", r.RSS, 1, 1<<20)
}

func TestOptionProblemsAreNamed(t *testing.T) {
	_, err := Run(t.Context(), Options{Endpoint: "nowhere", Churn: -1, Left: true, Listeners: -2})
	for _, want := range []string{"nowhere", "churn", "-2", "0 meetings", "duration", "0 joining"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the problems do not name %q: %v", want, err)
		}
	}
}

// TestEarMeasuresAShift: a click later by so many samples is heard later by as
// many.
func TestEarMeasuresAShift(t *testing.T) {
	const shift = 700
	l, err := newLoop(true)
	if err != nil {
		t.Fatal(err)
	}
	e, err := newEar(l.peak * onset)
	if err != nil {
		t.Fatal(err)
	}
	sound := make([]float32, shift) // silence before
	pcm := make([]float32, opus.MaxSamples)
	for _, s := range l.sounds {
		n, err := e.dec.Decode(s.packet, pcm)
		if err != nil {
			t.Fatal(err)
		}
		sound = append(sound, pcm[:n]...)
	}
	var heard []int
	for frame := 0; (frame+1)*opus.FrameSamples <= len(sound); frame++ {
		e.listen(sound[frame*opus.FrameSamples:][:opus.FrameSamples], func(at int) {
			heard = append(heard, frame*opus.FrameSamples+at)
		})
	}
	if len(heard) != len(l.clicks) {
		t.Fatalf("%d clicks heard of %d", len(heard), len(l.clicks))
	}
	for i, at := range heard {
		frame := clickFrames/2 + i*clickFrames
		sample, ok := l.clicks[frame]
		for ; !ok && frame < loopFrames; sample, ok = l.clicks[frame] {
			frame++ // the codec may shift a click into the next frame
		}
		if got := at - frame*opus.FrameSamples - sample; got < shift-step || got > shift+step {
			t.Errorf("click %d shifted by %d samples, heard %d late", i, shift, got)
		}
	}
}

func TestKeyFrameWishesAreUnderstood(t *testing.T) {
	pli := []byte{0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}
	report := []byte{0x80, 201, 0, 1, 0, 0, 0, 1}
	c := &camera{}
	c.rtcp(report, time.Time{})
	if c.keyWanted.Load() {
		t.Error("a report was taken for a wish")
	}
	c.rtcp(append(report, pli...), time.Time{})
	if !c.keyWanted.Load() {
		t.Error("a wish behind a report was overlooked")
	}
	c.rtcp([]byte{0x81, 206, 0xFF, 0xFF}, time.Time{}) // longer than it is
}
