// Package transport connects clients: ICE lite, DTLS and SRTP for everybody on
// one UDP port and one TCP port.
//
// A Listener owns the ports and the certificate. Open makes a Conn with ICE
// credentials of its own; once the client's side is known (SetRemote) the Conn
// answers connectivity checks. Once an address has agreed to being sent to, the
// DTLS handshake runs, this side being the server. Then RTP and RTCP flow,
// decrypted for the Handler and encrypted by SendRTP and SendRTCP.
//
// ICE lite (RFC 8445 §2.5) means that this side gathers nothing and nominates
// nothing: each candidate pair is learned from a check of the client's. Which pair
// to send by is learned too: first the nominated one, and then always the one by
// which the last authentic packet came, so that a client that moves to another
// network is followed. But before anything is sent to an address beside answers
// to checks, it must have answered a request of ours, signed with the client's
// password, within the last 30 seconds (RFC 7675): whoever forges a source
// address can sign his own packets, but not answer what he never receives. For
// the same reason the address of a client cannot be claimed for another Conn.
//
// A client from which nothing authentic has come for Config.Timeout is gone; so
// is one that leaves our requests unanswered until its consent expires.
//
// A received packet is handled to its end in the goroutine that read it; see
// netio for how reads and writes are batched.
package transport
