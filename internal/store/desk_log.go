package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/regpay/regpay/internal/audit"
)

// LogLine is a record of an audit log for reading. What is sealed in its
// details is open, so its hash is not that of what is shown: VerifyAudit checks
// the log itself.
type LogLine struct{ audit.Record }

type logRow struct {
	Seq    int64     `db:"seq"`
	At     time.Time `db:"at"`
	Actor  string    `db:"actor"`
	Action string    `db:"action"`
	Detail []byte    `db:"detail"`
	Prev   []byte    `db:"prev"`
	Hash   []byte    `db:"hash"`
}

const selectLog = `SELECT seq, at, actor, action, detail, prev, hash FROM audit WHERE subject = $1 AND seq < $2 ORDER BY seq`

// LogPage reads a page of a subject's audit log, newest first. before is the
// Seq of the last line of the page before, or 0 for the first page; limit is 1
// to 500, 50 when zero. A subject without a log has no lines.
func (s *Store) LogPage(ctx context.Context, subject string, before int64, rows int) ([]LogLine, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	return s.logLines(ctx, selectLog+` DESC LIMIT $3`, subject, before, limit(rows))
}

// mostHappenings bounds what a page tells of a payment. The audit log has all.
const mostHappenings = 500

// happenings is a payment's log, oldest first, of a long one the newest part.
func (s *Store) happenings(ctx context.Context, paymentID string) ([]Happening, error) {
	all, err := s.logLines(ctx, selectLog+` DESC LIMIT $3`, paymentID, int64(math.MaxInt64), mostHappenings)
	if err != nil {
		return nil, err
	}
	out := make([]Happening, 0, len(all))
	for _, l := range slices.Backward(all) {
		out = append(out, Happening{At: l.At, Actor: l.Actor, Action: l.Action, Detail: l.Detail})
	}
	return out, nil
}

func (s *Store) logLines(ctx context.Context, query, subject string, args ...any) ([]LogLine, error) {
	var rows []logRow
	if err := s.db.SelectContext(ctx, &rows, query, append([]any{subject}, args...)...); err != nil {
		return nil, fmt.Errorf("read the log of %.80q: %w", subject, err)
	}
	out := make([]LogLine, len(rows))
	for i, r := range rows {
		l := audit.Record{Subject: subject, Seq: r.Seq, At: r.At.UTC(), Actor: r.Actor, Action: r.Action, Prev: r.Prev, Hash: r.Hash}
		if err := json.Unmarshal(r.Detail, &l.Detail); err != nil {
			return nil, fmt.Errorf("read record %d of %s: %w", r.Seq, subject, err)
		}
		if err := s.openPurpose(subject, l.Detail); err != nil {
			return nil, fmt.Errorf("read record %d of %s: %w", r.Seq, subject, err)
		}
		out[i] = LogLine{l}
	}
	return out, nil
}
