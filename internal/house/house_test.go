package house

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/carillon-meetings/carillon/"

// mayImport is the house, ground floor first: the packages of ours that each
// package may import. A package that is missing here may import none.
var mayImport = map[string][]string{
	"internal/guid":              {},
	"internal/meeting":           {"internal/guid"},
	"internal/jointoken":         {"internal/guid"},
	"internal/observe":           {"internal/meeting"},
	"internal/tracing":           {},
	"internal/signal/wire":       {},
	"internal/media/rtpx":        {},
	"internal/media/bwe":         {},
	"internal/media/opus":        {"internal/media/rtpx"},
	"internal/durable":           {},
	"internal/identity":          {"internal/durable"},
	"internal/ledger":            {"internal/durable", "internal/meeting"},
	"internal/media/mix":         {"internal/media/rtpx", "internal/media/opus"},
	"internal/clientaddr":        {},
	"internal/gate":              {"internal/clientaddr", "internal/refusals"},
	"internal/allowance":         {"internal/clientaddr"},
	"internal/jsonbody":          {},
	"internal/yamldoc":           {},
	"internal/strangers":         {"internal/clientaddr"},
	"internal/unverified":        {"internal/clientaddr"},
	"internal/media/netio":       {"internal/strangers"},
	"internal/media/reception":   {"internal/media/rtpx"},
	"internal/media/sdp":         {"internal/media/rtpx"},
	"internal/media/transport":   {"internal/media/netio", "internal/media/rtpx", "internal/media/sdp"},
	"internal/media/forward":     {"internal/media/bwe", "internal/media/netio", "internal/media/reception", "internal/media/rtpx"},
	"internal/media/client":      {"internal/media/rtpx"},
	"internal/serial":            {},
	"internal/media":             {"internal/media/...", "internal/serial"},
	"internal/history":           {"internal/durable", "internal/meeting", "internal/observe", "internal/observe/timeline"},
	"internal/cluster":           {},
	"internal/route":             {"internal/clientaddr", "internal/meeting", "internal/tracing", "internal/unverified"},
	"internal/notify/event":      {"internal/meeting"},
	"internal/notify/outbox":     {"internal/meeting", "internal/notify/event"},
	"internal/notify/webhook":    {"internal/notify/event", "internal/notify/outbox", "internal/publicaddr"},
	"internal/notify/targets":    {"internal/meeting", "internal/notify/event", "internal/notify/outbox"},
	"internal/notify":            {"internal/meeting", "internal/ledger", "internal/observe", "internal/serial", "internal/notify/event", "internal/notify/outbox"},
	"internal/control":           {"internal/meeting", "internal/ledger", "internal/jointoken", "internal/observe", "internal/tracing"},
	"internal/gather":            {"internal/audit", "internal/control", "internal/keyuse", "internal/meeting", "internal/observe"},
	"internal/api/sigv4":         {"internal/yamldoc"},
	"internal/api/restjson":      {"internal/meeting"},
	"internal/api/throttle":      {},
	"internal/app":               {"internal/jsonbody", "internal/api/restjson", "internal/api/sigv4", "internal/api/throttle", "internal/audit", "internal/clientaddr", "internal/meeting", "internal/observe", "internal/observe/timeline", "internal/refusals", "internal/tracing"},
	"internal/api":               {"internal/api/...", "internal/audit", "internal/clientaddr", "internal/control", "internal/meeting", "internal/refusals", "internal/tracing", "internal/unverified"},
	"internal/signal/plainweb":   {"internal/jsonbody"},
	"internal/signal/reports":    {"internal/signal/plainweb", "internal/meeting"},
	"internal/transcribe/speech": {},
	"internal/transcribe/amazon": {"internal/transcribe/speech"},
	"internal/transcribe/vosk":   {"internal/transcribe/speech"},
	"internal/transcribe":        {"internal/control", "internal/guid", "internal/meeting", "internal/serial", "internal/transcribe/speech"},
	"internal/signal":            {"internal/signal/...", "internal/transcribe/speech", "internal/clientaddr", "internal/control", "internal/history", "internal/jointoken", "internal/media", "internal/meeting", "internal/observe", "internal/refusals", "internal/serial", "internal/tracing"},
	"internal/capture/mp4":       {},
	"internal/capture/frame":     {"internal/capture/mp4", "internal/media", "internal/media/rtpx"},
	"internal/capture/flv":       {},
	"internal/capture/rtmp":      {"internal/capture/flv", "internal/meeting"},
	"internal/capture/compose":   {"internal/capture/flv", "internal/capture/frame", "internal/capture/mp4", "internal/media", "internal/media/opus", "internal/media/rtpx", "internal/meeting", "internal/serial"},
	"internal/capture":           {"internal/capture/...", "internal/control", "internal/durable", "internal/media", "internal/media/rtpx", "internal/meeting", "internal/observe", "internal/publicaddr", "internal/serial", "internal/transcribe/speech"},
	"internal/publicaddr":        {},
	"internal/turn":              {"internal/strangers"},
	"internal/operators":         {"internal/allowance", "internal/clientaddr", "internal/yamldoc"},
	"internal/keyuse":            {"internal/durable"},
	"internal/audit":             {"internal/durable", "internal/guid"},
	"internal/refusals":          {},
	"internal/console":           {"internal/allowance", "internal/jsonbody", "internal/audit", "internal/clientaddr", "internal/meeting", "internal/observe", "internal/observe/timeline", "internal/operators", "internal/refusals"},
	"internal/testmode":          {"internal/jsonbody", "internal/api", "internal/control", "internal/ledger", "internal/meeting", "internal/notify/event", "internal/observe"},
	"internal/console/demo":      {"internal/jsonbody", "internal/clientaddr"},
	"internal/config":            {"internal/yamldoc"},
	"internal/completion":        {},
	"internal/house":             {},
	"internal/logtail":           {"internal/observe"},
	"internal/vitals":            {"internal/durable", "internal/observe"},
	"internal/linktest":          {},
	"internal/logtest":           {},
	"internal/servertest":        {"internal/logtest"},
	"internal/load/gauge":        {},
	"internal/load/api":          {"internal/load/gauge"},
	"internal/load/door":         {"internal/signal/wire"},
	"internal/load/meeting":      {"internal/load/door", "internal/load/gauge", "internal/signal/wire", "internal/media/opus", "internal/media/rtpx", "internal/media/client"},
	"conform":                    {},
	"conform/cases":              {"conform"},
	"clients":                    {},
	"clustertest":                {"internal/load/door", "internal/media/client", "internal/media/opus", "internal/media/rtpx", "internal/signal/wire"},
	"packaging":                  {},
	"pipelinestest":              {},
	"packaging/tools/bom":        {},
	"packaging/tools/bomcheck":   {},
	"carillontest":               {},
	"documentstest":              {},
	"examples":                   {},
	"examples/quickstart/go":     {},
	"cmd/carillon":               {"..."},

	"internal/observe/timeline": {"internal/meeting", "internal/observe"},

	"packaging/tools/composed":    {},
	"packaging/tools/kubeschemas": {},
}

