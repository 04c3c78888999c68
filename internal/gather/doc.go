// Package gather answers what is not about one meeting, in a cluster: it asks
// the owners of all slots side by side and makes one answer of what they say.
//
// A list is whole or it is none. Each node says for which slots its part is
// complete, and has looked at its lease after reading it; until the parts cover
// every slot, all are asked again, and after Config.Patience the caller is told
// to come back. So a list has every meeting whose creation was acknowledged
// before it was asked for, at whatever node.
//
// What is kept of ended meetings every node has for itself, see package history.
//
// Quotas are counted less strictly: see Nodes.Elsewhere.
//
// Nodes ask each other by HTTP on the port that package route's requests come
// in on. A question has a header that route takes away from what callers send.
package gather
