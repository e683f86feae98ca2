package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// years fills the books past the store: past payments of three hospitals, each
// with a decided case, of which the newest open ones wait. One patient in a
// thousand payments. Their sealed requests cannot be opened: the pages are of
// payments that the test makes itself.
func (b *books) years(t testing.TB, past, open int) {
	t.Helper()
	conn, err := b.db.Conn(t.Context()) // of one session, as the table n is
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	run := func(statement string, args ...any) {
		_, err := conn.ExecContext(t.Context(), statement, args...)
		require.NoError(t, err)
	}
	// VACUUM marks no page as visible to all whose commit may not be on disk yet,
	// and without the mark nothing is read from an index alone.
	run(`SET synchronous_commit = on`)
	run(`CREATE TEMP TABLE n (n int, id text, hospital text, at timestamptz)`)
	run(`INSERT INTO n SELECT n, 'pay_'||n, (ARRAY['h-renmin','h-xiehe','h-zhongyi'])[1 + n % 3],
	            timestamptz '2026-03-02 06:00Z' - ($1 - n) * interval '40 seconds' FROM generate_series(1, $1::int) n`, past)
	run(`INSERT INTO requests SELECT id, hospital, 'PAST'||n, 'payment/'||n, at, 'r'||n, 'p'||(n % $1::int), '\x00' FROM n`, max(past/1000, 1))
	run(`INSERT INTO payments (id, hospital_id, status, method, currency, amount_fen, captured_fen, risk_verdict, created_at, updated_at, pay_by, paid_at,
	            voucher_code, audit_seq, audit_head)
	     SELECT id, hospital, 'completed', 'wechat', 'CNY', 5000, 5000, 'pass', at, at, at, at, 'V'||n, 1, '\x00' FROM n`)
	run(`INSERT INTO cases (id, payment_id, hospital_id, reason, detail, attempt, opened_at, deadline, allowed, workflow_id, decided_at, verdict, operator)
	     SELECT id||'-C1', id, hospital, (ARRAY['risk','clearing_failed','his_delayed'])[1 + n % 7 % 3], 'code', 1, at, at + interval '24 hours',
	            '{approve,reject}', 'w', CASE WHEN n <= $1::int THEN at + n % 600 * interval '1 minute' END,
	            CASE WHEN n <= $1::int THEN 'approve' ELSE '' END, CASE WHEN n <= $1::int THEN 'local:li' ELSE '' END FROM n`, past-open)
	// Not from the cases: the server may count that reading of them only later.
	run(`INSERT INTO case_days SELECT ((at + n % 600 * interval '1 minute') AT TIME ZONE 'UTC' + interval '8 hours')::date, hospital, 'approve', count(*), 0
	       FROM n WHERE n <= $1::int GROUP BY 1, 2, 3`, past-open)
	run(`DROP TABLE n`)
	run(`VACUUM ANALYZE requests, payments, cases, case_days`)
}

