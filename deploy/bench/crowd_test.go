package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/bench/result"
)

// The machine halves its speed from one pair of windows to the next: the medians
// of all windows would differ, what stands next to each other does not.
func TestACrowdIsComparedWindowByWindow(t *testing.T) {
	window := func(perSecond, worker, temporal float64) result.Window {
		return result.Window{Payments: 100, Seconds: 10, PerSecond: perSecond,
			CPUMS: map[string]float64{"worker": worker, "api": 2, "temporal": temporal, "postgres": 10, "sandbox": 99}}
	}
	few := &crowd{Waiting: 100, Windows: []result.Window{window(40, 8, 20), window(20, 18, 50), window(10, 38, 110)}}
	many := &crowd{Waiting: 20000, Windows: []result.Window{window(30, 10, 26), window(20, 18, 50), window(11, 34, 98)}}
	var out strings.Builder
	many.compare(&out, few)
	require.Equal(t, "20000 to 100 waiting, side by side: 1.00 × [0.75–1.10] a second; "+
		"CPU of worker and API 1.00 × [0.90–1.20], of Temporal and PostgreSQL 1.00 × [0.90–1.20]\n", out.String())
}
