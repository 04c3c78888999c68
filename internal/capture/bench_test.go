package capture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// resident returns how much memory the Go runtime has from the system, in bytes.
func resident() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}

// peak returns by how much the memory grows at most while fn runs.
func peak(fn func()) uint64 {
	debug.FreeOSMemory()
	before := resident()
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	most := before
	for {
		select {
		case <-done:
			return max(most, resident()) - before
		case <-time.After(5 * time.Millisecond):
			most = max(most, resident())
		}
	}
}

// hour fills a sink with what an hour of sound and one camera of 1.5 Mb/s become.
func hour(b *testing.B, sink Sink) (pieces []Piece) {
	b.Helper()
	sound, film := make([]mp4.Sample, pieceFrames), make([]mp4.Sample, 150)
	for i := range sound {
		sound[i] = mp4.Sample{Data: make([]byte, 80), Duration: rtpx.FrameSamples, Sync: true}
	}
	for i := range film {
		film[i] = mp4.Sample{Data: make([]byte, 6250), Duration: 3000, Sync: i == 0}
	}
	tracks := []mp4.Track{{Codec: mp4.H264, Width: 1280, Height: 720, Config: []byte{1, 66, 192, 30, 255, 225, 0, 0, 1, 0, 0}}}
	names := newNamer(aPipeline(), nil)
	for at := time.Duration(0); at < time.Hour; at += pieceFor {
		for stream, content := range map[string][]byte{
			audioFolder: mp4.Piece([]mp4.Track{{Codec: mp4.Opus}}, [][]mp4.Sample{sound}), videoFolder + "/" + someAttendee: mp4.Piece(tracks, [][]mp4.Sample{film}),
		} {
			sum := sha256.Sum256(content)
			p := Piece{Stream: stream, Type: typeMP4, Start: start.Add(at), Millis: 5000, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
			names.name(&p)
			if err := sink.Put(context.Background(), Object{Bucket: "bucket", Key: p.Key}, bytes.NewReader(content), p.Size); err != nil {
				b.Fatal(err)
			}
			pieces = append(pieces, p)
		}
	}
	return pieces
}

// BenchmarkConcatenation joins an hour of sound and one camera.
func BenchmarkConcatenation(b *testing.B) {
	sink := Directory(b.TempDir())
	p := &meeting.Pipeline{ID: meeting.ID{9}, Kind: meeting.ConcatenationPipeline, Settings: meeting.PipelineSettings{Bucket: "out", Artifacts: meeting.Artifacts{Audio: true, Video: true}}}
	j := joining{sink: sink, source: aPipeline(), pipeline: p, dir: filepath.Join(b.TempDir(), "join"), pieces: hour(b, sink)}
	b.ResetTimer()
	most := uint64(0)
	for b.Loop() {
		most = max(most, peak(func() {
			if err := j.run(context.Background()); err != nil {
				b.Error(err)
			}
		}))
	}
	b.ReportMetric(float64(b.N)*time.Hour.Seconds()/b.Elapsed().Seconds(), "×real-time")
	b.ReportMetric(float64(most)/(1<<20), "MiB")
}

// benchmarkStudio is a recording into a spool on the disk.
func benchmarkStudio(b *testing.B, a meeting.Artifacts) (r *recording, clock *time.Time) {
	b.Helper()
	s, err := openSpool(b.TempDir(), new(budget), originOf(aPipeline()))
	if err != nil {
		b.Fatal(err)
	}
	p := aPipeline()
	p.Settings.Artifacts = a
	at := start
	r = newRecording(p, s, func() time.Time { return at })
	r.failed = func(err error) { b.Error(err) }
	b.Cleanup(func() {
		r.close(true)
		if err := s.close(); err != nil {
			b.Error(err)
		}
	})
	return r, &at
}

// BenchmarkSoundFrame takes one packet of the mix.
func BenchmarkSoundFrame(b *testing.B) {
	r, clock := benchmarkStudio(b, meeting.Artifacts{Audio: true})
	payload, ts := make([]byte, 80), uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		r.WriteFrame(payload, ts, false)
		ts += rtpx.FrameSamples
		*clock = clock.Add(soundFrame)
	}
}

// BenchmarkCameraPacket takes one packet of a camera of 1.5 Mb/s, and writes what
// it becomes.
func BenchmarkCameraPacket(b *testing.B) {
	r, clock := benchmarkStudio(b, meeting.Artifacts{Audio: true, Video: true})
	v := &view{recording: r, video: media.Video{GroupID: 1, AttendeeID: "ann"}, camera: &camera{stream: videoFolder + "/ann"}}
	r.views[1], r.live[1] = v, "ann"
	const packets = 6 // of a picture
	key := append([]byte{0x10, 0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01}, make([]byte, 1030)...)
	first, other := append([]byte{0x10, 1}, make([]byte, 1040)...), append([]byte{0}, make([]byte, 1040)...)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		payload := other
		if n%packets == 0 {
			if payload = first; n/packets%150 == 0 {
				payload = key
			}
		}
		info, err := rtpx.Inspect(rtpx.VP8, payload)
		if err != nil {
			b.Fatal(err)
		}
		v.packet(&media.VideoPacket{
			StreamID: 1, Codec: rtpx.VP8, Seq: uint16(n), TS: uint32(n / packets * 3000), Marker: n%packets == packets-1,
			At: *clock, Captured: clock.Add(-30 * time.Millisecond), Payload: payload, Info: info,
		})
		if n++; n%packets == 0 {
			*clock = clock.Add(time.Second / 30)
		}
	}
}
