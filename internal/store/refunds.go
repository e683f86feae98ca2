package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

type refundRow struct {
	PaymentID   string              `db:"payment_id"`
	N           int                 `db:"n"`
	Key         string              `db:"key"`
	Attempt     int                 `db:"attempt"`
	CaptureNo   string              `db:"capture_channel_no"`
	Hospital    string              `db:"hospital_id"`
	Channel     payment.Channel     `db:"channel"`
	No          string              `db:"refund_no"`
	Currency    money.Currency      `db:"currency"`
	Amount      int64               `db:"amount_fen"`
	Reason      string              `db:"reason"`
	State       channel.RefundState `db:"state"`
	ChannelNo   string              `db:"channel_no"`
	Code        string              `db:"code"`
	Offline     bool                `db:"offline"`
	Actor       string              `db:"actor"`
	RequestedAt time.Time           `db:"requested_at"`
	UpdatedAt   time.Time           `db:"updated_at"`
	SentAt      sql.NullTime        `db:"sent_at"`
	AcceptedAt  sql.NullTime        `db:"accepted_at"`
	ExpectedBy  sql.NullTime        `db:"expected_by"` // null of refunds from before it was kept
	Retries     int                 `db:"retries"`
	Report      []byte              `db:"report"`
}

const selectRefund = `
SELECT r.payment_id, r.n, r.key, r.attempt, r.capture_channel_no, r.hospital_id, r.channel, r.refund_no, r.currency,
       r.amount_fen, r.reason, r.state, r.channel_no, r.code, r.offline, r.actor, r.requested_at, r.updated_at,
       r.sent_at, r.accepted_at, r.expected_by, r.retries, c.report
  FROM refunds r JOIN captures c
    ON c.payment_id = r.payment_id AND c.attempt = r.attempt AND c.channel_no = r.capture_channel_no `

// ReserveRefund sets money that was captured aside to return it, and numbers
// the refund (I4). From now on the patient can expect the money by
// RefundRow.ExpectedBy. Of several captures of one attempt it returns the one that
// ChannelNo names, else the first that holds the amount.
//
// A repeat with the same Key returns what is there. Problems:
// CodeRefundConflict for the same Key with another amount or tender,
// CodeRefundAmount, CodeRefundExceeds (I6; the database refuses it, also when
// two refunds come at once), CodeTooMany above payment.MaxAttempts.
// ErrNotFound: no such payment, attempt or capture.
func (s *Store) ReserveRefund(ctx context.Context, o RefundOrder) (RefundRow, error) {
	rows, err := s.ReserveRefunds(ctx, []RefundOrder{o})
	if err != nil {
		return RefundRow{}, err
	}
	return rows[0], nil
}

