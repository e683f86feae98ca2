package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/regpay/regpay/internal/audit"
)

// Subjects of the audit logs that are not a payment's.
const (
	SubjectAPIKeys = "api-keys"
	subjectRisk    = "risk/" // and the hospital's id
)

// bySystem is the actor of changes that no operator is known for.
const bySystem = "system"

// SubjectRisk is the audit log of a hospital's block list and no-shows.
func SubjectRisk(hospital string) string { return subjectRisk + hospital }

// loggedChange runs f, which says what it did, or that it changed nothing, in
// a transaction together with an audit record on a subject that is no payment.
// Changes of one subject follow each other.
func (s *Store) loggedChange(ctx context.Context, subject, by string, at time.Time, f func(*sqlx.Tx) (action string, detail map[string]string, err error)) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) (bool, error) {
		start := audit.Start(subject)
		var head struct {
			Seq  int64  `db:"audit_seq"`
			Hash []byte `db:"audit_head"`
		}
		const lock = `
INSERT INTO audit_heads (subject, audit_seq, audit_head) VALUES ($1, $2, $3)
    ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject RETURNING audit_seq, audit_head`
		if err := tx.GetContext(ctx, &head, lock, subject, start.Seq, start.Hash); err != nil {
			return false, fmt.Errorf("lock the log of %s: %w", subject, err)
		}
		action, detail, err := f(tx)
		if err != nil || action == "" {
			return false, err
		}
		log := chain{subject: subject, head: audit.Head{Seq: head.Seq, Hash: head.Hash}, address: AddressOf(ctx)}
		log.add(stamp(at), by, action, detail)
		if err := log.write(ctx, tx, writeAlone); err != nil {
			return false, fmt.Errorf("write the log of %s: %w", subject, err)
		}
		return true, nil
	})
}
