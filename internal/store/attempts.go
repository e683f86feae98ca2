package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

type attemptRow struct {
	PaymentID   string          `db:"payment_id"`
	Attempt     int             `db:"attempt"`
	Hospital    string          `db:"hospital_id"`
	Channel     payment.Channel `db:"channel"`
	MerchantNo  string          `db:"merchant_no"`
	State       channel.State   `db:"state"`
	Code        string          `db:"code"`
	Currency    money.Currency  `db:"currency"`
	Amount      int64           `db:"amount_fen"`
	Captured    int64           `db:"captured_fen"`
	Reserved    int64           `db:"reserved_fen"`
	Refunded    int64           `db:"refunded_fen"`
	Offline     int64           `db:"offline_fen"`
	Fee         int64           `db:"fee_fen"`
	FeeReturned int64           `db:"fee_returned_fen"`
	Prepaid     bool            `db:"prepaid"`
	Charge      []byte          `db:"charge_sealed"`
	Handle      []byte          `db:"prepaid_sealed"`
	Report      []byte          `db:"report"`
}

// attemptColumns are an attempt with its first capture, the effective one.
const attemptColumns = `
       a.payment_id, a.attempt, a.hospital_id, a.channel, a.merchant_no, a.state, a.code, a.currency, a.amount_fen,
       a.captured_fen, a.reserved_fen, a.refunded_fen, a.offline_fen, a.fee_fen, a.fee_returned_fen, a.prepaid,
       a.charge_sealed, a.prepaid_sealed,
       (SELECT report` + effectiveCapture + `) AS report`

// effectiveCapture is the first one of an attempt a.
const effectiveCapture = ` FROM captures k WHERE k.payment_id = a.payment_id AND k.attempt = a.attempt
         ORDER BY recorded_at, channel_no LIMIT 1`

const selectAttempt = `SELECT ` + attemptColumns + ` FROM attempts a `

// attemptKeys is what is kept of a channel's answer to Prepay.
type attemptKeys struct {
	Handle string            `json:"handle"`
	Pay    payment.PayParams `json:"pay,omitempty"`
}

// BeginAttempt writes a charge down before it is asked for (I5) and moves the
// payment to next. An attempt that is there already is returned as it is, with
// Existed set, and nothing is moved: a repeat never takes the payment back.
// What the patient is asked to pay sets the payment's deadline to the charge's.
// The same number with another channel or amount is ErrConflict; a
// payment that cannot go to next is ErrTransition.
func (s *Store) BeginAttempt(ctx context.Context, c channel.Charge, next payment.Status) (Attempt, error) {
	var out Attempt
	err := s.quickStep(ctx, "begin attempt", ofNew(c.PaymentID, c.Attempt), c.CreatedAt, func(st *step) error {
		if st.read.Begun { // and what is asked of it now never changes
			row, err := st.attempt(c.Attempt)
			if err != nil {
				return err
			}
			if row.Channel != c.Channel || row.MerchantNo != c.MerchantNo || !c.Amount.Equal(row.money(row.Amount)) {
				return fmt.Errorf("attempt %d: %w", c.Attempt, ErrConflict)
			}
			out, err = s.attemptOf(row)
			out.Existed = true
			return err
		}
		if err := st.beginAttempt(c); err != nil {
			return err
		}
		if err := st.become(next, ""); err != nil {
			return err
		}
		if next == payment.AwaitingPayment && !c.ExpiresAt.IsZero() {
			st.row.PayBy = stamp(c.ExpiresAt)
		}
		st.record(byWorkflow, "attempt", "attempt", number(c.Attempt), "channel", string(c.Channel),
			"merchant_no", c.MerchantNo, "amount_fen", fenText(c.Amount.Minor()))
		out = Attempt{Charge: c, State: channel.Open}
		return nil
	})
	if err != nil {
		return Attempt{}, err
	}
	return out, nil
}

