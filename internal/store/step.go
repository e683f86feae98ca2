package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/audit"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// byWorkflow is the actor of steps that no person asked for.
const byWorkflow = "workflow"

// paymentRow is the part of a payment that its steps change.
type paymentRow struct {
	ID           string         `db:"id"`
	Hospital     string         `db:"hospital_id"`
	Status       payment.Status `db:"status"`
	Reason       string         `db:"reason"`
	Method       payment.Method `db:"method"`
	Currency     money.Currency `db:"currency"`
	Amount       int64          `db:"amount_fen"`
	Captured     int64          `db:"captured_fen"`
	Reserved     int64          `db:"reserved_fen"`
	Refunded     int64          `db:"refunded_fen"`
	PayBy        time.Time      `db:"pay_by"`
	PaidAt       sql.NullTime   `db:"paid_at"`
	Voucher      string         `db:"voucher_code"`
	VoucherFinal sql.NullTime   `db:"voucher_confirmed_at"`
	Appointment  string         `db:"appointment_id"`
	Notice       string         `db:"notice_id"`
	Refusal      string         `db:"refusal"`
	RefundCount  int            `db:"refund_count"`
	AuditSeq     int64          `db:"audit_seq"`
	AuditHead    []byte         `db:"audit_head"`
}

const lockPayment = `
SELECT id, hospital_id, status, reason, method, currency, amount_fen, captured_fen, reserved_fen, refunded_fen,
       pay_by, paid_at, voucher_code, voucher_confirmed_at, appointment_id, notice_id, refusal, refund_count,
       audit_seq, audit_head
  FROM payments WHERE id = $1 FOR UPDATE`

const writePayment = `
WITH moved AS (
    UPDATE payments SET status = $2, reason = $3, method = $4, captured_fen = $5, reserved_fen = $6,
           refunded_fen = $7, updated_at = $8, paid_at = $9, voucher_code = $10, voucher_confirmed_at = $11,
           appointment_id = $12, notice_id = $13, refusal = $14, refund_count = $15, audit_seq = $16, audit_head = $17,
           pay_by = $25
     WHERE id = $1::text)
INSERT INTO audit (subject, seq, at, actor, action, detail, prev, hash)
SELECT $1::text, seq, at, actor, action, detail::jsonb, prev, hash
  FROM unnest($18::bigint[], $19::timestamptz[], $20::text[], $21::text[], $22::text[], $23::bytea[], $24::bytea[])
    AS r (seq, at, actor, action, detail, prev, hash)`

// step is one transaction on one payment. The functions that it is handed to
// change row and log what they did; nothing is written when they log nothing.
type step struct {
	*Store
	ctx  context.Context
	tx   *sqlx.Tx
	at   time.Time
	row  paymentRow
	said payment.Status // the status that the log tells of
	log  chain
}

// step runs f with the payment's row locked and commits what it did together
// with its audit records. It returns ErrNotFound for an unknown payment.
func (s *Store) step(ctx context.Context, doing, paymentID string, at time.Time, f func(*step) error) error {
	err := s.inTx(ctx, func(tx *sqlx.Tx) (bool, error) {
		st := &step{Store: s, ctx: ctx, tx: tx, at: stamp(at)}
		if err := tx.GetContext(ctx, &st.row, lockPayment, paymentID); err != nil {
			return false, found(err)
		}
		st.said = st.row.Status
		st.log = chain{subject: paymentID, head: audit.Head{Seq: st.row.AuditSeq, Hash: st.row.AuditHead}}
		if err := f(st); err != nil {
			return false, err
		}
		if len(st.log.records) == 0 {
			return false, nil
		}
		return true, st.write()
	})
	if err != nil {
		return fmt.Errorf("%s of %s: %w", doing, paymentID, err)
	}
	return nil
}

// inTx runs f in a transaction and commits when f says so. Ending without a
// commit costs no flush, so a repeat that changes nothing is cheap.
func (s *Store) inTx(ctx context.Context, f func(*sqlx.Tx) (commit bool, err error)) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	commit, err := f(tx)
	if err != nil || !commit {
		// The connection is thrown away when this fails; nothing was committed.
		_ = tx.Rollback()
		return problem(err)
	}
	if err := tx.Commit(); err != nil {
		return problem(fmt.Errorf("commit: %w", err))
	}
	return nil
}

