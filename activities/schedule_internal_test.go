package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
)

func TestTheTimeToTheNextLookGrowsAndStaysBounded(t *testing.T) {
	now := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	for _, ch := range payment.Channels() {
		c := channel.Charge{Channel: ch}
		var sum, last time.Duration
		for attempt := int32(1); attempt < 100; attempt++ {
			d := nextLook(c, attempt, now)
			require.Positive(t, d)
			require.GreaterOrEqual(t, d, last, "%s, look %d", ch, attempt)
			require.LessOrEqual(t, d, 30*time.Minute)
			if last, sum = d, sum+d; attempt == 4 && ch == payment.Insurance {
				require.LessOrEqual(t, sum, 45*time.Second, "the insurance usually clears within 45 s")
			}
		}
		require.Equal(t, nextLook(c, 1, now), nextLook(c, 0, now), "an attempt that is not counted is the first")
		require.Equal(t, nextLook(c, 99, now), nextLook(c, 1<<30, now))
	}
}

func TestTheEndOfAChargeIsLookedForWhenItsTimeIsOver(t *testing.T) {
	now := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name    string
		ch      payment.Channel
		left    time.Duration // until the charge's time is over
		atMost  time.Duration
		atLeast time.Duration
	}{
		{"before its end", payment.UnionPay, 20 * time.Second, 50 * time.Second, 20 * time.Second},
		{"right after it", payment.UnionPay, -time.Second, 30 * time.Second, time.Second},
		{"long after it", payment.UnionPay, -time.Hour, 30 * time.Minute, 30 * time.Minute},
		{"the insurance has no such time", payment.Insurance, 20 * time.Second, 5 * time.Minute, 5 * time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := nextLook(channel.Charge{Channel: tc.ch, ExpiresAt: now.Add(tc.left)}, 99, now)
			require.LessOrEqual(t, d, tc.atMost)
			require.GreaterOrEqual(t, d, tc.atLeast)
		})
	}
}

func TestAChargeThatWaitsForItsPatientIsLookedAtSeldom(t *testing.T) {
	now := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	for _, ch := range []payment.Channel{payment.WeChat, payment.UnionPay} {
		c := channel.Charge{Channel: ch, ExpiresAt: now.Add(15 * time.Minute)}
		looks := 0
		for at := now; at.Before(c.ExpiresAt); at = at.Add(nextWatch(c, int32(looks), at)) {
			looks++
		}
		require.LessOrEqual(t, looks, 3, "in the patient's quarter of an hour")
		require.GreaterOrEqual(t, looks, 2)
	}
	insured := channel.Charge{Channel: payment.Insurance}
	require.Equal(t, nextLook(insured, 3, now), nextWatch(insured, 3, now), "which nobody stands in front of")
}

func TestTheTimeToTheNextLookAtARefundGrows(t *testing.T) {
	var last time.Duration
	for attempt := int32(0); attempt < 50; attempt++ {
		d := nextRefundLook(attempt)
		require.Positive(t, d)
		require.GreaterOrEqual(t, d, last)
		last = d
	}
	require.Equal(t, 2*time.Hour, last)
}
