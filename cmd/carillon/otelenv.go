package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/tracing"
)

// receiverOfTraces is what is known of the receiver of traces beside its
// address: what it wants to see with each batch, which is a secret, and what it
// is told of this process beyond what the process knows itself.
type receiverOfTraces struct {
	header   http.Header
	resource []tracing.Attr
	gather   time.Duration // how long spans are gathered; 0: as usual
}

// traceReceiver reads what the settings name of the receiver of traces. What
// they leave open is taken, into the settings too, from the environment variables
// that OpenTelemetry has for everybody's exporters ("OpenTelemetry Protocol
// Exporter" and "Environment Variable Specification"), so that a server beside
// others in a cluster is traced as they are. Errors name a variable and repeat
// nothing of its value.
func traceReceiver(t *config.Telemetry, getenv func(string) string) (to receiverOfTraces, err error) {
	if getenv("OTEL_SDK_DISABLED") != "true" && getenv("OTEL_TRACES_EXPORTER") != "none" {
		t.TakeEndpoint(getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
	}
	if t.Endpoint == "" {
		return to, nil
	}
	if p := cmp.Or(getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), getenv("OTEL_EXPORTER_OTLP_PROTOCOL")); p != "" && p != "http/protobuf" {
		return to, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: traces are sent by http/protobuf and nothing else")
	}
	if t.Sample, err = sampled(t.Sample, getenv("OTEL_TRACES_SAMPLER"), getenv("OTEL_TRACES_SAMPLER_ARG")); err != nil {
		return to, err
	}
	if to.gather, err = gathered(getenv("OTEL_BSP_SCHEDULE_DELAY")); err != nil {
		return to, err
	}
	if to.resource, err = aboutProcess(getenv("OTEL_RESOURCE_ATTRIBUTES"), getenv("OTEL_SERVICE_NAME")); err != nil {
		return to, err
	}
	if t.HeadersFile != "" {
		to.header, err = traceHeaders(t.HeadersFile)
		return to, err
	}
	const name = "OTEL_EXPORTER_OTLP_HEADERS"
	to.header = http.Header{}
	err = pairs(cmp.Or(getenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS"), getenv(name)), func(key, value string) bool {
		to.header.Add(key, value)
		return isHeader(key, value)
	})
	if err != nil {
		return to, fmt.Errorf("%s: %w", name, err)
	}
	return to, nil
}

// gathered is how long spans are gathered that fill no batch, of a number of
// milliseconds; 0 of "".
func gathered(delay string) (time.Duration, error) {
	if delay == "" {
		return 0, nil
	}
	ms, err := strconv.ParseUint(delay, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("OTEL_BSP_SCHEDULE_DELAY is no number of milliseconds up to a minute")
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// aboutProcess is what the environment says of this process.
func aboutProcess(list, name string) (about []tracing.Attr, err error) {
	err = pairs(list, func(key, value string) bool {
		about = append(about, tracing.Text(key, value))
		return key != ""
	})
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	if name != "" {
		about = append(about, tracing.Text("service.name", name))
	}
	return about, nil
}

// sampled is the share of calls and joins that are traced, of which a sampler
// tells when the setting tells nothing but its default. A caller who traces
// decides for its own calls whatever the sampler is.
func sampled(share float64, sampler, arg string) (float64, error) {
	if share != 1 {
		return share, nil
	}
	switch strings.TrimPrefix(sampler, "parentbased_") {
	case "", "always_on":
		return 1, nil
	case "always_off":
		return 0, nil
	case "traceidratio":
		share, err := strconv.ParseFloat(cmp.Or(arg, "1"), 64)
		if err != nil || !(share >= 0 && share <= 1) {
			return 0, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is not between 0 and 1")
		}
		return share, nil
	}
	return 0, fmt.Errorf("OTEL_TRACES_SAMPLER is none of always_on, always_off and traceidratio, with or without parentbased_ before it")
}

// pairs calls take with each key and value of a list of the form key=value,key=value, whose
// values are percent-encoded (W3C Baggage). It fails at one that is not of that form, or
// that is not taken.
func pairs(list string, take func(key, value string) bool) error {
	n := 0
	for pair := range strings.SplitSeq(list, ",") {
		if n++; strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil || !take(strings.TrimSpace(key), value) {
			return fmt.Errorf("entry %d is not of the form name=value, percent-encoded", n)
		}
	}
	return nil
}
