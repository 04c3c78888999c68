// Package conform checks a server of the meetings API from outside, as a
// client sees it, and tells for every named behaviour whether it held.
//
// A behaviour is a [Case]: a stable name such as
// BatchCreateAttendee_DuplicatesInOneBatchResolveToOneAttendee, one sentence
// saying what is promised, and a body that tries it. The same body runs in
// both flavours of the API where both promise the same thing: in the current
// one ("meetings") through the AWS SDK for Go v2, in the retired one
// ("legacy") through the AWS SDK for Go v1, and by signed raw HTTP for what no
// SDK is able to send.
//
// [Run] runs the cases a target offers against an endpoint, Carillon's or
// Amazon's, and returns a [Report]. The package's own test starts the real
// server once per [Profile] (rate limits on, short lifetimes, several
// accounts, ...) and runs every case as a sub-test.
//
// Reading order: case.go (what a case is), t.go (what its body is given),
// client.go (how it speaks to the server), result.go (what it expects), then
// the file of any operation. Cases clean up the meetings they create, share no
// state, and run in parallel unless they say otherwise. They compare message
// texts only by ids and key words (API decision D-54).
//
// A "D-nn" in a case's sentence marks behaviour that Amazon does not document
// and Carillon decided; against Amazon's endpoint such a case is a finding,
// not a failure.
package conform
