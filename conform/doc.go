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
// [Run] runs those cases of a list that a target offers against an endpoint,
// Carillon's or Amazon's, and returns a [Report]. The behaviours of the API
// are listed in the package cases, a folder below; a program may run cases of
// its own beside them.
//
// Reading order: case.go (what a case is), t.go (what its body is given),
// client.go (how it speaks to the server), result.go (what it expects), then
// the folder cases.
//
// A "D-nn" in a case's sentence marks behaviour that Amazon does not document
// and Carillon decided; against Amazon's endpoint such a case is a finding,
// not a failure.
package conform
