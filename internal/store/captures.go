package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/ledger"
	"github.com/regpay/regpay/internal/payment"
)

// insertCapture writes the capture, its sum in the attempt, and its ledger
// transaction in one statement.
const insertCapture = `
WITH captured AS (
    INSERT INTO captures (payment_id, attempt, channel_no, hospital_id, channel, currency, amount_fen, recorded_at, report)
    VALUES ($1::text, $2::int, $3, $4::text, $5::text, $6, $7::bigint, $8::timestamptz, $9::jsonb)
), summed AS (
    UPDATE attempts SET state = $10, code = $11, captured_fen = captured_fen + $7::bigint, fee_fen = fee_fen + $12::bigint
     WHERE payment_id = $1::text AND attempt = $2::int
), booked AS (
    INSERT INTO ledger_transactions (id, payment_id, hospital_id, kind, channel, at)
    VALUES ($13::text, $1::text, $4::text, $14, $5::text, $8::timestamptz)
)` + insertEntries

// insertEntries writes the entries of ledger transaction $13 of hospital $4.
const insertEntries = `
INSERT INTO ledger_entries (transaction_id, line, hospital_id, account, currency, amount_fen)
SELECT $13::text, line, $4::text, account, currency, amount
  FROM unnest($15::text[], $16::text[], $17::bigint[]) WITH ORDINALITY AS e (account, currency, amount, line)`

// RecordCapture records that money came in: the capture, the attempt, the
// ledger with the channel's fee and, when Next is Paid, the status and a
// temporary voucher.
//
// It is idempotent by attempt and the channel's number, over all payments: one
// number counts once. A repeat with Next Paid still moves a payment that was
// never paid, for a case in which staff confirm a capture recorded before. A
// second number for an attempt is a capture of its own, to be returned (I1).
// ErrConflict: the number is another charge's, or came with another amount.
// ErrTransition: the payment cannot go to Next; nothing was recorded.
func (s *Store) RecordCapture(ctx context.Context, c Capture) (Captured, error) {
	var out Captured
	if c.Report.State != channel.Captured || !c.Report.Captured.IsPositive() {
		return out, fmt.Errorf("record a capture of %s: the report tells of none: %w", c.PaymentID, ErrConflict)
	}
	err := s.step(ctx, "record capture", c.PaymentID, c.At, func(st *step) error {
		a, err := st.attempt(c.Attempt)
		if err != nil {
			return err
		}
		if a.Currency != c.Report.Captured.Currency() || (c.Report.MerchantNo != "" && c.Report.MerchantNo != a.MerchantNo) {
			return fmt.Errorf("the report is not of attempt %d: %w", c.Attempt, ErrConflict)
		}
		known := false
		if a.Report != nil { // the attempt has a capture, this one or another
			if known, err = st.capturedBefore(a, c.Report); err != nil {
				return err
			}
		}
		if !known {
			if err := st.capture(a, c); err != nil {
				return err
			}
		}
		if move := c.Next != "" && (!known || (c.Next == payment.Paid && st.row.Voucher == "")); move {
			if err := st.become(c.Next, ""); err != nil {
				return err
			}
		}
		switch {
		case !known:
			st.record(actor(c.Actor), "captured", "attempt", number(c.Attempt), "channel", string(a.Channel),
				"channel_no", c.Report.ChannelNo, "amount_fen", fenText(c.Report.Captured.Minor()))
		case st.said != st.row.Status:
			st.record(actor(c.Actor), "capture_confirmed", "attempt", number(c.Attempt))
		default:
			out.Repeated = true
		}
		if c.Next == payment.Paid {
			out.VoucherCode = st.row.Voucher
		}
		return nil
	})
	if err != nil {
		return Captured{}, err
	}
	return out, nil
}

// capturedBefore says whether the channel's transaction is in the books.
func (st *step) capturedBefore(a attemptRow, r channel.Report) (bool, error) {
	var amount int64
	const read = `SELECT amount_fen FROM captures WHERE payment_id = $1 AND attempt = $2 AND channel_no = $3`
	err := st.tx.GetContext(st.ctx, &amount, read, a.PaymentID, a.Attempt, r.ChannelNo)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for the capture: %w", err)
	case amount != r.Captured.Minor():
		return false, fmt.Errorf("the capture came with another amount before: %w", ErrConflict)
	}
	return true, nil
}

func (st *step) capture(a attemptRow, c Capture) error {
	amount := c.Report.Captured
	fee := ledger.Fee(amount, c.FeeRate)
	t, err := ledger.NewCapture(ledger.Movement{HospitalID: a.Hospital, PaymentID: a.PaymentID, Channel: a.Channel,
		Number: number(a.Attempt) + "-" + c.Report.ChannelNo, Amount: amount, Fee: fee, At: st.at})
	if err != nil {
		return err
	}
	report, err := json.Marshal(c.Report)
	if err != nil {
		return fmt.Errorf("keep the report: %w", err)
	}
	args := append([]any{a.PaymentID, a.Attempt, c.Report.ChannelNo, a.Hospital, a.Channel, a.Currency,
		amount.Minor(), st.at, string(report), channel.Captured, c.Report.Code, fee.Minor()}, booking(t)...)
	if _, err := st.tx.ExecContext(st.ctx, insertCapture, args...); err != nil {
		return fmt.Errorf("write the capture: %w", err)
	}
	st.row.Captured += amount.Minor()
	return nil
}

// booking is a ledger transaction as the arguments of insertEntries: its id,
// kind, and its lines as arrays.
func booking(t ledger.Transaction) []any {
	n := len(t.Postings)
	account, currency, amount := make(pq.StringArray, n), make(pq.StringArray, n), make(pq.Int64Array, n)
	for i, p := range t.Postings {
		account[i], currency[i], amount[i] = string(p.Account), string(p.Amount.Currency()), p.Amount.Minor()
	}
	return []any{t.ID, t.Kind, account, currency, amount}
}

func actor(name string) string {
	if name == "" {
		return byWorkflow
	}
	return name
}
