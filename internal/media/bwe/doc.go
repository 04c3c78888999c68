// Package bwe estimates how much can be sent to one receiver: bandwidth
// estimation by transport-wide congestion control
// (draft-holmer-rmcat-transport-wide-cc-extensions-01). The receiver reports when
// each numbered packet arrived; growing delay means that a queue builds up
// somewhere, and loss that it is full.
//
//	seq := e.Sent(size, now)      // for each packet, in the order of sending
//	e.Feedback(report, now)       // for each report
//	bps, known := e.Estimate(now) // whenever something is to be decided
//
// It follows Google's congestion control (draft-ietf-rmcat-gcc-02, "the draft"
// below; "libwebrtc" where its constants are taken from that implementation) in a
// trend line over the delays, an adaptive threshold, and additive or
// multiplicative increase with multiplicative decrease. It differs where what is
// sent cannot be chosen freely, as a camera's rate cannot: what gets through
// without a queue is believed at once, the estimate stays within reach of what is
// being delivered, and what lies beyond is found by probes (Probe), during
// which the caller sends more than the media needs.
//
// There is no clock, no goroutine and no lock: time is an argument, and whoever
// shares an Estimator locks it, in the same critical section that sends the
// packet, so that numbers leave in their order.
package bwe
