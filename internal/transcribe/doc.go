// Package transcribe writes down what is said in meetings while it is said. It
// carries out the transcriptions that the control plane keeps: whoever calls the
// API only changes a meeting's records, and this package follows.
//
// # The way of a word
//
//  1. The mixer hands over what each talker says, before it is mixed (job.go,
//     Voice). That is the only thing that happens on a goroutine of media.
//  2. The sound is resampled once, to 16 kHz (decimator.go), and goes to a session
//     of an engine: a line (line.go). A meeting has a few; talkers get one
//     when they begin, and give it back when they have been silent (voice.go).
//  3. What the engine believes to hear becomes results with stable ids, of the
//     attendee who speaks (utterance.go), and goes to all clients.
//
// # The life of a transcription
//
// It is Running once an engine has opened a session, Interrupted when there is no
// session any more and none can be opened, and Failed when that goes on. Each
// change is a record of the meeting before anybody is told, so it survives a
// crash; whoever takes a meeting over goes on with its transcription. A meeting
// that is not transcribed has no part in any of this.
package transcribe
