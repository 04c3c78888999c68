package signal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestLockedMethodsAreCalledLocked: whatever ends in Locked is called by
// something that ends so too, in a function given to update, or where a lock has
// been taken in plain sight.
func TestLockedMethodsAreCalledLocked(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
				c := lockChecker{t: t, fset: fset}
				c.walk(fn.Body, isLocked(fn.Name.Name) || takesLock(fn.Body))
				found += c.found
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d uses found: the test looks in the wrong place", found)
	}
}

func isLocked(name string) bool { return strings.HasSuffix(name, "Locked") }

type lockChecker struct {
	t     *testing.T
	fset  *token.FileSet
	found int
}

// walk visits what runs with or without the lock.
func (c *lockChecker) walk(n ast.Node, locked bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			runs, decided := argumentsRunLocked(n)
			if !decided {
				return true
			}
			c.walk(n.Fun, locked)
			for _, arg := range n.Args {
				c.argument(arg, runs, locked)
			}
			return false
		case *ast.SelectorExpr:
			if isLocked(n.Sel.Name) {
				c.use(n, locked)
			}
		}
		return true
	})
}

// argument visits an argument of a call that runs the functions among its
// arguments with the lock, or without.
func (c *lockChecker) argument(arg ast.Expr, runs, locked bool) {
	switch fn := arg.(type) {
	case *ast.FuncLit:
		c.walk(fn.Body, runs || takesLock(fn.Body))
	case *ast.SelectorExpr:
		if isLocked(fn.Sel.Name) {
			c.use(fn, runs)
		}
	default:
		c.walk(arg, locked)
	}
}

func (c *lockChecker) use(n *ast.SelectorExpr, locked bool) {
	if c.found++; !locked {
		c.t.Errorf("%v: %s is used without the lock", c.fset.Position(n.Pos()), n.Sel.Name)
	}
}

// argumentsRunLocked says how a call runs the functions it is given, if it does
// not run them as it was called itself.
func argumentsRunLocked(call *ast.CallExpr) (locked, decided bool) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false, false
	}
	switch sel.Sel.Name {
	case "update", "armLocked":
		return true, true
	case "laterLocked", "AfterFunc", "Push", "Go", "Watch":
		return false, true
	}
	return false, false
}

// takesLock reports whether a function locks a mutex itself.
func takesLock(body *ast.BlockStmt) bool {
	takes := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Lock" {
				takes = true
			}
		}
		return true
	})
	return takes
}
