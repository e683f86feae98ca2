package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/regpay/regpay/internal/audit"
)

// verifyPage is how many records of a log are read at a time: a log of years is
// verified in the memory of one page.
const verifyPage = 5000

// VerifyAudit recomputes the hash chain of a payment, or of another subject,
// and compares it with what the subject's own row says: its end, and for a
// payment the status that the log tells of last. The error wraps
// audit.ErrBroken when something was altered, and ErrNotFound for an unknown
// subject.
func (s *Store) VerifyAudit(ctx context.Context, subject string) error {
	return s.verifyAudit(ctx, subject, verifyPage)
}

func (s *Store) verifyAudit(ctx context.Context, subject string, page int) error {
	// One snapshot for all pages: the log may grow meanwhile.
	tx, err := s.db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("verify the log of %.80q: %w", subject, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	var head struct {
		Seq    int64  `db:"audit_seq"`
		Hash   []byte `db:"audit_head"`
		Status string `db:"status"`
	}
	const readHead = `
SELECT audit_seq, audit_head, status FROM payments WHERE id = $1
 UNION ALL SELECT audit_seq, audit_head, '' FROM audit_heads WHERE subject = $1`
	if err := tx.GetContext(ctx, &head, readHead, subject); err != nil {
		return fmt.Errorf("verify the log of %.80q: %w", subject, found(err))
	}
	check, status := audit.NewVerifier(subject), ""
	const read = `
SELECT seq, at, actor, action, detail, prev, hash FROM audit WHERE subject = $1 AND seq > $2 ORDER BY seq LIMIT $3`
	rows := make([]logRow, 0, page)
	for after := int64(-1 << 63); ; after = rows[len(rows)-1].Seq {
		rows = rows[:0]
		if err := tx.SelectContext(ctx, &rows, read, subject, after, page); err != nil {
			return fmt.Errorf("verify the log of %.80q: %w", subject, err)
		}
		for _, r := range rows {
			rec := audit.Record{Subject: subject, Seq: r.Seq, At: r.At.UTC(), Actor: r.Actor, Action: r.Action, Prev: r.Prev, Hash: r.Hash}
			if err := json.Unmarshal(r.Detail, &rec.Detail); err != nil {
				return fmt.Errorf("verify the log of %s: record %d: %w", subject, r.Seq, audit.ErrBroken)
			}
			if err := check.Next(rec); err != nil {
				return err
			}
			if now, ok := rec.Detail["status"]; ok {
				status = now
			}
		}
		if len(rows) < page {
			break
		}
	}
	if err := check.End(audit.Head{Seq: head.Seq, Hash: head.Hash}); err != nil {
		return err
	}
	if head.Status != "" && head.Status != status {
		return fmt.Errorf("%s: its status %s is not the log's: %w", subject, head.Status, audit.ErrBroken)
	}
	return nil
}
