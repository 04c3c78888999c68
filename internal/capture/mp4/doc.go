// Package mp4 writes and reads the MP4 files of recordings (ISO/IEC 14496-12).
//
// A recording is made of pieces of a few seconds. Each is a fragmented file that
// plays by itself (piece.go): an empty index, then one fragment with all samples.
// It can be written without knowing what comes, and decode times begin at 0 in
// each, which is what players and ffmpeg's concatenation expect. Joined pieces
// are an ordinary file with its index in front (movie.go), so that players seek
// in it and begin before all of it is there.
//
// read.go reads pieces back. It takes bytes from a store that others may write
// to, so it trusts nothing and is fuzzed.
package mp4
