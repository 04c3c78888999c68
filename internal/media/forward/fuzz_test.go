package forward

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media/netio"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// FuzzUplink feeds packets a client may make up to a watched publication.
func FuzzUplink(f *testing.F) {
	f.Add(in{ssrc: mainSSRC, pt: ptVP8, seq: 1, twcc: 3, payload: vp8Frame(true, 1)}.marshal(), true)
	f.Add(in{ssrc: rtxSSRC, pt: ptRTX, seq: 1, twcc: -1, payload: append([]byte{0, 2}, vp8Frame(false, 2)...)}.marshal(), false)
	f.Add(in{ssrc: 10, pt: ptVP8, seq: 1, rid: "low", rrid: "hi", twcc: 9, payload: vp8Frame(true, 1), padding: true}.marshal(), true)
	f.Add(in{ssrc: mainSSRC, pt: ptVP9, seq: 1, twcc: -1, payload: vp9Layer(5, 1, 1, true, true, 9)}.marshal(), false)
	f.Add(in{ssrc: mainSSRC, pt: ptH264, seq: 1, twcc: -1, payload: []byte{0x78, 0, 2, 0x67, 0x42, 0, 1, 0x65}}.marshal(), false)
	f.Fuzz(func(t *testing.T, raw []byte, simulcast bool) {
		s := newStage(t, true)
		if simulcast {
			s = newStage(t, true, "low", "hi")
		}
		s.up.cfg.Formats[ptVP9].Codec = rtpx.VP9
		track := s.watch("2", Want{Pub: s.pub, TargetKbps: 300})
		ssrc, _ := track.SSRC()
		for i := range 4 {
			h, err := rtpx.ParseHeader(raw)
			if err != nil {
				return
			}
			s.up.RTP(&h, raw, s.now)
			s.pass(100 * time.Millisecond)
			s.up.Tick(s.now, TickOptions{})
			s.down.Tick(s.now)
			s.down.NACK(&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: 500 + uint16(i), LostPackets: 0xffff}}}, s.now)
			if len(raw) > 3 {
				raw[3]++ // the next in the sequence
			}
		}
		s.up.Unpublish()
		s.down.Close()
	})
}

// blackHole is an Output that loses everything.
type blackHole struct{}

func (blackHole) SendRTP(b *netio.Buffer) bool {
	b.Release()
	return true
}

// BenchmarkForward measures one packet to fifty subscribers, without sockets and
// encryption.
func BenchmarkForward(b *testing.B) {
	s := newStage(b, false)
	for range 50 {
		d := NewDownlink(blackHole{}, false)
		d.Open("2", outFormats(), stampID, func() TrackConfig { return TrackConfig{SSRC: 7000, RTX: 7001} })
		d.Watch("2", Want{Pub: s.pub}, s.now)
	}
	raw := in{ssrc: mainSSRC, pt: ptVP8, twcc: 1, payload: append(vp8Frame(true, 1), make([]byte, 1100)...)}.marshal()
	b.ReportAllocs()
	for b.Loop() {
		raw[3]++
		if raw[3] == 0 {
			raw[2]++
		}
		h, err := rtpx.ParseHeader(raw)
		if err != nil {
			b.Fatal(err)
		}
		s.up.RTP(&h, raw, s.now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/subscriber")
}

// FuzzSenderReport hands an uplink reports that a client makes up, and looks at
// when pictures are said to be captured.
func FuzzSenderReport(f *testing.F) {
	f.Add(uint64(3_908_988_800)<<32, uint32(90000), uint32(93000), uint16(10))
	f.Add(^uint64(0), uint32(0), ^uint32(0), uint16(0))
	f.Add(uint64(0), ^uint32(0), uint32(1), ^uint16(0))
	f.Fuzz(func(t *testing.T, ntp uint64, reported, ts uint32, way uint16) {
		s := newStage(t, false)
		var got []TapPacket
		tap := s.pub.Tap(func(p *TapPacket) { got = append(got, *p) }, s.now)
		defer tap.Close()
		for i := range uint32(3) {
			s.up.SenderReport(&rtcp.SenderReport{SSRC: mainSSRC, NTPTime: ntp * uint64(i+1), RTPTime: reported}, s.now)
			s.pass(time.Duration(way) * time.Millisecond)
			s.push(in{ssrc: mainSSRC, pt: ptVP8, seq: uint16(i), ts: ts * (i + 1), twcc: -1, payload: vp8Frame(true, uint16(i))})
		}
		for _, p := range got {
			if ago := p.At.Sub(p.Captured); !p.Captured.IsZero() && (ago < -reportTolerance || ago > longestEncoding) {
				t.Errorf("captured %s ago", ago)
			}
		}
	})
}
