package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// logViewedLately looks through the newest records of a log alone: that of
// sign-ins grows for years, and more of them than these in ten minutes make one
// view be told of once more.
const logViewedLately = `
SELECT EXISTS (SELECT FROM (SELECT action, actor, at, detail FROM audit WHERE subject = $1 ORDER BY seq DESC LIMIT 500) AS newest
                WHERE action = $2 AND actor = $3 AND at > $4 AND coalesce(detail->>'address', '') = $5)`

// LogViewed notes, in a log that is of no payment, that somebody read it: once
// for each person and address in ten minutes. What payments' logs tell is noted
// by ViewLogged.
func (s *Store) LogViewed(ctx context.Context, subject, by, address string, at time.Time) error {
	var known bool
	args := []any{subject, actionLogViewed, by, stamp(at.Add(-viewedOnce)), address}
	if err := s.db.GetContext(ctx, &known, logViewedLately, args...); err != nil {
		return fmt.Errorf("look for views of the log of %s: %w", subject, err)
	}
	if known {
		return nil // most often, and without a lock that sign-ins wait for
	}
	err := s.loggedChange(ctx, subject, by, at, func(tx *sqlx.Tx) (string, map[string]string, error) {
		if err := tx.GetContext(ctx, &known, logViewedLately, args...); err != nil || known {
			return "", nil, err
		}
		return actionLogViewed, details("address", address), nil
	})
	if err != nil {
		return fmt.Errorf("log a view of the log of %s: %w", subject, err)
	}
	return nil
}
