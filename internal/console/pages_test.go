package console

import (
	"strings"
	"testing"
)

func TestAssetsAreCachedForEverAndPagesAreNot(t *testing.T) {
	s := open(t)
	a := s.send("GET", "/assets/app-1a2b.js", "", "Accept-Encoding", "identity")
	s.want(a, 200, "plain")
	if a.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || a.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("asset headers %v", a.Header)
	}
	a = s.send("GET", "/assets/app-1a2b.js", "", "Accept-Encoding", "br, gzip;q=0.8")
	s.want(a, 200, "packed")
	if a.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(a.Header.Get("Content-Type"), "javascript") {
		t.Errorf("packed asset headers %v", a.Header)
	}
	again := s.send("GET", "/assets/app-1a2b.js", "", "Accept-Encoding", "gzip", "If-None-Match", a.Header.Get("ETag"))
	s.want(again, 304, "")

	page := s.send("GET", "/", "")
	if page.Header.Get("Cache-Control") != "no-cache" || page.Header.Get("ETag") == "" {
		t.Errorf("page headers %v", page.Header)
	}
	for _, path := range []string{"/assets/app-1a2b.js.gz", "/assets/../operator.html", "/assets/", "/assets/none.js"} {
		if a := s.send("GET", path, ""); a.StatusCode == 200 {
			t.Errorf("%s answered 200 %q", path, a.body)
		}
	}
}

func TestTakesGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"gzip": true, "br, gzip": true, "GZIP ; q=1.0": true, "gzip;q=0.001": true,
		"gzip;q=0": false, "gzip; q=0.000": false, "br": false, "": false, "x-gzip": false,
	} {
		if got := takesGzip([]string{header}); got != want {
			t.Errorf("Accept-Encoding %q: %v, want %v", header, got, want)
		}
	}
}
