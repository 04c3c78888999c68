// Package documentstest types what the documents show. Every block of shell
// commands in README, CONTRIBUTING, docs, examples and clients is run, in the
// order of its page and as it stands there, in an empty folder and in a network
// of its own, where all ports that a page names are free. A block that nobody
// runs fails the suite: one that has been added is run without anybody saying
// so, and one that cannot be run here stands in a table with the reason, or with
// the test that runs it instead.
//
// It has tests only. The table (plans_test.go) also says what the reader has by
// the time of a block, and what of a page is only shown to have the form of what
// it is. Run it with `make test-documents`, as root or where an unprivileged user
// may make namespaces; `make test-documents-slow` leaves loads and suites as long
// as the pages have them.
package documentstest
