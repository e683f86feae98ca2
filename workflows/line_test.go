package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func (b *fakeBooks) LineBefore(context.Context, string, time.Time) (store.Line, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line == nil {
		return store.Line{}, nil
	}
	return b.line(), nil
}

// After an outage the older registrations go first. The patient has the
// temporary voucher meanwhile, and the payment is registered once.
func TestAPaymentStepsBackBehindOlderOnes(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.begins()
	w.paysAt(20*time.Second, payment.WeChat, 1)
	moved := noon.Add(10 * time.Minute)
	w.books.line = func() store.Line {
		if w.now().Before(moved) {
			return store.Line{Ahead: 100, First: noon.Add(-time.Hour)}
		}
		return store.Line{Ahead: 3, First: noon}
	}
	var before []string
	w.after(10*time.Minute-time.Second, func() { before = w.asked("his") })
	w.ends(payment.Completed, "")
	require.Empty(t, before, "it is not its turn")
	require.Len(t, w.asked("his register"), 1)
	require.WithinRange(t, w.now(), moved, moved.Add(2*time.Minute), "and soon after it is, it goes")
}
