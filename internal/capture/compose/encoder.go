package compose

import (
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/flv"
)

// Film says how what is composed is encoded.
type Film struct {
	Rate     int // pictures a second
	KeyEvery int // pictures from key frame to key frame, exactly
	Sound    *Sound
}

// Sound says how the sound is encoded, as AAC. A film may have none.
type Sound struct {
	Channels int // 1 or 2
	Rate     int // samples a second
}

const (
	// bitsPerPoint is what a point of a picture takes: 2.5 Mb/s at 720p30, which is
	// what streaming services ask for.
	bitsPerPoint = 0.09
	// soundKbps is for each channel.
	soundKbps = 64
	// encoderThreads is how many cores one film takes at most.
	encoderThreads = 2
)

// encoder encodes pictures and sound to Flash Video.
type encoder struct {
	child *child
	dead  chan struct{} // closed when the child has ended; err says why
	err   error
	tasks sync.WaitGroup
}

// encode starts an encoder for pictures of the size and sound of one channel at
// 48 kHz. out is called with each tag, by one goroutine.
func encode(ffmpeg string, width, height int, f Film, out func(flv.Tag)) (*encoder, error) {
	number := strconv.Itoa
	kbps := int(float64(width*height*f.Rate) * bitsPerPoint / 1000)
	args := []string{
		"-probesize", "32", "-analyzeduration", "0", "-thread_queue_size", "64",
		"-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", number(width) + "x" + number(height), "-framerate", number(f.Rate), "-i", "pipe:0",
	}
	if f.Sound != nil {
		args = append(args, "-probesize", "32", "-analyzeduration", "0", "-thread_queue_size", "64", "-f", "s16le", "-ar", number(soundRate), "-ac", "1", "-i", "pipe:3",
			"-c:a", "aac", "-ac", number(f.Sound.Channels), "-ar", number(f.Sound.Rate), "-b:a", number(soundKbps*f.Sound.Channels)+"k")
	}
	args = append(args, "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "main", "-threads", number(encoderThreads),
		"-b:v", number(kbps)+"k", "-maxrate", number(kbps)+"k", "-bufsize", number(2*kbps)+"k",
		"-g", number(f.KeyEvery), "-keyint_min", number(f.KeyEvery), "-sc_threshold", "0",
		"-f", "flv", "-flvflags", "no_duration_filesize", "-flush_packets", "1", "pipe:1")
	c, err := start(ffmpeg, f.Sound != nil, args...)
	if err != nil {
		return nil, err
	}
	e := &encoder{child: c, dead: make(chan struct{})}
	e.tasks.Go(func() {
		err := e.read(out)
		e.err = errors.Join(err, c.stop(false))
		close(e.dead)
	})
	return e, nil
}

// read reads tags until the child ends.
func (e *encoder) read(out func(flv.Tag)) error {
	r := flv.NewReader(e.child.out)
	for {
		t, err := r.Next()
		switch {
		case errors.Is(err, flv.ErrFormat):
			return err
		case err != nil: // the end of the child
			return nil
		}
		out(t)
	}
}

// picture and sound write one picture, and samples. They wait for the child.
func (e *encoder) picture(p *Picture) { e.write(e.child.in, p.data) }

func (e *encoder) sound(samples []byte) { e.write(e.child.sound, samples) }

// write writes to the child. When it has died, dead tells.
func (e *encoder) write(to io.Writer, data []byte) { _, _ = to.Write(data) }

// finishWithin is how long an encoder may take for what it has been given.
const finishWithin = 3 * time.Second

// close ends the encoder, and before that has it hand out what it was given.
func (e *encoder) close() {
	_ = e.child.in.Close()
	if e.child.sound != nil {
		_ = e.child.sound.Close()
	}
	timer := time.NewTimer(finishWithin)
	defer timer.Stop()
	select {
	case <-e.dead:
	case <-timer.C:
	}
	_ = e.child.stop(true)
	e.tasks.Wait()
}
