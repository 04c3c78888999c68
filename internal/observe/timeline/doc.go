// Package timeline puts what is stored of a meeting, its records and the media
// side's facts, into the words and types of package observe:
//
//	Line, Fact    one entry of a meeting's log as a line that is shown
//	Roster        everybody who was ever invited, also after removal
//	Read          all of one meeting at this moment, with its connections
//
// The operators' console follows a meeting with Line and Roster as records
// come; the application API and the archive of ended meetings Read it whole.
package timeline
