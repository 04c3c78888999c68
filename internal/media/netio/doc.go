// Package netio moves datagrams between the network and the media server, many
// per system call. It knows nothing of what is inside them.
//
// UDP is one port shared by everybody. On Linux a read takes as many datagrams
// as are waiting (recvmmsg), and what is sent is queued until Flush hands the
// queue to the kernel at once (sendmmsg), with equal-sized runs to one receiver
// joined into one message that the kernel cuts up again (UDP segmentation
// offload). A busy socket is read every few milliseconds only, since waking up is
// what costs; when a datagram arrived the kernel tells. Elsewhere the same calls
// work one datagram at a time.
//
// Stream is the TCP fallback: the same datagrams, each behind a two-byte length
// (RFC 4571), on one connection per client.
//
// The clock here is the kernel's: it tells when a datagram arrived and ends waits.
// So there is none to be given; whoever is handed a datagram is told the time.
//
// A received datagram is valid only during the call that delivers it. A Buffer
// is what travels the other way: Get one, fill it, give it away with Send.
package netio
