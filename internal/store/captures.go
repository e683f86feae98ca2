package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/ledger"
	"github.com/regpay/regpay/internal/payment"
)

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
//
// A capture that came with the answer to the charge is recorded with it, unless
// it was there before: then nothing is, and the answer is for SavePrepaid.
func (s *Store) RecordCapture(ctx context.Context, c Capture) (Captured, error) {
	var out Captured
	if c.Report.State != channel.Captured || !c.Report.Captured.IsPositive() {
		return out, fmt.Errorf("record a capture of %s: the report tells of none: %w", c.PaymentID, ErrConflict)
	}
	err := s.quickStep(ctx, "record capture", ofCharge(c.PaymentID, c.Attempt, c.Report.ChannelNo), c.At, func(st *step) error {
		out = Captured{}
		a, known := st.read.attemptRow, st.read.Known.Valid
		if a.Currency != c.Report.Captured.Currency() || (c.Report.MerchantNo != "" && c.Report.MerchantNo != a.MerchantNo) {
			return fmt.Errorf("the report is not of attempt %d: %w", c.Attempt, ErrConflict)
		}
		if known && st.read.Known.Int64 != c.Report.Captured.Minor() {
			return fmt.Errorf("the capture came with another amount before: %w", ErrConflict)
		}
		if known && c.Prepaid != nil {
			out.Repeated = true
			return nil
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

// capture makes the step write the capture and what it does to its attempt and
// the ledger.
func (st *step) capture(a attemptRow, c Capture) error {
	amount := c.Report.Captured
	fee := ledger.Fee(amount, c.FeeRate)
	t, err := ledger.NewCapture(ledger.Movement{HospitalID: a.Hospital, PaymentID: a.PaymentID, Channel: a.Channel,
		Number: number(a.Attempt) + "-" + c.Report.ChannelNo, Amount: amount, Fee: fee, At: st.at})
	if err != nil {
		return err
	}
	if c.Prepaid != nil {
		if err := st.answered(&a, *c.Prepaid); err != nil {
			return err
		}
	}
	report, err := json.Marshal(c.Report)
	if err != nil {
		return fmt.Errorf("keep the report: %w", err)
	}
	st.also = part{statement: writeCapture, args: append([]any{a.Attempt, c.Report.ChannelNo, a.Hospital, a.Channel, a.Currency,
		amount.Minor(), st.at, string(report), channel.Captured, c.Report.Code, fee.Minor(), a.Prepaid, null(a.Handle)}, booking(t)...)}
	st.row.Captured += amount.Minor()
	return nil
}

// booking is a ledger transaction as the arguments of a statement: its id, kind,
// and its lines as arrays.
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
