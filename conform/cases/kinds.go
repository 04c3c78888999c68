package cases

import "github.com/carillon-meetings/carillon/conform"

// The kinds, as API errors table and authentication errors list them.

func badRequest() conform.Kind {
	return conform.Kind{Status: 400, Shape: "BadRequestException", Code: "BadRequest"}
}
func forbidden() conform.Kind {
	return conform.Kind{Status: 403, Shape: "ForbiddenException", Code: "Forbidden"}
}
func notFound() conform.Kind {
	return conform.Kind{Status: 404, Shape: "NotFoundException", Code: "NotFound"}
}
func limitExceeded() conform.Kind {
	return conform.Kind{Status: 400, Shape: "LimitExceededException", LegacyShape: "ResourceLimitExceededException", Code: "ResourceLimitExceeded"}
}
func tooManyTags() conform.Kind {
	return conform.Kind{Status: 400, Shape: "TooManyTagsException", LegacyShape: "ResourceLimitExceededException", Code: "ResourceLimitExceeded", ResourceName: true}
}
func resourceNotFound() conform.Kind {
	return conform.Kind{Status: 404, Shape: "ResourceNotFoundException", LegacyShape: "NotFoundException", Code: "NotFound", ResourceName: true}
}
func unauthorized() conform.Kind {
	return conform.Kind{Status: 401, Shape: "UnauthorizedException", LegacyShape: "UnauthorizedClientException", Code: "Unauthorized"}
}
func throttled() conform.Kind {
	return conform.Kind{Status: 429, Shape: "ThrottlingException", LegacyShape: "ThrottledClientException", Code: "Throttling", LegacyCode: "Throttled"}
}
func unknownOperation() conform.Kind {
	return conform.Kind{Status: 404, Shape: "UnknownOperationException"}
}
func tooLarge() conform.Kind {
	return conform.Kind{Status: 413, Shape: "RequestEntityTooLargeException"}
}
func missingToken() conform.Kind {
	return conform.Kind{Status: 403, Shape: "MissingAuthenticationTokenException"}
}
func incomplete() conform.Kind {
	return conform.Kind{Status: 403, Shape: "IncompleteSignatureException"}
}
func unrecognized() conform.Kind {
	return conform.Kind{Status: 403, Shape: "UnrecognizedClientException"}
}
func expiredToken() conform.Kind { return conform.Kind{Status: 403, Shape: "ExpiredTokenException"} }
func invalidSignature() conform.Kind {
	return conform.Kind{Status: 403, Shape: "InvalidSignatureException"}
}
