package console

import (
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// embedded holds pages/missing.html, and pages/dist when the pages were built.
//
//go:embed all:pages
var embedded embed.FS

// pages is what was built from the folder web, or only the page that says that
// nothing was.
type pages struct {
	files   map[string]file // by path below dist; empty when the pages are missing
	missing []byte
}

// file is one file of the build. It is read when somebody wants it: the pages stay
// where the binary is, on disk.
type file struct {
	dist   fs.FS
	kind   string        // Content-Type
	raw    string        // its name; empty when there is a gzip form only
	packed string        // name of the gzip form that the build made; empty when there is none
	tag    func() string // ETag; "" when the file cannot be read
}

// openPages reads dist, or the embedded pages when it is nil.
func openPages(dist fs.FS) (pages, error) {
	missing, err := embedded.ReadFile("pages/missing.html")
	if err != nil {
		return pages{}, fmt.Errorf("console: %w", err)
	}
	if dist == nil {
		if dist, err = fs.Sub(embedded, "pages/dist"); err != nil {
			return pages{}, fmt.Errorf("console: %w", err)
		}
	}
	p := pages{files: make(map[string]file), missing: missing}
	if _, err := fs.Stat(dist, "index.html"); err != nil {
		return p, nil
	}
	err = fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ = strings.CutSuffix(name, ".gz")
		p.files[name] = newFile(dist, name)
		return nil
	})
	if err != nil {
		return pages{}, fmt.Errorf("console: read the pages: %w", err)
	}
	return p, nil
}

// newFile is the file with the name, or its gzip form, or both.
func newFile(dist fs.FS, name string) file {
	f := file{dist: dist, kind: kindOf(name), raw: there(dist, name), packed: there(dist, name+".gz")}
	f.tag = sync.OnceValue(func() string {
		content, err := dist.Open(cmp.Or(f.raw, f.packed))
		if err != nil {
			return ""
		}
		defer func() { _ = content.Close() }()
		sum := sha256.New()
		if _, err := io.Copy(sum, content); err != nil {
			return ""
		}
		return `"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12]) + `"`
	})
	return f
}

// there returns the name if there is such a file.
func there(dist fs.FS, name string) string {
	if _, err := fs.Stat(dist, name); err != nil {
		return ""
	}
	return name
}

// kindOf returns the Content-Type of what the build makes. Asking package mime
// would read the tables of the machine, which may have others.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".json":
		return "application/json"
	case ".wasm":
		return "application/wasm"
	}
	return "application/octet-stream"
}

// PagesBuilt reports whether the binary has the pages; without them every page
// is a note that says how to build them.
func (c *Console) PagesBuilt() bool { return len(c.pages.files) > 0 }

// page answers with one HTML file. Browsers ask again each time, since its
// name does not change with its content.
func (c *Console) page(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "a page can only be read", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		f, ok := c.pages.files[name]
		if !ok {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusServiceUnavailable)
			w.Write(c.pages.missing)
			return
		}
		f.send(w, r)
	}
}

// asset answers with a file that belongs to the pages. Those below assets/ have
// a hash of their content in their name and may be kept for ever.
func (c *Console) asset(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	f, ok := c.pages.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if strings.HasPrefix(name, "assets/") {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "public, max-age=86400")
	}
	f.send(w, r)
}

// send answers with the file, in its gzip form where there is one and the
// client takes it.
func (f file) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	name, tag := f.raw, f.tag()
	if f.packed != "" {
		h.Set("Vary", "Accept-Encoding")
		if takesGzip(r.Header.Values("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			name, tag = f.packed, strings.TrimSuffix(tag, `"`)+`-gz"`
		}
	}
	if name == "" {
		f.unpack(w, r)
		return
	}
	open, err := f.dist.Open(name)
	if err == nil {
		defer func() { _ = open.Close() }()
	}
	body, ok := open.(io.ReadSeeker) // as files of an embed.FS are
	if !ok {
		http.Error(w, "the page cannot be read", http.StatusInternalServerError)
		return
	}
	h.Set("ETag", tag)
	http.ServeContent(w, r, "", time.Time{}, body)
}

// unpack answers a client that does not take the only form that there is, as
// every browser does.
func (f file) unpack(w http.ResponseWriter, r *http.Request) {
	content, err := f.dist.Open(f.packed)
	if err != nil {
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	defer func() { _ = content.Close() }()
	plain, err := gzip.NewReader(content)
	if err != nil {
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("ETag", f.tag())
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, plain) // a client that has gone needs nothing
	}
}

// takesGzip reads Accept-Encoding: gzip is taken when named without "q=0".
func takesGzip(values []string) bool {
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(item), ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		q := strings.ReplaceAll(strings.ToLower(weight), " ", "")
		return q == "" || strings.Trim(strings.TrimPrefix(q, "q="), "0.") != ""
	}
	return false
}
