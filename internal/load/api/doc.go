// Package api is the load generator of `carillon load api`. It calls one API
// operation over and over from a number of clients, each waiting for its
// answer before it calls again (a closed loop), and reports rate, latency, and
// what the server spent on it.
//
// # What is measured
//
// Only the operation itself. A meeting takes no more than 250 attendees, so
// creating attendees needs fresh meetings all the time: Run creates them in
// advance, measures until they are used up, and so on in rounds. The server's
// CPU time is read at both ends of each measured stretch and so leaves the
// preparation out. Run deletes the meetings it made, unless told to keep them.
//
// With Baseline, the same run also measures what any server would have to
// spend on the same exchange: a bare HTTP handler in a process of its own,
// which reads the same body and writes an answer of the same size; and the
// time the disk takes for what the server stores: eight records of the same
// size appended to a file and flushed together. Machines differ, ratios to
// these two differ less.
//
// # Files
//
// options.go says what can be set, report.go what comes out. run.go is the
// course of a run, ops.go the operations, client.go and sign.go the HTTP side,
// process.go, bare.go and disk.go the measuring instruments.
package api
