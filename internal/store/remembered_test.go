package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
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
	own, w := b.overWire(t)
	s := steps{own, "ORDER0001"}
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

// Whose a payment is never changes: the process that opened it knows, and every
// other reads it once.
func TestWhoseAPaymentIsIsReadOnce(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	opened, w := b.overWire(t)
	other := b.open(t, "ORDER0002", 5000)
	_, err := opened.OpenPayment(ctx, opening(request("ORDER0003", 1, 5000)))
	require.NoError(t, err)
	for _, tc := range []struct {
		id, order string
		trips     []int
	}{
		{id, "ORDER0001", []int{2, 0}}, // prepares the statement
		{other, "ORDER0002", []int{1, 0}},
		{payment.ID(hospital, "ORDER0003"), "ORDER0003", []int{0, 0}},
	} {
		for _, trips := range tc.trips {
			w.counted()
			ref, err := opened.Ref(ctx, tc.id)
			require.NoError(t, err)
			require.Equal(t, store.Ref{HospitalID: hospital, OrderNo: tc.order}, ref)
			require.Equal(t, trips, w.counted(), tc.order)
		}
	}
	for range 2 { // what is not there may come
		_, err := opened.Ref(ctx, payment.ID(hospital, "ORDER0004"))
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	b.open(t, "ORDER0004", 5000)
	_, err = opened.Ref(ctx, payment.ID(hospital, "ORDER0004"))
	require.NoError(t, err)
}
