package wire

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// offer returns a description of the size and shape of a real one with the
// given number of remote videos.
func offer(videos int) string {
	var b strings.Builder
	b.WriteString("v=0\r\no=mozilla-chrome 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")
	for mid := range videos + 2 {
		fmt.Fprintf(&b, "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99\r\na=mid:%d\r\na=ice-ufrag:u%dF\r\n", mid, mid*7919)
		for pt := 96; pt < 140; pt++ {
			fmt.Fprintf(&b, "a=rtcp-fb:%d nack pli\r\na=fmtp:%d level-asymmetry-allowed=1;profile-level-id=42e0%02x\r\n", pt, pt, pt)
		}
	}
	return b.String()
}

// deflateWith is the client's side: the standard library's compressor.
func deflateWith(tb testing.TB, sdp string, dict []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriterDict(&out, 6, dict)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := io.WriteString(w, sdp); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// TestAnswers plays a client that keeps the previous answer, cut as clients
// cut it, and inflates every answer with it.
func TestAnswers(t *testing.T) {
	var pool Pool
	d := pool.NewDeflater()
	prev := ""
	for i, sdp := range []string{offer(0), offer(0), offer(3), offer(12), offer(12), "µ" + offer(1), offer(1), "", offer(2)} {
		b, err := d.Deflate(sdp)
		if err != nil {
			t.Fatal(err)
		}
		r := flate.NewReaderDict(bytes.NewReader(b), []byte(prev[:min(len(prev), 31744)]))
		got, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		if string(got) != sdp {
			t.Fatalf("answer %d came out different (%d bytes, want %d)", i, len(got), len(sdp))
		}
		if sdp == prev && len(b) > 20+len(sdp)/50 {
			t.Errorf("answer %d repeats the one before and still takes %d bytes", i, len(b))
		}
		prev = sdp
	}
}

// TestAnswersDoNotMix shares a pool between connections: a dictionary left in
// a reused compressor would break the other connection's first answer.
func TestAnswersDoNotMix(t *testing.T) {
	var pool Pool
	a := pool.NewDeflater()
	if _, err := a.Deflate(offer(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Deflate(offer(2)); err != nil {
		t.Fatal(err)
	}
	b, err := pool.NewDeflater().Deflate(offer(2))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(flate.NewReader(bytes.NewReader(b)))
	if err != nil || string(got) != offer(2) {
		t.Fatalf("first answer of a connection needs another's dictionary: %v", err)
	}
}

func TestOffers(t *testing.T) {
	var pool Pool
	in := pool.NewInflater()
	first, second := offer(2), offer(3)
	steps := []struct {
		name, sdp string
		dict      []byte
	}{
		{"first", first, nil},
		{"second, by itself as current clients do", second, nil},
		{"third, primed with the second as older clients do", first, []byte(second[:min(len(second), 31744)])},
	}
	for _, s := range steps {
		got, err := in.Inflate(deflateWith(t, s.sdp, s.dict))
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if got != s.sdp {
			t.Fatalf("%s: came out different", s.name)
		}
	}
}

func TestInflateRefuses(t *testing.T) {
	var pool Pool
	tests := []struct {
		name string
		in   []byte
		want error
	}{
		{"nothing", nil, ErrInflate},
		{"not DEFLATE", []byte("v=0 this is plain text"), ErrInflate},
		{"cut short", deflateWith(t, offer(1), nil)[:100], ErrInflate},
		{"primed with something unknown", deflateWith(t, offer(1), []byte(offer(1))), ErrInflate},
		{"not UTF-8", deflateWith(t, "v=0\xff\xfe", nil), ErrInflate},
		{"a bomb", deflateWith(t, strings.Repeat("a", 64<<20), nil), ErrSDPTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := pool.NewInflater().Inflate(tt.in); !errors.Is(err, tt.want) {
				t.Errorf("err = %v, want %v", err, tt.want)
			}
		})
	}
	if got, err := pool.NewInflater().Inflate(deflateWith(t, strings.Repeat("a", MaxSDP), nil)); err != nil || len(got) != MaxSDP {
		t.Errorf("a description of exactly the limit: %d bytes, %v", len(got), err)
	}
	if _, err := pool.NewDeflater().Deflate(strings.Repeat("a", MaxSDP+1)); !errors.Is(err, ErrSDPTooLarge) {
		t.Errorf("Deflate over the limit: %v", err)
	}
}

func FuzzInflate(f *testing.F) {
	var pool Pool
	f.Add(deflateWith(f, offer(0), nil))
	f.Add(deflateWith(f, offer(1), []byte(offer(0))))
	f.Add([]byte{0x03, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		in := pool.NewInflater()
		if _, err := in.Inflate(deflateWith(t, offer(0), nil)); err != nil {
			t.Fatal(err)
		}
		sdp, err := in.Inflate(b)
		if err != nil {
			return
		}
		if len(sdp) > MaxSDP {
			t.Fatalf("inflated to %d bytes", len(sdp))
		}
		packed, err := pool.NewDeflater().Deflate(sdp)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := pool.NewInflater().Inflate(packed); err != nil || back != sdp {
			t.Fatalf("round trip failed: %v", err)
		}
	})
}

func BenchmarkDeflateRepeatAnswer(b *testing.B) {
	var pool Pool
	sdp := offer(1)
	d := pool.NewDeflater()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Deflate(sdp); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInflateOffer(b *testing.B) {
	var pool Pool
	packed := deflateWith(b, offer(1), nil)
	in := pool.NewInflater()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := in.Inflate(packed); err != nil {
			b.Fatal(err)
		}
	}
}
