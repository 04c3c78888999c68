// Package outbox carries events to their destinations: in order within a
// meeting, side by side between meetings, again and again until they are taken
// or given up.
//
// A Destination is one queue, topic, function, bus or web hook. Each meeting has
// a Lane to it: one event at a time, the next only when the one before it was
// taken or has become a dead letter. Lanes never wait for each other, and
// destinations know nothing of each other. When a destination refuses all of
// its lanes its circuit opens: one lane tries on, the others wait, and the first
// success lets them go on, one, two, four at a time.
//
// Nothing here is on disk. What waits is made again from the meetings' logs
// after a crash; Lane.Progress tells how far it came, which package notify
// writes down. What is given up goes to the shelf through Config.Bury, and only
// then counts as done.
//
//   - refusal.go: what a failed attempt means.
//   - destination.go: putting in, backlog limits, what is seen from outside.
//   - lane.go: the events of one meeting on their way to one destination.
//   - work.go: the attempts and what follows from them.
//   - many.go: several events in one request.
//   - circuit.go: when everything fails.
package outbox
