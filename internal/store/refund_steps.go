package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// RefundSent notes that a refund is about to be asked for at its channel, so
// that whoever repeats the step knows that it may have left already. Only the
// first time is noted; the row tells of it.
func (s *Store) RefundSent(ctx context.Context, paymentID string, n int, at time.Time) (RefundRow, error) {
	return s.onRefund(ctx, "note a refund as sent", paymentID, n, at, func(st *step, row *refundRow) error {
		if row.SentAt.Valid {
			return nil
		}
		row.SentAt, row.UpdatedAt = sql.NullTime{Time: st.at, Valid: true}, st.at
		const write = `UPDATE refunds SET sent_at = $3, updated_at = $3 WHERE payment_id = $1 AND n = $2`
		if _, err := st.tx.ExecContext(st.ctx, write, row.PaymentID, row.N, st.at); err != nil {
			return fmt.Errorf("write the refund: %w", err)
		}
		st.record(byWorkflow, "refund_sent", "refund", number(row.N), "refund_no", row.No)
		return nil
	})
}

// RetryRefund notes that a person wants a refund tried for the retry-th time
// after the first. The patient's waiting begins anew. A retry that was noted
// before changes nothing.
func (s *Store) RetryRefund(ctx context.Context, paymentID string, n, retry int, at time.Time) (RefundRow, error) {
	return s.onRefund(ctx, "retry a refund", paymentID, n, at, func(st *step, row *refundRow) error {
		if row.Retries >= retry {
			return nil
		}
		row.Retries, row.ExpectedBy, row.UpdatedAt = retry, st.expected(), st.at
		const write = `UPDATE refunds SET retries = $3, expected_by = $4, updated_at = $5 WHERE payment_id = $1 AND n = $2`
		if _, err := st.tx.ExecContext(st.ctx, write, row.PaymentID, row.N, row.Retries, row.ExpectedBy, st.at); err != nil {
			return fmt.Errorf("write the refund: %w", err)
		}
		st.record(byWorkflow, "refund_retried", "refund", number(row.N), "refund_no", row.No, "retry", number(retry),
			"expected_by", timeText(row.ExpectedBy.Time))
		return nil
	})
}

func (s *Store) onRefund(ctx context.Context, doing, paymentID string, n int, at time.Time, f func(*step, *refundRow) error) (RefundRow, error) {
	var out RefundRow
	err := s.step(ctx, doing, paymentID, at, func(st *step) error {
		row, err := st.refund(`WHERE r.payment_id = $1 AND r.n = $2`, paymentID, n)
		if err != nil {
			return err
		}
		if err := f(st, &row); err != nil {
			return err
		}
		out, err = refundOf(row)
		return err
	})
	if err != nil {
		return RefundRow{}, err
	}
	return out, nil
}

// expected is by when money that is asked for now is back.
func (st *step) expected() sql.NullTime {
	return sql.NullTime{Time: st.days.EndOfWorkingDay(st.at, payment.RefundWorkingDays), Valid: true}
}

func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339) }
