// Package amazon gives voices to Amazon Transcribe streaming, or to whatever speaks
// as it does: one HTTP/2 request a voice, whose body and answer are open at the same
// time and consist of messages of AWS's event-stream encoding. Each message of sound
// is signed, with the signature of the one before it, beginning with the request's
// (Signature Version 4). What is said is told by TranscriptEvents.
package amazon
