// Package mix makes, for every member of every room, one stream of Opus audio in
// which that member hears all others. It is the audio half of a meeting.
//
// # How a room is mixed
//
// Each member's packets go into a jitter buffer of its own (Member.Push). Every
// 20 ms a tick runs over all rooms that have members:
//
//  1. A few talkers are chosen by the loudness that senders write into the RTP
//     header (RFC 6464), without decoding anything; see talk.go.
//  2. Only their packets are decoded (voice.go) and added up.
//  3. The sum is encoded for everyone who is not a talker, once for each coding
//     that they take (format.go, group.go): mostly there is one. Each talker gets a
//     sum without itself, encoded apart (output.go).
//  4. Each member's Sink is handed its frame. When nothing is to be heard, that is
//     the three-byte silence frame, and nothing is decoded or encoded.
//
// So a tick costs about (talkers) decodes and (talkers + codings) encodes, however
// many listen; a room in which nobody talks costs the calls of its sinks, and a room
// without members nothing.
//
// # Stereo
//
// A member takes mono or stereo, at a bitrate of its choice (Format). Stereo is
// mixed as mid and side (side.go): the mid is what mono listeners hear, and all that
// a room without stereo has. A side exists only for talkers whose two channels
// differ, in packets of two channels, and only if somebody takes stereo; then, and
// for two seconds after, those listeners are encoded for in stereo (stereo.go).
//
// # Time
//
// One goroutine per Engine keeps the time for all rooms, counting elapsed time and
// not timer events: a tick that comes late is made up for at once, so that members
// get 50 frames each second even on a busy machine. When there are no members at
// all the timer stops. Ticks are spread over at most Config.Workers goroutines.
//
// # Changing between encoders
//
// A member who starts to talk moves from the shared encoder's stream to one of its
// own, and back later. A decoder expects the past of the encoder it has listened
// to so far, so the new encoder is first given the frame before, then told to
// predict as little as possible; on the way back, both encoders get the same
// signal for a while before the change. See stream.go. Before a change between mono
// and stereo the new encoder runs along for four frames.
package mix
