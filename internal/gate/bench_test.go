package gate_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/gate"
)

// What the gate costs a request, with and without a body.
func BenchmarkHandler(b *testing.B) {
	h := gate.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), gate.Rules{Hosts: gate.Hosts{Names: []string{"127.0.0.1", "meet.example.org"}}})
	for name, host := range map[string]string{"address": "127.0.0.1:8480", "name": "meet.example.org"} {
		b.Run(name, func(b *testing.B) {
			r, err := http.NewRequest("GET", "http://"+host+"/meetings", nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(discard{}, r)
			}
		})
	}
	b.Run("body", func(b *testing.B) {
		r, err := http.NewRequest("POST", "http://127.0.0.1:8480/meetings", strings.NewReader("{}"))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(discard{}, r)
		}
	})
}
