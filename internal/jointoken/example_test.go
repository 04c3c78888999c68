package jointoken_test

import (
	"bytes"
	"fmt"

	"github.com/carillon-meetings/carillon/internal/jointoken"
)

// The one that answers CreateAttendee mints a token; the one that takes the
// connection checks it with nothing but the same secret.
func ExampleKey() {
	secret := bytes.Repeat([]byte("s"), jointoken.MinSecret) // from the data directory
	key, err := jointoken.NewKey(secret)
	if err != nil {
		panic(err)
	}
	meeting, attendee := [16]byte{0: 1}, [16]byte{0: 2}
	token := key.Mint(meeting, attendee)
	fmt.Println(len(token), "characters")

	who, ok := key.Verify(meeting, token)
	fmt.Println("in its meeting:", ok, who == attendee)

	_, ok = key.Verify([16]byte{0: 3}, token)
	fmt.Println("in another meeting:", ok)

	// Output:
	// 98 characters
	// in its meeting: true true
	// in another meeting: false
}
