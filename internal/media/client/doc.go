// Package client is the client's side of a media connection, for tests and
// load generators. It speaks just enough ICE, DTLS and SRTP to exchange media
// with a server that answers as Carillon does, and costs a fraction of a full
// browser stack, so that hundreds of clients fit beside the server they load.
//
// A client's life:
//
//	cert, err := client.NewCertificate() // one for all clients
//	c, err := client.New(cert)
//	c.OnRTP = func(h *rtpx.Header, pkt []byte, at time.Time) { ... }
//	answer := ...                           // of the server, to c.Offer(...)
//	err = c.Connect(ctx, answer)
//	c.SendAudio(opusPacket, level)
//	c.Close()
package client
