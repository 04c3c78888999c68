package rtpx_test

import (
	"fmt"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// One subscriber is shown two layers of a camera one after the other: what he
// gets is one stream without a seam, and what he lost can be found again.
func ExampleRewriter() {
	r := rtpx.NewRewriter(rtpx.RewriterConfig{FirstSeq: 1000, FirstTS: 50_000})
	at := time.Unix(0, 0)
	send := func(layer uint32, seq uint16, ts uint32) {
		in := rtpx.In{Source: layer, Seq: seq, TS: ts, Marker: true, Arrival: at}
		if out, ok := r.Forward(in); ok {
			fmt.Printf("layer %d packet %d goes out as %d at %d\n", layer, seq, out.Seq, out.TS)
		} else {
			fmt.Printf("layer %d packet %d was sent before\n", layer, seq)
		}
		at = at.Add(40 * time.Millisecond) // 25 frames a second
	}
	send(1, 7, 3_000)
	send(1, 8, 6_600)
	send(1, 8, 6_600)     // twice
	send(2, 900, 777_000) // the other layer, at its key frame
	send(2, 902, 784_200) // 901 is missing

	if sent, ok := r.Lookup(1002); ok {
		fmt.Printf("1002 was packet %d of layer %d\n", sent.Seq, sent.Source)
	}
	// Output:
	// layer 1 packet 7 goes out as 1000 at 50000
	// layer 1 packet 8 goes out as 1001 at 53600
	// layer 1 packet 8 was sent before
	// layer 2 packet 900 goes out as 1002 at 60800
	// layer 2 packet 902 goes out as 1004 at 68000
	// 1002 was packet 900 of layer 2
}

func ExampleUnwrapper() {
	var u rtpx.Unwrapper[uint16]
	for _, seq := range []uint16{65534, 65535, 1, 0} {
		fmt.Println(seq, u.Unwrap(seq))
	}
	// Output:
	// 65534 65534
	// 65535 65535
	// 1 65537
	// 0 65536
}
