package compose

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// people are so many cameras, of attendees a, b, c, …
func people(n int) (list []Shown) {
	for i := range n {
		list = append(list, Shown{Group: uint32(i + 1), Attendee: string(rune('a' + i))})
	}
	return list
}

// share is a share of an attendee; its group is 100.
func share(attendee string) Shown { return Shown{Group: 100, Attendee: attendee, Content: true} }

func composition(change func(*meeting.Composition)) *meeting.Composition {
	c := meeting.Composition{ContentShareLayout: "PresenterOnly"}
	if change != nil {
		change(&c)
	}
	c = c.WithDefaults()
	return &c
}

func rects(places []Place) map[uint32]Rect {
	at := make(map[uint32]Rect)
	for _, p := range places {
		at[p.Group] = p.At
	}
	return at
}

func TestTheGridIsTheSmallestThatFits(t *testing.T) {
	for n, want := range map[int]map[uint32]Rect{
		0: {},
		1: {1: {0, 0, 1280, 720}},
		2: {1: {0, 0, 640, 720}, 2: {640, 0, 640, 720}},
		3: {1: {0, 0, 640, 360}, 2: {640, 0, 640, 360}, 3: {320, 360, 640, 360}},
		4: {1: {0, 0, 640, 360}, 2: {640, 0, 640, 360}, 3: {0, 360, 640, 360}, 4: {640, 360, 640, 360}},
	} {
		if got := rects(arrange(composition(nil), people(n), "")); !reflect.DeepEqual(got, want) {
			t.Errorf("%d: %v, want %v", n, got, want)
		}
	}
	upright := composition(func(c *meeting.Composition) { c.CanvasOrientation, c.Resolution = "Portrait", "FHD" })
	if got, want := rects(arrange(upright, people(2), "")), (map[uint32]Rect{1: {0, 0, 1080, 960}, 2: {0, 960, 1080, 960}}); !reflect.DeepEqual(got, want) {
		t.Errorf("upright: %v, want %v", got, want)
	}
	if n := len(arrange(composition(nil), people(mostTiles+5), "")); n != mostTiles {
		t.Errorf("%d of %d are shown", n, mostTiles)
	}
}

func TestWhoSpeaksIsHighlighted(t *testing.T) {
	for _, p := range arrange(composition(nil), people(3), "b") {
		if p.Highlight != (p.Group == 2) {
			t.Errorf("%+v", p)
		}
	}
	for _, p := range arrange(composition(nil), append(people(2), share("b")), "b") {
		if p.Highlight != (p.Group == 2) {
			t.Errorf("beside a share: %+v", p)
		}
	}
	for _, p := range arrange(composition(nil), people(2), "") {
		if p.Highlight {
			t.Errorf("nobody speaks: %+v", p)
		}
	}
}

func TestAShareComesWithItsPresenter(t *testing.T) {
	for position, want := range map[string]Rect{
		"TopLeft": {40, 40, 320, 180}, "TopRight": {920, 40, 320, 180}, "": {920, 40, 320, 180}, "BottomLeft": {40, 500, 320, 180}, "BottomRight": {920, 500, 320, 180},
	} {
		c := composition(func(c *meeting.Composition) { c.PresenterPosition = position })
		got := rects(arrange(c, append(people(3), share("b")), "c"))
		if !reflect.DeepEqual(got, map[uint32]Rect{100: {0, 0, 1280, 720}, 2: want}) {
			t.Errorf("%s: %v", position, got)
		}
	}
	if got := arrange(composition(nil), append(people(2), share("x")), ""); len(got) != 1 || got[0].Fill {
		t.Errorf("of a presenter without a camera: %v", got)
	}
}

