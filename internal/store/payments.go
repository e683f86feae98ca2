package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/regpay/regpay/internal/audit"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
)

// lockPatient makes two payments that one patient starts at once see each
// other (velocity): the second counts after the first has committed.
const lockPatient = `SELECT pg_advisory_xact_lock(hashtextextended($1, 1))`

const lookPatient = `
SELECT (SELECT count(*) FROM requests
         WHERE hospital_id = $1 AND patient_index = $2 AND created_at > $3 AND payment_id <> $5) AS started,
       (SELECT count(*) FROM no_shows
         WHERE hospital_id = $1 AND patient_index = $2 AND at > $4) AS no_shows,
       EXISTS (SELECT FROM risk_blocks WHERE hospital_id = $1 AND patient_index = $2) AS blocked,
       EXISTS (SELECT FROM requests WHERE hospital_id = $1 AND order_no = $6) AS known`

const lookOpened = `
SELECT q.payment_id, q.request_index, p.status, p.risk_verdict, p.risk_rule
  FROM requests q JOIN payments p ON p.id = q.payment_id
 WHERE q.hospital_id = $1 AND q.order_no = $2`

const insertPayment = `
WITH asked AS (
    INSERT INTO requests (payment_id, hospital_id, order_no, workflow_id, created_at, request_index, patient_index, request_sealed)
    VALUES ($1::text, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING payment_id
), opened AS (
    INSERT INTO payments (id, hospital_id, status, reason, method, currency, amount_fen, risk_verdict, risk_rule,
                          created_at, updated_at, pay_by, audit_seq, audit_head)
    SELECT payment_id, $2, $9, $10, $11, $12, $13, $14, $15, $5, $5, $16, $17, $18 FROM asked RETURNING id
)
INSERT INTO audit (subject, seq, at, actor, action, detail, prev, hash)
SELECT opened.id, seq, at, actor, action, detail::jsonb, prev, hash
  FROM opened, unnest($19::bigint[], $20::timestamptz[], $21::text[], $22::text[], $23::text[], $24::bytea[], $25::bytea[])
    AS r (seq, at, actor, action, detail, prev, hash)`

// OpenPayment writes a payment down, once per order, and assesses its risk.
// The status is First when the rules pass it, Rejected when they refuse it, and
// Pending for a Review, whose case the caller opens. Repeating it returns what was decided the first time;
// the same order with another request is a Problem CodeOrderConflict.
func (s *Store) OpenPayment(ctx context.Context, o Opening) (Opened, error) {
	var out Opened
	order := o.Request.Order
	patient := s.patientIndex(order.HospitalID, order.Patient.IDNumber)
	err := s.inTx(ctx, func(tx *sqlx.Tx) (bool, error) {
		if _, err := tx.ExecContext(ctx, lockPatient, patient); err != nil {
			return false, fmt.Errorf("lock the patient: %w", err)
		}
		var facts struct {
			Started int  `db:"started"`
			NoShows int  `db:"no_shows"`
			Blocked bool `db:"blocked"`
			Known   bool `db:"known"`
		}
		err := tx.GetContext(ctx, &facts, lookPatient, order.HospitalID, patient,
			stamp(o.At.Add(-o.Rules.Window)), stamp(o.At.Add(-o.Rules.NoShowWindow)), o.PaymentID, order.OrderNo)
		if err != nil {
			return false, fmt.Errorf("gather the risk rules' facts: %w", err)
		}
		if !facts.Known {
			out.Assessment = o.Rules.Assess(risk.Facts{Amount: order.Amount, Started: facts.Started + 1,
				NoShows: facts.NoShows, Blocked: facts.Blocked})
			wrote, err := s.insertPayment(ctx, tx, o, patient, &out)
			if err != nil || wrote {
				return wrote, err
			}
		}
		out, err = s.opened(ctx, tx, o)
		return false, err
	})
	if err != nil {
		return Opened{}, fmt.Errorf("open payment %s: %w", o.PaymentID, err)
	}
	return out, nil
}

