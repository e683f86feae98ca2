package store

import (
	"context"
	"encoding/json"
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
		log := chain{subject: subject, head: audit.Head{Seq: head.Seq, Hash: head.Hash}}
		log.add(stamp(at), by, action, detail)
		const write = `
WITH moved AS (UPDATE audit_heads SET audit_seq = $2, audit_head = $3 WHERE subject = $1::text)
INSERT INTO audit (subject, seq, at, actor, action, detail, prev, hash)
SELECT $1::text, seq, at, actor, action, detail::jsonb, prev, hash
  FROM unnest($4::bigint[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bytea[])
    AS r (seq, at, actor, action, detail, prev, hash)`
		args := append([]any{subject, log.head.Seq, log.head.Hash}, log.columns()...)
		if _, err := tx.ExecContext(ctx, write, args...); err != nil {
			return false, fmt.Errorf("write the log of %s: %w", subject, err)
		}
		return true, nil
	})
}

// VerifyAudit recomputes the hash chain of a payment, or of another subject,
// and compares it with what the subject's own row says: its end, and for a
// payment the status that the log tells of last. The error wraps
// audit.ErrBroken when something was altered, and ErrNotFound for an unknown
// subject.
func (s *Store) VerifyAudit(ctx context.Context, subject string) error {
	var rows []struct {
		HeadSeq  int64     `db:"head_seq"`
		HeadHash []byte    `db:"head_hash"`
		Status   string    `db:"status"`
		Seq      int64     `db:"seq"`
		At       time.Time `db:"at"`
		Actor    string    `db:"actor"`
		Action   string    `db:"action"`
		Detail   []byte    `db:"detail"`
		Prev     []byte    `db:"prev"`
		Hash     []byte    `db:"hash"`
	}
	const read = `
SELECT h.audit_seq AS head_seq, h.audit_head AS head_hash, h.status, coalesce(a.seq, 0) AS seq,
       coalesce(a.at, 'epoch') AS at, coalesce(a.actor, '') AS actor, coalesce(a.action, '') AS action,
       coalesce(a.detail, '{}') AS detail, a.prev, a.hash
  FROM (SELECT id AS subject, audit_seq, audit_head, status FROM payments WHERE id = $1
        UNION ALL SELECT subject, audit_seq, audit_head, '' FROM audit_heads WHERE subject = $1) h
  LEFT JOIN audit a ON a.subject = h.subject ORDER BY a.seq`
	if err := s.db.SelectContext(ctx, &rows, read, subject); err != nil {
		return fmt.Errorf("verify the log of %s: %w", subject, err)
	}
	if len(rows) == 0 {
		return fmt.Errorf("verify the log of %s: %w", subject, ErrNotFound)
	}
	status := ""
	records := make([]audit.Record, 0, len(rows))
	for _, r := range rows {
		if r.Hash == nil {
			break // the outer join's row of an empty log
		}
		rec := audit.Record{Subject: subject, Seq: r.Seq, At: r.At.UTC(), Actor: r.Actor, Action: r.Action,
			Prev: r.Prev, Hash: r.Hash}
		if err := json.Unmarshal(r.Detail, &rec.Detail); err != nil {
			return fmt.Errorf("verify the log of %s: record %d: %w", subject, r.Seq, audit.ErrBroken)
		}
		if now, ok := rec.Detail["status"]; ok {
			status = now
		}
		records = append(records, rec)
	}
	if err := audit.Verify(subject, records, audit.Head{Seq: rows[0].HeadSeq, Hash: rows[0].HeadHash}); err != nil {
		return err
	}
	if want := rows[0].Status; want != "" && want != status {
		return fmt.Errorf("%s: its status %s is not the log's: %w", subject, want, audit.ErrBroken)
	}
	return nil
}
