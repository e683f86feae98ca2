package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/audit"
	"github.com/regpay/regpay/internal/payment"
)

// byWorkflow is the actor of steps that no person asked for.
const byWorkflow = "workflow"

// step is one change of one payment. The functions that it is handed to change
// row and log what they did; nothing is written when they log nothing.
type step struct {
	*Store
	ctx  context.Context
	at   time.Time
	db   sqlx.ExtContext // tx, or the pool while the payment's row is not locked
	tx   *sqlx.Tx
	past facts // what was remembered
	read facts
	row  paymentRow     // read.Payment, as it becomes
	said payment.Status // the status that the log tells of
	log  chain
	also part // what is written beside the payment and its log
}

// step runs f with the payment's row locked and commits what it did, also by
// statements of its own, together with its audit records. It returns ErrNotFound
// for an unknown payment.
func (s *Store) step(ctx context.Context, doing, paymentID string, at time.Time, f func(*step) error) error {
	return named(doing, paymentID, s.locked(ctx, ofPayment(paymentID), s.memory.take(paymentID), at, f))
}

// quickStep is a step in two round trips instead of five, and in one where this
// process took the step before. It reads all that it decides by in one query,
// without a lock, if it does not remember it, and writes in one statement, which
// PostgreSQL makes atomic. The statement does nothing when another step of the
// payment came in between: every step moves the end of the payment's audit log
// (I8), so where that is as it was read, all else is.
//
// f decides by read alone, and changes the books by row, record and also alone.
// What it refuses may have been about to change, so that, a step that was
// overtaken, and whatever else did not work out is decided with the row locked.
// So f is run up to three times, and sets all of its results each time.
func (s *Store) quickStep(ctx context.Context, doing string, of sight, at time.Time, f func(*step) error) error {
	past := s.memory.take(of.payment)
	if s.recalled(ctx, of, past, at, f) || s.unlocked(ctx, of, past, at, f) {
		return nil
	}
	return named(doing, of.payment, s.locked(ctx, of, past, at, f))
}

func named(doing, paymentID string, err error) error {
	if err != nil {
		return fmt.Errorf("%s of %s: %w", doing, paymentID, err)
	}
	return nil
}

// recalled tries a step by what is remembered of its payment, and says whether
// it is done: written, since nothing else shows that the memory is of now.
func (s *Store) recalled(ctx context.Context, of sight, past facts, at time.Time, f func(*step) error) bool {
	if past.Payment.ID == "" || !of.recall(past) {
		return false
	}
	st := &step{Store: s, ctx: ctx, at: stamp(at), db: s.db}
	st.decideBy(past)
	return f(st) == nil && len(st.log.records) > 0 && st.writeAlone()
}

// unlocked tries a step without a lock, and says whether it is done. An error is
// of no interest: it comes again with the lock, or there is none any more.
func (s *Store) unlocked(ctx context.Context, of sight, past facts, at time.Time, f func(*step) error) bool {
	st := &step{Store: s, ctx: ctx, at: stamp(at), db: s.db, past: past}
	if st.look(of.query, of.args...) != nil || f(st) != nil {
		return false
	}
	return len(st.log.records) == 0 || st.writeAlone()
}

// writeAlone writes a step that has no transaction, and remembers what it has
// left.
func (st *step) writeAlone() bool {
	written, err := st.write()
	if !written || err != nil {
		return false
	}
	st.memory.keep(st.left())
	return true
}

// locked is a step with the payment's row locked. What it has left is remembered
// once it is committed.
func (s *Store) locked(ctx context.Context, of sight, past facts, at time.Time, f func(*step) error) error {
	var left facts
	err := s.inTx(ctx, func(tx *sqlx.Tx) (bool, error) {
		st := &step{Store: s, ctx: ctx, at: stamp(at), db: tx, tx: tx, past: past}
		if err := st.look(lockPayment, of.payment); err != nil {
			return false, found(err)
		}
		// A look that has waited for the lock saw the row as it is now, but all
		// else as it was when it began to wait.
		if of.query != readPayment {
			if err := st.look(of.query, of.args...); err != nil {
				return false, fmt.Errorf("read %s: %w", of.what, found(err))
			}
		}
		if err := f(st); err != nil {
			return false, err
		}
		if len(st.log.records) == 0 {
			return false, nil
		}
		written, err := st.write()
		if err == nil && !written {
			err = errors.New("write the payment: it has changed under its lock")
		}
		left = st.left()
		return true, err
	})
	if err == nil && left.Payment.ID != "" {
		s.memory.keep(left)
	}
	return err
}

// look reads what a step decides by. Where nothing has happened since, what is
// remembered holds beside it.
func (st *step) look(query string, args ...any) error {
	var f facts
	if err := sqlx.GetContext(st.ctx, st.db, &f, query, args...); err != nil {
		return err
	}
	if bytes.Equal(f.Payment.AuditHead, st.past.Payment.AuditHead) {
		f.Next = st.past.Next
	}
	st.decideBy(f)
	return nil
}

func (st *step) decideBy(f facts) {
	st.read, st.row = f, f.Payment
	st.said = st.row.Status
	st.log = chain{subject: st.row.ID, head: audit.Head{Seq: st.row.AuditSeq, Hash: st.row.AuditHead}}
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
