// Package control is the control plane that both doors, the API and the
// signaling server, call. It owns what has to happen around a decision of the
// domain: find the meeting, let the domain decide, write the one resulting
// record to the ledger, and only then answer.
//
// # What is served
//
// The meetings of the slots that were adopted from the ledger (slots.go). The
// owner of a slot is the only one who writes there, so what is in memory is
// never behind. On one machine that is every slot, for good; in a cluster,
// slots come and go while others are served.
//
// # How a call goes
//
// Every change of a meeting runs under that meeting's turn (turns.go), so that
// calls on one meeting queue up and calls on different meetings flush to disk
// side by side. When it is not known for a while whether a record was stored,
// the caller is told to come back, and the turn is kept until it is known.
// Reads never wait for a write in progress.
//
// # What is in memory
//
// One small entry for each active meeting (index.go) holds what lists, quotas,
// timers and token look-ups need. The attendees of a meeting are folded from
// its records when first needed and kept in a bounded cache, least recently
// used out first. An adoption reads every record once, and fills the cache with
// what it reads as far as there is room.
//
// # Ending
//
// One goroutine, Run, waits for the nearest of all deadlines (lifecycle.go):
// idle meetings, old meetings, replicas left behind by a primary that ended
// just before a crash, tombstones to forget.
//
// # Who sees what
//
// Methods with an owner treat everything outside that owner as not found.
// Methods for the operators' console (console.go) see all owners. The actor
// set by WithActor is kept in every record.
package control
