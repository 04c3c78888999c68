package forward

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/linktest"
	"github.com/carillon-meetings/carillon/internal/media/netio"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// sent is one RTP packet that came out.
type sent struct {
	rtpx.Header
	payload []byte
	stamp   uint16 // transport-wide number
	raw     []byte
}

// sink is an Output that keeps everything.
type sink struct{ packets []sent }

func (s *sink) SendRTP(b *netio.Buffer) bool {
	raw := append([]byte(nil), b.Bytes()...)
	b.Release()
	h, err := rtpx.ParseHeader(raw)
	if err != nil {
		panic(err)
	}
	p := sent{Header: h, payload: h.Payload(raw), raw: raw}
	if ext := h.Extension(raw, stampID); len(ext) == 2 {
		p.stamp = binary.BigEndian.Uint16(ext)
	}
	s.packets = append(s.packets, p)
	return true
}

// take returns what has come since the last call.
func (s *sink) take() []sent {
	out := s.packets
	s.packets = nil
	return out
}

// desk is a Control that keeps everything.
type desk struct{ packets []rtcp.Packet }

func (d *desk) SendRTCP(raw []byte) bool {
	p, err := rtcp.Unmarshal(raw)
	if err != nil {
		panic(err)
	}
	d.packets = append(d.packets, p...)
	return true
}

// keyRequests counts the requests for key frames of an SSRC, and forgets them.
func (d *desk) keyRequests(ssrc uint32) (n int) {
	var rest []rtcp.Packet
	for _, p := range d.packets {
		if pli, ok := p.(*rtcp.PictureLossIndication); ok && pli.MediaSSRC == ssrc {
			n++
		} else {
			rest = append(rest, p)
		}
	}
	d.packets = rest
	return n
}

// nacked lists the sequence numbers asked for, and forgets them.
func (d *desk) nacked() (seqs []uint16) {
	for _, p := range d.packets {
		if n, ok := p.(*rtcp.TransportLayerNack); ok {
			for _, pair := range n.Nacks {
				seqs = append(seqs, pair.PacketList()...)
			}
		}
	}
	d.packets = nil
	return seqs
}

const (
	stampID  = 3
	ridID    = 4
	rridID   = 5
	twccID   = 6
	ptVP8    = 96
	ptRTX    = 97
	ptH264   = 102
	outVP8   = 120
	outRTX   = 121
	outH264  = 126
	ownSSRC  = 0xC0FFEE
	mainSSRC = 1000
	rtxSSRC  = 1001
)

// stage is one publisher and one subscriber.
type stage struct {
	t    testing.TB
	now  time.Time
	desk desk
	sink sink
	up   *Uplink
	down *Downlink
	pub  *Publication
	live int
	ids  uint32
}

func uplinkFormats() (c UplinkConfig) {
	c.Formats[ptVP8].Codec = rtpx.VP8
	c.Formats[ptH264].Codec = rtpx.H264
	c.Formats[ptRTX].Repairs = ptVP8
	c.RIDExt, c.RepairedExt, c.TransportExt = ridID, rridID, twccID
	return c
}

// newStage makes a stage; rids are the publisher's simulcast layers, none for a
// single stream.
func newStage(t testing.TB, adaptive bool, rids ...string) *stage {
	s := &stage{t: t, now: time.Unix(1_700_000_000, 0)}
	s.up = NewUplink(ownSSRC, &s.desk, func(_ *Publication, first bool) {
		if first {
			s.live++
		}
	})
	cfg := uplinkFormats()
	encodings := []Encoding{{MaxKbps: 1500, Framerate: 15}}
	if cfg.RIDs = rids; len(rids) == 0 {
		cfg.SSRCs, cfg.Pairs = []uint32{mainSSRC, rtxSSRC}, [][2]uint32{{mainSSRC, rtxSSRC}}
	} else {
		encodings = encodings[:0]
		for i := range rids {
			encodings = append(encodings, Encoding{MaxKbps: uint32(300 * (i + 1)), Framerate: 15})
		}
	}
	s.up.Configure(cfg)
	s.pub = s.up.Publish(encodings, false, s.id)
	s.down = NewDownlink(&s.sink, adaptive)
	return s
}

