// Package house holds the rules of the repository as tests: which package may
// import which, that every package explains itself, and that no name says
// nothing. It has no code of its own.
package house
