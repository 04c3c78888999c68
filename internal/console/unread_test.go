package console

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// folder counts what is read of the files of a build.
type folder struct {
	fs.FS
	read int
}

func (s *folder) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if _, isDir := f.(fs.ReadDirFile); isDir || err != nil {
		return f, err
	}
	return &leaf{f, s}, nil
}

// leaf is one file of it.
type leaf struct {
	fs.File
	folder *folder
}

func (b *leaf) Read(p []byte) (int, error) {
	n, err := b.File.Read(p)
	b.folder.read += n
	return n, err
}

func (b *leaf) Seek(offset int64, whence int) (int64, error) {
	return b.File.(io.Seeker).Seek(offset, whence)
}

// The pages are read when somebody wants them, and not before: a server that nobody
// looks at holds no copies of them.
func TestPagesAreReadWhenTheyAreWanted(t *testing.T) {
	s := &folder{FS: built}
	p, err := openPages(s)
	if err != nil || len(p.files) == 0 || s.read != 0 {
		t.Fatalf("%d files, %d bytes read at the start, %v", len(p.files), s.read, err)
	}
	c := &Console{pages: p}
	for range 2 {
		w := httptest.NewRecorder()
		c.page("index.html")(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusOK || w.Body.Len() == 0 || len(w.Header().Get("Etag")) < 10 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			t.Errorf("%d with %v and %d bytes", w.Code, w.Header(), w.Body.Len())
		}
	}
	if s.read == 0 {
		t.Error("a page came from nowhere")
	}
	p.files["index.html"] = newFile(fs.FS(&folder{FS: s.FS}), "gone.html")
	w := httptest.NewRecorder()
	if c.page("index.html")(w, httptest.NewRequest(http.MethodGet, "/", nil)); w.Code != http.StatusInternalServerError {
		t.Errorf("a page that cannot be read: %d", w.Code)
	}
}

func TestKindsOfFiles(t *testing.T) {
	for name, want := range map[string]string{
		"a/b.js": "text/javascript; charset=utf-8", "x.css": "text/css; charset=utf-8", "i.svg": "image/svg+xml", "i.png": "image/png",
		"m.json": "application/json", "p.html": "text/html; charset=utf-8", "noname": "application/octet-stream",
	} {
		if got := kindOf(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