// ReserveRefunds is ReserveRefund for the parts of one refund that is split
// over a payment's tenders: all of them are set aside, or none.
func (s *Store) ReserveRefunds(ctx context.Context, parts []RefundOrder) ([]RefundRow, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	var out []RefundRow
	err := s.step(ctx, "reserve refund", parts[0].PaymentID, parts[0].At, func(st *step) error {
		out = nil // the step may be tried again
		for _, o := range parts {
			row, err := st.reserveOnce(o)
			if err != nil {
				return err
			}
			out = append(out, row)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (st *step) reserveOnce(o RefundOrder) (RefundRow, error) {
	row, err := st.refund(`WHERE r.payment_id = $1 AND r.key = $2`, st.row.ID, o.Key)
	switch {
	case err == nil:
		if row.Attempt != o.Attempt || !o.Amount.Equal(money.Minor(row.Amount, row.Currency)) {
			return RefundRow{}, payment.Problem{Code: payment.CodeRefundConflict, Field: "key",
				Text: "this refund was asked for before with another amount"}
		}
		return refundOf(row)
	case !errors.Is(err, ErrNotFound):
		return RefundRow{}, err
	}
	if row, err = st.reserve(o); err != nil {
		return RefundRow{}, err
	}
	st.record(actor(o.Actor), "refund_reserved", "refund", number(row.N), "refund_no", row.No,
		"attempt", number(row.Attempt), "amount_fen", fenText(row.Amount), "why", o.Reason,
		"expected_by", timeText(row.ExpectedBy.Time))
	return refundOf(row)
}

// insertRefund sets the money aside in the capture and in the attempt, whose
// CHECKs refuse more than there is, and writes the refund.
const insertRefund = `
WITH capture AS (
    UPDATE captures SET reserved_fen = reserved_fen + $7::bigint
     WHERE payment_id = $1::text AND attempt = $4::int AND channel_no = $5::text
), tender AS (
    UPDATE attempts SET reserved_fen = reserved_fen + $7::bigint
     WHERE payment_id = $1::text AND attempt = $4::int
    RETURNING channel, hospital_id
)
INSERT INTO refunds (payment_id, n, key, attempt, capture_channel_no, hospital_id, channel, refund_no, currency, amount_fen,
                     reason, state, actor, requested_at, updated_at, expected_by)
SELECT $1::text, $2, $3, $4::int, $5::text, hospital_id, channel, $6, $8, $7::bigint, $9, $10, $11, $12::timestamptz, $12::timestamptz, $13::timestamptz
  FROM tender RETURNING hospital_id, channel`

func (st *step) reserve(o RefundOrder) (refundRow, error) {
	if !o.Amount.IsPositive() || o.Amount.Currency() != st.row.Currency {
		return refundRow{}, payment.Problem{Code: payment.CodeRefundAmount, Field: "amount",
			Text: "a refund is above zero and in the payment's currency"}
	}
	if st.row.RefundCount >= payment.MaxAttempts {
		return refundRow{}, payment.Problem{Code: payment.CodeTooMany, Field: "key",
			Text: "this payment has had all the refunds that it can have"}
	}
	from, err := st.captureToReturn(o)
	if err != nil {
		return refundRow{}, err
	}
	var orderNo string
	if err := st.tx.GetContext(st.ctx, &orderNo, `SELECT order_no FROM requests WHERE payment_id = $1`, st.row.ID); err != nil {
		return refundRow{}, fmt.Errorf("read the order's number: %w", err)
	}
	n := st.row.RefundCount + 1
	row := refundRow{PaymentID: st.row.ID, N: n, Key: o.Key, Attempt: o.Attempt, CaptureNo: from.ChannelNo,
		No: payment.RefundNo(orderNo, n), Currency: o.Amount.Currency(), Amount: o.Amount.Minor(), Reason: o.Reason,
		State: channel.RefundProcessing, Actor: actor(o.Actor), RequestedAt: st.at, UpdatedAt: st.at, Report: from.Report,
		ExpectedBy: st.expected()}
	err = st.tx.GetContext(st.ctx, &row, insertRefund, row.PaymentID, row.N, row.Key, row.Attempt, row.CaptureNo,
		row.No, row.Amount, row.Currency, row.Reason, row.State, row.Actor, st.at, row.ExpectedBy)
	if err != nil {
		return refundRow{}, fmt.Errorf("write the refund: %w", found(err))
	}
	st.row.RefundCount = n
	st.row.Reserved += row.Amount
	return row, nil
}

// captureToReturn picks the capture that a refund is of: the one that was
// named, or the first with enough left. Where none has enough it is the first,
// and the database refuses.
func (st *step) captureToReturn(o RefundOrder) (captureRow, error) {
	var row captureRow
	const pick = `
SELECT channel_no, report FROM captures
 WHERE payment_id = $1 AND attempt = $2 AND ($4 = '' OR channel_no = $4)
 ORDER BY amount_fen - reserved_fen >= $3::bigint DESC, recorded_at, channel_no LIMIT 1`
	err := st.tx.GetContext(st.ctx, &row, pick, st.row.ID, o.Attempt, o.Amount.Minor(), o.ChannelNo)
	if !errors.Is(err, sql.ErrNoRows) {
		return row, err
	}
	if _, err := st.attempt(o.Attempt); err != nil || o.ChannelNo != "" {
		return row, fmt.Errorf("find the capture: %w", ErrNotFound)
	}
	return row, payment.Problem{Code: payment.CodeRefundExceeds, Field: "amount", Text: "nothing was captured by this tender"}
}

// captureRow is a capture that can be returned.
type captureRow struct {
	ChannelNo string `db:"channel_no"`
	Report    []byte `db:"report"`
}

// Refund reads one refund of a payment by its number n.
func (s *Store) Refund(ctx context.Context, paymentID string, n int) (RefundRow, error) {
	rows, err := s.refunds(ctx, `WHERE r.payment_id = $1 AND r.n = $2`, paymentID, n)
	return oneRefund(rows, err)
}

// Refunds reads all refunds of a payment, oldest first. It does not tell an
// unknown payment from one without refunds.
func (s *Store) Refunds(ctx context.Context, paymentID string) ([]RefundRow, error) {
	return s.refunds(ctx, `WHERE r.payment_id = $1 ORDER BY r.n`, paymentID)
}

// RefundByNumber reads the refund that a channel knows by refundNo.
func (s *Store) RefundByNumber(ctx context.Context, hospital string, ch payment.Channel, refundNo string) (RefundRow, error) {
	rows, err := s.refunds(ctx, `WHERE r.refund_no = $1 AND r.hospital_id = $2 AND r.channel = $3`, refundNo, hospital, ch)
	return oneRefund(rows, err)
}

func (s *Store) refunds(ctx context.Context, where string, args ...any) ([]RefundRow, error) {
	var rows []refundRow
	if err := s.db.SelectContext(ctx, &rows, selectRefund+where, args...); err != nil {
		return nil, fmt.Errorf("read refunds: %w", err)
	}
	out := make([]RefundRow, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = refundOf(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func oneRefund(rows []RefundRow, err error) (RefundRow, error) {
	if err != nil {
		return RefundRow{}, err
	}
	if len(rows) == 0 {
		return RefundRow{}, fmt.Errorf("read refund: %w", ErrNotFound)
	}
	return rows[0], nil
}

// refund reads a refund of the payment that is locked.
func (st *step) refund(where string, args ...any) (refundRow, error) {
	var row refundRow
	if err := st.tx.GetContext(st.ctx, &row, selectRefund+where, args...); err != nil {
		return refundRow{}, fmt.Errorf("read refund: %w", found(err))
	}
	return row, nil
}

func refundOf(r refundRow) (RefundRow, error) {
	out := RefundRow{PaymentID: r.PaymentID, N: r.N, Key: r.Key, Attempt: r.Attempt, State: r.State,
		ChannelNo: r.ChannelNo, Code: r.Code, Actor: r.Actor, UpdatedAt: r.UpdatedAt.UTC(),
		SentAt: utc(r.SentAt), ExpectedBy: utc(r.ExpectedBy),
		Refund: channel.Refund{No: r.No, Amount: money.Minor(r.Amount, r.Currency), Reason: r.Reason,
			RequestedAt: r.RequestedAt.UTC()}}
	if err := json.Unmarshal(r.Report, &out.Refund.Original); err != nil {
		return RefundRow{}, fmt.Errorf("read the capture of refund %d: %w", r.N, err)
	}
	return out, nil
}
