// Package media carries the sound and pictures of meetings. It knows nothing
// of HTTP, tokens or the client's frames: the signaling door hands it offers
// and it hands back answers.
//
// The words:
//
//   - Node: one process's media. It owns one UDP port and one TCP port which
//     every client of every meeting shares, one DTLS certificate, one mixer.
//   - Room: one meeting. It knows who publishes video and who watches.
//   - Peer: one client connection. An attendee who shares the screen has two:
//     his own and his content session.
//
// The client always offers and the node always answers, with every candidate
// already in the answer (ICE lite), so a join needs no gathering and no
// trickling. Sound goes to the mixer of package mix, which sends one stream
// back to everybody; video is forwarded by package forward.
//
// The package is built on Pion's DTLS, SRTP, STUN and RTCP packages but
// not on its PeerConnection: a server that only ever answers, and only ever
// with ICE lite, can run a packet from the socket to all its receivers in one
// goroutine without a queue between, which is what makes one small machine
// carry a large meeting.
package media
