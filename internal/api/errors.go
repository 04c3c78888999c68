package api

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/api/throttle"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// frontError is an error of the HTTP front end: no operation models it, so its
// body holds only a message.
type frontError struct {
	status  int
	name    string
	message string
	hangUp  bool          // the rest of the request is not worth reading
	retry   time.Duration // 0: nothing said
}

func (e *frontError) Error() string { return e.name + ": " + e.message }

var (
	errUnknownOperation = &frontError{status: http.StatusNotFound, name: "UnknownOperationException", message: "The requested operation is not recognized by the service."}
	errTooSlow          = &frontError{status: http.StatusRequestTimeout, name: "RequestTimeoutException", message: "The request body took too long to arrive.", hangUp: true}
	errBrokenBody       = &frontError{status: http.StatusBadRequest, name: "BadRequestException", message: "The request body could not be read.", hangUp: true}
	errBusy             = &frontError{status: http.StatusServiceUnavailable, name: "ServiceUnavailableException", message: "Too many large requests arrive at the same time.",
		hangUp: true, retry: retryUnavailable}
)

func tooLarge(limit int) *frontError {
	return &frontError{status: http.StatusRequestEntityTooLarge, name: "RequestEntityTooLargeException",
		message: "The request body is larger than " + strconv.Itoa(limit) + " bytes.", hangUp: true}
}

// retryUnavailable is how long a client should wait before it tries a server
// that is draining, or whose store is down, again.
const retryUnavailable = time.Second

// wireError is an error as it goes out.
type wireError struct {
	status   int
	name     string // exception name, in x-amzn-ErrorType
	code     string // short code of the body; "" for front-end errors, whose body has only a message
	message  string
	resource string        // ARN, for the two errors that name one
	retry    time.Duration // 0: nothing said
	hangUp   bool          // close the connection after the answer
}

// exception is one row of the error table.
type exception struct {
	status                 int
	name, code             string
	legacyName, legacyCode string // "": as name and code
	defaultMessage         string
	namesResource          bool // the body tells the ARN, in the current flavour
}

// exceptionOf is the one table from kinds of error to the wire.
func exceptionOf(kind meeting.Kind) exception {
	switch kind {
	case meeting.Invalid:
		return exception{status: 400, name: "BadRequestException", code: "BadRequest"}
	case meeting.NotFound:
		return exception{status: 404, name: "NotFoundException", code: "NotFound"}
	case meeting.ResourceMissing:
		return exception{status: 404, name: "ResourceNotFoundException", code: "NotFound", legacyName: "NotFoundException", namesResource: true}
	case meeting.LimitExceeded:
		return exception{status: 400, name: "LimitExceededException", code: "ResourceLimitExceeded", legacyName: "ResourceLimitExceededException"}
	case meeting.TooManyTags:
		return exception{status: 400, name: "TooManyTagsException", code: "ResourceLimitExceeded", legacyName: "ResourceLimitExceededException", namesResource: true}
	case meeting.Conflict:
		return exception{status: 409, name: "ConflictException", code: "Conflict"}
	case meeting.Forbidden:
		return exception{status: 403, name: "ForbiddenException", code: "Forbidden", defaultMessage: "AWS authorization failed"}
	case meeting.Unauthorized:
		return exception{status: 401, name: "UnauthorizedException", code: "Unauthorized", legacyName: "UnauthorizedClientException"}
	case meeting.Throttled:
		return exception{status: 429, name: "ThrottlingException", code: "Throttling", legacyName: "ThrottledClientException", legacyCode: "Throttled", defaultMessage: "Rate exceeded"}
	case meeting.Unavailable:
		return exception{status: 503, name: "ServiceUnavailableException", code: "ServiceUnavailable", defaultMessage: "The service is unavailable."}
	}
	return exception{status: 500, name: "ServiceFailureException", code: "ServiceFailure", defaultMessage: "The service encountered an internal failure."}
}

// wire returns an error as the flavour writes it.
func (s *Server) wire(err error, flavour meeting.Flavour) wireError {
	var (
		front   *frontError
		auth    *sigv4.Error
		invalid *restjson.Error
		refused *meeting.Error
		rate    *throttle.Exceeded
		wanted  *Injected
	)
	switch {
	case errors.As(err, &wanted):
		return s.wireInjected(wanted, flavour)
	case errors.As(err, &front):
		return wireError{status: front.status, name: front.name, message: front.message, hangUp: front.hangUp, retry: front.retry}
	case errors.As(err, &auth):
		return wireError{status: auth.Status, name: auth.Name, message: auth.Message}
	case errors.As(err, &rate):
		out := s.wireKind(meeting.Throttled, "", flavour)
		out.retry = rate.Wait
		return out
	case errors.As(err, &invalid):
		if invalid.Constraint && s.cfg.ValidationException {
			return wireError{status: 400, name: "ValidationException", message: invalid.Message}
		}
		return s.wireKind(meeting.Invalid, invalid.Message, flavour)
	case errors.As(err, &refused):
		out := s.wireKind(refused.Kind, refused.Message, flavour)
		if flavour != meeting.Legacy && flavour != meeting.Pipelines && exceptionOf(refused.Kind).namesResource {
			out.resource = refused.Resource
		}
		if refused.Kind == meeting.Unavailable {
			out.retry = retryUnavailable
		}
		return out
	}
	return s.wireKind(meeting.Failure, "", flavour)
}

// wireKind fills in the row of the table for a flavour. Errors of ours show no
// details: they are in the log under the request id.
func (s *Server) wireKind(kind meeting.Kind, message string, flavour meeting.Flavour) wireError {
	e := exceptionOf(kind)
	out := wireError{status: e.status, name: e.name, code: e.code, message: message}
	switch {
	case flavour == meeting.Pipelines:
		out.name = cmp.Or(e.legacyName, e.name)
	case flavour != meeting.Legacy:
		if s.cfg.ShapeNameInCode {
			out.code = e.name
		}
	case e.legacyName != "":
		out.name = e.legacyName
		if e.legacyCode != "" {
			out.code = e.legacyCode
		}
	}
	if message == "" || out.status == http.StatusInternalServerError {
		out.message = e.defaultMessage
	}
	return out
}

// itemCode is the ErrorCode of one failed item of a batch: the short codes in
// both flavours (API decision D-45).
func itemCode(kind meeting.Kind) string {
	e := exceptionOf(kind)
	if e.legacyCode != "" {
		return e.legacyCode
	}
	return e.code
}

// sendError writes an error response.
func (s *Server) sendError(w http.ResponseWriter, c *call, e *wireError) {
	out := restjson.NewWriter(nil)
	out.Object()
	if e.code == "" {
		out.Member("message", e.message)
	} else {
		out.Member("Code", e.code)
		out.Member("Message", e.message)
		out.Member("RequestId", c.id)
		out.OptionalMember("ResourceName", e.resource)
	}
	out.EndObject()
	h := w.Header()
	h["X-Amzn-Errortype"] = []string{e.name}
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(out.Bytes()))}
	if e.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.retry+time.Second-1)/time.Second)))
		h.Set("X-Amz-Retry-After", strconv.FormatInt(int64((e.retry+time.Millisecond-1)/time.Millisecond), 10))
	}
	if e.hangUp || s.draining.Load() {
		h.Set("Connection", "close")
	}
	w.WriteHeader(e.status)
	_, _ = w.Write(out.Bytes())
}
