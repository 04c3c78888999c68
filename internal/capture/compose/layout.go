package compose

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// mostTiles is how many videos are shown at most: as many as can be on in a
// meeting of the real service.
const mostTiles = 25

// Rect is a part of the canvas, in pixels. Its numbers are even, so that the
// colour planes have the same edges.
type Rect struct{ X, Y, W, H int }

// within returns the part of r that is on a canvas.
func (r Rect) within(width, height int) Rect {
	x, y := max(r.X, 0), max(r.Y, 0)
	return Rect{x, y, max(min(r.X+r.W, width)-x, 0), max(min(r.Y+r.H, height)-y, 0)}
}

// even rounds the edges to even numbers.
func (r Rect) even() Rect {
	right, bottom := (r.X+r.W)&^1, (r.Y+r.H)&^1
	r.X, r.Y = (r.X+1)&^1, (r.Y+1)&^1
	r.W, r.H = max(right-r.X, 0), max(bottom-r.Y, 0)
	return r
}

// Shown is a video that is on.
type Shown struct {
	Group    uint32 // of the publication
	Attendee string // without "#content"
	Content  bool
	Spoke    int // when the attendee spoke last: larger is later, 0 is never
}

// Place is where a video goes.
type Place struct {
	Group uint32
	At    Rect
	// Fill says that the picture fills the rectangle and loses its edges, rather than
	// being whole with black beside it.
	Fill      bool
	Highlight bool // its attendee is speaking
}

// arrange says where each video is. The videos come in the order in which they
// went on; speaker is who is speaking, "" for nobody.
func arrange(c *meeting.Composition, videos []Shown, speaker string) (places []Place) {
	width, height := c.Size()
	canvas := Rect{0, 0, width, height}
	share := slices.IndexFunc(videos, func(v Shown) bool { return v.Content })
	if share >= 0 {
		places = besideShare(c, canvas, videos[share], cameras(videos))
	} else {
		places = grid(canvas, cameras(videos))
	}
	for i := range places {
		at := slices.IndexFunc(videos, func(v Shown) bool { return v.Group == places[i].Group })
		places[i].Highlight = speaker != "" && videos[at].Attendee == speaker && !videos[at].Content
	}
	return places
}

// whole shows one video only: that of who spoke last, or else the first.
func whole(c *meeting.Composition, videos []Shown) []Place {
	width, height := c.Size()
	list := bySpeaker(cameras(videos))
	if len(list) == 0 {
		return nil
	}
	return []Place{{Group: list[0].Group, At: Rect{0, 0, width, height}}}
}

// cameras returns the videos that are no shares, as many as are shown.
func cameras(videos []Shown) (list []Shown) {
	for _, v := range videos {
		if !v.Content && len(list) < mostTiles {
			list = append(list, v)
		}
	}
	return list
}

// bySpeaker puts who spoke last first; those who never did keep their order.
func bySpeaker(list []Shown) []Shown {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Shown) int { return cmp.Compare(b.Spoke, a.Spoke) })
	return list
}

// grid gives every camera a cell of the same size; the last row is centred.
func grid(canvas Rect, list []Shown) (places []Place) {
	if len(list) == 0 {
		return nil
	}
	n := len(list)
	columns := int(math.Ceil(math.Sqrt(float64(n))))
	rows := (n + columns - 1) / columns
	if canvas.H > canvas.W {
		columns, rows = rows, columns
	}
	for i, v := range list {
		row := i / columns
		inRow := min(columns, n-row*columns)
		left := (columns - inRow) * canvas.W / columns / 2
		x0, x1 := left+i%columns*canvas.W/columns, left+(i%columns+1)*canvas.W/columns
		y0, y1 := row*canvas.H/rows, (row+1)*canvas.H/rows
		places = append(places, Place{Group: v.Group, At: Rect{x0, y0, x1 - x0, y1 - y0}.even()})
	}
	return places
}

