// Package rtmp publishes a stream to an RTMP server (Adobe's Real-Time Messaging
// Protocol specification 1.0, with AMF 0 for its commands).
//
//   - chunk.go: messages, cut into chunks.
//   - amf.go: the values of commands.
//   - conn.go: one connection, from its handshake to the server's consent.
//   - publisher.go: a stream that survives the loss of connections.
//
// Only what a publisher needs is here. The stream key is a secret: it goes to the
// server and into no error.
package rtmp
