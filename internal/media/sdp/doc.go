// Package sdp reads the offers of browsers and writes the answers to them.
//
// It is made for one situation: the other side always offers, this side always
// answers, everything is bundled on one transport, and this side is ICE lite
// with all its candidates in the answer. Within that, Parse takes whatever
// Chromium, Firefox, Safari and Pion write and keeps the parts that matter;
// Negotiate picks the codecs and header extensions to use of a section; and
// Answer.String writes the text, with CRLF line ends (the client edits it line
// by line).
//
// The package has no state, does no I/O and never panics: what it cannot read
// it refuses with ErrSyntax.
package sdp
