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
// When the caller sent the body's hash and signed it, Begin checks the
// signature as well, so that a stranger cannot make the server read anything.
//
// An error is always an *Error with the status, exception name and message
// that AWS front ends answer with.
//
// # Why the check is our own
//
// One could re-sign each request with the SDK's signer and compare. That was
// measured at three times the cost, it does not see the path and the query as
// they were sent (others who went that way carry an altered copy of the
// signer), and it tempts to compare with ==. So the canonical request is built
// here by hand: in this package alone, with signing keys kept between requests,
// and compared in constant time. What keeps it from drifting away from the
// SDK's signer is FuzzAgreesWithSDKSigner, which signs with the one and checks
// with the other, and refuses every change of what was signed.
//
// What is read where:
//
//   - verify.go: Begin and Finish, the order of the checks.
//   - authorization.go: the Authorization header.
//   - canonical.go: the canonical request, and Target, the request line as sent.
//   - keys.go: Keys, the accounts and what each key may do.
//   - keyfile.go: the file format of Keys.
package sigv4
