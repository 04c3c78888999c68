package media

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
)

// rtcpCounts count feedback.
type rtcpCounts struct{ nacksIn, plisIn atomic.Uint64 }

// RTCP implements transport.Handler. Each packet of a compound one is read by
// itself, and what cannot be read is ignored.
func (p *Peer) RTCP(pkt []byte, at time.Time) {
	for len(pkt) >= rtcpHeader {
		size := 4 * (int(binary.BigEndian.Uint16(pkt[2:])) + 1)
		if size > len(pkt) {
			return
		}
		p.receiveRTCP(pkt[:size], at)
		pkt = pkt[size:]
	}
}

// rtcpHeader is the size of the header of an RTCP packet, in bytes.
const rtcpHeader = 4

// receiveRTCP takes one packet. Only the kinds that control knows are unpacked:
// unpacking others costs work that nobody needs, and reports of arrival times
// much more of it than their size.
func (p *Peer) receiveRTCP(pkt []byte, at time.Time) {
	format := pkt[0] & 0x1f
	switch kind := rtcp.PacketType(pkt[1]); {
	case kind == rtcp.TypeTransportSpecificFeedback && format == rtcp.FormatTCC:
		_ = p.down.Feedback(pkt, at)
	case kind == rtcp.TypeSenderReport, kind == rtcp.TypeReceiverReport,
		kind == rtcp.TypeTransportSpecificFeedback && format == rtcp.FormatTLN,
		kind == rtcp.TypePayloadSpecificFeedback && (format == rtcp.FormatPLI || format == rtcp.FormatFIR || format == rtcp.FormatREMB):
		packets, err := rtcp.Unmarshal(pkt)
		if err != nil {
			return
		}
		for _, packet := range packets {
			p.control(packet, at)
		}
	}
}

func (p *Peer) control(packet rtcp.Packet, at time.Time) {
	switch r := packet.(type) {
	case *rtcp.SenderReport:
		p.senderReport(r, at)
		p.receptionReports(r.Reports, at)
	case *rtcp.ReceiverReport:
		p.receptionReports(r.Reports, at)
	case *rtcp.TransportLayerNack:
		p.counts.nacksIn.Add(uint64(len(r.Nacks)))
		p.down.NACK(r, at)
	case *rtcp.PictureLossIndication:
		p.counts.plisIn.Add(1)
		p.down.KeyFrame(r.MediaSSRC, at)
	case *rtcp.FullIntraRequest:
		p.counts.plisIn.Add(1)
		for _, f := range r.FIR {
			p.down.KeyFrame(f.SSRC, at)
		}
	case *rtcp.ReceiverEstimatedMaximumBitrate:
		if r.Bitrate >= 0 {
			p.down.Limit(uint64(min(r.Bitrate, 1e12)))
		}
	}
}

func (p *Peer) senderReport(r *rtcp.SenderReport, at time.Time) {
	p.audio.in.Lock()
	if r.SSRC == p.audio.in.ssrc {
		p.audio.in.stream.SenderReport(r.NTPTime, r.RTPTime, at)
	}
	p.audio.in.Unlock()
	p.up.SenderReport(r, at)
}

// receptionReports learns the round trip time (RFC 3550 §6.4.1) and the losses
// on the way to the client.
func (p *Peer) receptionReports(reports []rtcp.ReceptionReport, at time.Time) {
	worst := 0
	for _, r := range reports {
		if r.SSRC == p.audio.ssrc {
			p.audio.lost(int(r.FractionLost)*100/256, at)
		}
		worst = max(worst, int(r.FractionLost)*100/256)
		if r.LastSenderReport == 0 {
			continue
		}
		units := uint32(ntpTime(at)>>16) - r.LastSenderReport - r.Delay // 1/65536 s
		if rtt := time.Duration(units) * time.Second / 65536; rtt < 10*time.Second {
			p.rtt.Store(int64(max(rtt, time.Millisecond)))
			p.down.SetRTT(rtt)
		}
	}
	if len(reports) > 0 {
		p.lossDown.Store(uint32(worst))
	}
}

// ntpTime is a time as RTCP writes it: seconds since 1900 in 32.32 bits.
func ntpTime(t time.Time) uint64 {
	const sinceEpoch = 2208988800
	nanos := uint64(t.UnixNano())
	return (nanos/1e9+sinceEpoch)<<32 | (nanos%1e9)<<32/1e9
}

// sendReports tells the client what has come and what was sent.
func (p *Peer) sendReports(now time.Time) {
	var received []rtcp.ReceptionReport
	if r, ok := p.audio.report(now); ok {
		received = append(received, r)
	}
	received = append(received, p.up.Reports(now)...)
	received = received[:min(len(received), 31)]
	ntp := ntpTime(now)
	var packets []rtcp.Packet
	if sr := p.audio.senderReport(now, ntp); sr != nil {
		sr.Reports = received
		packets = append(packets, sr)
	} else if len(received) > 0 {
		packets = append(packets, &rtcp.ReceiverReport{SSRC: p.audio.ssrc, Reports: received})
	}
	for _, sr := range p.down.SenderReports(now, ntp) {
		packets = append(packets, sr)
	}
	if len(packets) == 0 {
		return
	}
	if raw, err := rtcp.Marshal(packets); err == nil {
		p.conn.SendRTCP(raw)
	}
}
