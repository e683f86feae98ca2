package plain

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// settling is how long Check waits for payments whose backend knows of the end
// before it is written down.
const settling = 10 * time.Second

// Check says whether the books are right after a round in which want payments
// were brought to their end since the tables were made: as many are completed
// and none stands in between, each with a voucher, an appointment and a capture
// of its amount; the ledger sums to zero in each transaction and in all, and has
// booked each capture once. Payments that nobody paid may be there.
//
// The backend hears of the end before it is on disk. So the last payments of a
// round are waited for, up to 10 seconds.
func Check(ctx context.Context, db *sql.DB, want int) error {
	const between = `SELECT count(*) FROM plain.payments WHERE state = 'paid'`
	for end := time.Now().Add(settling); ; {
		n, err := count(ctx, db, between)
		if err != nil {
			return err
		}
		if n == 0 || time.Now().After(end) || !pause(ctx, 50*time.Millisecond) {
			break
		}
	}
	var errs []error
	for _, r := range rules() {
		n, err := count(ctx, db, r.query)
		switch {
		case err != nil:
			return err
		case n != 0:
			errs = append(errs, fmt.Errorf("plain PostgreSQL: %d %s", n, r.broken))
		}
	}
	done, err := count(ctx, db, `SELECT count(*) FROM plain.payments WHERE state = 'completed'`)
	if err != nil {
		return err
	}
	if done != int64(want) {
		errs = append(errs, fmt.Errorf("plain PostgreSQL: %d payments are completed, not %d", done, want))
	}
	return errors.Join(errs...)
}

func count(ctx context.Context, db *sql.DB, query string) (n int64, err error) {
	if err := db.QueryRowContext(ctx, query).Scan(&n); err != nil {
		return 0, fmt.Errorf("check the plain tables: %w", err)
	}
	return n, nil
}

// rule counts what must not be.
type rule struct{ query, broken string }

func rules() []rule {
	return []rule{
		{`SELECT count(*) FROM plain.payments WHERE state IN ('paid', 'in_review')`,
			"payments are paid and not completed"},
		{`SELECT count(*) FROM plain.payments WHERE state = 'completed'
		     AND (voucher_code = '' OR appointment_id = '' OR channel_no = '' OR paid_at IS NULL OR completed_at IS NULL)`,
			"completed payments lack a voucher, an appointment or a capture"},
		{`SELECT count(*) - count(DISTINCT voucher_code) FROM plain.payments WHERE voucher_code <> ''`,
			"vouchers were given out twice"},
		{`SELECT count(*) FROM plain.payments p FULL JOIN plain.captures c USING (payment_id)
		   WHERE p.state IS DISTINCT FROM 'awaiting_payment'
		     AND (p.amount_fen IS DISTINCT FROM c.amount_fen OR p.channel_no IS DISTINCT FROM c.channel_no)
		      OR p.state = 'awaiting_payment' AND c.payment_id IS NOT NULL`,
			"captures are not those of the payments"},
		{`SELECT count(*) FROM (SELECT FROM plain.ledger GROUP BY transaction_id HAVING sum(amount_fen) <> 0) t`,
			"ledger transactions do not sum to zero"},
		{`SELECT coalesce(sum(amount_fen), 0)::bigint FROM plain.ledger`,
			"fen are left when the whole ledger is summed up"},
		{`SELECT count(*) FROM plain.captures c
		    FULL JOIN (SELECT payment_id, count(*) AS n, sum(amount_fen) AS fen FROM plain.ledger
		                WHERE account LIKE '%/receivable/wechat' GROUP BY payment_id) l USING (payment_id)
		   WHERE l.n IS DISTINCT FROM 1 OR l.fen IS DISTINCT FROM c.amount_fen`,
			"captures are not in the ledger once, with their amount"},
	}
}
