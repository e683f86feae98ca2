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

// lockPatient makes payments that one patient starts follow each other, as
// started_by_patient does.
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

// insertPayment writes a payment whose order is not there, if the patient has
// started as many others as the risk rules were told.
const insertPayment = `
WITH asked AS (
    INSERT INTO requests (payment_id, hospital_id, order_no, workflow_id, created_at, request_index, patient_index, request_sealed)
    SELECT $1::text, $2::text, $3, $4, $5::timestamptz, $6, $7::text, $8
     WHERE started_by_patient($2::text, $7::text, $26::timestamptz, $1::text) = $27::bigint
        ON CONFLICT DO NOTHING RETURNING payment_id
), opened AS (
    INSERT INTO payments (id, hospital_id, status, reason, method, currency, amount_fen, risk_verdict, risk_rule,
                          created_at, updated_at, pay_by, audit_seq, audit_head)
    SELECT payment_id, $2::text, $9, $10, $11, $12, $13, $14, $15, $5::timestamptz, $5::timestamptz, $16, $17, $18 FROM asked RETURNING id
)
INSERT INTO audit (subject, seq, at, actor, action, detail, prev, hash)
SELECT opened.id, seq, at, actor, action, detail::jsonb, prev, hash
  FROM opened, unnest($19::bigint[], $20::timestamptz[], $21::text[], $22::text[], $23::text[], $24::bytea[], $25::bytea[])
    AS r (seq, at, actor, action, detail, prev, hash)`

// patientFacts are what the risk rules know of a patient, beside the amount.
type patientFacts struct {
	Started int  `db:"started"`
	NoShows int  `db:"no_shows"`
	Blocked bool `db:"blocked"`
	Known   bool `db:"known"` // the order is there already
}

// OpenPayment writes a payment down, once per order, and assesses its risk.
// The status is First when the rules pass it, Rejected when they refuse it, and
// Pending for a Review, whose case the caller opens. Repeating it returns what
// was decided the first time; the same order with another request is a Problem
// CodeOrderConflict.
//
// Like quickStep it looks and writes without a lock, and begins again with one,
// here the patient's, where that does not work out: such as when the patient has
// started another payment in between.
func (s *Store) OpenPayment(ctx context.Context, o Opening) (Opened, error) {
	patient := s.patientIndex(o.Request.Order.HospitalID, o.Request.Order.Patient.IDNumber)
	if out, _, err := s.openPayment(ctx, s.db, o, patient); err == nil {
		return out, nil
	}
	var out Opened
	err := s.inTx(ctx, func(tx *sqlx.Tx) (wrote bool, err error) {
		if _, err := tx.ExecContext(ctx, lockPatient, patient); err != nil {
			return false, fmt.Errorf("lock the patient: %w", err)
		}
		out, wrote, err = s.openPayment(ctx, tx, o, patient)
		return wrote, err
	})
	if err != nil {
		return Opened{}, fmt.Errorf("open payment %s: %w", o.PaymentID, err)
	}
	return out, nil
}

// openPayment looks, and writes by one statement. It says whether it has written.
func (s *Store) openPayment(ctx context.Context, db sqlx.ExtContext, o Opening, patient string) (out Opened, wrote bool, err error) {
	order := o.Request.Order
	var facts patientFacts
	err = sqlx.GetContext(ctx, db, &facts, lookPatient, order.HospitalID, patient,
		o.since(), stamp(o.At.Add(-o.Rules.NoShowWindow)), o.PaymentID, order.OrderNo)
	if err != nil {
		return Opened{}, false, fmt.Errorf("gather the risk rules' facts: %w", err)
	}
	if !facts.Known {
		out.Assessment = o.Rules.Assess(risk.Facts{Amount: order.Amount, Started: facts.Started + 1,
			NoShows: facts.NoShows, Blocked: facts.Blocked})
		wrote, err := s.insertPayment(ctx, db, o, patient, facts.Started, &out)
		if err != nil || wrote {
			return out, wrote, err
		}
	}
	out, err = s.opened(ctx, db, o)
	return out, false, err
}

// since is from when on a patient's other payments count.
func (o Opening) since() time.Time { return stamp(o.At.Add(-o.Rules.Window)) }

// insertPayment writes a new payment. It reports false when somebody else,
// with another patient's lock, wrote the order in between, or when the patient
// has not started as many payments as it was told.
func (s *Store) insertPayment(ctx context.Context, db sqlx.ExtContext, o Opening, patient string, started int, out *Opened) (bool, error) {
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
	res, err := db.ExecContext(ctx, insertPayment, append(args, o.since(), started)...)
	if err != nil {
		return false, fmt.Errorf("write the payment: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("write the payment: %w", err)
	}
	if n > 0 {
		s.memory.refs.Add(o.PaymentID, Ref{order.HospitalID, order.OrderNo})
		s.memory.keep(facts{Next: 1, Payment: paymentRow{ID: o.PaymentID, Hospital: order.HospitalID, Status: out.Status,
			Reason: reason, Method: o.Request.Choice.Method, Currency: order.Amount.Currency(), Amount: order.Amount.Minor(),
			PayBy: stamp(o.Deadline), AuditSeq: log.head.Seq, AuditHead: log.head.Hash}})
	}
	return n > 0, nil
}

// opened reads what is there of an order that was opened before.
func (s *Store) opened(ctx context.Context, db sqlx.ExtContext, o Opening) (Opened, error) {
	var row struct {
		ID      string         `db:"payment_id"`
		Index   string         `db:"request_index"`
		Status  payment.Status `db:"status"`
		Verdict risk.Verdict   `db:"risk_verdict"`
		Rule    string         `db:"risk_rule"`
	}
	err := sqlx.GetContext(ctx, db, &row, lookOpened, o.Request.Order.HospitalID, o.Request.Order.OrderNo)
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
