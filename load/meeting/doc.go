// Package meeting is the load generator of `carillon load meeting`: scripted
// attendees who join meetings of a running server, talk, listen, film and watch
// over real sockets, and a report of what they experienced and what it cost the
// server.
//
// # What an attendee does
//
// Meetings and attendees are created through the API with signed requests. Each
// attendee opens the signaling WebSocket with its token, sends JOIN, waits for
// JOIN_ACK and INDEX, subscribes with an offer, and connects by ICE, DTLS and
// SRTP to the address in the answer, as a browser does but without one: it knows
// just as much of these protocols as a server like Carillon answers to, so that
// hundreds fit beside the server on a small machine. Receiving sockets are emptied
// in batches some 25 times a second; packets are counted by their headers and not
// decrypted, except those of a few sampled listeners.
//
// Talkers send 50 Opus packets a second of synthetic speech with the audio level
// in the header. Listeners send nothing, or with SilentAudio 50 packets of
// silence, as muted browsers do. Cameras send packets that look like VP8, which
// everybody else in the meeting watches.
//
// # What is measured
//
// A run joins everybody, lets the room rest for a while, starts the media, waits
// until it has settled, and measures for Duration. Churn goes on during the
// measurement.
//
//   - Join: from the start of dialling to SUBSCRIBE_ACK; first media: from there to
//     the first packet of sound.
//   - Delivered: packets that came, of those that were due: 50 a second of sound for
//     each attendee, and each video packet for each who watches.
//   - Delay, mouth to ear: some talkers' speech has clicks in it. A sampled listener
//     decodes the mix and looks for them. The delay is from the sending of the packet
//     that begins with the click to the arrival of the packet that has it, plus the
//     click's place in that packet. It holds the server's jitter buffer, decoding,
//     mixing and encoding, the look-ahead of both encoders (6.5 ms each), and the
//     waiting of this program for a processor. It holds neither the 20 ms that a
//     browser needs to fill a packet nor a listener's own jitter buffer.
//   - Concealed: of the sampled listeners' sound, what a jitter buffer like a browser's
//     would have had to make up because packets were lost or late.
//   - The server's CPU time and memory, from the process table, if its process id is
//     given. The cost of a join is what joining took beyond the cost of serving those
//     who are there already, which is measured while all are silent.
//
// # Files
//
// options.go and report.go are the two ends. run.go is the course of a run and
// churn.go its coming and going; provision.go calls the API. attendee.go is one
// attendee, made of session.go (signaling), link.go, pipe.go and offer.go (media
// connection). speech.go, film.go and pacer.go make and send media; poller.go and
// ear.go receive it; process.go looks at the server.
package meeting
