package refusals

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/logtest"
)

const secret = "eyJhbGciOi-a-token-that-nobody-may-read"

func routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /rooms/{room}/end", func(w http.ResponseWriter, r *http.Request) {
		Note(r.Context(), "ending refused", slog.String("operator", "ada"))
		Note(r.Context(), "", slog.String("action", "end"))
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"error":"It has ended."}`)
	})
	mux.HandleFunc("GET /message", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, `{"message":"Wait."}`)
	})
	mux.HandleFunc("GET /long", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, strings.Repeat("long ", 1000), http.StatusInternalServerError)
	})
	mux.HandleFunc("GET /busy", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	mux.HandleFunc("GET /told/{what}", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "There is no "+r.URL.Path+".", http.StatusNotFound)
	})
	mux.HandleFunc("GET /none", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	mux.HandleFunc("GET /fine", func(w http.ResponseWriter, r *http.Request) {
		Note(r.Context(), "not said")
		io.WriteString(w, ID(r.Context()))
	})
	mux.HandleFunc("GET /file", func(w http.ResponseWriter, _ *http.Request) {
		io.Copy(w, io.LimitReader(strings.NewReader("a file of some bytes"), 6))
	})
	mux.HandleFunc("GET /rooms/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	return mux
}

// asked sends a request through a door and returns the answer and the lines.
func asked(t *testing.T, method, path string) (answer *httptest.ResponseRecorder, lines []map[string]any) {
	t.Helper()
	var log logtest.Buffer
	d := &Door{
		Next: routes(), From: func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.7") },
		Level: slog.LevelInfo, Logger: slog.New(slog.NewJSONHandler(&log, nil)),
	}
	answer = httptest.NewRecorder()
	d.ServeHTTP(answer, httptest.NewRequest(method, path, nil))
	for dec := json.NewDecoder(bytes.NewReader([]byte(log.String()))); dec.More(); {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return answer, lines
}

func TestARefusalIsALineWithItsRequestsID(t *testing.T) {
	for name, c := range map[string]struct {
		method, path string
		want         map[string]any
	}{
		"by a route": {"POST", "/rooms/" + secret + "/end?token=" + secret, map[string]any{
			"level": "INFO", "msg": "ending refused", "method": "POST", "operation": "POST /rooms/{room}/end", "error": "ConflictException",
			"reason": "It has ended.", "status": 409.0, "from": "192.0.2.7", "operator": "ada", "action": "end",
		}},
		"of another form":       {"GET", "/message", map[string]any{"msg": "request refused", "operation": "GET /message", "error": "ThrottlingException", "reason": "Wait."}},
		"without an end":        {"GET", "/long", map[string]any{"level": "ERROR", "error": "ServiceFailureException", "status": 500.0}},
		"for a while":           {"GET", "/busy", map[string]any{"level": "WARN", "error": "ServiceUnavailableException", "reason": ""}},
		"that repeats the path": {"GET", "/told/" + secret, map[string]any{"operation": "GET /told/{what}", "reason": "There is no /told/…."}},
		"of no route":           {"GET", "/" + secret + "/x", map[string]any{"operation": "", "path": "/…/x", "error": "NotFoundException", "reason": "404 page not found"}},
		"of what is below":      {"GET", "/rooms/" + secret, map[string]any{"operation": "", "path": "/rooms/…", "reason": ""}},
		"another method":        {"PUT", "/message", map[string]any{"operation": "", "error": "MethodNotAllowedException", "status": 405.0}},
	} {
		t.Run(name, func(t *testing.T) {
			answer, lines := asked(t, c.method, c.path)
			if len(lines) != 1 {
				t.Fatalf("%d lines", len(lines))
			}
			if id := answer.Header().Get(Header); id == "" || lines[0]["request_id"] != id {
				t.Errorf("the answer has the id %q, the line %v", id, lines[0]["request_id"])
			}
			for field, want := range c.want {
				if lines[0][field] != want {
					t.Errorf("%s is %q, want %q", field, lines[0][field], want)
				}
			}
			for field, value := range lines[0] {
				text, _ := value.(string)
				if strings.Contains(text, secret) || len(text) > maxReason {
					t.Errorf("%s is %s", field, text)
				}
			}
		})
	}
}

func TestWhatIsNoRefusalIsNoLine(t *testing.T) {
	for path, want := range map[string]string{"/none": "", "/file": "a file", "/fine": ""} {
		answer, lines := asked(t, "GET", path)
		if len(lines) != 0 || answer.Header().Get(Header) == "" {
			t.Errorf("%s: lines %v, header %v", path, lines, answer.Header())
		}
		if path == "/fine" {
			want = answer.Header().Get(Header)
		}
		if answer.Body.String() != want {
			t.Errorf("%s answers %q, want %q", path, answer.Body, want)
		}
	}
	Note(t.Context(), "behind no door")
	if id := ID(t.Context()); id != "" {
		t.Errorf("behind no door a request has the id %q", id)
	}
}

func TestAnswersGoThroughAsTheyAre(t *testing.T) {
	web := httptest.NewServer(&Door{
		From: func(*http.Request) netip.Addr { return netip.Addr{} }, Logger: slog.New(slog.DiscardHandler),
		Next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusTeapot)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			if n, err := io.Copy(w, struct{ io.Reader }{strings.NewReader("tea")}); n != 3 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		}),
	})
	defer web.Close()
	resp, err := http.Get(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusTeapot || string(body) != "tea" || err != nil {
		t.Errorf("%s %q, %v", resp.Status, body, err)
	}
}
