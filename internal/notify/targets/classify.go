package targets

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

// classes are what the services' error codes mean; those that are not here pass
// by themselves.
var classes = map[string]outbox.Class{
	"AccessDenied": outbox.Configuration, "AuthorizationError": outbox.Configuration, "InvalidSignature": outbox.Configuration,
	"SignatureDoesNotMatch": outbox.Configuration, "IncompleteSignature": outbox.Configuration, "UnrecognizedClient": outbox.Configuration,
	"InvalidClientTokenId": outbox.Configuration, "MissingAuthenticationToken": outbox.Configuration, "ExpiredToken": outbox.Configuration,
	"InvalidSecurity": outbox.Configuration, "OptInRequired": outbox.Configuration,
	"KmsAccessDenied": outbox.Configuration, "KmsDisabled": outbox.Configuration, "KMSAccessDenied": outbox.Configuration, "KMSDisabled": outbox.Configuration,

	"QueueDoesNotExist": outbox.Missing, "NonExistentQueue": outbox.Missing, "NotFound": outbox.Missing, "ResourceNotFound": outbox.Missing,

	"InvalidMessageContents": outbox.Permanent, "InvalidParameter": outbox.Permanent, "InvalidParameterValue": outbox.Permanent,
	"RequestTooLarge": outbox.Permanent, "SerializedRequestEntityTooLarge": outbox.Permanent, "BatchRequestTooLong": outbox.Permanent,
	"MalformedDetail": outbox.Permanent, "InvalidArgument": outbox.Permanent, "InvalidRequestContent": outbox.Permanent,
	"NotAuthorizedForSource": outbox.Permanent, "NotAuthorizedForDetailType": outbox.Permanent, "UnsupportedOperation": outbox.Permanent,
}

// short is a code without its namespace and the word Exception: servers have
// them with and without.
func short(code string) string {
	if i := strings.LastIndexAny(code, "#."); i >= 0 {
		code = code[i+1:]
	}
	return strings.TrimSuffix(code, "Exception")
}

func classOf(code string) outbox.Class { return classes[code] }

// classify makes a Refusal of the SDK's error; nil of none.
func classify(err error) error {
	if err == nil {
		return nil
	}
	r := &outbox.Refusal{Code: "no answer"}
	status, known := 0, false
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answer.Response != nil {
		status = answer.HTTPStatusCode()
		r.Code, r.After = "HTTP "+strconv.Itoa(status), seconds(answer.Response.Header.Get("Retry-After"))
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() != "" {
		r.Code = short(api.ErrorCode())
		r.Class, known = classes[r.Code]
	} else if status == 0 {
		r.Code = outbox.Unanswered(err)
	}
	if status == http.StatusForbidden && !known {
		r.Class = outbox.Configuration
	}
	return r
}

func seconds(text string) time.Duration {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, 1<<20)) * time.Second
}
