package main

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/chaos/check"
)

// short is a run for every day: the essential faults, once each.
func short() options {
	return options{Seed: 20260331, Payments: 60, Stream: 18 * time.Second, Pace: 1500 * time.Millisecond,
		Window: 20 * time.Second, Heal: 4 * time.Minute}
}

// TestAShortRunViolatesNothing plays the short run, and then breaks what it
// left behind: what the channels have is changed under regpay's feet, as if the
// product had done otherwise, and has to be found.
func TestAShortRunViolatesNothing(t *testing.T) {
	s, w, err := play(t.Context(), short(), os.Stderr)
	require.NoError(t, err)
	s.print(os.Stderr)
	require.Empty(t, s.Violations)
	require.Empty(t, s.GaveUp)
	require.Zero(t, s.ByPerson, "%v", s.Person)
	require.Positive(t, s.Outcomes["completed"])
	require.Equal(t, 60, s.Payments)

	for name, c := range map[string]struct {
		rule   string
		change func(*check.World)
	}{
		"a refund that was never made": {"I1", func(w *check.World) {
			i := slices.IndexFunc(w.Charges, func(c check.Charge) bool { return c.RefundedFen > 0 })
			require.NotEqual(t, -1, i)
			w.Charges[i].RefundedFen = 0
		}},
		"a second charge, since nobody asked after the first": {"I3", func(w *check.World) {
			i := slices.IndexFunc(w.Charges, func(c check.Charge) bool { return c.CapturedFen > 0 && c.RefundedFen == 0 })
			c := w.Charges[i]
			c.ChannelNo += "0"
			w.Charges = append(w.Charges, c)
		}},
		"a charge that left before it was written down": {"I5", func(w *check.World) { w.Attempts = w.Attempts[1:] }},
		"a registration that was lost": {"I2", func(w *check.World) {
			w.Appointments = slices.DeleteFunc(w.Appointments, func(a check.Appointment) bool { return a.Status == "booked" })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			doctored := w
			doctored.Charges, doctored.Attempts = slices.Clone(w.Charges), slices.Clone(w.Attempts)
			doctored.Appointments = slices.Clone(w.Appointments)
			c.change(&doctored)
			require.True(t, slices.ContainsFunc(check.Check(doctored), func(v check.Violation) bool { return v.Rule == c.rule }))
		})
	}
}
