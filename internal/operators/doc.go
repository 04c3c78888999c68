// Package operators knows who may use the operators' console and commands, and
// what each of them may do.
//
// There is one operator with the name "operator", who has the server's operator
// secret, and as many more as a file names: each with a secret of its own, of
// which the file has a bcrypt hash only, and a role. Load reads such a file, a
// Roster is everybody, Hash makes what stands in the file.
//
// Admit, in front of every door that operators have, slows down who guesses.
//
// A Standing is what somebody was when signing in. Once the file names
// that person no more, or with another secret or role, Roster.Current says so,
// and what was begun with the old standing has to end.
package operators
