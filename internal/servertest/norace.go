//go:build !race

package servertest

// raceDetector tells that the test was built with the race detector.
const raceDetector = false
