//go:build race

package stack

// ownerHasRaceDetector makes tests that run with the race detector run regpay's
// programs with it too.
const ownerHasRaceDetector = true
