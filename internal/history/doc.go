// Package history keeps what happened to the connections of meetings: the
// steps of each join, what the line was like, and why it ended; and the joins
// that were refused. The signaling door tells it, operators ask it.
//
// It knows attendees by their ids and nothing of sockets, sessions or media.
// Everything is kept in memory, and everything is bounded. A
// meeting that has ended is remembered without the samples of its connections,
// until enough others have ended.
//
//	log := history.New()
//	m := log.Meeting(id)           // begins, or finds, a meeting
//	c := m.Open(history.Start{…})  // a connection whose token was valid
//	c.Step(observe.StepJoin, now)  // and so on
//	c.End(observe.Left, now, "")   // how it went
//	c.Close()                      // the socket is gone
//	log.Retire(id, now)            // the meeting is over
//
// Locks: a Log's mu guards the list of meetings, a Meeting's mu its
// connections, taken in this order. Nothing of a caller's is called with them,
// so every method may be called with whatever lock the caller holds. All
// methods are safe for concurrent use.
package history
