package api

import (
	"strings"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// compositedInput is CompositedVideo.
type compositedInput struct {
	set                bool
	layout, resolution restjson.Text
	grid               gridInput
}

type gridInput struct {
	set     bool
	members [5]compositedObject // in the order of gridObjects
	content restjson.Text       // ContentShareLayout
	canvas  restjson.Text       // CanvasOrientation
}

// The objects of gridInput.members.
const (
	presenterObject = iota
	speakerObject
	horizontalObject
	verticalObject
	attributeObject
)

// compositedObject is an object whose members are strings and small numbers.
type compositedObject struct {
	texts map[string]restjson.Text
	ints  map[string]restjson.Int
}

// gridObject says what one of them may hold.
type gridObject struct {
	name  string
	texts map[string]restjson.TextRule
	ints  map[string]int64 // the most; the least is 1
}

func gridObjects() []gridObject {
	corner := restjson.TextRule{Enum: []string{"TopLeft", "TopRight", "BottomLeft", "BottomRight"}}
	order := restjson.TextRule{Enum: []string{"JoinSequence", "SpeakerSequence"}}
	ratio := restjson.TextRule{Match: isRatio, Pattern: `^\d{1,2}\/\d{1,2}$`}
	colour := restjson.TextRule{Enum: []string{"Black", "Blue", "Red", "Green", "White", "Yellow"}}
	tiles := func(sides ...string) map[string]restjson.TextRule {
		return map[string]restjson.TextRule{"TileOrder": order, "TilePosition": {Enum: sides}, "TileAspectRatio": ratio}
	}
	const mostTiles, mostPixels = 10, 20
	return []gridObject{
		{name: "PresenterOnlyConfiguration", texts: map[string]restjson.TextRule{"PresenterPosition": corner}},
		{name: "ActiveSpeakerOnlyConfiguration", texts: map[string]restjson.TextRule{"ActiveSpeakerPosition": corner}},
		{name: "HorizontalLayoutConfiguration", texts: tiles("Top", "Bottom"), ints: map[string]int64{"TileCount": mostTiles}},
		{name: "VerticalLayoutConfiguration", texts: tiles("Left", "Right"), ints: map[string]int64{"TileCount": mostTiles}},
		{name: "VideoAttribute", texts: map[string]restjson.TextRule{"BorderColor": colour, "HighlightColor": colour},
			ints: map[string]int64{"CornerRadius": mostPixels, "BorderThickness": mostPixels}},
	}
}

// isRatio matches two numbers of one or two digits with a slash between.
func isRatio(s string) bool {
	a, b, ok := strings.Cut(s, "/")
	number := func(s string) bool {
		return (len(s) == 1 || len(s) == 2) && strings.Trim(s, "0123456789") == ""
	}
	return ok && number(a) && number(b)
}

func (in *compositedInput) read(r *restjson.Reader) {
	if in.set = r.Present(); !in.set {
		return
	}
	for name := range r.Object([]string{"Layout", "Resolution", "GridViewConfiguration"}) {
		switch name {
		case "Layout":
			in.layout = r.Text()
		case "Resolution":
			in.resolution = r.Text()
		default:
			in.grid.read(r)
		}
	}
}

func (in *gridInput) read(r *restjson.Reader) {
	if in.set = r.Present(); !in.set {
		return
	}
	objects := gridObjects()
	names := []string{"ContentShareLayout", "CanvasOrientation"}
	for _, o := range objects {
		names = append(names, o.name)
	}
	for name := range r.Object(names) {
		switch name {
		case "ContentShareLayout":
			in.content = r.Text()
		case "CanvasOrientation":
			in.canvas = r.Text()
		}
		for i, o := range objects {
			if o.name == name {
				in.members[i].read(r, o)
			}
		}
	}
}

func (in *compositedObject) read(r *restjson.Reader, o gridObject) {
	if !r.Present() {
		return
	}
	in.texts, in.ints = map[string]restjson.Text{}, map[string]restjson.Int{}
	var names []string
	for name := range o.texts {
		names = append(names, name)
	}
	for name := range o.ints {
		names = append(names, name)
	}
	for name := range r.Object(names) {
		if _, number := o.ints[name]; number {
			in.ints[name] = r.Int()
		} else {
			in.texts[name] = r.Text()
		}
	}
}

func (in *compositedInput) check(v *restjson.Violations, at *restjson.Path) {
	if !in.set {
		return
	}
	layout, resolution, grid := at.Member("layout"), at.Member("resolution"), at.Member("gridViewConfiguration")
	v.Text(&layout, in.layout, &restjson.TextRule{Enum: []string{"GridView"}})
	v.Text(&resolution, in.resolution, &restjson.TextRule{Enum: []string{"HD", "FHD"}})
	if !in.grid.set {
		v.Missing(&grid)
		return
	}
	content, canvas := grid.Member("contentShareLayout"), grid.Member("canvasOrientation")
	v.RequiredText(&content, in.grid.content, &restjson.TextRule{Enum: []string{"PresenterOnly", "Horizontal", "Vertical", "ActiveSpeakerOnly"}})
	v.Text(&canvas, in.grid.canvas, &restjson.TextRule{Enum: []string{"Landscape", "Portrait"}})
	for i, o := range gridObjects() {
		object := grid.Member(lowerFirst(o.name))
		for _, name := range []string{"PresenterPosition", "ActiveSpeakerPosition", "TileOrder", "TilePosition", "TileAspectRatio", "BorderColor", "HighlightColor"} {
			if rule, ok := o.texts[name]; ok {
				path := object.Member(lowerFirst(name))
				v.Text(&path, in.grid.members[i].texts[name], &rule)
			}
		}
		for _, name := range []string{"TileCount", "CornerRadius", "BorderThickness"} {
			if most, ok := o.ints[name]; ok {
				path := object.Member(lowerFirst(name))
				v.Range(&path, in.grid.members[i].ints[name], 1, most)
			}
		}
	}
}

// composition is what was given; nil when nothing was.
func (in *compositedInput) composition() *meeting.Composition {
	if !in.set {
		return nil
	}
	m := &in.grid.members
	text := func(object int, name string) string { return m[object].texts[name].Value }
	tiles := func(object int) meeting.TileLayout {
		return meeting.TileLayout{
			Order: text(object, "TileOrder"), Position: text(object, "TilePosition"), AspectRatio: text(object, "TileAspectRatio"),
			Count: int(m[object].ints["TileCount"].Value),
		}
	}
	return &meeting.Composition{
		Layout: in.layout.Value, Resolution: in.resolution.Value, ContentShareLayout: in.grid.content.Value, CanvasOrientation: in.grid.canvas.Value,
		PresenterPosition: text(presenterObject, "PresenterPosition"), SpeakerPosition: text(speakerObject, "ActiveSpeakerPosition"),
		Horizontal: tiles(horizontalObject), Vertical: tiles(verticalObject),
		Attribute: meeting.VideoAttribute{
			CornerRadius: int(m[attributeObject].ints["CornerRadius"].Value), BorderThickness: int(m[attributeObject].ints["BorderThickness"].Value),
			BorderColor: text(attributeObject, "BorderColor"), HighlightColor: text(attributeObject, "HighlightColor"),
		},
	}
}

// writeComposition writes CompositedVideo, if there is one: as given, with the
// layout and the resolution where none was.
func writeComposition(w *restjson.Writer, c *meeting.Composition) {
	if c == nil {
		return
	}
	full := c.WithDefaults()
	w.Name("CompositedVideo")
	w.Object()
	w.PlainMember("Layout", full.Layout)
	w.PlainMember("Resolution", full.Resolution)
	w.Name("GridViewConfiguration")
	w.Object()
	w.PlainMember("ContentShareLayout", c.ContentShareLayout)
	writeMembers(w, "PresenterOnlyConfiguration", pair{"PresenterPosition", c.PresenterPosition})
	writeMembers(w, "ActiveSpeakerOnlyConfiguration", pair{"ActiveSpeakerPosition", c.SpeakerPosition})
	writeTiles(w, "HorizontalLayoutConfiguration", c.Horizontal)
	writeTiles(w, "VerticalLayoutConfiguration", c.Vertical)
	a := &c.Attribute
	writeMembers(w, "VideoAttribute", pair{"CornerRadius", a.CornerRadius}, pair{"BorderThickness", a.BorderThickness},
		pair{"BorderColor", a.BorderColor}, pair{"HighlightColor", a.HighlightColor})
	w.PlainMember("CanvasOrientation", full.CanvasOrientation)
	w.EndObject()
	w.EndObject()
}

func writeTiles(w *restjson.Writer, name string, t meeting.TileLayout) {
	writeMembers(w, name, pair{"TileOrder", t.Order}, pair{"TilePosition", t.Position}, pair{"TileCount", t.Count}, pair{"TileAspectRatio", t.AspectRatio})
}

// pair is a member: a string or an int.
type pair struct {
	name  string
	value any
}

// writeMembers writes an object of those members that were given, unless none was.
func writeMembers(w *restjson.Writer, name string, members ...pair) {
	open := false
	begin := func() {
		if !open {
			w.Name(name)
			w.Object()
		}
		open = true
	}
	for _, m := range members {
		switch v := m.value.(type) {
		case string:
			if v != "" {
				begin()
				w.Member(m.name, v)
			}
		case int:
			if v != 0 {
				begin()
				w.Name(m.name)
				w.Int(int64(v))
			}
		}
	}
	if open {
		w.EndObject()
	}
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
