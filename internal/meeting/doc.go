// Package meeting is the domain of Carillon: what a meeting and its attendees
// are and which rules hold for them. It is pure. It does no I/O, reads no
// clock, and knows nothing of HTTP or of the AWS wire format.
//
// Read it in this order:
//
//   - types.go: the values (ID, Owner, Attendee, Capabilities, Features, Tag).
//   - command.go: what a caller may ask for.
//   - record.go: what is written down. One accepted call is one Record, and a
//     Record is applied whole or not at all.
//   - state.go: a meeting as the fold of its records.
//   - rules.go: the rules that need no State.
//   - decide.go, batch.go, tags.go: the others. Each Decide function takes the
//     State and a command and answers with the Record to append (nil when
//     nothing changes) and the caller's result. Deciding never changes the
//     State.
//   - event.go, fact.go: what the outside is told.
//   - codec.go, codec_body.go: records as bytes.
//   - pipeline.go, pipeline_record.go: media pipelines, which record meetings.
//     Each is a log of its own.
//   - outline.go: the part of a meeting that an index needs, without the
//     attendees.
//   - errors.go: the closed list of ways a command is refused.
package meeting