func (s *stage) id() uint32 {
	s.ids++
	return s.ids
}

// watch opens a section for a publication.
func (s *stage) watch(mid string, w Want) *Track {
	track := s.down.Open(mid, outFormats(), stampID, func() TrackConfig {
		return TrackConfig{SSRC: 7000 + s.id()*10, RTX: 7001 + s.ids*10, FirstSeq: 500, FirstTS: 90000, FirstRTX: 60000}
	})
	s.down.Watch(mid, w, s.now)
	return track
}

func outFormats() (f Formats) {
	f[rtpx.VP8] = Format{outVP8, outRTX}
	f[rtpx.H264] = Format{PayloadType: outH264}
	f[rtpx.VP9] = Format{outVP9, outRTX}
	return f
}

// in is a packet to be pushed in.
type in struct {
	ssrc    uint32
	pt      uint8
	seq     uint16
	ts      uint32
	rid     string
	rrid    string
	twcc    int // transport-wide number, -1 none
	payload []byte
	padding bool
}

// marshal writes the packet with the extensions it has.
func (p in) marshal() []byte {
	b := make([]byte, 12, 200)
	rtpx.PutHeader(b, rtpx.Header{Marker: true, PayloadType: p.pt, Seq: p.seq, TS: p.ts, SSRC: p.ssrc})
	var ext []byte
	add := func(id byte, data []byte) {
		ext = append(append(ext, id<<4|byte(len(data)-1)), data...)
	}
	if p.rid != "" {
		add(ridID, []byte(p.rid))
	}
	if p.rrid != "" {
		add(rridID, []byte(p.rrid))
	}
	if p.twcc >= 0 {
		add(twccID, []byte{byte(p.twcc >> 8), byte(p.twcc)})
	}
	if len(ext) > 0 {
		for len(ext)%4 != 0 {
			ext = append(ext, 0)
		}
		b[0] |= 0x10
		b = append(b, 0xBE, 0xDE, 0, byte(len(ext)/4))
		b = append(b, ext...)
	}
	b = append(b, p.payload...)
	if p.padding {
		b[0] |= 0x20
		b = append(b, 0, 0, 0, 4)
	}
	return b
}

func (s *stage) push(p in) bool {
	raw := p.marshal()
	h, err := rtpx.ParseHeader(raw)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.up.RTP(&h, raw, s.now)
}

// video pushes one VP8 frame in one packet.
func (s *stage) video(ssrc uint32, seq uint16, key bool, rid string) {
	s.push(in{ssrc: ssrc, pt: ptVP8, seq: seq, ts: uint32(seq) * 3000, rid: rid, twcc: -1, payload: vp8Frame(key, seq)})
}

// vp8Frame makes a frame with a 15-bit picture id.
func vp8Frame(key bool, picture uint16) []byte {
	f := []byte{0x90, 0x80, 0x80 | byte(picture>>8&0x7f), byte(picture)}
	if key {
		return append(f, 0x00, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, byte(picture))
	}
	return append(f, 0x01, 0, 0, byte(picture))
}

// pictureOf reads the picture id of a frame made by vp8Frame.
func pictureOf(payload []byte) uint16 { return uint16(payload[2]&0x7f)<<8 | uint16(payload[3]) }

func (s *stage) pass(d time.Duration) { s.now = s.now.Add(d) }

// link lets a simulated link stand in for the Output; the packet's number is on
// it already.
type link struct{ *linktest.Link }

// join puts a link of a rate between a subscriber and his client.
func (s *stage) join(bps float64) link {
	l := link{linktest.New(bps, s.now, s.down)}
	s.down.out = l
	return l
}

func (l link) SendRTP(b *netio.Buffer) bool {
	h, err := rtpx.ParseHeader(b.Bytes())
	if err != nil {
		panic(err)
	}
	ext := h.Extension(b.Bytes(), stampID)
	l.Carry(binary.BigEndian.Uint16(ext), b.N)
	b.Release()
	return true
}