// insertPayment writes a new payment. It reports false when somebody else,
// with another patient's lock, wrote the order in between.
func (s *Store) insertPayment(ctx context.Context, tx *sqlx.Tx, o Opening, patient string, out *Opened) (bool, error) {
	order := o.Request.Order
	reason := ""
	out.Status = payment.Pending
	if out.Assessment.Verdict == risk.Pass && o.First != "" {
		out.Status = o.First
	}
	if out.Assessment.Verdict == risk.Refuse {
		out.Status, reason = payment.Rejected, out.Assessment.Rule
	}
	sealed, err := s.sealJSON(o.Request, "request", o.PaymentID)
	if err != nil {
		return false, err
	}
	log := chain{subject: o.PaymentID, head: audit.Start(o.PaymentID)}
	log.add(stamp(o.At), byWorkflow, "opened", details("status", string(out.Status), "reason", reason,
		"method", string(o.Request.Choice.Method), "amount_fen", fenText(order.Amount.Minor()),
		"currency", string(order.Amount.Currency()), "risk", string(out.Assessment.Verdict),
		"rule", out.Assessment.Rule))
	args := append([]any{o.PaymentID, order.HospitalID, order.OrderNo, o.WorkflowID, stamp(o.At),
		s.RequestIndex(o.Request.Digest()), patient, sealed, out.Status, reason, o.Request.Choice.Method,
		order.Amount.Currency(), order.Amount.Minor(), out.Assessment.Verdict, out.Assessment.Rule,
		stamp(o.Deadline), log.head.Seq, log.head.Hash}, log.columns()...)
	res, err := tx.ExecContext(ctx, insertPayment, args...)
	if err != nil {
		return false, fmt.Errorf("write the payment: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("write the payment: %w", err)
	}
	return n > 0, nil
}

// opened reads what is there of an order that was opened before.
func (s *Store) opened(ctx context.Context, tx *sqlx.Tx, o Opening) (Opened, error) {
	var row struct {
		ID      string         `db:"payment_id"`
		Index   string         `db:"request_index"`
		Status  payment.Status `db:"status"`
		Verdict risk.Verdict   `db:"risk_verdict"`
		Rule    string         `db:"risk_rule"`
	}
	err := tx.GetContext(ctx, &row, lookOpened, o.Request.Order.HospitalID, o.Request.Order.OrderNo)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Opened{}, fmt.Errorf("its number is another order's: %w", ErrConflict)
	case err != nil:
		return Opened{}, fmt.Errorf("read the payment opened before: %w", err)
	case row.ID != o.PaymentID || row.Index != s.RequestIndex(o.Request.Digest()):
		return Opened{}, payment.Problem{Code: payment.CodeOrderConflict, Field: "order.order_no",
			Text: "this order was started before with another request"}
	}
	return Opened{Status: row.Status, Assessment: risk.Assessment{Verdict: row.Verdict, Rule: row.Rule}}, nil
}

// MoveTo changes the status, or returns ErrTransition. Moving to the present
// status changes nothing. Paid issues the voucher if there is none yet;
// Refunded, Rejected and Closed make it void.
func (s *Store) MoveTo(ctx context.Context, m Move) error {
	return s.step(ctx, "move", m.PaymentID, m.At, func(st *step) error {
		if st.row.Status == m.To {
			return nil
		}
		if err := st.become(m.To, m.Reason); err != nil {
			return err
		}
		voucher := ""
		if st.row.Voucher != "" && endsVoucher(m.To) {
			voucher = "void"
		}
		st.record(actor(m.Actor), "moved", "voucher", voucher)
		return nil
	})
}

// Complete notes that the booking backend knows of the registration.
func (s *Store) Complete(ctx context.Context, paymentID string, at time.Time) error {
	return s.step(ctx, "complete", paymentID, at, func(st *step) error {
		if st.row.Status == payment.Completed {
			return nil
		}
		if err := st.become(payment.Completed, ""); err != nil {
			return err
		}
		st.record(byWorkflow, "completed")
		return nil
	})
}

// ChooseMethod notes another way to pay. It returns ErrTransition once the
// money is in or the payment has ended. Closing the charge of the method before
// is the caller's, and comes first (I1).
func (s *Store) ChooseMethod(ctx context.Context, paymentID string, c payment.Choice, at time.Time) error {
	return s.step(ctx, "choose method", paymentID, at, func(st *step) error {
		switch st.row.Status {
		case payment.Pending, payment.Verifying, payment.AwaitingPayment, payment.Clearing,
			payment.InReview, payment.Suspended:
		default:
			return fmt.Errorf("choose a method in %s: %w", st.row.Status, ErrTransition)
		}
		var sealed []byte
		if err := st.tx.GetContext(ctx, &sealed, readRequest, paymentID); err != nil {
			return fmt.Errorf("read the request: %w", err)
		}
		var r payment.Request
		if err := s.openJSON(sealed, &r, "request", paymentID); err != nil {
			return err
		}
		if sameChoice(r.Choice, c) {
			return nil
		}
		r.Choice = c
		sealed, err := s.sealJSON(r, "request", paymentID)
		if err != nil {
			return err
		}
		const write = `UPDATE requests SET request_sealed = $2 WHERE payment_id = $1`
		if _, err := st.tx.ExecContext(ctx, write, paymentID, sealed); err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
		st.row.Method = c.Method
		st.record("patient", "method", "method", string(c.Method), "scene", string(c.Scene),
			"self_pay", string(c.SelfPay))
		return nil
	})
}

func sameChoice(a, b payment.Choice) bool {
	if !a.InsuranceAmount.Equal(b.InsuranceAmount) {
		return false
	}
	a.InsuranceAmount = b.InsuranceAmount // equal decimals may be written differently
	return a == b
}

// Order is the request with the method chosen last, decrypted.
func (s *Store) Order(ctx context.Context, paymentID string) (payment.Request, error) {
	var sealed []byte
	if err := s.db.GetContext(ctx, &sealed, readRequest, paymentID); err != nil {
		return payment.Request{}, fmt.Errorf("read order of %s: %w", paymentID, found(err))
	}
	var r payment.Request
	if err := s.openJSON(sealed, &r, "request", paymentID); err != nil {
		return payment.Request{}, fmt.Errorf("read order of %s: %w", paymentID, err)
	}
	return r, nil
}

const readRequest = `SELECT request_sealed FROM requests WHERE payment_id = $1`

func utc(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}
