// Package vitals measures how this node fares and keeps the figures of the last
// day, for operators who look at it in the morning.
//
// A Keeper reads the node at a fixed step (Fine) and writes down what happened
// since the reading before: a moment. The moments of the last hour are kept as
// they are, and one for each minute (Coarse) of the last 24 hours. Both rings
// have a fixed size, 160 kB together. The coarse one is also written into a
// file now and then and when the process ends, so that what led to a restart
// can still be seen after it.
//
// What a node reads of itself and its machine (processor, memory, disk) is in
// host.go, for Linux; everything else is the caller's to tell. What cannot be
// read is unknown, and never zero.
package vitals
