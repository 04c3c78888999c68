// Package sigv4 decides who sent a request: it verifies AWS Signature
// Version 4 against a fixed set of keys.
//
// A check has two halves, so that a caller who cannot be right is refused
// before his body is read:
//
//	pending, err := verifier.Begin(r)      // header, scope, date, key, session token
//	body := …                              // read the exact bytes
//	identity, err := pending.Finish(body)  // body hash and signature
//
// An error is always an *Error with the status, exception name and message
// that AWS front ends answer with.
//
// The canonical request is built here by hand, with signing keys kept between
// requests, because re-signing every request with the SDK's signer costs three
// times as much. What keeps the two from drifting apart is
// FuzzAgreesWithSDKSigner.
//
// What is read where:
//
//   - verify.go: Begin and Finish, the order of the checks.
//   - authorization.go: the Authorization header and its query-string twin.
//   - canonical.go: the canonical request, and Target, the request line as sent.
//   - keys.go: Keys, the accounts and what each key may do.
//   - keyfile.go: the file format of Keys.
package sigv4
