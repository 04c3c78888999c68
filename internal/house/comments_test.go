package house

import (
	"go/ast"
	"go/token"
	"testing"
)

func TestEveryPackageExplainsItself(t *testing.T) {
	for dir, list := range sources(t).packages() {
		explained := false
		for _, f := range list {
			explained = explained || f.ast.Doc != nil && len(f.ast.Doc.Text()) > 80
		}
		if !explained {
			t.Errorf("package %s has no comment that a newcomer could read first", dir)
		}
	}
}

// TestEveryExportedNameIsDocumented looks at functions, types, the methods of
// exported types, constants and variables. A comment on a group or at the end
// of the line counts for constants and variables.
func TestEveryExportedNameIsDocumented(t *testing.T) {
	for _, f := range sources(t).product().written() {
		for _, d := range f.ast.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s:%d: %s is exported and has no comment", f, f.line(name.Pos()), name.Name)
			}
		}
	}
}

// undocumented returns the exported names of a declaration that no comment
// explains.
func undocumented(d ast.Decl) (names []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || ast.IsExported(receiver(d))) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && s.Doc == nil && (d.Doc == nil || d.Lparen != token.NoPos) {
					names = append(names, s.Name)
				}
			case *ast.ValueSpec:
				if d.Doc != nil || s.Doc != nil || s.Comment != nil {
					continue
				}
				for _, n := range s.Names {
					if n.IsExported() {
						names = append(names, n)
					}
				}
			}
		}
	}
	return names
}

// receiver returns the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch t := e.(type) {
		case *ast.StarExpr:
			e = t.X
		case *ast.IndexExpr:
			e = t.X
		case *ast.IndexListExpr:
			e = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}
