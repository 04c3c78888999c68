package app

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/api/throttle"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Fault is the body of every refusal.
type Fault struct {
	Code      string `json:"code"`      // what went wrong, for programs
	Message   string `json:"message"`   // the same for people
	RequestID string `json:"requestId"` // finds the request in the server's log
}

// refusal is an error on its way out.
type refusal struct {
	status  int
	code    string
	message string
	retry   time.Duration // 0: nothing said
	allowed []string      // methods, for 405
	hangUp  bool          // the rest of the request is not worth reading
}

// Error returns the code and the message.
func (e *refusal) Error() string { return e.code + ": " + e.message }

// retryUnavailable is how long a client should wait before it asks a server
// again that is draining or whose store is down.
const retryUnavailable = time.Second

// The codes beside those of package sigv4, which are all 403. They are the
// AWS API's.
const (
	codeBadRequest   = "BadRequestException"
	codeUnauthorized = "UnauthorizedException"
	codeForbidden    = "ForbiddenException"
	codeNotFound     = "NotFoundException"
	codeNoOperation  = "UnknownOperationException"
	codeMethod       = "MethodNotAllowedException"
	codeTimeout      = "RequestTimeoutException"
	codeConflict     = "ConflictException"
	codeTooLarge     = "RequestEntityTooLargeException"
	codeThrottled    = "ThrottlingException"
	codeFailure      = "ServiceFailureException"
	codeUnavailable  = "ServiceUnavailableException"
)

func noOperation() *refusal {
	return &refusal{status: http.StatusNotFound, code: codeNoOperation, message: "The requested operation is not recognized by the service."}
}

func badMethod(allowed []string) *refusal {
	return &refusal{status: http.StatusMethodNotAllowed, code: codeMethod, message: "This address takes " + strings.Join(allowed, " and ") + ".", allowed: allowed}
}

func invalid(format string, args ...any) error {
	return meeting.Errorf(meeting.Invalid, format, args...)
}

func badToken() error {
	return invalid("The query parameter %s is not one that this list has given.", paramNextToken)
}

// refuse returns an error as it goes out. Faults of ours show no details: they
// are in the log under the request id.
func refuse(err error) *refusal {
	var (
		done   *refusal
		auth   *sigv4.Error
		input  *restjson.Error
		rate   *throttle.Exceeded
		refuse *meeting.Error
	)
	switch {
	case errors.As(err, &done):
		return done
	case errors.As(err, &auth):
		return &refusal{status: auth.Status, code: auth.Name, message: auth.Message}
	case errors.As(err, &input):
		return &refusal{status: http.StatusBadRequest, code: codeBadRequest, message: input.Message}
	case errors.As(err, &rate):
		return &refusal{status: http.StatusTooManyRequests, code: codeThrottled, message: "Rate exceeded", retry: rate.Wait}
	case errors.As(err, &refuse):
		return ofKind(refuse)
	}
	return ofKind(&meeting.Error{Kind: meeting.Failure})
}

// ofKind is the one table from kinds of error to the wire.
func ofKind(e *meeting.Error) *refusal {
	switch e.Kind {
	case meeting.Invalid, meeting.LimitExceeded, meeting.TooManyTags:
		return &refusal{status: http.StatusBadRequest, code: codeBadRequest, message: e.Message}
	case meeting.NotFound, meeting.ResourceMissing:
		return &refusal{status: http.StatusNotFound, code: codeNotFound, message: e.Message}
	case meeting.Conflict:
		return &refusal{status: http.StatusConflict, code: codeConflict, message: e.Message}
	case meeting.Forbidden:
		return &refusal{status: http.StatusForbidden, code: codeForbidden, message: e.Message}
	case meeting.Unauthorized:
		return &refusal{status: http.StatusUnauthorized, code: codeUnauthorized, message: e.Message}
	case meeting.Throttled:
		return &refusal{status: http.StatusTooManyRequests, code: codeThrottled, message: e.Message, retry: time.Second}
	case meeting.Unavailable:
		return &refusal{status: http.StatusServiceUnavailable, code: codeUnavailable, message: e.Message, retry: retryUnavailable}
	}
	return &refusal{status: http.StatusInternalServerError, code: codeFailure, message: "The service encountered an internal failure."}
}

// sendRefusal writes the response of a refused request.
func (s *Server) sendRefusal(w http.ResponseWriter, c *call, e *refusal) {
	body, err := json.Marshal(Fault{Code: e.code, Message: e.message, RequestID: c.id})
	if err != nil {
		body = nil // three strings: cannot fail
	}
	h := w.Header()
	h.Set("X-Amzn-Errortype", e.code)
	if e.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.retry.Seconds()))))
	}
	if len(e.allowed) > 0 {
		h.Set("Allow", strings.Join(e.allowed, ", "))
	}
	if e.hangUp || s.draining.Load() {
		h.Set("Connection", "close")
	}
	send(w, e.status, body)
}