// desk are the console's questions, each with how it is asked.
// The overview goes back so many days.
func desk(ctx context.Context, s *store.Store, caseID, paymentID string, now time.Time, days int) map[string]func() error {
	mine, two, all := []string{"h-renmin"}, []string{"h-renmin", "h-zhongyi"}, []string{store.AllHospitals}
	queue := func(f store.QueueFilter) func() error {
		f.At, f.By = now, li.Subject
		return func() error { return errOf(s.Queue(ctx, f)) }
	}
	return map[string]func() error{
		"queue":             queue(store.QueueFilter{Hospitals: mine}),
		"queue of two":      queue(store.QueueFilter{Hospitals: two}),
		"queue of all":      queue(store.QueueFilter{Hospitals: all}),
		"queue, mine":       queue(store.QueueFilter{Hospitals: mine, Tab: store.QueueMine}),
		"queue, unclaimed":  queue(store.QueueFilter{Hospitals: mine, Tab: store.QueueUnclaimed}),
		"queue, overdue":    queue(store.QueueFilter{Hospitals: mine, Tab: store.QueueOverdue}),
		"queue, one reason": queue(store.QueueFilter{Hospitals: two, Reasons: []payment.Reason{payment.ReviewHISDelayed}}),
		"queue, no such":    queue(store.QueueFilter{Hospitals: all, Reasons: []payment.Reason{payment.ReviewSplitMismatch}}),
		"queue, next page":  queue(store.QueueFilter{Hospitals: mine, After: caseID}),
		"queue, search":     queue(store.QueueFilter{Hospitals: two, Search: "PAST77"}),
		"case":              func() error { return errOf(s.DeskCase(ctx, caseID, now)) },
		"case file":         func() error { return errOf(s.CaseFile(ctx, caseID, now)) },
		"find":              func() error { return errOf(s.FindPayments(ctx, mine, "ORDER0001")) },
		"find nothing":      func() error { return errOf(s.FindPayments(ctx, all, "NOSUCH")) },
		"earlier":           func() error { return errOf(s.EarlierOf(ctx, paymentID)) },
		"earlier of many":   func() error { return errOf(s.EarlierOf(ctx, "pay_29999")) },
		"overview":          func() error { return errOf(s.Overview(ctx, mine, now.AddDate(0, 0, -days), now)) },
		"overview of all":   func() error { return errOf(s.Overview(ctx, all, now.AddDate(0, 0, -days), now)) },
		"health":            func() error { return errOf(s.Health(ctx, mine, now)) },
		"health of all":     func() error { return errOf(s.Health(ctx, all, now)) },
		"log":               func() error { return errOf(s.LogPage(ctx, paymentID, 0, 50)) },
		"claim":             func() error { return errOf(s.ClaimCase(ctx, caseID, li, now)) },
		"touch":             func() error { return errOf(s.TouchClaim(ctx, caseID, li, now)) },
		"view": func() error {
			return s.ViewLogged(ctx, store.Viewing{PaymentID: paymentID, CaseID: caseID, By: li.Subject}, now)
		},
	}
}

// furnished are books of years with one payment of the store's own, whose case
// is open.
func furnished(t testing.TB, past, open int) (b *books, caseID, paymentID string) {
	t.Helper()
	b = newBooks(t)
	b.years(t, past, open)
	paymentID = b.complete(t, "ORDER0001", 5000)
	c := caseOf(paymentID, "R01-C1", payment.ReviewRefundFailed, 0)
	require.NoError(t, b.OpenCase(t.Context(), paymentID, c, "", noon))
	return b, c.ID, paymentID
}

// None of the console's questions may read a table of the years from its one
// end to the other: what it costs has to be what it shows.
func TestTheConsoleReadsNoTableFromEndToEnd(t *testing.T) {
	b, caseID, paymentID := furnished(t, 30_000, 1000)
	const scanned = `SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_user_tables WHERE relname IN ('requests', 'payments', 'cases')`
	asked := openStore(t, b.dsn, b.keys)
	const known = `SELECT coalesce(sum(idx_scan), 0)::bigint FROM pg_stat_user_tables WHERE relname = 'cases'`
	before, knownBefore := one[int64](t, b, scanned), one[int64](t, b, known)
	questions := desk(t.Context(), asked, caseID, paymentID, noon.Add(time.Minute), 1)
	for name, ask := range questions {
		for range 8 { // after five, PostgreSQL plans without looking at the arguments
			require.NoError(t, ask(), name)
		}
	}
	calls := one[int64](t, b, "SELECT count(*) FROM audit WHERE subject = $1 AND action = 'case_viewed'", paymentID)
	require.EqualValues(t, 1, calls)
	require.NoError(t, asked.Close()) // which makes the server count what was read
	require.Eventually(t, func() bool { return one[int64](t, b, known)-knownBefore > int64(8*len(questions)) }, 20*time.Second, 50*time.Millisecond,
		"the server tells what was read when a connection ends")
	require.Less(t, one[int64](t, b, scanned)-before, int64(20_000), "a table was read whole")
}

// BenchmarkDesk asks the console's questions with 10,000 open cases and a
// million past ones.
func BenchmarkDesk(b *testing.B) {
	s, caseID, paymentID := furnished(b, 1_000_000, 10_000)
	for name, ask := range desk(b.Context(), s.Store, caseID, paymentID, noon.Add(time.Minute), 30) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, ask(), name)
			}
		})
	}
}
