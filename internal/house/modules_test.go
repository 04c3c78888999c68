package house

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// mayUse is what each package may import of other people's modules. A package
// that is missing here stands on the standard library alone: so Pion stays in
// media and turn, and NATS in the ledger. A module is added here and in
// docs/architecture.md with the reason why the code is not ours.
var mayUse = map[string][]string{
	"internal/durable":           {"golang.org/x/sys"},
	"internal/vitals":            {"golang.org/x/sys"},
	"internal/cluster":           {"github.com/nats-io/nats.go"},
	"internal/ledger":            {"github.com/minio/highwayhash", "github.com/nats-io/nats-server", "github.com/nats-io/nats.go", "golang.org/x/sys"},
	"internal/api/sigv4":         {"go.yaml.in/yaml"},
	"internal/api/throttle":      {"golang.org/x/time"},
	"internal/api":               {"github.com/google/uuid"},
	"internal/notify/targets":    {"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"},
	"internal/signal/wire":       {"github.com/klauspost/compress", "google.golang.org/protobuf"},
	"internal/tracing":           {"google.golang.org/protobuf"},
	"internal/signal/reports":    {"golang.org/x/time"},
	"internal/signal":            {"github.com/coder/websocket", "golang.org/x/time", "google.golang.org/protobuf"},
	"internal/transcribe/amazon": {"github.com/aws/aws-sdk-go-v2"},
	"internal/transcribe/vosk":   {"github.com/coder/websocket"},
	"internal/media":             {"github.com/pion/rtcp"},
	"internal/media/forward":     {"github.com/pion/interceptor", "github.com/pion/rtcp"},
	"internal/linktest":          {"github.com/pion/interceptor"},
	"internal/gate":              {"golang.org/x/time"},
	"internal/notify/webhook":    {"golang.org/x/time"},
	"internal/media/netio":       {"golang.org/x/sys"},
	"internal/media/opus":        {"github.com/thesyncim/gopus"},
	"internal/media/reception":   {"github.com/pion/rtcp"},
	"internal/media/transport":   {"github.com/pion/dtls", "github.com/pion/logging", "github.com/pion/rtp", "github.com/pion/srtp", "github.com/pion/stun", "github.com/pion/transport"},
	"internal/media/client":      {"github.com/pion/dtls", "github.com/pion/rtp", "github.com/pion/srtp", "github.com/pion/stun", "github.com/pion/transport"},
	"internal/turn":              {"github.com/pion/logging", "github.com/pion/turn", "golang.org/x/time"},
	"internal/console/demo":      {"github.com/aws/aws-sdk-go-v2"},
	"internal/allowance":         {"golang.org/x/time"},
	"internal/capture":           {"github.com/aws/aws-sdk-go-v2"},
	"internal/yamldoc":           {"go.yaml.in/yaml"},
	"internal/config":            {"github.com/alecthomas/kong", "go.yaml.in/yaml"},
	"internal/completion":        {"github.com/alecthomas/kong"},
	"internal/operators":         {"go.yaml.in/yaml", "golang.org/x/crypto"},
	"internal/load/api":          {"golang.org/x/sys"},
	"internal/load/gauge":        {"golang.org/x/sys"},
	"internal/load/door":         {"github.com/coder/websocket", "google.golang.org/protobuf"},
	"internal/load/meeting":      {"github.com/aws/aws-sdk-go-v2"},
	"examples/quickstart/go":     {"github.com/aws/aws-sdk-go-v2"},
	"conform":                    {"github.com/aws/aws-sdk-go", "github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go", "github.com/google/uuid", "golang.org/x/time"},
	"conform/cases":              {"github.com/aws/aws-sdk-go", "github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go", "github.com/google/uuid"},
	"clustertest":                {"github.com/anishathalye/porcupine", "github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go", "github.com/coder/websocket"},
	"cmd/carillon":               {"github.com/aws/aws-sdk-go-v2", "github.com/alecthomas/kong", "github.com/prometheus/client_golang"},
	"packaging/tools/bom":        {"github.com/CycloneDX/cyclonedx-go"},
	"packaging/tools/bomcheck":   {"github.com/santhosh-tekuri/jsonschema"},

	"packaging/tools/composed":    {"github.com/compose-spec/compose-go"},
	"packaging/tools/kubeschemas": {"k8s.io/api", "k8s.io/apimachinery"},
}

// project returns the name of the project that a path belongs to, without its
// major version and its packages.
func project(path string) string {
	parts := strings.Split(path, "/")
	n := 2 // google.golang.org/protobuf, go.yaml.in/yaml
	if parts[0] == "github.com" || parts[0] == "golang.org" {
		n = 3
	}
	return strings.Join(parts[:min(n, len(parts))], "/")
}

func TestPackagesUseOnlyTheirModules(t *testing.T) {
	for dir, list := range sources(t).packages() {
		used := map[string]bool{}
		for path := range targets(list) {
			host, _, _ := strings.Cut(path, "/")
			if strings.Contains(host, ".") && !strings.HasPrefix(path, module) {
				used[project(path)] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(used)) {
			if !slices.Contains(mayUse[dir], name) {
				t.Errorf("package %s imports %s, which it is not allowed to", dir, name)
			}
		}
		for _, name := range mayUse[dir] {
			if !used[name] {
				t.Errorf("package %s no longer imports %s: take it out of the table", dir, name)
			}
		}
	}
}
