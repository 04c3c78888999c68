// Package signal is the second door: the connections of meeting clients, and
// everything that is said over them. It speaks the protocol of the unmodified
// Amazon Chime SDK clients, so a join token from the API opens it.
//
// # How a client gets in
//
// It opens a WebSocket on the meeting's SignalingUrl with its join token as
// second sub-protocol, and then:
//
//	client                              server
//	PING, and again every 10 s     →
//	                               ←    PONG
//	JOIN                           →
//	                               ←    JOIN_ACK, INDEX
//	SUBSCRIBE with an SDP offer    →
//	                               ←    SUBSCRIBE_ACK with the answer
//	        ICE, DTLS, audio and video, between the client and package media
//	                               ←    AUDIO_STREAM_ID_INFO: everybody here
//
// From then on the server tells changes: the roster, INDEX (who sends video),
// volumes five times a second, data messages. The client sends SUBSCRIBE again
// whenever it wants to send or receive other video. It ends with LEAVE, or is
// told to go with AUDIO_STATUS; see ending.go. A content share is a second
// connection of the same kind, with "#content" added to token and id.
//
// # Words
//
//   - session (session.go): one WebSocket with a valid token. Its goroutines
//     are the HTTP handler, which reads, and the conn's writer.
//   - participant (conference.go): an attendee who is in, or was a moment ago. It
//     survives the loss of its socket for Timers.Dropped; if the client is back
//     by then, with a new session, nobody has noticed.
//   - open meeting (conference.go): a meeting somebody has connected to. It
//     watches the meeting's committed changes, so that a deleted attendee is out
//     within milliseconds.
//   - conference (conference.go): a primary meeting and its replicas; usually
//     just one meeting. All state of its participants is guarded by its one
//     mutex; a method whose name ends in Locked needs it.
//   - cause and outcome (outcome.go): why something ends or comes to nothing, and
//     what the client is told of it.
//   - history.Connection: what is kept of a connection for operators, in a
//     package of its own.
//
// # Where to start reading
//
// upgrade.go (the token), join.go, subscribe.go, events.go (what media tells),
// roster.go and index.go (what the others are told), ending.go, changes.go
// (what the API does to people inside), primary.go (replicas and promotion).
// Package wire has the frames.
package signal
