package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/regpay/regpay/deploy/bench/plain"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/workflows"
)

// vouchersOfRegpay reads from regpay's books how long it took from the last
// notification of each payment to the commit of the capture that brought the
// voucher. The commit's time is PostgreSQL's own. A notification that came after
// it, as that of an insurance which settled within the call can, brought nothing.
func vouchersOfRegpay(ctx context.Context, db *sql.DB, since time.Time) ([]time.Duration, error) {
	return durations(ctx, db, `
SELECT extract(epoch FROM c.at - max(w.received_at))
  FROM (SELECT payment_id, max(pg_xact_commit_timestamp(xmin)) AS at FROM ledger_transactions WHERE kind = 'capture' GROUP BY payment_id) c
  JOIN webhooks w ON w.payment_id = c.payment_id AND w.received_at <= c.at
 WHERE w.received_at >= $1 GROUP BY c.payment_id, c.at`, since)
}

// vouchersOfPlain reads the same of the hand-written state machine.
func vouchersOfPlain(ctx context.Context, db *sql.DB, since time.Time) ([]time.Duration, error) {
	return durations(ctx, db, `SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - received_at) FROM plain.captures WHERE received_at >= $1`, since)
}

func checkPlain(ctx context.Context, s *stage, want int) error {
	theirs, err := s.in.Sandbox.Books(ctx)
	if err != nil {
		return err
	}
	if _, err := checkTheirs(theirs, want); err != nil {
		return err
	}
	return plain.Check(ctx, s.db, want)
}

func durations(ctx context.Context, db *sql.DB, query string, args ...any) ([]time.Duration, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []time.Duration
	for rows.Next() {
		var seconds float64
		if err := rows.Scan(&seconds); err != nil {
			return nil, err
		}
		all = append(all, time.Duration(seconds*float64(time.Second)))
	}
	return all, rows.Err()
}

// checkRegpay holds regpay's books against everybody else's. The backend hears
// of a payment's end a moment before the books have it, so it looks again for a
// while.
func checkRegpay(ctx context.Context, s *stage, want int) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		err := compareRegpay(ctx, s, want)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(lookAgain):
		}
	}
}

const (
	settleTime = 10 * time.Second
	lookAgain  = 200 * time.Millisecond
)

func compareRegpay(ctx context.Context, s *stage, want int) error {
	theirs, err := s.in.Sandbox.Books(ctx)
	if err != nil {
		return err
	}
	captured, err := checkTheirs(theirs, want)
	if err != nil {
		return err
	}
	var payments, completed, vouchers int
	var ours, amount, sum int64
	var unbalanced int
	err = s.db.QueryRowContext(ctx, `
SELECT count(*), count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE voucher_code <> '' AND voucher_confirmed_at IS NOT NULL),
       coalesce(sum(captured_fen), 0), coalesce(sum(amount_fen), 0),
       (SELECT coalesce(sum(amount_fen), 0) FROM ledger_entries),
       (SELECT count(*) FROM (SELECT 1 FROM ledger_entries GROUP BY transaction_id HAVING sum(amount_fen) <> 0) x)
  FROM payments`).Scan(&payments, &completed, &vouchers, &ours, &amount, &sum, &unbalanced)
	if err != nil {
		return err
	}
	var wrong []error
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	expect(payments == want && completed == want && vouchers == want, "%d were played, the books have %d, %d completed, %d vouchers", want, payments, completed, vouchers)
	expect(ours == amount && ours == captured, "captured in the books %d fen, asked for %d, at the channels %d", ours, amount, captured)
	expect(sum == 0 && unbalanced == 0, "the ledger sums to %d fen, %d transactions do not balance", sum, unbalanced)
	return errors.Join(wrong...)
}

// checkTheirs wants every charge captured at its channel, and one appointment
// in the HIS for each payment over what was captured. It returns that, in fen.
func checkTheirs(theirs local.Books, want int) (captured int64, err error) {
	for _, book := range []sandbox.BookSnapshot{theirs.WeChat, theirs.Insurance} {
		for _, c := range book.Charges {
			if c.State != sandbox.ChargeCaptured {
				return 0, fmt.Errorf("the channel has %s as %s", c.MerchantNo, c.State)
			}
			captured += c.CapturedFen
			if c.Split != nil {
				captured -= c.OwnFen // another tender's
			}
		}
	}
	var booked int64
	seen := map[string]bool{}
	for _, a := range theirs.HIS.Appointments {
		if a.Status != "booked" || seen[a.OrderNo] {
			return 0, fmt.Errorf("the HIS has %s as %s, or twice", a.OrderNo, a.Status)
		}
		seen[a.OrderNo] = true
		booked += a.AmountFen
	}
	if len(seen) != want || booked != captured {
		return 0, fmt.Errorf("%d payments, %d appointments over %d fen, captured %d", want, len(seen), booked, captured)
	}
	return captured, nil
}

func workflowID(hospital, order string) string { return workflows.PaymentWorkflowID(hospital, order) }

// lastIDs keeps the last few ids. It is safe for concurrent use.
type lastIDs struct {
	mu  sync.Mutex
	ids []string
}

func (l *lastIDs) add(id string) {
	const kept = 10
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ids = append(l.ids, id); len(l.ids) > kept {
		l.ids = l.ids[1:]
	}
}

func (l *lastIDs) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.ids...)
}
