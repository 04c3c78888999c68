package media

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/media/forward"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// published makes a room in which somebody publishes video, without a network:
// the packets are handed in behind the transport.
func published(t testing.TB, n *Node) (*Room, *Peer, []Allocation) {
	t.Helper()
	room := n.Room("m")
	p, err := room.Join(PeerConfig{AttendeeID: "publisher", AudioStreamID: 1, Permissions: AllPermissions()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	c := offerer(t)
	a, err := p.Subscribe(t.Context(), Offer{SDP: c.Offer(true, 0), Duplex: true, SendVideo: []VideoDescriptor{{MaxKbps: 700}}})
	if err != nil {
		t.Fatal(err)
	}
	frame := []byte{0x80, client.VP8Type, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00}
	ssrc := c.VideoSSRC()
	frame[8], frame[9], frame[10], frame[11] = byte(ssrc>>24), byte(ssrc>>16), byte(ssrc>>8), byte(ssrc)
	h, err := rtpx.ParseHeader(frame)
	if err != nil {
		t.Fatal(err)
	}
	p.RTP(&h, frame, time.Now())
	return room, p, a.Allocations
}

// offerer is a client that only writes offers.
func offerer(t testing.TB) *client.Client {
	t.Helper()
	cert, err := client.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(cert)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// FuzzSubscribe offers arbitrary text twice, with a video to watch and one to
// send, and checks that what comes back is whole.
func FuzzSubscribe(f *testing.F) {
	n := newNode(f, nil)
	room, _, streams := published(f, n)
	c := offerer(f)
	f.Add(c.Offer(true, 2), uint8(1), "2")
	f.Add(c.Offer(false, 1), uint8(0), "1")
	f.Add(strings.ReplaceAll(c.Offer(true, 1), "m=video 9", "m=video 0"), uint8(3), "0")
	f.Add(strings.ReplaceAll(c.Offer(true, 1), "a=mid:1\r\n", "a=mid:1\r\na=rid:a send\r\na=rid:b send\r\na=simulcast:send a;b\r\n"), uint8(2), "")
	f.Add(strings.ReplaceAll(c.Offer(true, 1), "a=recvonly", "a=sendrecv"), uint8(1), "2")
	f.Fuzz(func(t *testing.T, text string, videos uint8, mid string) {
		p, err := room.Join(PeerConfig{AttendeeID: "fuzz", AudioStreamID: 2, Permissions: AllPermissions(), ServerSideAdaption: videos&1 == 1})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		o := Offer{
			SDP: text, Duplex: videos > 0, SendVideo: make([]VideoDescriptor, videos%5),
			ReceiveStreamIDs: []uint32{0, streams[0].StreamID, 7, streams[0].StreamID},
			Subscriptions:    []VideoSubscription{{Mid: mid, GroupID: streams[0].GroupID, TargetKbps: 300}, {Mid: mid, StreamID: 99}},
		}
		for range 2 {
			a, err := p.Subscribe(context.Background(), o)
			if err != nil {
				if !errors.Is(err, ErrBadOffer) || a.SDP != "" {
					t.Fatalf("answer %q, error %v", a.SDP, err)
				}
				return
			}
			if !strings.HasPrefix(a.SDP, "v=0\r\n") || len(a.Allocations) > len(o.SendVideo) {
				t.Fatalf("answer %+v", a)
			}
			for _, track := range a.Tracks {
				if track.StreamID != streams[0].StreamID || track.SSRC == 0 || !strings.Contains(a.SDP, "a=msid:"+track.Label+" ") {
					t.Fatalf("track %+v in\n%s", track, a.SDP)
				}
			}
		}
		p.UpdateVideo([]VideoSubscription{{Mid: mid, StreamID: streams[0].StreamID, TargetKbps: 1}}, []string{mid})
		p.tickVideo(time.Now())
		_ = p.Index()
		_ = p.Stats()
	})
}

// FuzzRTCP hands a peer that sends and watches arbitrary reports.
func FuzzRTCP(f *testing.F) {
	n := newNode(f, nil)
	room, publisher, streams := published(f, n)
	viewer, err := room.Join(PeerConfig{AttendeeID: "viewer", AudioStreamID: 2, Permissions: AllPermissions(), ServerSideAdaption: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(viewer.Close)
	a, err := viewer.Subscribe(f.Context(), Offer{SDP: offerer(f).Offer(false, 1), ReceiveStreamIDs: []uint32{0, streams[0].StreamID}})
	if err != nil {
		f.Fatal(err)
	}
	ssrc := a.Tracks[0].SSRC
	for _, p := range []rtcp.Packet{
		&rtcp.PictureLossIndication{MediaSSRC: ssrc},
		&rtcp.FullIntraRequest{MediaSSRC: ssrc, FIR: []rtcp.FIREntry{{SSRC: ssrc}}},
		&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: 1, LostPackets: 0xffff}}},
		&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: ssrc, FractionLost: 255, LastSenderReport: 1, Delay: 1}}},
		&rtcp.SenderReport{SSRC: 5, NTPTime: 1 << 40, Reports: []rtcp.ReceptionReport{{SSRC: ssrc}}},
		&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1e6, SSRCs: []uint32{ssrc}},
		&rtcp.TransportLayerCC{PacketStatusCount: 2, PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{PacketStatusSymbol: 1, RunLength: 2}},
			RecvDeltas: []*rtcp.RecvDelta{{Type: 1, Delta: 250}, {Type: 1, Delta: 250}}, Header: rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: 5}},
	} {
		raw, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		now := time.Now()
		for _, p := range []*Peer{viewer, publisher} {
			p.RTCP(slices.Clone(raw), now)
			p.tickVideo(now)
			p.sendReports(now)
		}
	})
}

