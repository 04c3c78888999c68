// Package vosk gives voices to servers that speak the protocol of vosk-server, the
// WebSocket server of the Vosk speech recogniser: the simplest open one there is,
// for which others (whisper.cpp, sherpa-onnx) have small bridges.
//
// One connection is one recogniser, that is one voice. The client begins with its
// settings as JSON, to which there is no answer; then it sends sound, and gets one
// answer for each message: what the utterance may be so far ("partial"), or, when
// it has ended, what it was ("text"). The end is told by one certain string.
package vosk
