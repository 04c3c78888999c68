// Command bom tells what is built into a carillon binary: the modules that the
// toolchain recorded in it, Go's own library, and the npm packages that the
// bundler put into its pages. It writes the notices that their licences ask
// for, and the same list as a bill of materials in the form of CycloneDX.
//
// A component without a licence that it knows is an error: nothing is shipped
// whose terms nobody has read.
package main

import (
	"debug/buildinfo"
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// component is one thing of others that is built in.
type component struct {
	name, version string
	purl          string // package URL, as purl-spec writes it
	licence       string // SPDX identifier or expression
	texts         []text
}

// text is a licence, a notice or a patent grant, as its author wrote it.
type text struct{ name, body string }

func main() {
	log.SetFlags(0)
	log.SetPrefix("bom: ")
	binary := flag.String("binary", "", "binary to describe")
	source := flag.String("source", ".", "folder of the product's go.mod")
	bundled := flag.String("bundled", "", "list of the npm packages in the pages, as the build of the pages wrote it")
	version := flag.String("version", "", "version of the product")
	notices := flag.String("notices", "", "file to write the notices to")
	sbom := flag.String("sbom", "", "file to write the bill of materials to")
	flag.Parse()
	if err := run(*binary, *source, *bundled, *version, *notices, *sbom); err != nil {
		log.Fatal(err)
	}
}

func run(binary, source, bundled, version, notices, sbom string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	all, err := goComponents(info, source)
	if err != nil {
		return err
	}
	packages, err := npmComponents(bundled)
	if err != nil {
		return err
	}
	all = append(all, packages...)
	slices.SortFunc(all, func(a, b component) int { return strings.Compare(a.purl, b.purl) })
	for i, c := range all {
		if all[i].licence, err = licenceOf(c); err != nil {
			return err
		}
		if all[i].texts, err = lentText(all[i], source); err != nil {
			return err
		}
	}
	if err := os.WriteFile(notices, []byte(noticesText(all)), 0o644); err != nil {
		return err
	}
	return writeSBOM(sbom, version, all)
}

// noticesText lists the components, then each text once with those it is for.
func noticesText(all []component) string {
	var b strings.Builder
	b.WriteString("Carillon is licensed under the Apache License 2.0. Its binary holds work of others:\n\n")
	users := map[string][]string{} // who a text is for
	var order []string
	for _, c := range all {
		fmt.Fprintf(&b, "%s %s (%s)\n", c.name, c.version, c.licence)
		for _, t := range c.texts {
			if users[t.body] == nil {
				order = append(order, t.body)
			}
			users[t.body] = append(users[t.body], c.name+": "+t.name)
		}
	}
	for _, body := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("-", 78), strings.Join(users[body], "\n"), strings.TrimSpace(body))
	}
	return b.String()
}

// specification is the version of CycloneDX's form: the newest that the common
// readers know.
const specification = cdx.SpecVersion1_6

// writeSBOM writes the list in the form of CycloneDX. Its date is that of the commit, so
// that two builds of one commit write the same.
func writeSBOM(path, version string, all []component) error {
	const itself = "pkg:golang/github.com/carillon-meetings/carillon"
	made, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH, the date of the commit in seconds: %w", err)
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Timestamp: time.Unix(made, 0).UTC().Format(time.RFC3339),
		Component: &cdx.Component{
			BOMRef: itself, Type: cdx.ComponentTypeApplication, Name: "carillon", Version: version, PackageURL: itself + "@v" + version,
			Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
		},
	}
	var list []cdx.Component
	var parts []string
	for _, c := range all {
		parts = append(parts, c.purl)
		list = append(list, cdx.Component{
			Type: cdx.ComponentTypeLibrary, BOMRef: c.purl, PackageURL: c.purl, Name: c.name, Version: c.version,
			Licenses: &cdx.Licenses{{Expression: c.licence}},
		})
	}
	bom.Components = &list
	bom.Dependencies = &[]cdx.Dependency{{Ref: itself, Dependencies: &parts}}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := cdx.NewBOMEncoder(file, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, specification); err != nil {
		return err
	}
	return file.Close()
}
