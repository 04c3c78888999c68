// Package examples holds what an application of one's own may begin with: a
// backend and a page, quick starts, fixtures for tests and recipes for CI. It has
// tests only, which run each of them against the real server as it stands in its
// folder; README.md says what is what.
package examples
