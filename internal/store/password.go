package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/regpay/regpay/internal/staff"
)

// ErrSamePassword is of a new password that is the old one.
var ErrSamePassword = errors.New("the new password is the old one")

// ChangePassword lets somebody choose their own password, and ends all of their
// sessions, also the one that it is asked in. The old one is looked at as by
// SignIn, with its errors, its count of wrong ones and its lock: a desk that was
// left alone is no place to guess. A new one that cannot be one is
// staff.ErrPassword or ErrSamePassword.
func (s *Store) ChangePassword(ctx context.Context, login, old, password, address string, at time.Time) error {
	login = staff.NormalLogin(login)
	if err := staff.CheckPassword(login, password); err != nil {
		return fmt.Errorf("change the password of %s: %w", login, err)
	}
	if password == old {
		return fmt.Errorf("change the password of %s: %w", login, ErrSamePassword)
	}
	seen, err := s.tryPassword(ctx, login, old, address, at)
	if err != nil {
		return err
	}
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return fmt.Errorf("change the password of %s: %w", login, err)
	}
	// Not where an administrator set another one, or closed the account, since.
	const write = `
UPDATE staff_accounts SET password_hash = $2, password_set_at = $3, must_change = false
 WHERE login = $1 AND password_set_at = $4 AND disabled_at IS NULL`
	subject := staff.LocalSubject(login)
	return s.staffChange(ctx, "change the password of", login, subject, at, func(tx *sqlx.Tx) (string, map[string]string, error) {
		res, err := tx.ExecContext(ctx, write, login, hash, stamp(at), seen.PasswordSetAt)
		if err != nil {
			return "", nil, err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return "", nil, errors.Join(ErrSignIn, err)
		}
		if _, err := endSessionsOf(ctx, tx, subject, at); err != nil {
			return "", nil, err
		}
		return "staff_password_changed", details("login", login, "address", address), nil
	})
}
