package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"

	"github.com/carillon-meetings/carillon/internal/config"
)

// readStandard reads variables, each NAME=value, as traceReceiver does.
func readStandard(t *config.Telemetry, variables ...string) (receiverOfTraces, error) {
	return traceReceiver(t, func(name string) string {
		for _, v := range variables {
			if n, value, _ := strings.Cut(v, "="); n == name {
				return value
			}
		}
		return ""
	})
}

func TestWhereTheStandardVariablesSendTraces(t *testing.T) {
	const base, traces = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318/", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://tempo:4318/its/own"
	for _, c := range []struct {
		name      string
		given     string
		variables []string
		want      string
	}{
		{"nothing", "", nil, ""},
		{"the base", "", []string{base}, "http://collector:4318/v1/traces"},
		{"a URL for traces, as it is", "", []string{base, traces}, "http://tempo:4318/its/own"},
		{"the setting wins", "http://set:1", []string{base, traces}, "http://set:1/v1/traces"},
		{"switched off", "", []string{base, "OTEL_SDK_DISABLED=true"}, ""},
		{"no traces", "", []string{traces, "OTEL_TRACES_EXPORTER=none"}, ""},
		{"the setting is no variable", "http://set:1", []string{"OTEL_SDK_DISABLED=true"}, "http://set:1/v1/traces"},
		{"the protocol that is spoken", "", []string{base, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"}, "http://collector:4318/v1/traces"},
	} {
		s := config.Telemetry{Endpoint: c.given, Sample: 1}
		if _, err := readStandard(&s, c.variables...); err != nil || s.TracesURL() != c.want {
			t.Errorf("%s: traces go to %q, %v, want %q", c.name, s.TracesURL(), err, c.want)
		}
	}
}

func TestHowMuchTheStandardVariablesTrace(t *testing.T) {
	for _, c := range []struct {
		given, want  float64
		sampler, arg string
	}{
		{1, 1, "", "0.5"}, {1, 1, "parentbased_always_on", ""}, {1, 0, "always_off", ""}, {1, 0.25, "traceidratio", "0.25"},
		{1, 0.25, "parentbased_traceidratio", "0.25"}, {1, 1, "parentbased_traceidratio", ""}, {0.1, 0.1, "always_off", ""},
	} {
		s := config.Telemetry{Endpoint: "http://set:1", Sample: c.given}
		if _, err := readStandard(&s, "OTEL_TRACES_SAMPLER="+c.sampler, "OTEL_TRACES_SAMPLER_ARG="+c.arg); err != nil || s.Sample != c.want {
			t.Errorf("%+v: %v is traced, %v", c, s.Sample, err)
		}
	}
}

func TestWhatTheStandardVariablesSayOfTheProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(file, []byte("X-Of-File: f\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	variables := []string{"OTEL_EXPORTER_OTLP_HEADERS=authorization=Basic%20eDp5, x-scope = a ,", "OTEL_SERVICE_NAME=meet", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=night%2Cshift,service.name=other"}
	got, err := readStandard(&config.Telemetry{Endpoint: "http://set:1", Sample: 1}, append(variables, "OTEL_BSP_SCHEDULE_DELAY=1500")...)
	if err != nil || got.gather != 1500*time.Millisecond || got.header.Get("Authorization") != "Basic eDp5" || got.header.Get("X-Scope") != "a" || len(got.header) != 2 {
		t.Errorf("headers %v, %v", got.header, err)
	}
	got, err = readStandard(&config.Telemetry{Endpoint: "http://set:1", Sample: 1, HeadersFile: file}, variables...)
	if err != nil || got.header.Get("X-Of-File") != "f" || len(got.header) != 1 {
		t.Errorf("with a file: headers %v, %v", got.header, err)
	}
}

func TestStandardVariablesThatAreRefused(t *testing.T) {
	for _, variable := range []string{
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_TRACES_SAMPLER=xray-hidden", "OTEL_EXPORTER_OTLP_HEADERS=hidden", "OTEL_EXPORTER_OTLP_HEADERS=a=%zzhidden",
		"OTEL_EXPORTER_OTLP_HEADERS=two words=hidden", "OTEL_EXPORTER_OTLP_HEADERS=a=hidden%0a", "OTEL_RESOURCE_ATTRIBUTES==hidden", "OTEL_BSP_SCHEDULE_DELAY=hidden", "OTEL_BSP_SCHEDULE_DELAY=-5", "OTEL_BSP_SCHEDULE_DELAY=70000",
	} {
		name, _, _ := strings.Cut(variable, "=")
		if _, err := readStandard(&config.Telemetry{Endpoint: "http://set:1", Sample: 1}, variable); err == nil || !strings.HasPrefix(err.Error(), name) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", variable, err)
		}
		if _, err := readStandard(&config.Telemetry{Sample: 1}, variable); err != nil {
			t.Errorf("%s is refused although nothing is traced: %v", variable, err)
		}
	}
	for _, arg := range []string{"1.5", "-1", "NaN", "x"} {
		if _, err := readStandard(&config.Telemetry{Endpoint: "http://set:1", Sample: 1}, "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG="+arg); err == nil {
			t.Errorf("of the calls %s are traced", arg)
		}
	}
}

// A server among others is traced as they are, without a flag of its own.
func TestAServerIsTracedAsItsEnvironmentHasIt(t *testing.T) {
	r := newPromptReceiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=of%20the%20environment")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=never,deployment.environment.name=night")
	t.Setenv("OTEL_SERVICE_NAME", "meet")
	s := startServer(t, t.TempDir())
	sdk := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient)
	if _, err := sdk.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: aws.String("00000000-0000-4000-8000-000000000000")}); err == nil {
		t.Fatal("found")
	}
	r.find(t, "GetMeeting")
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.auth[0] != "of the environment" || r.service["service.name"] != "meet" || r.service["deployment.environment.name"] != "night" || r.service["service.instance.id"] == "" || r.twice {
		t.Errorf("sent by %v, some twice: %t, with the keys %q", r.service, r.twice, r.auth)
	}
}
