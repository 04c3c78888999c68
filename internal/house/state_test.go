package house

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// TestPackagesHaveNoStateOfTheirOwn forbids package variables that change:
// nothing assigns to one or to a part of it, or deletes from it, none is a lock,
// a pool or a counter, and no func init runs. Tables and sentinel errors are
// package variables too, and stay; who takes the address of a table reads it.
func TestPackagesHaveNoStateOfTheirOwn(t *testing.T) {
	excused := []string{
		"cmd/carillon.version",         // set by the linker, before anything runs
		"internal/media/netio.buffers", // a pool of buffers: what is in it has no meaning
	}
	for dir, list := range sources(t).packages() {
		vars := map[string]bool{}
		for _, f := range list.written() {
			for name, value := range packageVars(f.ast) {
				vars[name] = true
				if !slices.Contains(excused, dir+"."+name) && changesByNature(value) {
					t.Errorf("%s: the package variable %s is made to change", f, name)
				}
			}
		}
		for _, f := range list.written() {
			for _, d := range f.ast.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s has a func init", f)
				}
			}
			for _, id := range changed(f.ast, vars) {
				if !slices.Contains(excused, dir+"."+id.Name) {
					t.Errorf("%s:%d: the package variable %s changes", f, f.line(id.Pos()), id.Name)
				}
			}
		}
	}
}

// packageVars returns the variables a file declares for its package, with
// their type or first value.
func packageVars(f *ast.File) map[string]ast.Expr {
	vars := map[string]ast.Expr{}
	for _, d := range f.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.VAR {
			continue
		}
		for _, spec := range decl.Specs {
			s := spec.(*ast.ValueSpec)
			for i, n := range s.Names {
				switch {
				case s.Type != nil:
					vars[n.Name] = s.Type
				case i < len(s.Values):
					vars[n.Name] = s.Values[i]
				default:
					vars[n.Name] = nil
				}
			}
		}
	}
	delete(vars, "_")
	return vars
}

// changesByNature reports whether a type or value is of sync or sync/atomic.
func changesByNature(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && (x.Name == "sync" && !strings.HasPrefix(s.Sel.Name, "Once") || x.Name == "atomic") {
				found = true
			}
		}
		_, inside := n.(*ast.FuncLit)
		return !inside
	})
	return found
}

// changed returns the places where a file changes one of its package's
// variables.
func changed(f *ast.File, vars map[string]bool) (places []*ast.Ident) {
	unresolved := map[*ast.Ident]bool{}
	for _, id := range f.Unresolved {
		unresolved[id] = true
	}
	note := func(e ast.Expr) {
		if id := holder(e); id != nil && vars[id.Name] && (unresolved[id] || id.Obj != nil && id.Obj == f.Scope.Lookup(id.Name)) {
			places = append(places, id)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					note(e)
				}
			}
		case *ast.IncDecStmt:
			note(n.X)
		case *ast.CallExpr:
			if fn, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && (fn.Name == "delete" || fn.Name == "clear") {
				note(n.Args[0])
			}
		}
		return true
	})
	return places
}

// holder returns the variable that an expression is a part of.
func holder(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return nil
		}
	}
}
