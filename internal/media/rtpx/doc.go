// Package rtpx holds the small structures that the audio mixer and the video
// forwarder are built from. Each is one idea, one file and one test:
//
//   - seq.go: arithmetic on the wrapping counters of RTP, and unwrapping them,
//   - header.go: reading and writing the RTP header without allocating,
//   - level.go: the client-to-mixer audio level (RFC 6464),
//   - red.go: redundant audio (RFC 2198),
//   - opus.go: how long an Opus packet lasts (RFC 6716),
//   - jitter.go, delay.go: the adaptive audio jitter buffer,
//   - cache.go: recent video packets, kept to answer NACK,
//   - rewrite.go: the numbering that one subscriber sees,
//   - inspect.go and one file per codec: what a video payload says about its
//     frame (key frame, layers, picture ids).
//
// Nothing here starts a goroutine, logs, reads a clock or allocates per packet.
// Time comes in as an argument. No type is safe for concurrent use: the caller
// owns the lock, since it has one anyway.
//
// Everything that comes from the network is checked: a malformed packet gives an
// error or a false, never a panic. The parsers are fuzzed.
package rtpx
