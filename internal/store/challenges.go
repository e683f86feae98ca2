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
	VerifyID  []byte             `db:"verify_id_sealed"`
	OutSeqNo  string             `db:"out_seq_no"`
	CreatedAt time.Time          `db:"created_at"`
	ExpiresAt time.Time          `db:"expires_at"`
	PassedAt  sql.NullTime       `db:"passed_at"`
}

const selectChallenge = `
SELECT c.id, c.payment_id, c.hospital_id, c.kind, c.phone_sealed, c.verify_id_sealed, c.out_seq_no,
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
	return s.quickStep(ctx, "start verification", ofChallenge(c.PaymentID, c.ID), c.At, func(st *step) error {
		row := proofRow{ID: c.ID, Kind: c.Kind, Latest: true}
		expires, phone := stamp(c.ExpiresAt), ""
		var phoneSealed, verifyID []byte
		var err error
		switch c.Kind {
		case payment.BySMS:
			phone = s.keys.Index(indexPhone, c.Phone)
			row.Code = s.codeIndex(c.ID, c.Code)
			if latest := st.at.Add(smsLife); expires.After(latest) || c.ExpiresAt.IsZero() {
				expires = latest
			}
			if phoneSealed, err = s.sealJSON(c.Phone, "challenge phone", c.ID); err != nil {
				return err
			}
		case payment.ByFace:
			if verifyID, err = s.sealJSON(c.VerifyID, "challenge face", c.ID); err != nil {
				return err
			}
		default:
			return payment.Problem{Code: payment.CodeVerifyKind, Field: "kind", Text: "the verification is sms or face"}
		}
		row.ExpiresAt = sql.NullTime{Time: expires, Valid: true}
		st.also = part{proof: row, args: []any{row.ID, null(verifyID), row.Code, c.OutSeqNo, expires}}
		switch old := st.read.Proof; {
		case old.ID != c.ID: // where another payment has it, the insert is refused
			if err := st.allowCode(phone); err != nil {
				return err
			}
			st.also.statement = writeChallenge
			st.also.args = append(st.also.args, c.Kind, phone, null(phoneSealed), st.at, smsPerMinute, smsPerHour, smsPerDay)
		case old.Kind != c.Kind:
			return fmt.Errorf("challenge %s: %w", c.ID, ErrConflict)
		case old.PassedAt.Valid, old.Code == row.Code && c.Kind == payment.BySMS:
			return nil
		default:
			st.also.statement = rewriteChallenge
			st.also.proof.Tries, st.also.proof.Latest = old.Tries, old.Latest
		}
		st.record(byWorkflow, "verification_asked", "challenge", c.ID, "kind", string(c.Kind))
		return nil
	})
}

// allowCode refuses a code to a number that had too many. The statement that
// writes it sees to that by itself, so why it did not write is asked for only
// when the row is locked.
func (st *step) allowCode(phone string) error {
	if phone == "" || st.tx == nil {
		return nil
	}
	var allowed bool
	err := st.tx.GetContext(st.ctx, &allowed, `SELECT code_allowed($1, $2, $3, $4, $5)`, phone, st.at, smsPerMinute, smsPerHour, smsPerDay)
	if err != nil {
		return fmt.Errorf("count the codes of the number: %w", err)
	}
	if !allowed {
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
			st.pass()
			return nil
		}
		// The try is counted, so the step is written and the Problem follows.
		verdict = wrongProof("the code is wrong")
		st.answer(r.PassedAt, r.Tries+1)
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
		st.pass()
		return nil
	})
}

// pass makes the step write that the patient has proved who they are.
func (st *step) pass() {
	st.answer(sql.NullTime{Time: st.at, Valid: true}, st.read.Proof.Tries)
	st.record("patient", "verified", "challenge", st.read.Proof.ID, "kind", string(st.read.Proof.Kind))
}

// answer makes the step write what came of an answer.
func (st *step) answer(passed sql.NullTime, tries int) {
	r := st.read.Proof
	r.PassedAt, r.Tries = passed, tries
	st.also = part{statement: writeProof, args: []any{r.ID, passed, tries}, proof: r}
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
