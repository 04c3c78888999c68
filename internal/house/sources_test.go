package house

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// root is the repository's root folder, as the tests see it.
const root = "../.."

// sourceFile is one Go file of the repository.
type sourceFile struct {
	dir       string // folder inside the repository, slash separated
	name      string
	test      bool // its name ends in _test.go
	generated bool
	lines     int
	ast       *ast.File
	fset      *token.FileSet
}

// String returns the file's path inside the repository.
func (f *sourceFile) String() string { return f.dir + "/" + f.name }

// imports returns the paths the file imports.
func (f *sourceFile) imports() []string {
	paths := make([]string, len(f.ast.Imports))
	for i, spec := range f.ast.Imports {
		paths[i] = strings.Trim(spec.Path.Value, `"`)
	}
	return paths
}

// line returns the line of a position.
func (f *sourceFile) line(p token.Pos) int { return f.fset.Position(p).Line }

// files are Go files of the repository.
type files []*sourceFile

// sources returns every Go file of the repository. Nobody may change them.
func sources(t *testing.T) files {
	t.Helper()
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("found no sources: the test looks in the wrong folder")
	}
	return all
}

// parsed parses them, once for all tests.
var parsed = sync.OnceValues(func() (all files, err error) {
	err = fs.WalkDir(os.DirFS(root), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && p != "."):
			return fs.SkipDir
		case path.Ext(p) != ".go":
			return nil
		}
		f, err := parse(p)
		all = append(all, f)
		return err
	})
	return all, err
})

func parse(p string) (*sourceFile, error) {
	text, err := os.ReadFile(filepath.Join(root, p))
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, p, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	return &sourceFile{
		dir: path.Dir(p), name: path.Base(p), test: strings.HasSuffix(p, "_test.go"), generated: ast.IsGenerated(f),
		lines: bytes.Count(text, []byte("\n")), ast: f, fset: fset,
	}, nil
}

// product returns the files that are not tests: the server's, and the suites
// and load generators that ship with it.
func (all files) product() files {
	return slices.DeleteFunc(slices.Clone(all), func(f *sourceFile) bool { return f.test })
}

// written returns the files that people wrote.
func (all files) written() files {
	return slices.DeleteFunc(slices.Clone(all), func(f *sourceFile) bool { return f.generated })
}

// packages returns the files by folder, without those of tests.
func (all files) packages() map[string]files {
	packages := map[string]files{}
	for _, f := range all.product() {
		packages[f.dir] = append(packages[f.dir], f)
	}
	return packages
}
