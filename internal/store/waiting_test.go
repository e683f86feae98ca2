package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// A step that has to wait for another one of its payment goes by all that the
// other has written, not by what was there when it began to wait.
func TestAStepThatWaitsForAnotherSeesAllThatItDid(t *testing.T) {
	ctx := t.Context()
	for _, tc := range []struct {
		name    string
		from    payment.Status
		holds   func(steps) error // the row, until it commits
		waits   func(steps) error
		now     payment.Status
		attempt channel.State
	}{
		{name: "with its writing", from: payment.AwaitingPayment,
			holds: func(s steps) error { _, err := s.capture(ctx, "wx-1"); return err },
			waits: func(s steps) error { return s.prepaid(ctx) },
			now:   payment.Paid, attempt: channel.Captured},
		{name: "after a refusal by the payment", from: payment.AwaitingPayment,
			holds: func(s steps) error { _, err := s.capture(ctx, "wx-1"); return err },
			waits: func(s steps) error { return s.registered(ctx) },
			now:   payment.Registered, attempt: channel.Captured},
		{name: "after a refusal by the attempt", from: payment.Pending,
			holds: func(s steps) error { _, err := s.begin(ctx, 1, 5000); return err },
			waits: func(s steps) error { return s.prepaid(ctx) },
			now:   payment.AwaitingPayment, attempt: channel.Open},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBooks(t)
			own := steps{b.Store, "ORDER0001"}
			own.upTo(t, tc.from)
			before := lines(t, b, own.id())
			done := make(chan error, 1)
			other, w := b.overWire(t)
			w.interrupt(beforeWriting, func() {
				// So that it has to take the lock.
				assert.NoError(t, b.ViewLogged(ctx, store.Viewing{PaymentID: own.id(), By: "li", Address: "10.0.0.1"}, noon))
				w.interrupt("COMMIT", func() {
					go func() { done <- tc.waits(own) }()
					var waiting bool
					assert.Eventually(t, func() bool {
						err := b.db.QueryRowContext(ctx, `SELECT count(*) = 1 FROM pg_stat_activity
                             WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
						return err != nil || waiting || len(done) > 0
					}, 20*time.Second, time.Millisecond)
					assert.True(t, waiting, "it waits for the lock")
				})
			})
			require.NoError(t, tc.holds(steps{other, own.order}))
			require.True(t, w.interrupted())
			require.NoError(t, <-done)
			require.Equal(t, tc.now, status(t, b, own.id()))
			require.Equal(t, 2, lines(t, b, own.id())-before)
			a, err := b.Attempt(ctx, own.id(), 1)
			require.NoError(t, err)
			require.Equal(t, tc.attempt, a.State)
			b.requireRight(t, own.id())
		})
	}
}
