package meeting

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestWhereAStreamGoes(t *testing.T) {
	for text, want := range map[StreamURL]StreamTarget{
		"rtmp://example.org/live/key":                {Host: "example.org", Address: "example.org:1935", App: "live", Key: "key"},
		"rtmps://example.org/live/key":               {TLS: true, Host: "example.org", Address: "example.org:443", App: "live", Key: "key"},
		"rtmp://[2001:db8::1]:2000/a/b/c%20d?e=f/g":  {Host: "2001:db8::1", Address: "[2001:db8::1]:2000", App: "a/b", Key: "c%20d?e=f/g"},
		"rtmps://live.example.org:443/app/sk_a-b?x=": {TLS: true, Host: "live.example.org", Address: "live.example.org:443", App: "app", Key: "sk_a-b?x="},
	} {
		got, err := text.Target()
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", string(text), got, err)
		}
	}
	for _, bad := range []StreamURL{
		"", "x", "http://h/app/secret", "rtmp://h", "rtmp://h/", "rtmp://h/secret", "rtmp://h//secret", "rtmp://h/app/", "rtmp:///app/secret", "rtmp://u:p@h/app/secret",
		"rtmp://h/app/secret#f", "rtmp://h:port/app/secret", "rtmp://h/app/secret\x7f", "RTMP//h/app/secret", "rtmp://h/app/%zz-secret", "rtmpt://h/app/secret",
	} {
		_, err := bad.Target()
		var refused *Error
		if !errors.As(err, &refused) || refused.Kind != Invalid || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", string(bad), err)
		}
	}
}

func TestAStreamsKeyIsNotPrinted(t *testing.T) {
	p := samplePipeline(Stamp{})
	p.Settings.Stream.URL = "rtmps://example.org/live/secret?sign=secret"
	for _, text := range []string{fmt.Sprint(p.Settings.Stream.URL), fmt.Sprintf("%v", p), fmt.Sprintf("%+v", p.Settings), fmt.Sprintf("%q", p.Settings.Stream.URL), StreamURL("secret").String()} {
		if strings.Contains(text, "secret") {
			t.Errorf("%s", text)
		}
	}
	if got := p.Settings.Stream.URL.String(); got != "rtmps://example.org:443" {
		t.Errorf("%s", got)
	}
}

func TestWhatACompositionLeavesOut(t *testing.T) {
	got := Composition{ContentShareLayout: "Vertical", Vertical: TileLayout{Count: 2}}.WithDefaults()
	want := Composition{
		Layout: "GridView", Resolution: "HD", ContentShareLayout: "Vertical", CanvasOrientation: "Landscape", PresenterPosition: "TopRight", SpeakerPosition: "TopRight",
		Horizontal: TileLayout{"JoinSequence", "Bottom", "16/9", 4}, Vertical: TileLayout{"JoinSequence", "Right", "9/16", 2},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, c := range []struct {
		resolution, orientation string
		width, height           int
	}{{"HD", "Landscape", 1280, 720}, {"FHD", "Landscape", 1920, 1080}, {"HD", "Portrait", 720, 1280}, {"FHD", "Portrait", 1080, 1920}} {
		if w, h := (Composition{Resolution: c.resolution, CanvasOrientation: c.orientation}).Size(); w != c.width || h != c.height {
			t.Errorf("%s %s: %d×%d", c.resolution, c.orientation, w, h)
		}
	}
}

func TestWhichPipelinesCompose(t *testing.T) {
	composed := PipelineSettings{Composition: &Composition{}}
	for _, c := range []struct {
		s    PipelineSettings
		kind PipelineKind
		want bool
	}{{PipelineSettings{}, CapturePipeline, false}, {composed, CapturePipeline, true}, {PipelineSettings{}, LiveConnectorPipeline, true}, {PipelineSettings{}, ConcatenationPipeline, false}} {
		if got := c.s.Composes(c.kind); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}
