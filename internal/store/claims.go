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
	"github.com/regpay/regpay/internal/staff"
)

// ClaimLasts is how long a case stays claimed after its claimer's last action.
const ClaimLasts = 15 * time.Minute

// touchAfter is how much of a claim may have run before it is prolonged, so
// that every page of a case does not write.
const touchAfter = time.Minute

// Claim says who has a case in hand.
type Claim struct {
	By    string // a staff.Person's subject
	Name  string
	At    time.Time
	Until time.Time // it ends then, by time alone
}

// Of says whether the claim is a person's; nobody's claim, nil, is not.
func (c *Claim) Of(subject string) bool { return c != nil && c.By == subject }

// ErrClaimed comes as a ClaimedError.
var ErrClaimed = errors.New("the case is claimed by somebody else")

// ClaimedError says whose claim stands in the way.
type ClaimedError struct{ Claim Claim }

// Error names nobody: errors are logged.
func (e *ClaimedError) Error() string {
	return ErrClaimed.Error() + " until " + e.Claim.Until.UTC().Format(time.RFC3339)
}

// Unwrap makes it ErrClaimed for errors.Is.
func (e *ClaimedError) Unwrap() error { return ErrClaimed }

type claimRow struct {
	ClaimedBy   string       `db:"claimed_by"`
	ClaimedName string       `db:"claimed_name"`
	ClaimedAt   sql.NullTime `db:"claimed_at"`
	ClaimUntil  sql.NullTime `db:"claim_until"`
}

// claim is the one that holds at a time, or nil.
func (r claimRow) claim(at time.Time) *Claim {
	if r.ClaimedBy == "" || !r.ClaimUntil.Time.After(at) {
		return nil
	}
	return &Claim{By: r.ClaimedBy, Name: r.ClaimedName, At: utc(r.ClaimedAt), Until: utc(r.ClaimUntil)}
}

// ClaimCase puts a case into a person's hand for ClaimLasts from at, and logs
// it. A claim that they have already is prolonged, without a record. A claim of
// somebody else that has not run out is a ClaimedError, a decided case a Problem
// CodeCaseClosed, an unknown one ErrNotFound.
func (s *Store) ClaimCase(ctx context.Context, caseID string, p staff.Person, at time.Time) (Claim, error) {
	var out Claim
	err := s.onClaim(ctx, "claim", caseID, at, func(tx *sqlx.Tx, log *chain, held *Claim, decided bool) error {
		switch {
		case decided:
			return payment.Problem{Code: payment.CodeCaseClosed, Field: "case_id", Text: "this case was decided before"}
		case held != nil && !held.Of(p.Subject):
			return &ClaimedError{Claim: *held}
		}
		out = Claim{By: p.Subject, Name: p.Name, At: stamp(at), Until: stamp(at.Add(ClaimLasts))}
		if held != nil {
			out.At = held.At
		} else {
			log.add(stamp(at), p.Subject, actionClaimed, details("case", caseID, "until", timeText(out.Until)))
		}
		const write = `UPDATE cases SET claimed_by = $2, claimed_name = $3, claimed_at = $4, claim_until = $5 WHERE id = $1`
		_, err := tx.ExecContext(ctx, write, caseID, out.By, out.Name, out.At, out.Until)
		return err
	})
	if err != nil {
		return Claim{}, err
	}
	return out, nil
}

// ReleaseCase gives a person's claim up and logs it. Without a claim that holds
// nothing changes; somebody else's is a ClaimedError.
func (s *Store) ReleaseCase(ctx context.Context, caseID string, p staff.Person, at time.Time) error {
	return s.onClaim(ctx, "release", caseID, at, func(tx *sqlx.Tx, log *chain, held *Claim, decided bool) error {
		switch {
		case held == nil || decided:
			return nil
		case !held.Of(p.Subject):
			return &ClaimedError{Claim: *held}
		}
		log.add(stamp(at), p.Subject, actionReleased, details("case", caseID))
		const write = `UPDATE cases SET claimed_by = '', claimed_name = '', claimed_at = NULL, claim_until = NULL WHERE id = $1`
		_, err := tx.ExecContext(ctx, write, caseID)
		return err
	})
}

// TouchClaim prolongs a person's own claim of an open case, since they are at
// work on it; anything else it leaves as it is. It returns the claim that holds,
// or nil. It writes no record, and no oftener than once a minute.
func (s *Store) TouchClaim(ctx context.Context, caseID string, p staff.Person, at time.Time) (*Claim, error) {
	const write = `
UPDATE cases SET claim_until = $4
 WHERE id = $1 AND claimed_by = $2 AND claim_until > $3 AND claim_until <= $5 AND decided_at IS NULL`
	until := stamp(at.Add(ClaimLasts))
	if _, err := s.db.ExecContext(ctx, write, caseID, p.Subject, stamp(at), until, until.Add(-touchAfter)); err != nil {
		return nil, fmt.Errorf("prolong the claim of %.80q: %w", caseID, err)
	}
	var row claimRow
	const read = `SELECT claimed_by, claimed_name, claimed_at, claim_until FROM cases WHERE id = $1 AND decided_at IS NULL`
	err := s.db.GetContext(ctx, &row, read, caseID)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the claim of %.80q: %w", caseID, err)
	}
	return row.claim(at), nil
}

// onClaim runs f with the payment of a case locked, so that claims and
// decisions follow each other, and commits what f did.
func (s *Store) onClaim(ctx context.Context, doing, caseID string, at time.Time, f func(tx *sqlx.Tx, log *chain, held *Claim, decided bool) error) error {
	if !isID(caseID) {
		return fmt.Errorf("%s a case: %w", doing, ErrNotFound)
	}
	var paymentID string
	if err := s.db.GetContext(ctx, &paymentID, `SELECT payment_id FROM cases WHERE id = $1`, caseID); err != nil {
		return fmt.Errorf("%s case %.80q: %w", doing, caseID, found(err))
	}
	err := s.beside(ctx, paymentID, func(tx *sqlx.Tx, log *chain) error {
		var row struct {
			claimRow
			DecidedAt sql.NullTime `db:"decided_at"`
		}
		const read = `SELECT claimed_by, claimed_name, claimed_at, claim_until, decided_at FROM cases WHERE id = $1`
		if err := tx.GetContext(ctx, &row, read, caseID); err != nil {
			return found(err)
		}
		return f(tx, log, row.claim(at), row.DecidedAt.Valid)
	})
	if err != nil {
		return fmt.Errorf("%s case %s: %w", doing, caseID, err)
	}
	return nil
}

// beside runs f with a payment's row locked and commits what it did, with the
// records that it added to the payment's log. Unlike a step it leaves the
// payment as it is, also the time of its last change: nothing has happened to
// the payment, somebody has looked at it.
func (s *Store) beside(ctx context.Context, paymentID string, f func(*sqlx.Tx, *chain) error) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) (bool, error) {
		var head struct {
			Seq  int64  `db:"audit_seq"`
			Hash []byte `db:"audit_head"`
		}
		const lock = `SELECT audit_seq, audit_head FROM payments WHERE id = $1 FOR UPDATE`
		if err := tx.GetContext(ctx, &head, lock, paymentID); err != nil {
			return false, found(err)
		}
		log := chain{subject: paymentID, head: audit.Head{Seq: head.Seq, Hash: head.Hash}, address: AddressOf(ctx)}
		if err := f(tx, &log); err != nil {
			return false, err
		}
		if len(log.records) == 0 {
			return true, nil
		}
		if err := log.write(ctx, tx, writeBeside); err != nil {
			return false, fmt.Errorf("write the log: %w", err)
		}
		return true, nil
	})
}
