// Package carillontest runs a Carillon server inside a Go test, so that an
// application which uses the Amazon Chime SDK can be tested against the whole
// API, and be told what it would hardly ever see otherwise: throttling, a
// failing call, a meeting that ends by itself, a client that loses its
// connection.
//
//	func TestStandup(t *testing.T) {
//		srv := carillontest.Start(t)
//		client := chimesdkmeetings.New(chimesdkmeetings.Options{
//			BaseEndpoint: aws.String(srv.Endpoint),
//			Region:       carillontest.Region,
//			Credentials:  credentials.NewStaticCredentialsProvider(carillontest.AccessKey, carillontest.SecretKey, ""),
//		})
//		…
//		srv.Throttle("CreateAttendee", 2) // the SDK tries again
//		srv.Advance(10 * time.Minute)     // nobody came: the meeting ends
//		srv.WaitForEvent(carillontest.Filter{Type: "MeetingEnded"})
//	}
//
// The server is the real one: `carillon serve --test-mode`, a process of its own
// on a free port of the loopback interface, whose data goes with the test. It
// accepts any credentials. Its binary is found in this order:
//
//   - the one that the option Binary names,
//   - the one that the environment variable TESTED_CARILLON names,
//   - one that is built from the module graph of the package under test, once for
//     each test process; Go's build cache makes that quick. It takes no more than
//     importing this package; the first time, Go fetches what the server is made
//     of. To have go.mod and go.sum name that, too, as for machines without a
//     network: go get -tool github.com/carillon-meetings/carillon/cmd/carillon
//
// Starting takes a tenth of a second, so that each test may have a server of its
// own. Tests that share one, from TestMain or by a parent test, keep apart by
// their meetings: events can be filtered by them, and faults be meant for an
// account. Reset and the clock are everybody's. For gives a test a shared server
// in its own eyes.
//
// Every method that talks to the server ends the test with Fatal when it cannot
// do what it is asked, and so must be called by the goroutine of the test.
package carillontest
