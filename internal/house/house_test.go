package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/carillon-meetings/carillon/"

// mayImport is the house, ground floor first: the packages of ours that each
// package may import. A package that is missing here may import none.
var mayImport = map[string][]string{
	"internal/meeting":           {},
	"internal/jointoken":         {},
	"internal/observe":           {"internal/meeting"},
	"internal/signal/wire":       {},
	"internal/media/rtpx":        {},
	"internal/media/bwe":         {},
	"internal/media/bwe/bwetest": {},
	"internal/media/opus":        {},
	"internal/durable":           {},
	"internal/identity":          {"internal/durable"},
	"internal/ledger":            {"internal/durable", "internal/meeting"},
	"internal/media/mix":         {"internal/media/rtpx", "internal/media/opus"},
	"internal/media/netio":       {},
	"internal/media/reception":   {"internal/media/rtpx"},
	"internal/media/sdp":         {"internal/media/rtpx"},
	"internal/media/transport":   {"internal/media/netio", "internal/media/rtpx", "internal/media/sdp"},
	"internal/media/forward":     {"internal/media/bwe", "internal/media/netio", "internal/media/reception", "internal/media/rtpx"},
	"internal/media/client":      {"internal/media/rtpx"},
	"internal/media":             {"internal/media/..."},
	"internal/history":           {"internal/meeting", "internal/observe"},
	"internal/control":           {"internal/meeting", "internal/ledger", "internal/jointoken", "internal/observe"},
	"internal/api/sigv4":         {},
	"internal/api/restjson":      {"internal/meeting"},
	"internal/api":               {"internal/api/...", "internal/control", "internal/meeting"},
	"internal/signal/plainweb":   {},
	"internal/signal":            {"internal/signal/...", "internal/control", "internal/history", "internal/media", "internal/meeting", "internal/observe"},
	"internal/turn":              {},
	"internal/console":           {"internal/meeting", "internal/observe"},
	"internal/console/demo":      {},
	"internal/config":            {},
	"internal/house":             {},
	"internal/logtest":           {},
	"internal/servertest":        {"internal/logtest"},
	"internal/load/gauge":        {},
	"internal/load/api":          {"internal/load/gauge"},
	"internal/load/meeting":      {"internal/load/gauge", "internal/signal/wire", "internal/media/opus", "internal/media/rtpx", "internal/media/client"},
	"conform":                    {},
	"conform/cases":              {"conform"},
	"clients":                    {},
	"cmd/carillon":               {"..."},
}

type sourceFile struct {
	dir  string // folder inside the repository, slash separated
	name string
	ast  *ast.File
}

// sources parses every Go file of the repository; fromTests tells whether test
// files are wanted too.
func sources(t *testing.T, fromTests bool) []sourceFile {
	t.Helper()
	var files []sourceFile
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && p != "."):
			return fs.SkipDir
		case path.Ext(p) != ".go" || !fromTests && strings.HasSuffix(p, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", p), nil, parser.ImportsOnly|parser.ParseComments)
		files = append(files, sourceFile{dir: path.Dir(p), name: path.Base(p), ast: f})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("found no sources: the test looks in the wrong folder")
	}
	return files
}

func allowed(dir, target string) bool {
	return slices.ContainsFunc(mayImport[dir], func(pattern string) bool {
		prefix, open := strings.CutSuffix(pattern, "...")
		return target == pattern || open && strings.HasPrefix(target, prefix)
	})
}

func TestPackagesImportOnlyFloorsBelow(t *testing.T) {
	for _, f := range sources(t, false) {
		for _, spec := range f.ast.Imports {
			target, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module)
			if ours && !allowed(f.dir, target) {
				t.Errorf("%s/%s imports %s, which its floor does not allow", f.dir, f.name, target)
			}
		}
	}
}

func TestEveryPackageExplainsItself(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range sources(t, false) {
		documented[f.dir] = documented[f.dir] || f.ast.Doc != nil && len(f.ast.Doc.Text()) > 80
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no comment that a newcomer could read first", dir)
		}
	}
}

func TestNoPackageNameSaysNothing(t *testing.T) {
	empty := []string{"util", "utils", "common", "types", "helper", "helpers", "manager", "misc"}
	for _, f := range sources(t, true) {
		if slices.Contains(empty, f.ast.Name.Name) {
			t.Errorf("package %s in %s: the name says nothing", f.ast.Name.Name, f.dir)
		}
	}
}
