package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/staff"
)

// NamesOf says how people are called: owners of local accounts, disabled ones
// too, and those of an identity provider, as of their last sign-in. A subject
// that is not known here is not in the answer.
func (s *Store) NamesOf(ctx context.Context, subjects []string) (map[string]string, error) {
	logins, others := pq.StringArray{}, pq.StringArray{}
	for _, subject := range subjects {
		if login, local := strings.CutPrefix(subject, staff.LocalSubject("")); local {
			logins = append(logins, login)
		} else {
			others = append(others, subject)
		}
	}
	var rows []struct {
		Local   bool   `db:"local"`
		Subject string `db:"subject"`
		Name    string `db:"name"`
	}
	const read = `
SELECT true AS local, login AS subject, name FROM staff_accounts WHERE login = ANY ($1)
 UNION ALL SELECT false, subject, name FROM console_people WHERE subject = ANY ($2)`
	if err := s.db.SelectContext(ctx, &rows, read, logins, others); err != nil {
		return nil, fmt.Errorf("read the names of staff: %w", err)
	}
	names := make(map[string]string, len(rows))
	for _, r := range rows {
		if r.Local {
			r.Subject = staff.LocalSubject(r.Subject)
		}
		names[r.Subject] = r.Name
	}
	return names, nil
}

// rememberName keeps what somebody of an identity provider is called.
func rememberName(ctx context.Context, tx *sqlx.Tx, p staff.Person, at time.Time) error {
	const write = `
INSERT INTO console_people (subject, name, seen_at) VALUES ($1, $2, $3)
    ON CONFLICT (subject) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at`
	if _, err := tx.ExecContext(ctx, write, p.Subject, p.Name, stamp(at)); err != nil {
		return fmt.Errorf("remember the name: %w", err)
	}
	return nil
}
