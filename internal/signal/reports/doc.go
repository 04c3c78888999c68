// Package reports takes what clients report about themselves: that they
// started, how, and what went wrong later. They post it to a meeting's
// EventIngestionUrl, three events at most at a time, and once more while their
// page goes away.
//
// Nothing of a report is kept. Its events are counted by name, for metrics, and
// written to the log at level debug; what the server itself sees of a
// connection is in package history.
//
// The address names the meeting, so that a report's token is checked before a
// byte of its body is read. Two kinds have to be read first: the last one of a
// page, which cannot carry headers and has its token in the body, and those
// sent to the address without a meeting, which clients were once given.
package reports
