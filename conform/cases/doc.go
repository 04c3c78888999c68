// Package cases is the catalogue of behaviours that package conform tries: one
// file for each operation, and one for each subject that several operations
// have in common (signatures, paging, limits, tags, lifetimes, ...).
//
// A case is one row of a table, with its name, the sentence that says what is
// promised and the flavours it is promised in, and a body of a few lines. Most
// constraints on input need no body at all: a probe (probe.go) changes one
// thing about a valid request and says whether it is then refused. To add a
// behaviour, add a row to the table of its file; to add a file, add its table
// to [All].
//
// Reading order: get_meeting.go (the shortest table), kit.go and kinds.go
// (what the bodies share), probe.go, then any file. Cases clean up the
// meetings they create, share no state, and run in parallel unless they say
// otherwise. They compare message texts only by ids and key words (API
// decision D-54).
//
// The package's own test starts the real server once per profile and runs
// every case as a sub-test.
package cases
