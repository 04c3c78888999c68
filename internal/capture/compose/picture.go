package compose

// Picture is one picture of raw video: planes of luma and, at half the width and
// height, of the two colour differences (4:2:0, BT.601 limited range, as video of
// meetings is coded). Width and height are even.
type Picture struct {
	Width, Height int
	data          []byte // the planes, one after the other, as raw video is piped
}

// newPicture returns a black picture.
func newPicture(width, height int) *Picture {
	p := &Picture{Width: width, Height: height, data: make([]byte, pictureBytes(width, height))}
	p.fill(Rect{0, 0, width, height}, black)
	return p
}

// pictureBytes is how many bytes a picture takes.
func pictureBytes(width, height int) int { return width * height * 3 / 2 }

// plane is one of a picture's planes.
type plane struct {
	data   []byte
	width  int
	halved int // by how many powers of two it is smaller than the picture
}

func (p *Picture) planes() [3]plane {
	luma, chroma := p.Width*p.Height, p.Width*p.Height/4
	return [3]plane{
		{p.data[:luma], p.Width, 0},
		{p.data[luma : luma+chroma], p.Width / 2, 1},
		{p.data[luma+chroma:], p.Width / 2, 1},
	}
}

// colour is a value for each plane.
type colour [3]byte

// black and the other colours are those of BT.601, limited range.
var black = colour{16, 128, 128}

// colourNamed returns the colours that the API names; black for any other.
func colourNamed(name string) colour {
	switch name {
	case "Blue":
		return colour{41, 240, 110}
	case "Red":
		return colour{81, 90, 240}
	case "Green":
		return colour{145, 54, 34}
	case "White":
		return colour{235, 128, 128}
	case "Yellow":
		return colour{210, 16, 146}
	}
	return black
}

// fill paints a rectangle.
func (p *Picture) fill(r Rect, c colour) {
	r = r.within(p.Width, p.Height)
	for i, pl := range p.planes() {
		x, w := r.X>>pl.halved, r.W>>pl.halved
		for y := r.Y >> pl.halved; y < (r.Y+r.H)>>pl.halved; y++ {
			row := pl.data[y*pl.width+x:][:w]
			for j := range row {
				row[j] = c[i]
			}
		}
	}
}

// draw copies a picture into a rectangle: row by row where it has the
// rectangle's size, else the nearest of its points, which is good enough for the
// moment until one of the right size comes.
func (p *Picture) draw(from *Picture, r Rect) {
	r = r.within(p.Width, p.Height)
	if r.W == 0 || r.H == 0 {
		return
	}
	to, planes := p.planes(), from.planes()
	for i := range to {
		d, s := to[i], planes[i]
		x, w, top, h := r.X>>d.halved, r.W>>d.halved, r.Y>>d.halved, r.H>>d.halved
		high := from.Height >> s.halved
		for y := range h {
			row := d.data[(top+y)*d.width+x:][:w]
			source := s.data[y*high/h*s.width:][:s.width]
			if w == s.width {
				copy(row, source)
				continue
			}
			for j := range row {
				row[j] = source[j*s.width/w]
			}
		}
	}
}

// frame paints a border inside a rectangle.
func (p *Picture) frame(r Rect, thickness int, c colour) {
	t := (thickness + 1) &^ 1
	if t <= 0 || 2*t >= r.W || 2*t >= r.H {
		return
	}
	p.fill(Rect{r.X, r.Y, r.W, t}, c)
	p.fill(Rect{r.X, r.Y + r.H - t, r.W, t}, c)
	p.fill(Rect{r.X, r.Y, t, r.H}, c)
	p.fill(Rect{r.X + r.W - t, r.Y, t, r.H}, c)
}

// round paints the corners of a rectangle black that a circle of the radius
// leaves out.
func (p *Picture) round(r Rect, radius int) {
	radius = min(radius, r.W/2, r.H/2)
	for y := range radius / 2 { // two rows at a time, so that all planes have the same corner
		// The distance of the row from the circle's centre, and how far in the circle
		// begins there.
		dy := radius - 2*y - 1
		in := radius
		for in > 0 && (radius-in+1)*(radius-in+1)+dy*dy <= radius*radius {
			in--
		}
		if in &^= 1; in == 0 {
			continue
		}
		for _, top := range []int{r.Y + 2*y, r.Y + r.H - 2*y - 2} {
			p.fill(Rect{r.X, top, in, 2}, black)
			p.fill(Rect{r.X + r.W - in, top, in, 2}, black)
		}
	}
}
