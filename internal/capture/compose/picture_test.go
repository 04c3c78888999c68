package compose

import (
	"bytes"
	"testing"
)

// at returns the colour of a point.
func (p *Picture) at(x, y int) (c colour) {
	for i, pl := range p.planes() {
		c[i] = pl.data[(y>>pl.halved)*pl.width+x>>pl.halved]
	}
	return c
}

// painted returns a picture of one colour.
func painted(width, height int, c colour) *Picture {
	p := newPicture(width, height)
	p.fill(Rect{0, 0, width, height}, c)
	return p
}

func TestPicturesAreCopiedToTheirPlaces(t *testing.T) {
	red, blue := colourNamed("Red"), colourNamed("Blue")
	canvas := newPicture(64, 32)
	canvas.draw(painted(20, 10, red), Rect{4, 6, 20, 10})   // of the same size
	canvas.draw(painted(10, 50, blue), Rect{40, 0, 24, 32}) // of another one
	for y := range 32 {
		for x := range 64 {
			want := black
			switch {
			case x >= 4 && x < 24 && y >= 6 && y < 16:
				want = red
			case x >= 40:
				want = blue
			}
			if got := canvas.at(x, y); got != want {
				t.Fatalf("%d,%d: %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestAnotherSizeKeepsThePictureWhole(t *testing.T) {
	from := newPicture(8, 8)
	for i, name := range []string{"Red", "Green", "Blue", "Yellow"} {
		from.fill(Rect{i % 2 * 4, i / 2 * 4, 4, 4}, colourNamed(name))
	}
	for _, size := range []Rect{{0, 0, 32, 16}, {0, 0, 4, 4}, {0, 0, 8, 24}} {
		to := newPicture(size.W, size.H)
		to.draw(from, size)
		for i, name := range []string{"Red", "Green", "Blue", "Yellow"} {
			if got := to.at(i%2*(size.W-1), i/2*(size.H-1)); got != colourNamed(name) {
				t.Errorf("%v: corner %d is %v, want %s", size, i, got, name)
			}
		}
	}
}

func TestBordersAndCorners(t *testing.T) {
	white, red := colourNamed("White"), colourNamed("Red")
	p := painted(80, 60, red)
	tile := Rect{10, 10, 60, 40}
	p.frame(tile, 3, white) // an odd number of pixels is one more
	for _, c := range []struct {
		x, y int
		want colour
	}{{9, 9, red}, {10, 10, white}, {13, 30, white}, {14, 30, red}, {69, 49, white}, {66, 20, white}, {65, 20, red}, {40, 45, red}, {40, 46, white}, {70, 50, red}} {
		if got := p.at(c.x, c.y); got != c.want {
			t.Errorf("%d,%d: %v, want %v", c.x, c.y, got, c.want)
		}
	}
	p = painted(80, 60, red)
	p.round(tile, 10)
	for _, c := range []struct {
		x, y int
		want colour
	}{{10, 10, black}, {68, 10, black}, {10, 48, black}, {68, 48, black}, {22, 10, red}, {10, 22, red}, {16, 16, red}, {40, 30, red}, {8, 8, red}} {
		if got := p.at(c.x, c.y); got != c.want {
			t.Errorf("round: %d,%d: %v, want %v", c.x, c.y, got, c.want)
		}
	}
	before := bytes.Clone(p.data)
	p.frame(Rect{0, 0, 4, 4}, 20, white) // thicker than the tile
	p.frame(tile, 0, white)
	p.round(tile, 0)
	p.draw(painted(4, 4, white), Rect{90, 90, 4, 4}) // outside
	if !bytes.Equal(before, p.data) {
		t.Error("something was painted")
	}
}
