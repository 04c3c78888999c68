// Package console serves what people look at: the meeting page, the operators'
// console and the API explorer, with the JSON and the event streams behind
// them.
//
// Addresses:
//
//	/  /m/{code}              the meeting page
//	/join                     the same, for a seat that is pasted in
//	/demo/…                   its backend (package demo), unless switched off
//	/operator/…               the console, one page with its own addresses
//	/operator/explorer        the API explorer; it talks to the public API only
//	/operator/api/…           the console's JSON and event streams
//	/assets/…                 scripts and styles, with a hash in every name
//
// The pages are TypeScript in the folder web, built into the folder
// pages/dist beside this file and embedded. A binary built without them runs
// and serves pages/missing.html instead.
//
// How the parts hang together:
//
//   - source.go declares what the console needs to know of the server:
//     Directory (meetings, attendees, records), Live (who is connected and
//     how), Actions (what an operator may do). The control plane and the
//     signaling door are these. What they tell has the types of package
//     observe, and goes to the pages as it is.
//   - listing.go, watching.go, people.go and records.go read that for the
//     list of meetings and for one meeting, and put a meeting's log into words.
//   - session.go and signin.go let operators in: a secret compared in constant
//     time, tries limited per address, a cookie scripts cannot read, and a
//     second token in a header on every change.
//   - feed.go turns periodic readings of the sources into differences, and
//     stream.go sends them as server-sent events. A source is only read
//     while somebody looks, and a beat follows each reading: see beat.
//   - actions.go carries out what an operator asked for; who did it goes into
//     the meeting's record.
//   - health.go has how the nodes fare and the ends of their logs.
//   - destinations.go is the page of who is told of events.
//   - recordings.go begins and ends recordings, lists them and sends their
//     files, with ranges, so that they play. A file is named by its number in a
//     recording: where it lies is no matter of the page's.
//   - deliveries.go shows and sorts out the events that are told to the outside,
//     for the command line.
//   - headers.go and pages.go hold the content security policy and the way
//     files are sent.
//
// Nothing here is cached by browsers or proxies except hashed assets, and no
// join token ever reaches a page of the console.
package console
