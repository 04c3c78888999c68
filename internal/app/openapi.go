package app

import (
	_ "embed" // for the description
	"net/http"
	"strconv"
)

// The description is made from the code: go test ./internal/app -update.
//
//go:embed openapi.json
var document []byte

// sendDocument sends the description of the API, to anybody.
func sendDocument(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(document)))
	h.Set("Cache-Control", "max-age=300")
	_, _ = w.Write(document) // a client that went away is nobody's fault
}