func (st *step) write() error {
	r := &st.row
	args := append([]any{r.ID, r.Status, r.Reason, r.Method, r.Captured, r.Reserved, r.Refunded, st.at,
		r.PaidAt, r.Voucher, r.VoucherFinal, r.Appointment, r.Notice, r.Refusal, r.RefundCount,
		st.log.head.Seq, st.log.head.Hash}, st.log.columns()...)
	args = append(args, r.PayBy)
	if _, err := st.tx.ExecContext(st.ctx, writePayment, args...); err != nil {
		return fmt.Errorf("write the payment: %w", err)
	}
	return nil
}

// record adds a line to the payment's audit log; details come as pairs, and
// those without a value are left out. A change of status since the line before
// is told by itself.
func (st *step) record(actor, action string, pairs ...string) {
	detail := details(pairs...)
	if st.said != st.row.Status {
		detail["from"], detail["status"] = string(st.said), string(st.row.Status)
		if st.row.Reason != "" {
			detail["reason"] = st.row.Reason
		}
		st.said = st.row.Status
	}
	st.log.add(st.at, actor, action, detail)
}

// become moves the payment to a status, or returns ErrTransition.
func (st *step) become(to payment.Status, reason string) error {
	from := st.row.Status
	if from == to {
		return nil
	}
	if !from.CanBecome(to) {
		return fmt.Errorf("from %s to %s: %w", from, to, ErrTransition)
	}
	st.row.Status, st.row.Reason = to, reason
	if to == payment.Paid {
		return st.issueVoucher()
	}
	return nil
}

// chain collects the records that a transaction adds to one audit log.
type chain struct {
	subject string
	head    audit.Head
	records []audit.Record
	address string // from which the changes are asked for, if a person does
}

func (c *chain) add(at time.Time, actor, action string, detail map[string]string) {
	var r audit.Record
	r, c.head = c.head.Append(audit.Record{Subject: c.subject, At: at, Actor: actor, Action: action, Detail: addressed(detail, c.address)})
	c.records = append(c.records, r)
}

// The statements of chain.write: where the log's head is kept is what differs.
const (
	writeRecords = `
INSERT INTO audit (subject, seq, at, actor, action, detail, prev, hash)
SELECT $1::text, seq, at, actor, action, detail::jsonb, prev, hash
  FROM unnest($4::bigint[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bytea[])
    AS r (seq, at, actor, action, detail, prev, hash)`
	writeBeside = `WITH moved AS (UPDATE payments SET audit_seq = $2, audit_head = $3 WHERE id = $1::text)` + writeRecords
	writeAlone  = `WITH moved AS (UPDATE audit_heads SET audit_seq = $2, audit_head = $3 WHERE subject = $1::text)` + writeRecords
)

// write adds the records to the log, and moves its head.
func (c *chain) write(ctx context.Context, tx *sqlx.Tx, statement string) error {
	_, err := tx.ExecContext(ctx, statement, append([]any{c.subject, c.head.Seq, c.head.Hash}, c.columns()...)...)
	return err
}

// columns are the records as one array for each column.
func (c *chain) columns() []any {
	n := len(c.records)
	seq, at := make(pq.Int64Array, n), make(pq.StringArray, n)
	actor, action, detail := make(pq.StringArray, n), make(pq.StringArray, n), make(pq.StringArray, n)
	prev, hash := make(pq.ByteaArray, n), make(pq.ByteaArray, n)
	for i, r := range c.records {
		seq[i], at[i], actor[i], action[i] = r.Seq, r.At.Format(time.RFC3339Nano), r.Actor, r.Action
		prev[i], hash[i] = r.Prev, r.Hash
		b, err := json.Marshal(r.Detail)
		if err != nil {
			panic("store: a detail is a map of strings: " + err.Error())
		}
		detail[i] = string(b)
	}
	return []any{seq, at, actor, action, detail, prev, hash}
}

func details(pairs ...string) map[string]string {
	m := make(map[string]string, len(pairs)/2+3)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			m[pairs[i]] = pairs[i+1]
		}
	}
	return m
}

// stamp is a time as the database keeps it, so that what was hashed and what is
// read back are the same.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// found turns "no rows" into ErrNotFound.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// problem turns the database's refusals into what the caller did wrong. The
// database's own message is dropped where it quotes values.
func problem(err error) error {
	var pe *pq.Error
	if !errors.As(err, &pe) {
		return err
	}
	switch {
	case pe.Constraint == "refund_within_capture":
		return payment.Problem{Code: payment.CodeRefundExceeds, Field: "amount",
			Text: "refunds cannot exceed what was captured"}
	case pe.Code == "23505":
		return fmt.Errorf("%s: %w", pe.Constraint, ErrConflict)
	}
	return err
}
