package forward

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/media/reception"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// point is an operating point of a scalable stream: its spatial and temporal
// layers up to these numbers.
type point struct{ sid, tid uint8 }

// everything is the whole stream.
func everything() point { return point{7, 7} }

// scalability measures the layers inside one encoding (SVC). The zero value is
// ready; it is not safe for concurrent use.
type scalability struct {
	spatial, temporal [maxScalable]reception.Meter
	seen              bool
}

// maxScalable is the most layers of a kind that are told apart.
const maxScalable = 4

// add counts a packet's bits for its layers.
func (s *scalability) add(i *rtpx.Info, bits int, at time.Time) {
	if !i.HasLayers || i.SID >= maxScalable || i.TID >= maxScalable {
		return
	}
	s.seen = true
	s.spatial[i.SID].Add(bits, at)
	s.temporal[i.TID].Add(bits, at)
}

// option is a choice for a subscriber: a layer, cut at a point.
type option struct {
	layer *Layer
	cut   point
	kbps  int // measured
	// nominal is the announced rate in kbit/s, 0 unknown.
	nominal int
}

// options lists the operating points from the lowest up: by spatial layers if
// there are several, else by temporal ones, else nil.
func (s *scalability) options(l *Layer, nominal int, now time.Time) []option {
	if !s.seen {
		return nil
	}
	cut := func(i uint8) point { return point{i, 7} }
	rates := layerRates(&s.spatial, now)
	if len(rates) < 2 {
		cut = func(i uint8) point { return point{7, i} }
		rates = layerRates(&s.temporal, now)
	}
	if len(rates) < 2 {
		return nil
	}
	total, sum := 0.0, 0.0
	for _, r := range rates {
		total += r
	}
	var out []option
	for i, r := range rates {
		sum += r
		out = append(out, option{
			layer: l, cut: cut(uint8(i)), kbps: int(sum/1000) + 1, nominal: int(float64(nominal) * sum / total),
		})
	}
	out[len(out)-1].cut = everything()
	return out
}

// layerRates are the rates of the layers in bits per second, without those above
// the highest that flows.
func layerRates(meters *[maxScalable]reception.Meter, now time.Time) []float64 {
	var out []float64
	top := 0
	for i := range meters {
		r := meters[i].PerSecond(now)
		out = append(out, r)
		if r > 0 {
			top = i + 1
		}
	}
	return out[:top]
}

// filter lets the packets of an operating point through. It goes down at the
// next picture; up in time where the stream says that it is possible, up in size
// only at a key frame, since larger pictures are predicted from larger ones.
type filter struct{ current, wanted point }

// cut sets the operating point; it reports whether a key frame is needed to get
// there.
func (f *filter) cut(p point) (needsKey bool) {
	f.wanted = p
	return p.sid > f.current.sid
}

// pass says whether a packet goes through.
func (f *filter) pass(c rtpx.Codec, i *rtpx.Info) bool {
	if !i.HasLayers {
		return true
	}
	if i.Start && i.SID == 0 && f.current != f.wanted {
		f.step(c, i)
	}
	return i.SID <= f.current.sid && i.TID <= f.current.tid
}

// step moves the operating point at the beginning of a picture.
func (f *filter) step(c rtpx.Codec, i *rtpx.Info) {
	if i.Key {
		f.current = f.wanted
		return
	}
	f.current.sid = min(f.current.sid, f.wanted.sid)
	f.current.tid = min(f.current.tid, f.wanted.tid)
	if f.current.tid >= f.wanted.tid || !i.SwitchUp {
		return
	}
	switch {
	case c == rtpx.VP8 && i.TID > f.current.tid && i.TID <= f.wanted.tid:
		f.current.tid = i.TID // the picture needs only the lowest layer
	case c == rtpx.VP9 && i.TID <= f.current.tid:
		f.current.tid = f.wanted.tid // later pictures need none before this one
	}
}

// ends says whether a packet is the last of its picture that goes through: then
// it must carry the marker.
func (f *filter) ends(i *rtpx.Info) bool {
	return i.HasLayers && i.End && i.SID == f.current.sid
}
