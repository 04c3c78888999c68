// Package demo is the backend of Carillon's own meeting page: the part that
// every customer of the API writes for themselves. It holds an API key, turns
// a meeting code that people pass around into a meeting, and gives each person
// an attendee of their own. It uses the public API through the AWS SDK for Go
// and nothing else of the server, so it is also an example to copy.
//
// Two addresses, both POST with JSON:
//
//	/demo/meetings                     a fresh code; nothing is created yet
//	/demo/meetings/{code}/attendees    joins: {"name", "who"}
//
// A code carries a short checksum under the key, so that a mistyped one is
// refused instead of opening an empty meeting. The code is the meeting's
// ClientRequestToken: whoever comes first creates the meeting, everybody else
// gets the same one, and nothing needs to be stored here.
//
// A code is good for a day or two. One address may have begun five meetings
// that are still open; the key should belong to an account of its own with a
// small quota of meetings, so that strangers use up nobody else's.
//
// People are not known to this backend: whoever has the link may join. Switch
// it off where that is not wanted.
package demo
