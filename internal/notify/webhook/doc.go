// Package webhook hands events to HTTP endpoints of the operator's choice, in
// the form that Standard Webhooks (standardwebhooks.com) describes, so that
// receivers find a ready library to verify them with.
//
//   - secret.go: secrets and signatures.
//   - sender.go: one attempt, and what the answer means.
//   - line.go: the connections that requests go through.
//   - handshake.go: asking the endpoint first whether it wants events.
//
// Which addresses may be connected to is the matter of package publicaddr.
package webhook
