package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A person at an address of the API is shown the way; programs get what they
// always got.
func TestPeopleAtTheAPIAreShownTheWay(t *testing.T) {
	s := startServer(t, t.TempDir())
	base := s.ports.public.String()
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, tc := range []struct {
		method, path, accept, authorization string
		people                              bool
	}{
		{"GET", "/meetings", browser, "", true},
		{"GET", "/legacy", browser, "", true},
		{"GET", "/nowhere", browser, "", true},
		{"GET", "/app/v1/meetings", browser, "", true},
		{"GET", "/control/3b2f1c1e-8b9e-4f0e-9d43-0a86c27e0713", browser, "", true},
		{"HEAD", "/v2/turn_sessions", browser, "", true},
		{"GET", "/meetings", "*/*", "", false},
		{"GET", "/app/v1/meetings", "*/*", "", false},
		{"GET", "/meetings", "", "", false},
		{"GET", "/meetings", browser, "AWS4-HMAC-SHA256 Credential=x", false},
		{"POST", "/meetings", browser, "", false},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tc.method, base+tc.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", tc.accept)
		if tc.authorization != "" {
			r.Header.Set("Authorization", tc.authorization)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		people := strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html")
		if people != tc.people {
			t.Errorf("%+v: answered %s %s", tc, answer.Status, body)
		}
		for _, address := range []string{base, base + "/legacy", `"/operator/"`, `"/operator/explorer"`} {
			if people && tc.method == "GET" && !strings.Contains(string(body), address) {
				t.Errorf("%s: %s is not named in %s", tc.path, address, body)
			}
		}
		if !people && answer.Header.Get("X-Amzn-Errortype") == "" {
			t.Errorf("%+v: no error of the API's: %s", tc, body)
		}
	}
}
