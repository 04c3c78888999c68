// Package transport connects clients: ICE lite, DTLS and SRTP for everybody on
// one UDP port and one TCP port.
//
// A Listener owns the ports and the certificate. Open makes a Conn with ICE
// credentials of its own; once the client's side is known (SetRemote) the Conn
// answers connectivity checks, and from the first good check on the DTLS
// handshake runs, this side being the server. Then RTP and RTCP flow, decrypted
// for the Handler and encrypted by SendRTP and SendRTCP.
//
// ICE lite (RFC 8445 §2.5) means that this side only answers checks. Which way
// to send is learned from the client: the nominated way first, and then always
// the way by which its last authentic packet came, so that a client that moves
// to another network is followed at once. A client from which nothing authentic
// has come for Config.Timeout is gone (its consent, RFC 7675, has expired: it
// checks every few seconds even when silent).
//
// A received packet is handled to its end in the goroutine that read it; see
// netio for how reads and writes are batched.
package transport
