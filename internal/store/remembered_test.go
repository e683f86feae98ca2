package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
)

// What a process remembers of a payment may be old: that nothing is left to do
// is what the books say.
func TestAMoveThatWasMadeAndTakenBackIsMadeAgain(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	own, other := steps{b.Store, "ORDER0001"}, steps{openStore(t, b.dsn, b.keys), "ORDER0001"}
	own.upTo(t, payment.AwaitingPayment)
	before := lines(t, b, own.id())
	for n := range 3 {
		require.NoError(t, own.move(ctx, payment.Suspended))
		require.Equal(t, payment.Suspended, status(t, b, own.id()))
		require.NoError(t, other.move(ctx, payment.AwaitingPayment))
		require.Equal(t, payment.AwaitingPayment, status(t, b, own.id()))
		require.Equal(t, before+2*(n+1), lines(t, b, own.id()))
	}
	b.requireRight(t, own.id())
}

// A step that is repeated at once is not tried by what its first call has left
// when that does not tell: the database has nothing to refuse.
func TestRepeatsOfAProcessThatRemembersAreKnown(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	store, w := b.overWire(t)
	s := steps{store, "ORDER0001"}
	s.upTo(t, payment.Pending)
	for n := range 2 {
		a, err := s.begin(ctx, 1, 5000)
		require.NoError(t, err)
		require.Equal(t, n == 1, a.Existed)
	}
	first, err := s.capture(ctx, "wx-1")
	require.NoError(t, err)
	require.NoError(t, s.prepaid(ctx), "the channel's answer is kept after its money came")
	again, err := s.capture(ctx, "wx-1")
	require.NoError(t, err)
	require.True(t, again.Repeated)
	require.Equal(t, first.VoucherCode, again.VoucherCode)
	require.Empty(t, w.refusals())
	b.requireRight(t, s.id())
}

// A payment that fell out of the memory is read.
func TestMorePaymentsUnderWayThanAreRemembered(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	s, w := b.overWire(t)
	at := func(n int) steps { return steps{s, fmt.Sprintf("ORDER%04d", n)} }
	const many = 5000
	for n := range many {
		_, err := s.OpenPayment(ctx, opening(request(at(n).order, 1, 5000)))
		require.NoError(t, err)
	}
	trips := func(n int) int {
		w.counted()
		_, err := at(n).begin(ctx, 1, 5000)
		require.NoError(t, err)
		return w.counted()
	}
	trips(0) // prepares the statements
	require.Equal(t, 2, trips(1))
	require.Equal(t, 1, trips(many-1))
}
