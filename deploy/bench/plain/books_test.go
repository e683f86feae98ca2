package plain

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
)

func TestARepeatedStartFindsTheFirstAndAsksForTheVerySameCharge(t *testing.T) {
	b := newBooks(t)
	first := opened(t, b, "R0000001", 5000)
	later := first
	later.created, later.payBy, later.index = noon.Add(time.Minute), noon.Add(time.Hour), "another"
	known, fresh, err := b.open(t.Context(), later, request("R0000001", 5000))
	require.NoError(t, err)
	require.False(t, fresh)
	require.Equal(t, first, known)
	require.Equal(t, chargeOf(first, request("R0000001", 5000)), chargeOf(known, request("R0000001", 5000)))
}

func TestMoneyCountsOnceHoweverOftenItIsTold(t *testing.T) {
	b := newBooks(t)
	opened(t, b, "R0000001", 5000)
	var counted atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, ok, err := b.settle(t.Context(), told(t, "R0000001", "wx-1", 5000), noon)
			assert.NoError(t, err)
			if ok {
				counted.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, counted.Load())
	for table, want := range map[string]int64{"captures": 1, "ledger": 4} {
		n, err := count(t.Context(), b.db, "SELECT count(*) FROM plain."+table)
		require.NoError(t, err)
		require.Equal(t, want, n, table)
	}
}

func TestMoneyThatIsNotThisPaymentsLeavesNoTrace(t *testing.T) {
	b := newBooks(t)
	opened(t, b, "R0000001", 5000)
	settled(t, b, "R0000002", 5000, noon)
	a := &arm{books: b}
	for name, n := range map[string]notice{
		"another amount":       told(t, "R0000001", "wx-1", 4999),
		"an unknown order":     told(t, "R0000009", "wx-9", 5000),
		"a second transaction": told(t, "R0000002", "wx-other", 5000),
	} {
		_, ok, err := b.settle(t.Context(), n, noon)
		require.NoError(t, err, name)
		require.False(t, ok, name)
		require.Error(t, a.compare(t.Context(), n), "%s is not acknowledged", name)
	}
	require.NoError(t, a.compare(t.Context(), told(t, "R0000002", "wx-R0000002", 5000)), "a repeat is")
	n, err := count(t.Context(), b.db, "SELECT count(*) FROM plain.captures")
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

func TestWhatACrashLeftIsCarriedOnByOneSweeperAlone(t *testing.T) {
	b := newBooks(t)
	for _, order := range []string{"R0000001", "R0000002", "R0000003", "R0000004"} {
		settled(t, b, order, 5000, noon)
	}
	settled(t, b, "R0000005", 5000, noon.Add(time.Hour)) // too young
	opened(t, b, "R0000006", 5000)                       // not paid
	completed(t, b, "R0000007", 5000)
	var mu sync.Mutex
	found := map[string]int{}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			left, err := b.left(t.Context(), noon.Add(time.Minute), noon.Add(time.Hour), 100)
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			for _, p := range left {
				found[p.order]++
				r, err := b.unseal(p)
				assert.NoError(t, err)
				assert.Equal(t, p.order, r.Order.OrderNo)
				assert.NotEmpty(t, p.voucher)
				assert.Equal(t, noon, p.at)
			}
		})
	}
	all.Wait()
	require.Equal(t, map[string]int{"R0000001": 1, "R0000002": 1, "R0000003": 1, "R0000004": 1}, found)
}

func TestAPaymentIsQueuedOnceAndNeverBeyondTheRoom(t *testing.T) {
	q := newQueue(2)
	one, two, three := paid{order: "1"}, paid{order: "2"}, paid{order: "3"}
	require.True(t, q.add(one))
	require.True(t, q.add(one), "it is here")
	require.True(t, q.add(two))
	require.False(t, q.add(three), "no room")
	require.Equal(t, one, <-q.next)
	require.True(t, q.add(one), "it is in hand")
	require.Len(t, q.next, 1)
	q.done(one)
	require.True(t, q.add(one), "it may come again")
	require.Len(t, q.next, 2)
}

func TestACommitCanBeTimedByItsCapture(t *testing.T) {
	b := newBooks(t)
	settled(t, b, "R0000001", 5000, noon)
	var took float64
	const read = `SELECT extract(epoch FROM now() - pg_xact_commit_timestamp(xmin)) FROM plain.captures`
	require.NoError(t, b.db.QueryRowContext(t.Context(), read).Scan(&took))
	require.Less(t, took, 60.0)
}

func TestTheCheckFindsWhatIsWrong(t *testing.T) {
	for name, damage := range map[string]string{
		"a payment too few":        `UPDATE plain.payments SET state = 'awaiting_payment', channel_no = '' WHERE order_no = 'R0000001'`,
		"one that stands still":    `UPDATE plain.payments SET state = 'in_review' WHERE order_no = 'R0000001'`,
		"no voucher":               `UPDATE plain.payments SET voucher_code = '' WHERE order_no = 'R0000001'`,
		"no appointment":           `UPDATE plain.payments SET appointment_id = '' WHERE order_no = 'R0000001'`,
		"one voucher twice":        `UPDATE plain.payments SET voucher_code = 'X'`,
		"another amount":           `UPDATE plain.captures SET amount_fen = 1`,
		"a capture of nobody":      `INSERT INTO plain.captures VALUES ('pay_x', now(), 1, 'x', 'x', '{}', '')`,
		"a capture that is gone":   `DELETE FROM plain.captures`,
		"a posting that is gone":   `DELETE FROM plain.ledger WHERE line = 4`,
		"a booking that is gone":   `DELETE FROM plain.ledger`,
		"a posting of another sum": `UPDATE plain.ledger SET amount_fen = amount_fen + 1 WHERE line = 2`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBooks(t)
			completed(t, b, "R0000001", 5000)
			completed(t, b, "R0000002", 700)
			opened(t, b, "R0000003", 5000)
			require.NoError(t, Check(t.Context(), b.db, 2))
			_, err := b.db.ExecContext(t.Context(), damage)
			require.NoError(t, err)
			require.Error(t, Check(t.Context(), b.db, 2))
		})
	}
}

func TestARefusedRegistrationStandsStill(t *testing.T) {
	b := newBooks(t)
	p := settled(t, b, "R0000001", 5000, noon)
	require.NoError(t, b.stop(t.Context(), p, "slot_gone"))
	r, err := b.read(t.Context(), hospital, "R0000001")
	require.NoError(t, err)
	require.Equal(t, payment.InReview, r.state)
	left, err := b.left(t.Context(), noon.Add(time.Hour), noon.Add(time.Hour), 10)
	require.NoError(t, err)
	require.Empty(t, left)
}
