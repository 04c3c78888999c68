// Package ledger is the durable, ordered log of every meeting. It stores opaque
// bytes: what they mean is the business of internal/meeting and
// internal/control.
//
// # What a caller may rely on
//
//   - Meetings lie in slots (meeting.Slots). Log.Adopt makes this process the
//     owner of slots and shows all that is in them. From then on nobody else
//     can write there, until somebody adopts them in turn; then every call on
//     the Slot answers ErrLost.
//   - One Append is one entry, whole or not at all. When it returns nil, the
//     entry is on the disk, or on those of most replicas: it survives kill -9, a
//     power cut and, with three replicas, the loss of a node.
//   - An error says that nothing was stored, but for ErrLost and a fault, after
//     which this process has no say in the slot, and for a *Pending, which tells
//     later.
//   - ErrFull and ErrBusy mean that the disk is full, or that no descriptors are
//     left. They pass by themselves; Urgent entries have room kept for them.
//   - Fault fires when the disk can no longer be trusted. The process must then
//     end; until it does, every call answers ErrUnavailable, so that nothing is
//     acknowledged that may be lost.
//
// # How it is built
//
// A NATS JetStream server runs inside the process, alone without any listener,
// in a cluster with one for the other nodes, and is reached through in-memory
// connections; Config.URL leads to one that somebody else runs. The slots share a few streams; each meeting is one subject, and
// the sequence of an entry in the stream is its place. JetStream answers a
// write only after fsync because the server runs with sync_interval "always",
// which Open checks. Alone, a stream flushes one write at a time, so several
// streams let flushes run side by side; with replicas, a stream combines what
// waits, so there are few.
//
// Read the files in this order:
//
//   - ledger.go: the types, Open and Close.
//   - slot.go: the fence. adopt.go: how a slot is had and read.
//   - append.go: writing, and what happens when no answer comes. queue.go: the
//     same with replicas. read.go: reading one meeting back.
//   - memo.go: what a slot's owner leaves for the next.
//   - shelf.go, kept.go: what outlives the meetings.
//   - expiry.go: how ended meetings vanish. keeper.go: how markers do not.
//   - fault.go: when to give up, and when only to wait.
//   - space.go, ballast.go, descriptors.go, revive.go: how to get through a full
//     disk and a full table of descriptors.
//   - start.go, witness.go, blocks.go: how damage is noticed at the start.
//   - share.go, move.go: how nodes find the same streams, and how one machine's
//     meetings get there.
//   - engine.go, server.go, streams.go, layout.go, subjects.go, message.go: the
//     embedded server, its streams, the data directory and the bytes of a
//     message.
package ledger
