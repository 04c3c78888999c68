package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// goComponents are the modules that the binary records, with the licences of
// the packages that are used, and Go's own library.
func goComponents(info *debug.BuildInfo, source string) ([]component, error) {
	texts, err := moduleTexts(info, source)
	if err != nil {
		return nil, err
	}
	library, err := legalTexts(runtime.GOROOT(), runtime.GOROOT())
	if err != nil {
		return nil, err
	}
	version := strings.TrimPrefix(info.GoVersion, "go")
	all := []component{{name: "Go standard library", version: version, purl: "pkg:golang/std@" + version, texts: library}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, component{name: m.Path, version: m.Version, purl: "pkg:golang/" + m.Path + "@" + m.Version, texts: texts[m.Path]})
	}
	return all, nil
}

// moduleTexts returns the legal texts by module: those beside each package that
// is built in, and those of the folders above it up to its module's.
func moduleTexts(info *debug.BuildInfo, source string) (map[string][]text, error) {
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}\t{{$.Dir}}{{end}}", info.Path)
	list.Dir, list.Stderr = source, os.Stderr
	for _, s := range info.Settings { // which packages there are depends on the system
		if s.Key == "GOOS" || s.Key == "GOARCH" || s.Key == "CGO_ENABLED" {
			list.Env = append(list.Environ(), s.Key+"="+s.Value)
		}
	}
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	texts, seen := map[string][]text{}, map[string]bool{}
	for line := range strings.Lines(string(out)) {
		field := strings.Split(strings.TrimSpace(line), "\t")
		if len(field) != 3 || field[0] == info.Main.Path {
			continue
		}
		for dir := field[2]; len(dir) >= len(field[1]) && !seen[dir]; dir = filepath.Dir(dir) {
			seen[dir] = true
			found, err := legalTexts(field[1], dir)
			if err != nil {
				return nil, err
			}
			texts[field[0]] = append(texts[field[0]], found...)
		}
	}
	for _, list := range texts {
		slices.SortFunc(list, func(a, b text) int { // the module's own before those of its parts
			if d := strings.Count(a.name, "/") - strings.Count(b.name, "/"); d != 0 {
				return d
			}
			return strings.Compare(a.name, b.name)
		})
	}
	return texts, nil
}

// npmComponents are the packages in the list that the build of the pages wrote:
// a JSON array of their folders.
func npmComponents(list string) ([]component, error) {
	raw, err := os.ReadFile(list)
	if err != nil {
		return nil, fmt.Errorf("the pages are not built: %w", err)
	}
	var dirs []string
	if err := json.Unmarshal(raw, &dirs); err != nil {
		return nil, fmt.Errorf("%s: %w", list, err)
	}
	var all []component
	for _, dir := range dirs {
		raw, err := os.ReadFile(filepath.Join(dir, "package.json"))
		if err != nil {
			return nil, err
		}
		var p struct{ Name, Version, License string }
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		texts, err := legalTexts(dir, dir)
		if err != nil {
			return nil, err
		}
		purl := "pkg:npm/" + strings.Replace(url.PathEscape(p.Name), "@", "%40", 1) + "@" + p.Version
		all = append(all, component{name: p.Name, version: p.Version, purl: strings.Replace(purl, "%2F", "/", 1), licence: p.License, texts: texts})
	}
	return all, nil
}