// AskAgain notes one more try to ask the channel for an attempt, before it
// leaves, and says whether one before it may have come to something. The first
// try is noted by BeginAttempt.
func (s *Store) AskAgain(ctx context.Context, paymentID string, attempt int) (bool, error) {
	var before int
	err := s.db.GetContext(ctx, &before, `
UPDATE attempts SET in_doubt = in_doubt + 1 WHERE payment_id = $1 AND attempt = $2 RETURNING in_doubt - 1`, paymentID, attempt)
	if err != nil {
		return false, fmt.Errorf("ask for attempt %d of %s again: %w", attempt, paymentID, found(err))
	}
	return before > 0, nil
}

// CameToNothing notes that a try, which was noted before, has not been carried
// out and never will be: the channel refused it for now, or was not reached.
func (s *Store) CameToNothing(ctx context.Context, paymentID string, attempt int) error {
	_, err := s.db.ExecContext(ctx, `UPDATE attempts SET in_doubt = in_doubt - 1 WHERE payment_id = $1 AND attempt = $2`, paymentID, attempt)
	if err != nil {
		return fmt.Errorf("a try of attempt %d of %s: %w", attempt, paymentID, err)
	}
	return nil
}

// beginAttempt makes the step write an attempt that is not there.
func (st *step) beginAttempt(c channel.Charge) error {
	sealed, err := st.sealJSON(c, "charge", c.PaymentID, number(c.Attempt))
	if err != nil {
		return err
	}
	r := attemptRow{PaymentID: c.PaymentID, Attempt: c.Attempt, Hospital: st.row.Hospital, Channel: c.Channel,
		MerchantNo: c.MerchantNo, State: channel.Open, Currency: c.Amount.Currency(), Amount: c.Amount.Minor(), Charge: sealed}
	st.also = part{statement: writeBegun, attempt: r,
		args: []any{r.Attempt, r.Channel, c.Scene, r.MerchantNo, r.State, r.Currency, r.Amount, st.at, r.Charge}}
	return nil
}

// changeAttempt makes the step write what changes of an attempt before its
// money comes.
func (st *step) changeAttempt(r attemptRow) {
	st.also = part{statement: writeAttempt, args: []any{r.Attempt, r.Prepaid, null(r.Handle), r.State, r.Code}, attempt: r}
}

// SavePrepaid keeps what the channel answered to Prepay. A capture that its
// report tells of is for RecordCapture.
func (s *Store) SavePrepaid(ctx context.Context, paymentID string, attempt int, p channel.Prepaid, at time.Time) error {
	return s.quickStep(ctx, "save prepaid", ofCharge(paymentID, attempt, ""), at, func(st *step) error {
		row := st.read.attemptRow
		state, live := stateAfterPrepay(row.State, p.Report.State)
		known, err := s.attemptOf(row)
		if err != nil {
			return err
		}
		if row.Prepaid && state == row.State && known.Charge.Handle == p.Handle && samePay(known.Pay, p.Pay) {
			return nil
		}
		if err := st.answered(&row, p); err != nil {
			return err
		}
		if p.Report.Code != "" && live {
			row.Code = p.Report.Code
		}
		row.State = state
		st.changeAttempt(row)
		st.record(byWorkflow, "prepaid", "attempt", number(attempt), "state", string(state), "code", p.Report.Code)
		return nil
	})
}

// answered adds to a charge what the channel's answer to it has to be kept of.
func (st *step) answered(r *attemptRow, p channel.Prepaid) (err error) {
	r.Prepaid = true
	r.Handle, err = st.sealJSON(attemptKeys{Handle: p.Handle, Pay: p.Pay}, "prepaid", r.PaymentID, number(r.Attempt))
	return err
}

// stateAfterPrepay is the state of a charge that a channel has just accepted,
// and whether it still was one that could be: what is captured, closed or
// declined stays so.
func stateAfterPrepay(was, reported channel.State) (channel.State, bool) {
	switch was {
	case channel.Captured, channel.Closed, channel.Declined:
		return was, false
	}
	switch reported {
	case channel.Open, channel.InClearing, channel.Doubtful:
		return reported, true
	}
	if was == channel.Absent {
		return channel.Open, true
	}
	return was, true
}

func samePay(a, b payment.PayParams) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			return false
		}
	}
	return true
}