func TestAShareComesWithWhoSpokeLast(t *testing.T) {
	c := composition(func(c *meeting.Composition) {
		c.ContentShareLayout, c.SpeakerPosition = "ActiveSpeakerOnly", "BottomLeft"
	})
	list := append(people(3), share("a"))
	list[1].Spoke, list[2].Spoke = 2, 1
	if got, want := rects(arrange(c, list, "")), (map[uint32]Rect{100: {0, 0, 1280, 720}, 2: {40, 500, 320, 180}}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := arrange(c, []Shown{share("a")}, ""); len(got) != 1 {
		t.Errorf("alone: %v", got)
	}
}

func TestTilesStandBesideAShare(t *testing.T) {
	// Four tiles of 16/9 take a row of 180 below what remains.
	wide := composition(func(c *meeting.Composition) { c.ContentShareLayout = "Horizontal" })
	want := map[uint32]Rect{100: {0, 0, 1280, 540}, 2: {160, 540, 320, 180}, 1: {480, 540, 320, 180}, 3: {800, 540, 320, 180}}
	if got := rects(arrange(wide, append(people(3), share("b")), "")); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	wide.Horizontal.Position = "Top"
	if got := rects(arrange(wide, append(people(1), share("b")), "")); !reflect.DeepEqual(got, map[uint32]Rect{100: {0, 180, 1280, 540}, 1: {480, 0, 320, 180}}) {
		t.Errorf("on top: %v", got)
	}
	// Upright tiles beside each other's edge: a third of the canvas at most.
	high := composition(func(c *meeting.Composition) {
		c.ContentShareLayout = "Vertical"
		c.Vertical = meeting.TileLayout{Order: "SpeakerSequence", Count: 2}
	})
	list := append(people(3), share("x"))
	list[2].Spoke = 1
	if got := rects(arrange(high, list, "")); !reflect.DeepEqual(got, map[uint32]Rect{100: {0, 0, 1078, 720}, 3: {1078, 0, 202, 360}, 1: {1078, 360, 202, 360}}) {
		t.Errorf("%v", got)
	}
	high.Vertical.Position, high.Vertical.Count, high.Vertical.AspectRatio = "Left", 1, "16/9"
	if got := rects(arrange(high, append(people(1), share("x")), "")); got[100].W < 1280*2/3 || got[1].W+got[100].W != 1280 || got[1].X != 0 {
		t.Errorf("on the left: %v", got)
	}
	if got := arrange(high, []Shown{share("x")}, ""); len(got) != 1 || got[0].At != (Rect{0, 0, 1280, 720}) {
		t.Errorf("alone: %v", got)
	}
}

func TestOneVideoFillsTheCanvas(t *testing.T) {
	list := append(people(3), share("a"))
	list[2].Spoke = 1
	if got := whole(composition(nil), list); !reflect.DeepEqual(got, []Place{{Group: 3, At: Rect{0, 0, 1280, 720}}}) {
		t.Errorf("%v", got)
	}
	if got := whole(composition(nil), []Shown{share("a")}); got != nil {
		t.Errorf("without cameras: %v", got)
	}
}

// Whatever is asked for, every tile is on the canvas, has even edges and no
// other's place, and the share has the most room.
func TestEveryArrangementFits(t *testing.T) {
	pick := func(list ...string) string { return list[rand.IntN(len(list))] }
	for range 2000 {
		ratio := fmt.Sprintf("%d/%d", rand.IntN(100), rand.IntN(100))
		tiles := meeting.TileLayout{Order: pick("JoinSequence", "SpeakerSequence"), AspectRatio: ratio, Count: 1 + rand.IntN(10)}
		c := composition(func(c *meeting.Composition) {
			c.ContentShareLayout, c.CanvasOrientation, c.Resolution = pick("Horizontal", "Vertical"), pick("Landscape", "Portrait"), pick("HD", "FHD")
			c.Horizontal, c.Vertical = tiles, tiles
			c.Horizontal.Position, c.Vertical.Position = pick("Top", "Bottom"), pick("Left", "Right")
		})
		list := people(rand.IntN(30))
		if rand.IntN(3) > 0 {
			list = append(list, share("a"))
		}
		width, height := c.Size()
		places := arrange(c, list, "b")
		for i, p := range places {
			r := p.At
			if r.X < 0 || r.Y < 0 || r.W < 2 || r.H < 2 || r.X+r.W > width || r.Y+r.H > height || (r.X|r.Y|r.W|r.H)&1 != 0 {
				t.Fatalf("%+v, %d videos: %+v on %d×%d", c, len(list), p, width, height)
			}
			for _, q := range places[:i] {
				if r.X < q.At.X+q.At.W && q.At.X < r.X+r.W && r.Y < q.At.Y+q.At.H && q.At.Y < r.Y+r.H {
					t.Fatalf("%+v: %+v is over %+v", c, p, q)
				}
			}
		}
	}
}
