//go:build !race

package target

// raceDetector tells that the test was built with the race detector.
const raceDetector = false
