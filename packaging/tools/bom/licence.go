package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// legal matches the names of files that say under which terms a work is given.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-_.].*)?$`)

// source matches what is code, whatever its name begins with.
var source = regexp.MustCompile(`\.(go|js|ts|mjs|cjs|map)$`)

// legalTexts reads those files of a folder; root is what their names are
// relative to.
func legalTexts(root, dir string) ([]text, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []text
	for _, e := range entries {
		if e.IsDir() || !legal.MatchString(e.Name()) || source.MatchString(e.Name()) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		body, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return nil, err
		}
		found = append(found, text{name: filepath.ToSlash(name), body: strings.ReplaceAll(string(body), "\r\n", "\n")})
	}
	return found, nil
}

// phrases tell a licence by words that no other of the list has, the most
// particular first. White space counts as one space.
var phrases = []struct{ id, words string }{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"Apache-2.0", "Licensed under the Apache License, Version 2.0"},
	{"MPL-2.0", "Mozilla Public License"},
	{"MIT-0", "MIT No Attribution"},
	{"BSD-3-Clause", "names of its contributors may be used to endorse"},
	{"BSD-3-Clause", "name of the copyright holder nor the names of its contributors may"},
	{"BSD-3-Clause", "may be used to endorse or promote products derived from this software without specific prior written permission"},
	{"BSD-2-Clause", "Redistributions in binary form must reproduce the above copyright notice"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee"},
	{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose with or without fee"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"0BSD", "Zero-Clause BSD"},
}

// lentText gives a package that declares the Apache License and ships no copy of it
// ours, which is the same: the licence wants one to be handed on. Other licences
// name those who gave them, so their texts cannot be lent.
func lentText(c component, source string) ([]text, error) {
	if len(c.texts) > 0 {
		return c.texts, nil
	}
	if c.licence != "Apache-2.0" {
		return nil, fmt.Errorf("%s %s: no text of its licence %q", c.name, c.version, c.licence)
	}
	body, err := os.ReadFile(filepath.Join(source, "LICENSE"))
	return []text{{name: "the text of Apache-2.0", body: string(body)}}, err
}

// licenceOf returns what the component declares, or what its texts say.
func licenceOf(c component) (string, error) {
	if len(c.texts) == 0 && c.licence == "" {
		return "", fmt.Errorf("%s %s comes without a licence", c.name, c.version)
	}
	if c.licence != "" {
		return c.licence, nil
	}
	for _, t := range c.texts {
		plain := strings.ToLower(strings.Join(strings.Fields(t.body), " "))
		for _, p := range phrases {
			if strings.Contains(plain, strings.ToLower(p.words)) {
				return p.id, nil
			}
		}
	}
	return "", fmt.Errorf("%s %s: no known licence in %s", c.name, c.version, c.texts[0].name)
}
