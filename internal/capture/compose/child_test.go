package compose

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/flv"
	"github.com/carillon-meetings/carillon/internal/capture/frame"
	"github.com/carillon-meetings/carillon/internal/capture/mp4"
)

// program is the path of the real ffmpeg.
func program(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// patience only tells a hang from a busy machine.
const patience = 60 * time.Second

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// red is a film of a red room, as package frame gives pictures.
func red(t *testing.T, codec mp4.Codec, width, height string) (list []frame.Picture) {
	t.Helper()
	how := map[mp4.Codec]string{
		mp4.VP8:  "-c:v libvpx -deadline realtime -cpu-used 8 -lag-in-frames 0 -auto-alt-ref 0 -f ivf -",
		mp4.H264: "-c:v libx264 -profile:v baseline -preset ultrafast -tune zerolatency -f flv -",
	}[codec]
	args := "-v error -f lavfi -i color=c=red:size=" + width + "x" + height + ":rate=30 -frames:v 10 -g 5 -pix_fmt yuv420p " + how
	out, err := exec.Command(program(t), strings.Fields(args)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if codec == mp4.VP8 {
		for out = out[32:]; len(out) > 12; {
			n := int(binary.LittleEndian.Uint32(out))
			list = append(list, frame.Picture{Data: out[12 : 12+n], Key: out[12]&1 == 0, Track: mp4.Track{Codec: codec}})
			out = out[12+n:]
		}
		return list
	}
	track := mp4.Track{Codec: codec}
	for r := flv.NewReader(bytes.NewReader(out)); ; {
		tag, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return list
		case err != nil:
			t.Fatal(err)
		case tag.Kind == flv.Video && tag.Header():
			track.Config = tag.Picture()
		case tag.Kind == flv.Video && len(tag.Picture()) > 4: // and not the end of the sequence
			list = append(list, frame.Picture{Data: tag.Picture(), Key: tag.Key(), Track: track})
		}
	}
}

// isRed reports whether a decoded point is that of the film.
func isRed(c colour) bool { return c[0] > 60 && c[0] < 110 && c[2] > 200 }

// underWay is how many pictures may be on their way through a decoder: it is not to
// wait for more before it gives one out.
const underWay = 2

func TestPicturesAreDecodedAsTheyCome(t *testing.T) {
	for _, codec := range []mp4.Codec{mp4.VP8, mp4.H264} {
		t.Run(codec.String(), func(t *testing.T) {
			film := red(t, codec, "320", "180")
			if len(film) != 10 || !film[0].Key || film[1].Key {
				t.Fatalf("%d pictures", len(film))
			}
			shown := make(chan *Picture, 20)
			d, err := decode(program(t), codec, shape{width: 200, height: 180}, func(p *Picture) *Picture {
				shown <- p
				return newPicture(p.Width, p.Height)
			})
			if err != nil {
				t.Fatal(err)
			}
			for i := range film {
				if !d.put(&film[i]) {
					t.Fatal("refused")
				}
			}
			for i := range len(film) - underWay {
				select {
				case p := <-shown:
					if p.Width != 200 || p.Height != 180 || !isRed(p.at(100, 90)) || p.at(100, 10) != black {
						t.Errorf("picture %d: %v in the middle, %v on top", i, p.at(100, 90), p.at(100, 10))
					}
				case <-time.After(patience):
					t.Fatalf("picture %d does not come out", i)
				}
			}
			d.close()
			if alive(d.child) {
				t.Error("the child lives on")
			}
		})
	}
}

// alive reports whether a child is still there.
func alive(c *child) bool { return syscall.Kill(c.cmd.Process.Pid, 0) == nil }

func TestAFilledTileLosesEdges(t *testing.T) {
	film := red(t, mp4.VP8, "320", "180")
	shown := make(chan *Picture, 20)
	d, err := decode(program(t), mp4.VP8, shape{100, 180, true}, func(p *Picture) *Picture {
		shown <- p
		return newPicture(p.Width, p.Height)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	for i := range film {
		d.put(&film[i])
	}
	select {
	case p := <-shown:
		for _, at := range [][2]int{{0, 0}, {99, 0}, {0, 179}, {99, 179}} {
			if !isRed(p.at(at[0], at[1])) {
				t.Errorf("corner %v is %v", at, p.at(at[0], at[1]))
			}
		}
	case <-time.After(patience):
		t.Fatal("nothing comes out")
	}
}

func TestADecoderThatDiesSaysWhy(t *testing.T) {
	d, err := decode(program(t), mp4.VP8, shape{64, 64, false}, func(p *Picture) *Picture { return p })
	if err != nil {
		t.Fatal(err)
	}
	_ = d.child.cmd.Process.Kill()
	select {
	case <-d.dead:
	case <-time.After(patience):
		t.Fatal("its death goes unnoticed")
	}
	if d.err == nil || !strings.Contains(d.err.Error(), "killed") {
		t.Errorf("%v", d.err)
	}
	d.close()
}

func TestAnEncoderMakesKeyFramesWhereTheyAreWanted(t *testing.T) {
	const rate, every = 15, 5
	var mu sync.Mutex
	var tags []flv.Tag
	e, err := encode(program(t), 64, 64, Film{Rate: rate, KeyEvery: every, Sound: &Sound{Channels: 2, Rate: 44100}}, func(tag flv.Tag) {
		mu.Lock()
		defer mu.Unlock()
		tags = append(tags, tag)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	for i := range 2 * rate { // two seconds
		for k := i * 50 / rate; k < (i+1)*50/rate; k++ {
			e.sound(make([]byte, 2*960))
		}
		e.picture(painted(64, 64, colour{byte(16 + 7*i), 128, 128}))
	}
	count := func(is func(*flv.Tag) bool) (n int) {
		mu.Lock()
		defer mu.Unlock()
		for i := range tags {
			if is(&tags[i]) {
				n++
			}
		}
		return n
	}
	picture := func(tag *flv.Tag) bool { return tag.Kind == flv.Video && !tag.Header() }
	until(t, "most pictures come out", func() bool { return count(picture) >= 2*rate-2 })
	mu.Lock()
	defer mu.Unlock()
	n, begin := 0, time.Duration(0)
	for i := range tags {
		tag := &tags[i]
		if !picture(tag) {
			continue
		}
		if tag.Key() != (n%every == 0) {
			t.Errorf("picture %d: key %t", n, tag.Key())
		}
		if n == 0 {
			begin = tag.At // the sound begins earlier: its coder needs a run-up
		}
		if want := begin + time.Duration(n)*time.Second/rate; (tag.At - want).Abs() > time.Millisecond {
			t.Errorf("picture %d at %v, want %v", n, tag.At, want)
		}
		n++
	}
}

func TestNoProgramIsAnError(t *testing.T) {
	if _, err := encode("/nonexistent/ffmpeg", 64, 64, Film{Rate: 15, KeyEvery: 15, Sound: &Sound{1, 48000}}, func(flv.Tag) {}); err == nil {
		t.Error("encoder started")
	}
	if _, err := decode("/nonexistent/ffmpeg", mp4.VP8, shape{64, 64, false}, nil); err == nil {
		t.Error("decoder started")
	}
}

func TestWhatAChildSaysIsBounded(t *testing.T) {
	var said tail
	for range 1000 {
		_, _ = said.Write([]byte("something is wrong\n"))
	}
	_, _ = said.Write([]byte("last\xFF\n"))
	if s := said.String(); len(s) > 2*mostErrors || !strings.HasSuffix(s, "wrong; last?") || strings.Contains(s, "\n") {
		t.Errorf("%q", s)
	}
}

func TestAChildHasNothingButItsPipes(t *testing.T) {
	t.Setenv("SECRET", "of the server")
	e, err := encode(program(t), 64, 64, Film{Rate: 15, KeyEvery: 15, Sound: &Sound{1, 48000}}, func(flv.Tag) {})
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	e.picture(newPicture(64, 64)) // it runs now
	proc := fmt.Sprintf("/proc/%d", e.child.cmd.Process.Pid)
	until(t, "it is the program", func() bool {
		environ, err := os.ReadFile(proc + "/environ")
		return err == nil && string(environ) == "LANG=C\x00"
	})
	until(t, "it has nothing but pipes open", func() bool { // once its libraries are loaded
		files, err := os.ReadDir(proc + "/fd")
		return err == nil && !slices.ContainsFunc(files, func(f os.DirEntry) bool {
			to, err := os.Readlink(proc + "/fd/" + f.Name())
			return err == nil && !strings.HasPrefix(to, "pipe:") && !strings.HasPrefix(to, "anon_inode:") && to != os.DevNull
		})
	})
	// getpriority(2) is 20 − nice where it is a system call.
	own, _ := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if nice, err := syscall.Getpriority(syscall.PRIO_PROCESS, e.child.cmd.Process.Pid); err != nil || nice != max(own-niceness, 1) {
		t.Errorf("%d below the server's %d, %v", nice, own, err)
	}
}