// besideShare shows a share with cameras beside or above it.
func besideShare(c *meeting.Composition, canvas Rect, share Shown, list []Shown) []Place {
	whole := Place{Group: share.Group, At: canvas}
	presenter := slices.IndexFunc(list, func(v Shown) bool { return v.Attendee == share.Attendee })
	switch c.ContentShareLayout {
	case "Horizontal":
		return strip(canvas, whole, c.Horizontal, sequence(c.Horizontal, list, presenter), true)
	case "Vertical":
		return strip(canvas, whole, c.Vertical, sequence(c.Vertical, list, presenter), false)
	case "ActiveSpeakerOnly":
		if last := bySpeaker(list); len(last) > 0 {
			return []Place{whole, {Group: last[0].Group, At: corner(canvas, c.SpeakerPosition), Fill: true}}
		}
	default: // PresenterOnly
		if presenter >= 0 {
			return []Place{whole, {Group: list[presenter].Group, At: corner(canvas, c.PresenterPosition), Fill: true}}
		}
	}
	return []Place{whole}
}

// corner is a tile of a quarter of the canvas's length, in the shape of a camera's
// picture, near one of its corners.
func corner(canvas Rect, position string) Rect {
	const share, margin = 4, 32
	w := max(canvas.W, canvas.H) / share
	h, gap := w*9/16, canvas.W/margin
	r := Rect{canvas.W - w - gap, gap, w, h}
	if strings.HasSuffix(position, "Left") {
		r.X = gap
	}
	if strings.HasPrefix(position, "Bottom") {
		r.Y = canvas.H - h - gap
	}
	return r.even()
}

// sequence is in which order tiles stand beside a share: the presenter first.
func sequence(t meeting.TileLayout, list []Shown, presenter int) []Shown {
	var first []Shown
	if presenter >= 0 {
		first = []Shown{list[presenter]}
		list = slices.Delete(slices.Clone(list), presenter, presenter+1)
	}
	if t.Order == "SpeakerSequence" {
		list = bySpeaker(list)
	}
	list = append(first, list...)
	return list[:min(len(list), t.Count)]
}

// strip puts tiles side by side along an edge of the canvas, and the share beside
// them. There is room for as many tiles as may come; those there are stand in the
// middle.
func strip(canvas Rect, share Place, t meeting.TileLayout, list []Shown, horizontal bool) []Place {
	if len(list) == 0 {
		return []Place{share}
	}
	along, across := canvas.W, canvas.H
	wide, high := ratio(t.AspectRatio)
	if !horizontal {
		along, across, wide, high = across, along, high, wide
	}
	// The share keeps at least two thirds of the canvas.
	const least = 4 // pixels, so that something is left when edges are rounded
	long := along / t.Count
	deep := max(long*high/wide, least)
	if most := across / 3; deep > most {
		deep = most
		long = max(deep*wide/high, least)
	}
	near := t.Position == "Top" || t.Position == "Left"
	place := func(from, length, edge, depth int) Rect {
		if horizontal {
			return Rect{from, edge, length, depth}.even()
		}
		return Rect{edge, from, depth, length}.even()
	}
	edge, rest := across-deep, 0
	if near {
		edge, rest = 0, deep
	}
	share.At = place(0, along, rest, across-deep)
	places := []Place{share}
	begin := (along - long*len(list)) / 2
	for i, v := range list {
		places = append(places, Place{Group: v.Group, At: place(begin+i*long, long, edge, deep), Fill: true})
	}
	return places
}

// ratio reads width/height; a malformed one is that of cameras. The API lets in
// zeros.
func ratio(s string) (wide, high int) {
	a, b, _ := strings.Cut(s, "/")
	wide, _ = strconv.Atoi(a)
	high, _ = strconv.Atoi(b)
	if wide < 1 || high < 1 {
		return 16, 9
	}
	return wide, high
}
