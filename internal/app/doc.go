// Package app is the application API, the third door: what backends ask that
// the Chime SDK's own API does not tell. Who is connected now, since when and
// how well; which meetings have ended and why; how an attendee's join went; and
// a few things to do about it.
//
// It is JSON over HTTP below Prefix, signed as the AWS API is, with the same
// keys. Each operation is an action of policies, "carillon:" and its name. An
// account sees its own meetings only, those of all its Regions and of both
// flavours. openapi.json, embedded and served, describes all of it; a test holds
// it equal to the code.
//
// # How a request goes
//
// Server.ServeHTTP (server.go) takes each request through the same steps, in
// the order in which faults are reported: who sent it (package sigv4), which
// operation (routes.go), whether the key may do that, whether it does so too
// often (package throttle), whether the input is right (input.go, and the
// operation's own function), and then what needs state. errors.go turns errors
// into status, code and body.
//
// # What it reads
//
// The types of package observe, which operators see as well. One meeting is
// read from the Directory and Live of this process: what names a meeting is
// served by its owner. Lists are made of pages of several Listers, merged; in a
// cluster the other nodes are further ones.
package app
