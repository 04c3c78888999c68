package flv

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// film has ffmpeg write a second of pictures and sound, as encoders of a
// composition do.
func film(t *testing.T) []byte {
	t.Helper()
	args := "-v error -f lavfi -i testsrc2=size=320x180:rate=30 -f lavfi -i sine=440:r=48000 -t 1 -c:v libx264 -preset ultrafast -tune zerolatency -g 15 -sc_threshold 0 -c:a aac -f flv -flvflags no_duration_filesize -"
	out, err := exec.Command("ffmpeg", strings.Fields(args)...).Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	return out
}

func all(data []byte) (tags []Tag, err error) {
	for r := NewReader(bytes.NewReader(data)); ; {
		t, err := r.Next()
		if err != nil {
			return tags, err
		}
		tags = append(tags, t)
	}
}

func TestAnEncodersStreamIsRead(t *testing.T) {
	tags, err := all(film(t))
	if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("ended with %v", err)
	}
	var heads, keys, pictures, sounds int
	var first, last time.Duration // the sound begins earlier: its coder needs a run-up
	for i := range tags {
		tag := &tags[i]
		switch {
		case tag.Kind == Script:
			if i != 0 || tag.Header() || tag.Key() || tag.Picture() != nil {
				t.Errorf("tag %d is a script", i)
			}
			continue
		case tag.Header():
			heads++
			if tag.Kind == Video && (len(tag.Picture()) < 7 || tag.Picture()[0] != 1) {
				t.Errorf("the head of the pictures is % x", tag.Picture())
			}
			continue
		case tag.Kind == Audio:
			sounds++
			continue
		case tag.Picture() == nil: // the end of the pictures
			continue
		}
		pictures++
		if tag.Key() {
			keys++
		}
		if nal := tag.Picture(); len(nal) < 5 || int(nal[0])<<24|int(nal[1])<<16|int(nal[2])<<8|int(nal[3]) > len(nal)-4 {
			t.Errorf("picture %d does not begin with a NAL unit: % x", pictures, nal[:min(8, len(nal))])
		}
		if tag.At < last {
			t.Errorf("picture %d goes back", pictures)
		}
		if last = tag.At; pictures == 1 {
			first = last
		}
	}
	if heads != 2 || pictures != 30 || keys != 2 || sounds < 46 || (last-first-967*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("%d heads, %d pictures, %d keys, %d sounds, until %v", heads, pictures, keys, sounds, last)
	}
}

func TestACutStreamSaysSo(t *testing.T) {
	whole := []byte("FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00" + "\x09\x00\x00\x06\x00\x00\x01\x02\x00\x00\x00" + "\x17\x01\x00\x00\x00x" + "\x00\x00\x00\x11")
	tags, err := all(whole)
	if len(tags) != 1 || !errors.Is(err, io.EOF) || !tags[0].Key() || tags[0].At != 0x02000001*time.Millisecond || string(tags[0].Picture()) != "x" {
		t.Fatalf("%+v, %v", tags, err)
	}
	for n := range whole {
		if tags, err := all(whole[:n]); len(tags) != 0 || err == nil {
			t.Errorf("cut to %d bytes: %+v, %v", n, tags, err)
		}
	}
	for name, bad := range map[string]string{
		"no signature": "GIF" + string(whole[3:]),
		"a huge tag":   string(whole[:13]) + "\x09\xFF\xFF\xFF\x00\x00\x00\x00\x00\x00\x00",
	} {
		if _, err := all([]byte(bad)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00\x08\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\xAF\x00\x00\x00\x00\x0D"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tags, err := all(data)
		if err == nil {
			t.Fatal("no end")
		}
		for i := range tags {
			tags[i].Header()
			if tags[i].Key() && tags[i].Picture() == nil {
				t.Error("a key frame without a picture")
			}
		}
	})
}
