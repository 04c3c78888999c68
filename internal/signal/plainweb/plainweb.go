// Package plainweb is what the signaling door's plain HTTP requests have in
// common: those of pages' scripts, from any origin, with a join token in a
// header and a small JSON body. Everything else goes over the WebSocket.
//
// A body has a bound in bytes here. The one in time is package gate's, in front
// of all doors.
package plainweb

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/carillon-meetings/carillon/internal/jsonbody"
)

// preflightAge is how long browsers may remember a preflight, in seconds.
const preflightAge = "86400"

// Reply sends a JSON body.
func Reply(w http.ResponseWriter, code int, body string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(body)) // the client has gone if this fails
}

// IsPost tells a handler to go on. It answers whatever else there is: a CORS
// preflight, with the names of the request headers that are allowed, and
// methods that are not. Which origins may read the answers is the handler's
// to say, with Access-Control-Allow-Origin.
func IsPost(w http.ResponseWriter, r *http.Request, headers string) bool {
	h := w.Header()
	switch r.Method {
	case http.MethodPost:
		return true
	case http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", http.MethodPost)
		h.Set("Access-Control-Allow-Headers", headers)
		h.Set("Access-Control-Max-Age", preflightAge)
		w.WriteHeader(http.StatusNoContent)
	default:
		h.Set("Allow", "POST, OPTIONS")
		Reply(w, http.StatusMethodNotAllowed, `{"message":"POST only"}`)
	}
	return false
}

// Bearer returns the token of an Authorization header, or "".
func Bearer(h http.Header) string {
	token, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}

// ReadJSON decodes a body of at most limit bytes and returns the HTTP status:
// 200, 400, 408 when it did not arrive in time, or 413.
func ReadJSON(w http.ResponseWriter, r *http.Request, limit int64, into any) int {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	case err != nil:
		return http.StatusBadRequest
	}
	if jsonbody.DecodeKnown(body, into) != nil {
		return http.StatusBadRequest
	}
	return http.StatusOK
}
