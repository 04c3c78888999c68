// Package notify tells the outside what happens in meetings.
//
// It stands between the control plane and the ledger: a Notifier's slots are the
// ledger's, and what is written through them is told once it is stored. So a
// call never waits for an event, and no event tells of what a crash could take
// back. The events are made from the records and facts themselves (package
// event), in the order of the slot's stream, and go to destinations (package
// outbox) that Channels lead to: queues that meetings name, the operator's web
// hooks.
//
// What survives a crash is the log, and a memo in each slot that says how far
// every destination is. Whoever adopts the slot makes the events again that
// lie behind, with the same ids; those of the last moments may be told twice. An
// ended meeting stays in the ledger until the memo has passed its end.
//
// Without channels there is no Notifier, and nothing of this costs anything.
//
//   - notifier.go: channels, destinations, start and end.
//   - slot.go: the slot as control writes through it.
//   - order.go: what was stored in which order.
//   - track.go: a meeting whose events somebody gets.
//   - adopt.go: finding out what was not told yet.
//   - memo.go: how far all is.
//   - pipelines.go: media pipelines, whose logs are told with their meetings'.
//   - past.go: what became of the latest events, for people to look at.
//   - letters.go: events that were given up. forward.go: where they go besides.
package notify
