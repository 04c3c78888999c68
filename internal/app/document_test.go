package app

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// TestTheDescriptionIsWhatTheCodeDoes makes the description from the table of
// operations, the types that they read and write, and the comments on these.
// Run with -update after a change that is meant.
func TestTheDescriptionIsWhatTheCodeDoes(t *testing.T) {
	made, err := json.MarshalIndent(newDescriber(t).document(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	made = append(made, '\n')
	if *update {
		if err := os.WriteFile("openapi.json", made, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(made, document) {
		t.Error("openapi.json is not what the code does: run go test ./internal/app -update")
	}
}

// object is a JSON object.
type object = map[string]any

// describer writes schemas of Go types, each once.
type describer struct {
	t        *testing.T
	comments map[string]string // of "package.Type" and "package.Type.Field"
	codes    []string          // of faults
	schemas  object
}

func newDescriber(t *testing.T) *describer {
	d := &describer{t: t, comments: map[string]string{}, schemas: object{}}
	for _, dir := range []string{".", "../observe", "../api/sigv4"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				d.learn(file)
			}
		}
	}
	slices.Sort(d.codes)
	return d
}

// learn reads the comments of a file, and the codes of faults that it declares.
func (d *describer) learn(file string) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		d.t.Fatal(err)
	}
	pkg := parsed.Name.Name
	for _, decl := range parsed.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			d.comments[pkg+"."+decl.Name.Name] = sentence(decl.Doc)
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					d.learnType(pkg, spec, decl.Doc)
				case *ast.ValueSpec:
					d.learnCode(spec)
				}
			}
		}
	}
}

func (d *describer) learnType(pkg string, spec *ast.TypeSpec, doc *ast.CommentGroup) {
	name := pkg + "." + spec.Name.Name
	d.comments[name] = sentence(doc)
	s, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range s.Fields.List {
		for _, n := range f.Names {
			d.comments[name+"."+n.Name] = cmpText(sentence(f.Doc), sentence(f.Comment))
		}
	}
}

// learnCode takes over a constant that is the code of a fault.
func (d *describer) learnCode(spec *ast.ValueSpec) {
	for _, v := range spec.Values {
		lit, ok := v.(*ast.BasicLit)
		if ok && strings.HasSuffix(lit.Value, `Exception"`) {
			d.codes = append(d.codes, strings.Trim(lit.Value, `"`))
		}
	}
}

func cmpText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// sentence is a comment as one paragraph.
func sentence(c *ast.CommentGroup) string {
	if c == nil {
		return ""
	}
	return strings.Join(strings.Fields(c.Text()), " ")
}

// schema describes a type; a struct is described among the components and named
// here.
func (d *describer) schema(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[observe.Time]():
		return object{"type": "integer", "format": "int64", "description": "Unix milliseconds; 0 for none."}
	case reflect.TypeFor[observe.Span]():
		return object{"type": "integer", "format": "int64", "description": "Milliseconds."}
	case reflect.TypeFor[observe.Minutes]():
		return object{"type": "integer", "format": "int64", "description": "Whole minutes."}
	case reflect.TypeFor[meeting.ID]():
		return object{"type": "string", "format": "uuid"}
	case reflect.TypeFor[observe.State]():
		return object{"type": "string", "enum": []observe.State{observe.Joining, observe.Connected, observe.Left, observe.Dropped,
			observe.Failed, observe.Removed, observe.Replaced, ""}}
	}
	if t == reflect.TypeFor[observe.WayState]() {
		return object{"type": "string", "enum": []observe.WayState{observe.WayWaits, observe.WayTaken, observe.WayDead, observe.WayLost}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.schema(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": d.schema(t.Elem())}
	case reflect.Struct:
		if d.schemas[t.Name()] == nil {
			d.schemas[t.Name()] = object{} // it may hold itself
			d.schemas[t.Name()] = d.structure(t)
		}
		return object{"$ref": "#/components/schemas/" + t.Name()}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return object{"type": "integer", "format": "int64"}
	case reflect.Uint8:
		return object{"type": "integer", "minimum": 0, "maximum": 255}
	case reflect.Float64:
		return object{"type": "number"}
	}
	d.t.Fatalf("no schema for %s", t)
	return nil
}

// structure describes the fields of a struct, those of embedded ones among them.
func (d *describer) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous {
			continue
		}
		if name == "" {
			d.t.Fatalf("%s.%s has no name in JSON", t, f.Name)
		}
		owner := t
		for _, i := range f.Index[:len(f.Index)-1] {
			owner = owner.Field(i).Type
		}
		s := d.schema(f.Type)
		if text := d.comments[owner.String()+"."+f.Name]; text != "" {
			s["description"] = strings.Trim(strings.TrimSuffix(text, ".")+". "+described(s), " ")
		}
		if limits := boundsOf(owner.Name() + "." + name); limits != nil {
			for key, v := range limits {
				s[key] = v
			}
		}
		properties[name] = s
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	return object{"type": "object", "description": d.comments[t.String()], "properties": properties, "required": required}
}

func described(s object) string {
	text, _ := s["description"].(string)
	return text
}
