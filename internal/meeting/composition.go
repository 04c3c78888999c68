package meeting

import "cmp"

// Composition says how the videos of a meeting are put together to one picture:
// CompositedVideo of the API. Texts are the API's; what the creator left out is
// "" or 0.
type Composition struct {
	Layout             string // GridView
	Resolution         string // HD, FHD
	ContentShareLayout string // PresenterOnly, Horizontal, Vertical, ActiveSpeakerOnly
	CanvasOrientation  string // Landscape, Portrait
	PresenterPosition  string // a corner
	SpeakerPosition    string // likewise, of ActiveSpeakerOnly
	Horizontal         TileLayout
	Vertical           TileLayout
	Attribute          VideoAttribute
}

// TileLayout is how the tiles beside a content share are arranged.
type TileLayout struct {
	Order       string // JoinSequence, SpeakerSequence
	Position    string // the side of the canvas
	AspectRatio string // width/height
	Count       int
}

// VideoAttribute is how a tile is drawn. Lengths are in pixels.
type VideoAttribute struct {
	CornerRadius, BorderThickness int
	BorderColor, HighlightColor   string
}

// WithDefaults returns the composition with everything that was left out, as the
// API reference documents it; what is shown beside a share in a vertical layout is
// on the right, where the reference says Bottom.
func (c Composition) WithDefaults() Composition {
	const corner, order, tiles = "TopRight", "JoinSequence", 4
	c.Layout = cmp.Or(c.Layout, "GridView")
	c.Resolution = cmp.Or(c.Resolution, "HD")
	c.CanvasOrientation = cmp.Or(c.CanvasOrientation, "Landscape")
	c.PresenterPosition, c.SpeakerPosition = cmp.Or(c.PresenterPosition, corner), cmp.Or(c.SpeakerPosition, corner)
	c.Horizontal = c.Horizontal.or(TileLayout{order, "Bottom", "16/9", tiles})
	c.Vertical = c.Vertical.or(TileLayout{order, "Right", "9/16", tiles})
	return c
}

func (t TileLayout) or(d TileLayout) TileLayout {
	return TileLayout{
		cmp.Or(t.Order, d.Order), cmp.Or(t.Position, d.Position), cmp.Or(t.AspectRatio, d.AspectRatio), cmp.Or(t.Count, d.Count),
	}
}

// Size returns the canvas's width and height in pixels.
func (c Composition) Size() (width, height int) {
	width, height = 1280, 720
	if c.Resolution == "FHD" {
		width, height = 1920, 1080
	}
	if c.CanvasOrientation == "Portrait" {
		width, height = height, width
	}
	return width, height
}

// texts and counts are the composition in the order in which it is written.
func (c *Composition) texts() []*string {
	return []*string{
		&c.Layout, &c.Resolution, &c.ContentShareLayout, &c.CanvasOrientation, &c.PresenterPosition, &c.SpeakerPosition,
		&c.Horizontal.Order, &c.Horizontal.Position, &c.Horizontal.AspectRatio,
		&c.Vertical.Order, &c.Vertical.Position, &c.Vertical.AspectRatio, &c.Attribute.BorderColor, &c.Attribute.HighlightColor,
	}
}

func (c *Composition) counts() []*int {
	return []*int{&c.Horizontal.Count, &c.Vertical.Count, &c.Attribute.CornerRadius, &c.Attribute.BorderThickness}
}

func (c *Composition) write(w *writer) {
	for _, text := range c.texts() {
		w.string(*text)
	}
	for _, n := range c.counts() {
		w.uint(*n)
	}
}

func (c *Composition) read(r *reader) {
	for _, text := range c.texts() {
		*text = r.string()
	}
	const most = 1 << 10
	for _, n := range c.counts() {
		*n = r.uint(most)
	}
}
