package main

import (
	_ "embed"
	"runtime/debug"
	"strings"
)

// release is the semantic version of this source tree, read by the build of
// the pages and of the packages too.
//
//go:embed VERSION
var release string

// revision is the commit the binary was built from; set by the linker.
var revision string

// shortRevision is how many letters of a commit are told.
const shortRevision = 12

// build is what the binary tells about itself.
type build struct {
	Version  string `json:"version"`            // semantic version
	Revision string `json:"revision,omitempty"` // commit it was built from, when known
}

// thisBuild returns what this binary was built from. Without the linker's word
// the toolchain's own record is asked, as after `go install`.
func thisBuild() build {
	b := build{Version: strings.TrimSpace(release), Revision: revision}
	if info, ok := debug.ReadBuildInfo(); ok && b.Revision == "" {
		b.Revision = recordedRevision(info)
	}
	return b
}

// recordedRevision reads the commit from the build's settings, or from the
// module's version when that names a commit instead of a release.
func recordedRevision(info *debug.BuildInfo) string {
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) > shortRevision {
			return s.Value[:shortRevision]
		}
	}
	parts := strings.Split(info.Main.Version, "-")
	last, _, _ := strings.Cut(parts[len(parts)-1], "+")
	if len(parts) > 1 && len(last) == shortRevision && strings.Trim(last, "0123456789abcdef") == "" {
		return last
	}
	return ""
}

// String writes the version with the commit as build metadata, 0.2.0+1a2b3c4d5e6f.
func (b build) String() string {
	if b.Revision == "" {
		return b.Version
	}
	return b.Version + "+" + b.Revision
}
