// Package forward carries video from publishers to those who watch, without
// decoding it.
//
// The way of a packet:
//
//	Uplink ──► Layer ──► Track ──► Output
//
// An Uplink is one client's sending side: it finds out to which layer a packet
// belongs, unwraps retransmissions, asks for what is missing and reports back.
// A Publication is what the client publishes by one act; it has one Layer for
// each encoding (one, or up to three with simulcast). A Layer keeps the latest
// packets and hands each to the Tracks that take from it. A Track is one
// receiving section of one subscriber: it rewrites the numbers so that whatever
// happens upstream the subscriber sees one continuous stream, waits for a key
// frame before it changes to another layer, and sends again what was lost, within
// bounds. A Downlink is all Tracks of one subscriber, with the estimate of his
// bandwidth (package bwe) and, if he wants, the choice of layers by it.
//
// A Tap takes a Layer's packets beside all that: for a recorder, who is sent
// nothing.
//
// All work for a packet is done in the goroutine that brings it. Locks are taken
// in the order Downlink.mu, Layer, Track, Downlink.sending; the Output's locks come
// last.
package forward
