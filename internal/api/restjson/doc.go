// Package restjson is the JSON side of the API: it reads request bodies,
// gathers what is wrong with them in the words AWS front ends use, and writes
// responses.
//
// Reader is a strict pull reader. A program walks the members it knows and
// never sees the others:
//
//	r := restjson.Read(body)
//	for name := range r.Object(names) { // names: []string{"ExternalUserId", …}
//		switch name {
//		case "ExternalUserId":
//			in.externalUserID = r.Text()
//		…
//		}
//	}
//	err := r.End() // what broke, if anything; every read after a fault is empty
//
// It is written here, rather than taken from a library, for rules that
// encoding/json does not keep: member names are case-sensitive (API
// decision D-03), null equals absent, a member given twice is refused, invalid
// UTF-8 and unpaired surrogates are refused instead of replaced (two different
// ids must not become one), nesting is bounded, and a wrong type is reported
// with its path but never its value. FuzzReaderAgreesWithStandardLibrary holds
// its reading of JSON to encoding/json. Once the standard library's
// encoding/json/jsontext is stable in the Go version used here, it keeps most
// of these rules too: then only the face of Reader need stay.
//
// Violations gathers every broken constraint of a request before one answer
// names them all.
package restjson
