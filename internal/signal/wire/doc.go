// Package wire is the client protocol's alphabet: the frames, how they sit in
// a WebSocket message, and how session descriptions are compressed. It has no
// behaviour; what the frames mean is told in package signal.
//
// A binary WebSocket message is one prefix byte followed by one protocol
// buffer, a [Frame]. The frames are defined in signal.proto, which is also
// the place to read what each field is for; signal.pb.go is generated from it.
//
//	05                               prefix
//	08 80 d0 95 ff bc 31             timestamp_ms = 1700000000000
//	10 13                            type = PING_PONG
//	a2 01 04 08 01 10 01             ping_pong { type = PING, ping_id = 1 }
//
// [Decode] and [Encode] translate between the two. Both ends may leave out
// what they do not know, and neither minds fields or types it has never
// heard of.
//
// Session descriptions make up nearly all of the traffic of a join, so a
// client that offered to may send and receive them as raw DEFLATE, with the
// previous description as preset dictionary: [Inflater] and [Deflater], one
// each per connection, both drawing on one [Pool] per server.
//
// Everything here reads the network and is bounded: a message by
// [MaxMessage], a description by [MaxSDP], whatever it claims to inflate to.
package wire
