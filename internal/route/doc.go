// Package route stands in front of both doors. It finds out from a raw request
// which slot it is about, and serves it here when this node owns the slot, or
// passes it on to the node that does: body, Host and signature unchanged, so
// that the owner checks everything itself and a node in between is trusted with
// delivery only.
//
// A request is passed on once. An owner that is not the owner any more says so,
// and the first node looks again. While a slot has no owner that answers,
// because one has died and its successor is reading the slot, the request waits;
// after Config.Patience the caller is told to come back. An owner looks at its
// lease again when the answer is ready and before it leaves.
package route
