//go:build !race

package stack

const ownerHasRaceDetector = false
