package house

import (
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// text returns the value of a string literal.
func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(lit.Value)
	return value, err == nil
}

// logged returns the names of the fields that a call puts into a line of the
// log: every second argument behind the message of a Logger's methods, all of
// With, and the first one of slog's own attributes.
func logged(call *ast.CallExpr) (fields []string) {
	if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "append" && len(call.Args) == 3 && isAttrs(call.Args[0]) {
		if field, ok := text(call.Args[1]); ok { // to those that are gathered
			return []string{field}
		}
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	from := -1
	switch pkg, _ := method.X.(*ast.Ident); method.Sel.Name {
	case "Debug", "Info", "Warn", "Error":
		from = 1
		if pkg != nil && pkg.Name == "http" {
			return nil // an answer
		}
	case "With":
		from = 0
	case "Log":
		from = 3 // behind context, level and message
	case "String", "Int", "Int64", "Uint64", "Any", "Duration", "Bool", "Time":
		if pkg != nil && pkg.Name == "slog" {
			name, _ := text(call.Args[0])
			return []string{name}
		}
	}
	for i := from; from >= 0 && i < len(call.Args); i += 2 {
		if name, ok := text(call.Args[i]); ok {
			fields = append(fields, name)
		}
	}
	return fields
}

// isAttrs tells whether fields are gathered there: by the name that is used for
// it everywhere.
func isAttrs(e ast.Expr) bool {
	list, ok := e.(*ast.Ident)
	return ok && list.Name == "attrs"
}

// gathered returns the names of fields that a function gathers before it logs
// them, as []any{"meeting", id, …}.
func gathered(list *ast.CompositeLit) (fields []string) {
	array, ok := list.Type.(*ast.ArrayType)
	if !ok {
		return nil
	}
	if element, ok := array.Elt.(*ast.Ident); !ok || element.Name != "any" || len(list.Elts)%2 != 0 {
		return nil
	}
	for i := 0; i < len(list.Elts); i += 2 {
		if name, ok := text(list.Elts[i]); ok {
			fields = append(fields, name)
		}
	}
	return fields
}

// The reference in docs/monitoring.md has every field that is logged, and no
// other.
func TestEveryFieldOfTheLogIsInTheReference(t *testing.T) {
	there := map[string]string{}
	for _, f := range sources(t).product() {
		if f.dir != "cmd/carillon" && !strings.HasPrefix(f.dir, "internal/") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			var names []string
			switch n := n.(type) {
			case *ast.CallExpr:
				names = logged(n)
			case *ast.CompositeLit:
				names = gathered(n)
			}
			for _, name := range names {
				there[name] = f.String()
			}
			return true
		})
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "monitoring.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, reference, found := strings.Cut(string(page), "\n## Fields of the log\n")
	if !found {
		t.Fatal("docs/monitoring.md has no reference of the fields")
	}
	reference, _, _ = strings.Cut(reference, "\n## ")
	known := map[string]bool{}
	for line := range strings.Lines(reference) {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[1], -1) {
				known[name[1]] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if !known[name] {
			t.Errorf("%s logs %q, which docs/monitoring.md does not explain", there[name], name)
		}
		if !regexp.MustCompile("^[a-z][a-z_]*$").MatchString(name) {
			t.Errorf("%s logs %q, which is no name of a field", there[name], name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if there[name] == "" && !slices.Contains([]string{"time", "level", "msg"}, name) {
			t.Errorf("docs/monitoring.md explains %q, which nothing logs", name)
		}
	}
	if len(there) < 50 {
		t.Errorf("found only %d fields: the test reads the sources wrongly", len(there))
	}
}
