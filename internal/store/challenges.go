package store

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// Limits of SMS codes: what carriers and the field's practice allow per number,
// over all hospitals, counted back from the moment of asking.
const (
	smsPerMinute = 1
	smsPerHour   = 5
	smsPerDay    = 10
	smsTries     = 5
	smsLife      = 10 * time.Minute
)

type challengeRow struct {
	ID        string             `db:"id"`
	PaymentID string             `db:"payment_id"`
	Hospital  string             `db:"hospital_id"`
	Kind      payment.VerifyKind `db:"kind"`
	Phone     []byte             `db:"phone_sealed"`
	Code      string             `db:"code_index"`
	VerifyID  []byte             `db:"verify_id_sealed"`
	OutSeqNo  string             `db:"out_seq_no"`
	CreatedAt time.Time          `db:"created_at"`
	ExpiresAt time.Time          `db:"expires_at"`
	PassedAt  sql.NullTime       `db:"passed_at"`
}

const selectChallenge = `
SELECT c.id, c.payment_id, c.hospital_id, c.kind, c.phone_sealed, c.code_index, c.verify_id_sealed, c.out_seq_no,
       c.created_at, c.expires_at, c.passed_at
  FROM challenges c WHERE c.id = $1`

// isLatest says that no newer challenge of the payment replaces c.
const isLatest = `
       NOT EXISTS (SELECT FROM challenges n WHERE n.payment_id = c.payment_id AND n.kind = c.kind
                      AND (n.created_at, n.id) > (c.created_at, c.id))`

// StartChallenge keeps a verification before the patient is asked. For SMS it
// counts how many codes the number had: Problem CodeTooMany above 1 a minute, 5
// an hour or 10 a day. A repeat with the same ID takes the new code and
// VerifyID, which are the ones that the patient has, and is not counted again;
// once passed, it changes nothing.
func (s *Store) StartChallenge(ctx context.Context, c Challenge) error {
	return s.step(ctx, "start verification", c.PaymentID, c.At, func(st *step) error {
		row := challengeRow{ID: c.ID, PaymentID: c.PaymentID, Hospital: st.row.Hospital, Kind: c.Kind, OutSeqNo: c.OutSeqNo,
			CreatedAt: st.at, ExpiresAt: stamp(c.ExpiresAt)}
		phone := ""
		var err error
		switch c.Kind {
		case payment.BySMS:
			phone = s.keys.Index(indexPhone, c.Phone)
			row.Code = s.codeIndex(c.ID, c.Code)
			if latest := st.at.Add(smsLife); row.ExpiresAt.After(latest) || c.ExpiresAt.IsZero() {
				row.ExpiresAt = latest
			}
			if row.Phone, err = s.sealJSON(c.Phone, "challenge phone", c.ID); err != nil {
				return err
			}
		case payment.ByFace:
			if row.VerifyID, err = s.sealJSON(c.VerifyID, "challenge face", c.ID); err != nil {
				return err
			}
		default:
			return payment.Problem{Code: payment.CodeVerifyKind, Field: "kind", Text: "the verification is sms or face"}
		}
		var old challengeRow
		switch err := found(st.tx.GetContext(ctx, &old, selectChallenge, c.ID)); {
		case err == ErrNotFound:
			if err := st.allowSMS(phone); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("look for the challenge: %w", err)
		case old.PaymentID != c.PaymentID || old.Kind != c.Kind:
			return fmt.Errorf("challenge %s: %w", c.ID, ErrConflict)
		case old.PassedAt.Valid, old.Code == row.Code && old.VerifyID == nil:
			return nil
		}
		return st.writeChallenge(row, phone)
	})
}

func (st *step) writeChallenge(r challengeRow, phone string) error {
	const write = `
INSERT INTO challenges (id, payment_id, hospital_id, kind, phone_index, phone_sealed, code_index, verify_id_sealed, out_seq_no, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (id) DO UPDATE SET code_index = excluded.code_index, verify_id_sealed = excluded.verify_id_sealed,
       out_seq_no = excluded.out_seq_no, expires_at = excluded.expires_at`
	_, err := st.tx.ExecContext(st.ctx, write, r.ID, r.PaymentID, r.Hospital, r.Kind, phone, null(r.Phone), r.Code,
		null(r.VerifyID), r.OutSeqNo, r.CreatedAt, r.ExpiresAt)
	if err != nil {
		return fmt.Errorf("write the challenge: %w", err)
	}
	st.record(byWorkflow, "verification_asked", "challenge", r.ID, "kind", string(r.Kind))
	return nil
}