// One unreadable packet of a compound one does not cost the others, and reports
// that claim more than they hold are no work.
func TestCompoundReportsAreReadOneByOne(t *testing.T) {
	n := newNode(t, nil)
	p, err := n.Room("m").Join(PeerConfig{AttendeeID: "viewer", AudioStreamID: 2, Permissions: AllPermissions()})
	if err != nil {
		t.Fatal(err)
	}
	pli, err := (&rtcp.PictureLossIndication{MediaSSRC: 7}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var compound []byte
	for range 30 { // arrival times of 65,535 packets, of which none is there
		compound = append(compound, 0x8f, 205, 0, 9)
		compound = append(compound, make([]byte, 10)...)
		compound = append(compound, 0xff, 0xff, 0, 0, 0, 0)
		for range 10 {
			compound = append(compound, 0x3f, 0xff)
		}
	}
	compound = append(append(compound, 0x81, 201, 0, 1, 0, 0, 0, 9), pli...) // a report without its block
	if allocs := testing.AllocsPerRun(5, func() { p.RTCP(compound, time.Now()) }); allocs > 100 {
		t.Errorf("%v allocations for %d bytes", allocs, len(compound))
	}
	if got := p.counts.plisIn.Load(); got != 6 {
		t.Errorf("%d requests for key frames were heard of 6", got)
	}
	p.RTCP(append(pli, 0x81, 206, 0xff, 0xff), time.Now()) // and then a length that lies
	if got := p.counts.plisIn.Load(); got != 7 {
		t.Errorf("%d requests for key frames were heard of 7", got)
	}
}

func TestWhoSeesWhom(t *testing.T) {
	n := newNode(t, nil)
	room, publisher, _ := published(t, n)
	content, err := room.Join(PeerConfig{AttendeeID: "publisher#content", Owner: "publisher", Content: true, Permissions: AllPermissions()})
	if err != nil {
		t.Fatal(err)
	}
	viewer, err := room.Join(PeerConfig{AttendeeID: "viewer", Permissions: AllPermissions()})
	if err != nil {
		t.Fatal(err)
	}
	noContent := AllPermissions()
	noContent.ContentReceive = false
	contentOnly := AllPermissions()
	contentOnly.VideoReceive = false
	for _, tc := range []struct {
		name        string
		perms       Permissions
		from, other *Peer
		want        bool
	}{
		{"camera", AllPermissions(), viewer, publisher, true},
		{"share", AllPermissions(), viewer, content, true},
		{"one's own share", AllPermissions(), publisher, content, false},
		{"a share sees nothing", AllPermissions(), content, viewer, false},
		{"share without permission", noContent, viewer, content, false},
		{"camera without that permission", noContent, viewer, publisher, true},
		{"share needs video", contentOnly, viewer, content, false},
	} {
		tc.from.SetPermissions(tc.perms)
		if got := tc.from.sees(tc.other); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
	if _, pub := room.find(func(*forward.Publication) bool { return true }); pub == nil {
		t.Error("the publication is not found")
	}
}
