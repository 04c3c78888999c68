// Package testmode is what `carillon serve --test-mode` adds for tests of
// applications: a clock that they move, calls that fail when they want it,
// meetings that they end, connections that they break, and events that they
// wait for. docs/testing-your-app.md describes the calls, all below /test/v1/.
//
//   - clock.go: Clock, the time of everything that is due some day. A move stops
//     wherever something is due, so that one thing follows from another as it
//     would have.
//   - faults.go: Faults, asked by the API before each operation.
//   - ledger.go: tells Events what is written, by standing between the control
//     plane and the ledger. So no event tells of what did not happen.
//   - events.go: Events, made as they are for those who are sent them (package
//     event), kept with a number each and waited for.
//   - door.go, input.go, calls.go, watch.go, reset.go: the HTTP calls.
//   - admit.go: who may call at all.
//
// Nothing of it is there in a server without the mode.
package testmode
