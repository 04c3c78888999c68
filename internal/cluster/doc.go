// Package cluster decides which node owns which slot, and when a node may act
// as an owner.
//
// Meetings lie in slots. A slot has one owner at a time, which runs everything
// for the slot's meetings in memory. Three things keep that true:
//
//   - The assignment, one value in a replicated store, names every slot's owner.
//     It is changed by compare-and-set only (see Assignment).
//   - The lease: a node acts as an owner only while a majority of the nodes has
//     answered its last renewal within the lease time. An answer is a promise
//     not to help anybody take the node's slots before that time is over by the
//     answering node's own clock (see promises).
//   - Incarnations: a node whose lease has lapsed has no slots any more, whatever
//     the assignment says. It comes back by writing a new incarnation of itself
//     into the assignment, which puts its return and any take-over in an order.
//
// What a slot holds is none of this package's affair: it tells a Holder to
// adopt, release and drop slots. The log refuses the writes of a former owner
// by a fence of its own, so a mistake here costs availability and stale reads
// but never a record.
//
// One machine is a cluster of one node: its majority is itself, and it owns
// every slot.
package cluster
