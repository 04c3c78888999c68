// Package turn is the embedded TURN server: the way to a meeting for networks
// that let nothing through but one well-known port, or TLS. It is off unless
// an address is configured.
//
// It is not a relay to the world. A client is given credentials when it joins
// a meeting, good for a limited time and signed, not stored: the user name is
// the expiry and the attendee, the password its HMAC. With them it gets an
// allocation, and everything it sends through that ends up at one place, this
// process's media port. Whoever else it names as peer is refused, by address
// when it asks for permission and by port when it sends. In return nothing but
// the media port can send to an allocation: its socket is connected, so the
// kernel drops the rest.
//
// That shape has a second use. The addresses clients know are the announced
// ones, which this machine may not be able to reach itself (a NAT without
// hairpin). Since there is only one destination, packets go to it directly,
// usually over loopback, and answers are relabelled with the announced address
// the client had sent to.
//
// The protocol itself (RFC 8656, RFC 8489) is Pion's; see relay.go for what is
// put under it and conns.go for how its TCP connections are bounded.
package turn
