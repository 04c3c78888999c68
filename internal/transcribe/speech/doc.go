// Package speech is the vocabulary of live transcription, which its three sides
// share: engines that recognise speech (packages vosk and amazon), the service
// that gives them sound and makes results of their answers (package transcribe),
// and the signaling door, which shows results to clients.
//
// The words:
//
//   - Settings: what the caller of StartMeetingTranscription has asked for.
//   - Session: one voice that an engine listens to.
//   - Hypothesis: what an engine believes to have heard of an utterance so far.
//   - Result: the same as clients see it, with the attendee who speaks. All
//     partial results of an utterance and its final one have the same id.
package speech
