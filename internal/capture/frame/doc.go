// Package frame puts the packets of a video publication together to whole
// pictures, in the form in which MP4 files hold them, without decoding anything.
//
// Assembler (assembler.go) brings packets into their order, waits for those that
// are sent again, and after a loss leaves out what cannot be decoded until the
// next key frame. One file per codec turns payloads into what a file holds, and
// reads from a key frame how large the pictures are and what a decoder must know.
//
// Everything comes from the network: malformed packets make no picture, and never
// a panic. The parsers are fuzzed.
package frame
