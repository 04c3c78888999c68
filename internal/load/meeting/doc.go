// Package meeting is the load generator of `carillon load meeting`: scripted
// attendees who join meetings of a running server, talk, listen, film and watch
// over real sockets, and a report of what they experienced and what it cost the
// server.
//
// # What an attendee does
//
// Meetings and attendees are created through the API with signed requests. Each
// attendee opens the signaling WebSocket with its token, sends JOIN, waits for
// JOIN_ACK, subscribes with an offer, and connects by ICE, DTLS and SRTP to the
// address in the answer, as a browser does but without one (package client), so
// that hundreds fit beside the server on a small machine.
//
// Talkers send 50 Opus packets a second of synthetic speech with its loudness in
// the header. Listeners send silence, as muted browsers do, or with Quiet nothing.
// Cameras send packets that look like VP8, which everybody else in the meeting
// watches.
//
// # What is measured
//
// A run lets everybody join, starts the media, waits until it has settled, and
// measures for Duration. Churn goes on during the measurement.
//
//   - Join: from before the socket is opened to SUBSCRIBE_ACK; first media: from
//     there to the first packet of sound.
//   - Delivered: packets that came, of those that were due: 50 a second of sound for
//     each attendee while connected, and each video packet for each who watches.
//   - Delay, mouth to ear: one talker's speech has clicks in it, and one listener
//     decodes the mix and looks for them. What a listener would find without any
//     server in between is subtracted, so what is left is the server's jitter
//     buffer, decoding, mixing and encoding, the way there and back, and the time
//     that this program waits for a processor. It holds neither the 20 ms that a
//     browser needs to fill a packet nor a listener's own jitter buffer.
//   - Concealed: of that listener's sound, what was lost on the way.
//   - The server's CPU time and memory, from the process table, if its process id
//     is given. Joining takes place before anybody talks.
//
// # Files
//
// options.go and report.go are the two ends. run.go is the course of a run,
// measure.go the measurement and the coming and going during it; account.go calls
// the API. attendee.go is one attendee, package door its signaling. speech.go, film.go
// and pump.go make and send media, ear.go listens; process.go looks at the server.
package meeting