func allowed(dir, target string) bool {
	return slices.ContainsFunc(mayImport[dir], func(pattern string) bool {
		prefix, open := strings.CutSuffix(pattern, "...")
		return target == pattern || open && strings.HasPrefix(target, prefix)
	})
}

func TestPackagesImportOnlyFloorsBelow(t *testing.T) {
	for _, f := range sources(t).product() {
		for _, target := range f.imports() {
			if ours, ok := strings.CutPrefix(target, module); ok && !allowed(f.dir, ours) {
				t.Errorf("%s imports %s, which its floor does not allow", f, ours)
			}
		}
	}
}

func TestTheTableNamesEveryPackageAndNoOther(t *testing.T) {
	there := sources(t).packages()
	for dir := range mayImport {
		if there[dir] == nil {
			t.Errorf("the table has %s, which is no package", dir)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(there)) {
		if _, ok := mayImport[dir]; !ok {
			t.Errorf("package %s stands on no floor: give it a line in the table", dir)
		}
	}
}

func TestNoPackageNameSaysNothing(t *testing.T) {
	empty := []string{"util", "utils", "common", "types", "helper", "helpers", "manager", "misc"}
	for _, f := range sources(t) {
		if slices.Contains(empty, f.ast.Name.Name) {
			t.Errorf("package %s in %s: the name says nothing", f.ast.Name.Name, f.dir)
		}
	}
}
