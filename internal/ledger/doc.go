// Package ledger is the durable, ordered log of every meeting. It stores opaque
// bytes: what they mean is the business of internal/meeting and
// internal/control.
//
// # What a caller may rely on
//
//   - One Append is one entry, whole or not at all, and it names the revision it
//     was decided on. When somebody else wrote first it fails with ErrStale and
//     nothing is stored.
//   - An entry whose Append returned nil is on the disk: it survives kill -9 and
//     a power cut. An entry that Load or Scan shows is on the disk too.
//   - ErrUnavailable means that the outcome is not known. Drop what was cached
//     about the meeting and Load it before deciding again.
//   - ErrFull and ErrBusy mean that the disk is full, or that no descriptors are
//     left. They pass by themselves; Urgent entries have room kept for them.
//   - Fault fires when the disk can no longer be trusted. The process must then
//     end; until it does, every call answers ErrUnavailable, so that nothing is
//     acknowledged that may be lost.
//
// # How it is built
//
// A NATS JetStream server runs inside the process, without any listener, and is
// reached through in-memory connections. Meetings are spread by a hash of their
// id over a number of streams ("shards") fixed when the data directory is
// created; each meeting is one subject of its stream, and the revision of an
// entry is its sequence in the stream. JetStream answers a write only after
// fsync because the server runs with sync_interval "always", which Open checks.
// A single stream flushes one write at a time, so the shards are what lets
// several flushes run side by side.
//
// Read the files in this order:
//
//   - ledger.go: the types, Open and Close.
//   - append.go: writing, and what happens when no answer comes.
//   - read.go: Load and Scan.
//   - expiry.go: how the entry of an ended meeting vanishes.
//   - fault.go: when to give up, and when only to wait.
//   - space.go, ballast.go, descriptors.go, revive.go: how to get through a full
//     disk and a full table of descriptors.
//   - witness.go, blocks.go: how damage is noticed at the start.
//   - server.go, streams.go, layout.go, envelope.go: the embedded server, its
//     streams, the data directory and the bytes of an entry.
package ledger