// allowSMS counts the codes of a number, one asker at a time.
func (st *step) allowSMS(phone string) error {
	if phone == "" {
		return nil
	}
	const lock = `SELECT pg_advisory_xact_lock(hashtextextended($1, 2))`
	if _, err := st.tx.ExecContext(st.ctx, lock, phone); err != nil {
		return fmt.Errorf("lock the number: %w", err)
	}
	var n struct {
		Minute int `db:"minute"`
		Hour   int `db:"hour"`
		Day    int `db:"day"`
	}
	const count = `
SELECT count(*) FILTER (WHERE created_at > $2) AS minute, count(*) FILTER (WHERE created_at > $3) AS hour, count(*) AS day
  FROM challenges WHERE phone_index = $1 AND created_at > $4`
	err := st.tx.GetContext(st.ctx, &n, count, phone, st.at.Add(-time.Minute), st.at.Add(-time.Hour), st.at.Add(-24*time.Hour))
	if err != nil {
		return fmt.Errorf("count the codes of the number: %w", err)
	}
	if n.Minute >= smsPerMinute || n.Hour >= smsPerHour || n.Day >= smsPerDay {
		return payment.Problem{Code: payment.CodeTooMany, Field: "kind", Text: "too many codes were sent to this number"}
	}
	return nil
}

// Challenge reads a verification. Its code cannot be read back.
func (s *Store) Challenge(ctx context.Context, id string) (Challenge, error) {
	var r challengeRow
	if err := s.db.GetContext(ctx, &r, selectChallenge, id); err != nil {
		return Challenge{}, fmt.Errorf("read challenge: %w", found(err))
	}
	c := Challenge{ID: r.ID, PaymentID: r.PaymentID, HospitalID: r.Hospital, Kind: r.Kind, OutSeqNo: r.OutSeqNo,
		At: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), Passed: r.PassedAt.Valid}
	if r.Phone != nil {
		if err := s.openJSON(r.Phone, &c.Phone, "challenge phone", r.ID); err != nil {
			return Challenge{}, err
		}
	}
	if r.VerifyID != nil {
		if err := s.openJSON(r.VerifyID, &c.VerifyID, "challenge face", r.ID); err != nil {
			return Challenge{}, err
		}
	}
	return c, nil
}

// AnswerSMS checks the code that a patient typed. Problem CodeVerification: it
// is wrong, late, not for the payment's latest challenge, or that challenge is
// used up. Problem CodeTooMany: it had its five tries. Problem CodeState: the
// payment has ended. A right code passes once; repeating the same call
// afterwards is no new use and succeeds.
func (s *Store) AnswerSMS(ctx context.Context, paymentID, challengeID, code string, at time.Time) error {
	var verdict error
	err := s.quickStep(ctx, "check the code", ofProof(paymentID, challengeID), at, func(st *step) error {
		r := st.read.Proof
		right := subtle.ConstantTimeCompare([]byte(s.codeIndex(challengeID, code)), []byte(r.Code)) == 1
		verdict = nil
		switch {
		case st.row.Status.Ended():
			return errEnded
		case r.Kind != payment.BySMS:
			return wrongProof("no such verification")
		case r.PassedAt.Valid && right:
			return nil
		case r.PassedAt.Valid, !r.Latest:
			return wrongProof("this code was replaced or used")
		case st.at.After(r.ExpiresAt.Time):
			return wrongProof("this code has expired")
		case r.Tries >= smsTries:
			return payment.Problem{Code: payment.CodeTooMany, Field: "code", Text: "too many wrong codes; ask for a new one"}
		case right:
			st.pass(challengeID)
			return nil
		}
		// The try is counted, so the step is written and the Problem follows.
		verdict = wrongProof("the code is wrong")
		st.also = part{statement: writeProof, args: []any{challengeID, r.PassedAt, r.Tries + 1}}
		st.record("patient", "verification_failed", "challenge", challengeID, "kind", string(r.Kind), "try", number(r.Tries+1))
		return nil
	})
	if err != nil {
		return err
	}
	return verdict
}

// PassFace notes that the face check's own server confirmed the patient. A
// repeat changes nothing; a late or replaced check is a Problem
// CodeVerification, and a payment that has ended one of CodeState.
func (s *Store) PassFace(ctx context.Context, paymentID, challengeID string, at time.Time) error {
	return s.quickStep(ctx, "pass the face check", ofProof(paymentID, challengeID), at, func(st *step) error {
		r := st.read.Proof
		switch {
		case st.row.Status.Ended():
			return errEnded
		case r.Kind != payment.ByFace:
			return wrongProof("no such verification")
		case r.PassedAt.Valid:
			return nil
		case !r.Latest:
			return wrongProof("this check was replaced")
		case !r.ExpiresAt.Time.IsZero() && st.at.After(r.ExpiresAt.Time):
			return wrongProof("this check has expired")
		}
		st.pass(challengeID)
		return nil
	})
}

// pass makes the step write that the patient has proved who they are.
func (st *step) pass(challenge string) {
	st.also = part{statement: writeProof, args: []any{challenge, st.at, st.read.Proof.Tries}}
	st.record("patient", "verified", "challenge", challenge, "kind", string(st.read.Proof.Kind))
}

// errEnded is of a proof that comes after a workflow task that was lost had
// ended the payment.
var errEnded = payment.Problem{Code: payment.CodeState, Text: "the payment has ended"}

func wrongProof(text string) error {
	return payment.Problem{Code: payment.CodeVerification, Field: "code", Text: text}
}

// codeIndex is the keyed hash of a code: six digits alone could be tried out by
// whoever reads the table.
func (s *Store) codeIndex(challenge, code string) string {
	return s.keys.Index(indexCode, challenge+"\x00"+code)
}

// null keeps an absent value NULL instead of empty.
func null(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}
