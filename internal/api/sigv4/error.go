package sigv4

import (
	"fmt"
	"net/http"
)

// Error is a refused authentication, in the words of the wire.
type Error struct {
	Status  int    // HTTP status, 403 for all
	Name    string // value of x-amzn-ErrorType
	Message string // for the caller; holds no secret
}

// Error returns the name and the message.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

// The exception names, as JSON services of AWS send them (API decision D-57).
const (
	missingToken        = "MissingAuthenticationTokenException"
	incompleteSignature = "IncompleteSignatureException"
	unrecognizedClient  = "UnrecognizedClientException"
	expiredToken        = "ExpiredTokenException"
	invalidSignature    = "InvalidSignatureException"
)

func refuse(name, format string, args ...any) *Error {
	return &Error{Status: http.StatusForbidden, Name: name, Message: fmt.Sprintf(format, args...)}
}

func unknownCredentials() *Error {
	return refuse(unrecognizedClient, "The security token included in the request is invalid.")
}
