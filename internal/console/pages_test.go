package console

import (
	"bytes"
	"compress/gzip"
	"maps"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
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

func TestAFileThatIsThereInItsGzipFormOnlyGoesToAnybody(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("\x00asm and more")); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	files := maps.Clone(built)
	files["assets/model-1/seen.wasm.gz"] = &fstest.MapFile{Data: packed.Bytes()}
	s := open(t, func(c *Config) { c.Pages = files })
	const path = "/assets/model-1/seen.wasm"
	a := s.send("GET", path, "", "Accept-Encoding", "gzip")
	s.want(a, 200, packed.String())
	if a.Header.Get("Content-Encoding") != "gzip" || a.Header.Get("Content-Type") != "application/wasm" || a.Header.Get("ETag") == "" {
		t.Errorf("headers %v", a.Header)
	}
	s.want(s.send("GET", path, "", "Accept-Encoding", "gzip", "If-None-Match", a.Header.Get("ETag")), 304, "")
	plain := s.send("GET", path, "", "Accept-Encoding", "identity")
	s.want(plain, 200, "\x00asm and more")
	if plain.Header.Get("Content-Encoding") != "" || plain.Header.Get("ETag") == a.Header.Get("ETag") {
		t.Errorf("headers of the plain form %v", plain.Header)
	}
	if head := s.send("HEAD", path, "", "Accept-Encoding", "identity"); head.StatusCode != 200 || head.body != "" {
		t.Errorf("HEAD answered %d %q", head.StatusCode, head.body)
	}
	s.want(s.send("GET", path+".gz", ""), 404, "")
}

func TestWhatIsEmbeddedIsNotCopied(t *testing.T) {
	large := make(fstest.MapFS)
	maps.Copy(large, built)
	large["assets/large.bin"] = &fstest.MapFile{Data: make([]byte, 32<<20)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := open(t, func(c *Config) { c.Pages = large })
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("opening pages of 32 MiB takes %d bytes", grown)
	}
	if a := s.send("GET", "/assets/large.bin", "", "Range", "bytes=0-9"); a.StatusCode != 206 || len(a.body) != 10 {
		t.Errorf("a range: %d, %d bytes", a.StatusCode, len(a.body))
	}
}

func TestOnlyTheMeetingPageMayRunWebAssembly(t *testing.T) {
	s := open(t)
	for path, may := range map[string]bool{
		"/": true, "/m/abc": true, "/join": true,
		"/operator/": false, "/operator/explorer": false, "/operator/api/session": false, "/demo/x": false, "/assets/app-1a2b.js": false, "/joined": false,
	} {
		policy := s.send("GET", path, "").Header.Get("Content-Security-Policy")
		if got := strings.Contains(policy, "'wasm-unsafe-eval'"); got != may || strings.Contains(policy, "'unsafe-eval'") {
			t.Errorf("%s: %s", path, policy)
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
