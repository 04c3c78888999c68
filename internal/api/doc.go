// Package api is the first door of Carillon: the control-plane API that stock
// AWS SDKs and CLIs call, in both its flavours, the current
// chime-sdk-meetings and the retired chime.
//
// # How a request goes
//
// Server.ServeHTTP (server.go) takes each request through the same steps, in
// the order in which faults are reported (API decision D-55):
//
//  1. size and drain (body.go)
//  2. who sent it: package sigv4
//  3. which operation (routes.go) and which flavour (flavour.go)
//  4. whether the key may do that, 5. whether it does so too often (throttle.go)
//  6. parse and 7. validate: the operation's own file, with the constraints of
//     constraints.go and the flavour's shapes of shapes.go
//  8. everything that needs state: the Control, that is package control
//
// An operation returns a function that writes the response body, or an error.
// errors.go is the only place that turns errors into status, name and body.
//
// # Two flavours, one set of operations
//
// Each operation is one file named after it. Where the flavours differ, the
// difference is data: the route tables of routes.go say what exists with which
// status, shapes.go says which constraints hold, and errors.go holds one table
// of exception names. The few structural differences (members of one flavour
// only) are branches on call.legacy.
package api
