// Package gate stands in front of all doors of the HTTP port. It decides which
// connections and requests come in and how long they may take, once for all
// that lies behind, so that no door can forget it:
//
//   - Connections (connections.go) bounds the open connections, in total and of
//     one address. When there are too many, the one that has been idle for
//     longest makes room; only when none is idle is the newcomer sent away.
//   - A connection (conn.go) must take what is written to it: a write makes
//     progress within WriteStall or the connection ends.
//   - Handler (handler.go) has bodies arrive in time and at a minimum pace, and
//     ends connections whose requests could be cut differently by a proxy.
//   - Hosts (hosts.go) are the names the server answers to. A web page on
//     another name that was made to lead here (DNS rebinding) gets nothing.
//
// It knows nothing of what the doors serve.
package gate
