package main

import (
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/bench/result"
)

// TestMain lets the test's own binary be an arm's process, as the comparison's
// is.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "serve") {
		main()
		return
	}
	os.Exit(m.Run())
}

// Every arm is played for a moment, and its books are held against everybody
// else's, as after each turn of the comparison. The figures mean nothing.
func TestEveryArmTakesPaymentsToTheirEnd(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	b := &bench{runCommand: runCommand{Window: time.Second}, self: self, out: io.Discard}
	arms := b.arms()
	require.Equal(t, result.Arms(), names(arms))
	for _, a := range arms {
		t.Run(a.name, func(t *testing.T) {
			s, err := b.open(t.Context(), a)
			require.NoError(t, err)
			defer func() { require.NoError(t, s.close(t.Context())) }()
			require.NoError(t, s.slow(t.Context(), 0))
			l := result.Load{AtOnce: 2}
			w, err := b.measure(t.Context(), s, 1, l, 0)
			require.NoError(t, err)
			require.Positive(t, w.PerSecond)
			require.Positive(t, w.WALFlushes)
			require.Positive(t, w.Answer.P50)
			require.LessOrEqual(t, w.Answer.P50, w.Whole.P50)
			require.Equal(t, a.histories, w.HistoryEvents > 0)
			require.Equal(t, a.vouchers != nil, w.Voucher.Count > 0)
			if most, ok := map[string]float64{result.Wechat: 20, result.Mixed: 32}[a.name]; ok {
				require.LessOrEqual(t, w.HistoryEvents, most, "the budget of events")
			}
			done := int(s.done.Load())
			require.NoError(t, a.check(t.Context(), s, done))
			if a.vouchers != nil {
				require.Error(t, a.check(t.Context(), s, done+1), "a payment that is missing is found")
			}
		})
	}
}

func names(arms []arm) []string {
	var all []string
	for _, a := range arms {
		all = append(all, a.name)
	}
	return all
}
