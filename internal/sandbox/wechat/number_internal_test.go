package wechat

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A transaction's number pays for one thing only, so no two are the same, also
// of those that are made within one second.
func TestNoTwoNumbersOfThePlatformAreTheSame(t *testing.T) {
	s := &Server{numbers: mostNumbers - 2}
	now := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	seen := map[string]bool{}
	for range 20_000 {
		number := s.channelNumber("420", now)
		require.Regexp(t, `^420000020260105160000\d{7}$`, number)
		require.False(t, seen[number], number)
		seen[number] = true
	}
}
