package store

import (
	"context"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/ledger"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// insertReversal marks money as returned and books it in one statement; the
// reservation becomes what it was for.
const insertReversal = `
WITH refund AS (
    UPDATE refunds SET state = $1, channel_no = $2, code = $3, offline = $5::boolean, updated_at = $6::timestamptz
     WHERE payment_id = $7::text AND n = $8
), tender AS (
    UPDATE attempts SET refunded_fen = refunded_fen + $9::bigint, fee_returned_fen = fee_returned_fen + $10::bigint,
           offline_fen = offline_fen + CASE WHEN $5::boolean THEN $9::bigint ELSE 0 END
     WHERE payment_id = $7::text AND attempt = $11
), booked AS (
    INSERT INTO ledger_transactions (id, payment_id, hospital_id, kind, channel, at)
    VALUES ($13::text, $7::text, $4::text, $14, $12, $6::timestamptz)
)
INSERT INTO ledger_entries (transaction_id, line, hospital_id, account, currency, amount_fen)
SELECT $13::text, line, $4::text, account, currency, amount
  FROM unnest($15::text[], $16::text[], $17::bigint[]) WITH ORDINALITY AS e (account, currency, amount, line)`

// RecordRefund keeps what a channel says of a refund. RefundSucceeded books the
// money and the part of the fee that comes back, and is final: reports after it
// change nothing.
//
// A failed refund keeps its money set aside. A person decides it, by sending it
// again or by handing the money over on site, and both need the money: were it
// released, another refund could take it in between, and the channel would be
// asked for more than it captured (I6).
//
// ErrConflict: the report is of another refund or amount.
func (s *Store) RecordRefund(ctx context.Context, paymentID string, n int, r channel.RefundReport, by string, at time.Time) (RefundRow, error) {
	var out RefundRow
	err := s.step(ctx, "record refund", paymentID, at, func(st *step) error {
		row, err := st.refund(`WHERE r.payment_id = $1 AND r.n = $2`, paymentID, n)
		if err != nil {
			return err
		}
		if (r.RefundNo != "" && r.RefundNo != row.No) ||
			(r.Amount.Valid() && !r.Amount.Equal(money.Minor(row.Amount, row.Currency))) {
			return fmt.Errorf("the report is not of refund %d: %w", n, ErrConflict)
		}
		if err := st.applyRefund(&row, r, actor(by)); err != nil {
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

func (st *step) applyRefund(row *refundRow, r channel.RefundReport, by string) error {
	no := r.ChannelNo
	if no == "" {
		no = row.ChannelNo
	}
	same := row.State == r.State && row.Code == r.Code && row.ChannelNo == no && (row.AcceptedAt.Valid || r.State != channel.RefundProcessing)
	if same || row.State == channel.RefundSucceeded {
		return nil
	}
	row.State, row.ChannelNo, row.Code, row.UpdatedAt = r.State, no, r.Code, st.at
	switch r.State {
	case channel.RefundSucceeded:
		if err := st.reverse(*row, ledger.NewRefund); err != nil {
			return err
		}
	case channel.RefundFailed, channel.RefundProcessing, channel.RefundAbnormal, channel.RefundAbsent:
		const write = `UPDATE refunds SET state = $3, channel_no = $4, code = $5, updated_at = $6,
                              accepted_at = CASE WHEN $3 = 'processing' THEN coalesce(accepted_at, $6) ELSE accepted_at END
                        WHERE payment_id = $1 AND n = $2`
		if _, err := st.tx.ExecContext(st.ctx, write, row.PaymentID, row.N, row.State, row.ChannelNo, row.Code, st.at); err != nil {
			return fmt.Errorf("write the refund: %w", err)
		}
	default:
		return fmt.Errorf("the state %q of a refund: %w", r.State, ErrConflict)
	}
	st.record(by, "refund_"+string(r.State), "refund", number(row.N), "refund_no", row.No, "amount_fen", fenText(row.Amount),
		"channel_no", row.ChannelNo, "code", row.Code)
	return nil
}

// reverse books money that went back.
func (st *step) reverse(r refundRow, book func(ledger.Movement) (ledger.Transaction, error)) error {
	a, err := st.attempt(r.Attempt)
	if err != nil {
		return err
	}
	var back money.Money
	if !r.Offline {
		back = ledger.FeeBack(a.money(a.Fee), a.money(a.Captured), a.money(a.Refunded-a.Offline+r.Amount), a.money(a.FeeReturned))
	}
	t, err := book(ledger.Movement{HospitalID: r.Hospital, PaymentID: r.PaymentID, Channel: r.Channel,
		Number: r.No, Amount: money.Minor(r.Amount, r.Currency), Fee: back, At: st.at})
	if err != nil {
		return err
	}
	args := append([]any{r.State, r.ChannelNo, r.Code, r.Hospital, r.Offline, st.at, r.PaymentID, r.N, r.Amount,
		back.Minor(), r.Attempt, r.Channel}, booking(t)...)
	if _, err := st.tx.ExecContext(st.ctx, insertReversal, args...); err != nil {
		return fmt.Errorf("write the refund: %w", err)
	}
	st.row.Refunded += r.Amount
	return nil
}

// RecordOfflineRefund notes that staff handed the money back on site, with the
// number of the receipt. The ledger takes it from cash, not from the channel.
// A repeat with the same receipt changes nothing; a refund that the channel has
// made, or another receipt, is a Problem CodeState.
func (s *Store) RecordOfflineRefund(ctx context.Context, paymentID string, n int, operator, receipt string, at time.Time) error {
	return s.step(ctx, "record refund on site", paymentID, at, func(st *step) error {
		row, err := st.refund(`WHERE r.payment_id = $1 AND r.n = $2`, paymentID, n)
		if err != nil {
			return err
		}
		if row.State == channel.RefundSucceeded {
			if row.Offline && row.ChannelNo == receipt {
				return nil
			}
			return payment.Problem{Code: payment.CodeState, Field: "n", Text: "this money has been returned already"}
		}
		row.State, row.ChannelNo, row.Code, row.Offline = channel.RefundSucceeded, receipt, CodeOffline, true
		if err := st.reverse(row, ledger.NewOfflineRefund); err != nil {
			return err
		}
		st.record(operator, "refund_offline", "refund", number(n), "refund_no", row.No,
			"amount_fen", fenText(row.Amount), "receipt", receipt)
		return nil
	})
}
