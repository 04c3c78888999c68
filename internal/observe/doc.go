// Package observe says what may be seen of a meeting from outside: by
// operators in the console and by applications. It holds one plain type for
// each thing that is seen, with its names in JSON:
//
//	Meeting     a row of the list of meetings, with its Load
//	Attendee    somebody who was invited, with all connections
//	Session     one signaling connection, with its Steps of joining
//	Sample      one moment of a connection's sound, loss and rates
//	Stats       what media has counted for a connection since it began
//	Refusal     a join that was refused for its token
//	Record      one line of a meeting's log
//	Node        a node of the cluster
//	Destination a receiver of events
//	Letter      an event that was given up
//
// The control plane and the signaling door fill them, package history keeps
// those about connections, package console serves them, and the pages read
// them as they are: web/src/console/rows.ts repeats the JSON, and a golden file
// (internal/console/testdata) is compared from both sides.
//
// In JSON a moment is Unix milliseconds, 0 for none, and a length of time is
// whole milliseconds, unless the field says otherwise. "In" is from the client
// to the server, "Out" the other way. External user ids are personal: they are
// shown and never logged.
package observe