// EndAttempt notes that a charge was not paid: Closed, Declined or Absent. It
// changes nothing once the charge is captured, or ended in Closed or Declined.
func (s *Store) EndAttempt(ctx context.Context, paymentID string, attempt int, state channel.State, code string, at time.Time) error {
	if state.Outcome() != payment.Failed {
		return fmt.Errorf("end attempt %d of %s as %q: %w", attempt, paymentID, state, ErrTransition)
	}
	return s.quickStep(ctx, "end attempt", ofCharge(paymentID, attempt, ""), at, func(st *step) error {
		row := st.read.attemptRow
		switch row.State {
		case state, channel.Captured, channel.Closed, channel.Declined:
			return nil
		}
		row.State, row.Code = state, code
		st.changeAttempt(row)
		st.record(byWorkflow, "attempt_ended", "attempt", number(attempt), "state", string(state), "code", code)
		return nil
	})
}

// Attempt reads one charge.
func (s *Store) Attempt(ctx context.Context, paymentID string, attempt int) (Attempt, error) {
	var row attemptRow
	err := s.db.GetContext(ctx, &row, selectAttempt+`WHERE a.payment_id = $1 AND a.attempt = $2`, paymentID, attempt)
	if err != nil {
		return Attempt{}, fmt.Errorf("read attempt %d of %s: %w", attempt, paymentID, found(err))
	}
	return s.attemptOf(row)
}

// AttemptByNumber finds the charge that a channel knows by merchantNo. Where this
// process remembers it, that is taken: the charge is as it was asked for, while
// its state and its capture may be behind the books.
func (s *Store) AttemptByNumber(ctx context.Context, hospital string, ch payment.Channel, merchantNo string) (Asked, error) {
	var r struct {
		attemptRow
		ChannelNo string `db:"channel_no"`
	}
	var ok bool
	if r.attemptRow, ok = s.memory.asked(hospital, ch, merchantNo); !ok {
		const read = `SELECT a.payment_id, a.state, a.currency, a.amount_fen, coalesce((SELECT channel_no` + effectiveCapture + `), '') AS channel_no
  FROM attempts a WHERE a.merchant_no = $1 AND a.hospital_id = $2 AND a.channel = $3`
		if err := s.db.GetContext(ctx, &r, read, merchantNo, hospital, ch); err != nil {
			return Asked{}, fmt.Errorf("read charge %.40q: %w", merchantNo, found(err))
		}
	}
	return Asked{PaymentID: r.PaymentID, Amount: r.money(r.Amount), State: r.State, ChannelNo: r.ChannelNo}, nil
}

// attempt reads a charge of the step's payment.
func (st *step) attempt(n int) (attemptRow, error) {
	var row attemptRow
	err := sqlx.GetContext(st.ctx, st.db, &row, selectAttempt+`WHERE a.payment_id = $1 AND a.attempt = $2`, st.row.ID, n)
	if err != nil {
		return attemptRow{}, fmt.Errorf("read attempt %d: %w", n, found(err))
	}
	return row, nil
}

func (r attemptRow) money(fen int64) money.Money { return money.Minor(fen, r.Currency) }

// attemptOf opens what is sealed in a row.
func (s *Store) attemptOf(r attemptRow) (Attempt, error) {
	a := Attempt{State: r.State, Prepaid: r.Prepaid, Refunded: r.money(r.Reserved)}
	if err := s.openJSON(r.Charge, &a.Charge, "charge", r.PaymentID, number(r.Attempt)); err != nil {
		return Attempt{}, err
	}
	if r.Handle != nil {
		var keys attemptKeys
		if err := s.openJSON(r.Handle, &keys, "prepaid", r.PaymentID, number(r.Attempt)); err != nil {
			return Attempt{}, err
		}
		a.Charge.Handle, a.Pay = keys.Handle, keys.Pay
	}
	if r.Report != nil {
		if err := json.Unmarshal(r.Report, &a.Capture); err != nil {
			return Attempt{}, fmt.Errorf("read the capture of attempt %d: %w", r.Attempt, err)
		}
	}
	return a, nil
}
