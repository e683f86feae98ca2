package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/staff"
)

// Errors of signing in, for errors.Is.
var (
	// ErrSignIn says the same of a wrong password, an unknown login and a
	// disabled account.
	ErrSignIn = errors.New("the login or the password is wrong")
	// ErrLocked comes as a LockedError.
	ErrLocked = errors.New("the account is locked")
)

// LockedError says until when an account is locked after wrong passwords.
type LockedError struct{ Until time.Time }

func (e *LockedError) Error() string {
	return ErrLocked.Error() + " until " + e.Until.UTC().Format(time.RFC3339)
}

// Unwrap makes it ErrLocked for errors.Is.
func (e *LockedError) Unwrap() error { return ErrLocked }

// passwordsAtOnce bounds how many passwords are hashed at a time: each takes a
// core and 19 MiB for some 30 ms, and payments go on beside them.
const passwordsAtOnce = 2

// SignIn checks the password of a local account, or returns ErrSignIn or a
// LockedError. It is slow on purpose, also for an account that is unknown,
// disabled or locked, and of many at once most wait, as long as ctx lets them.
// It starts no session; address is where the person sits, for the audit log,
// which tells of every wrong password of an account that exists, and of the
// first try while it is locked.
func (s *Store) SignIn(ctx context.Context, login, password, address string, at time.Time) (staff.Person, error) {
	row, err := s.tryPassword(ctx, staff.NormalLogin(login), password, address, at)
	if err != nil {
		return staff.Person{}, err
	}
	return row.account().Person(), nil
}

// tryPassword is SignIn, and gives the account as it was before.
//
// The try is counted before the password is looked at and taken back when it is
// right: were it the other way round, guesses that come at once would all be
// tried before the first of them counts.
func (s *Store) tryPassword(ctx context.Context, login, password, address string, at time.Time) (accountRow, error) {
	if len(password) > staff.MaxPassword {
		password = "" // nobody's, and as quick to hash as any
	}
	row, err := s.countTry(ctx, login, address, at)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrLocked) {
		// As long as a password that is looked at: the time is not to tell which
		// accounts there are, nor which of them are locked.
		if err := s.hashing(ctx, func() error { staff.VerifyNobody(password); return nil }); err != nil {
			return row, fmt.Errorf("sign in: %w", err)
		}
		if errors.Is(err, ErrNotFound) {
			err = ErrSignIn
		}
		return row, err
	}
	if err != nil {
		return row, fmt.Errorf("sign in: %w", err)
	}
	var right, stale bool
	err = s.hashing(ctx, func() (err error) {
		right, stale, err = staff.VerifyPassword(row.Hash, password)
		return err
	})
	if err != nil {
		return row, fmt.Errorf("sign in: %w", err)
	}
	if !right {
		return row, s.refuseSignIn(ctx, row, address, at)
	}
	if err := s.acceptSignIn(ctx, row, password, stale); err != nil {
		return row, fmt.Errorf("sign in: %w", err)
	}
	return row, nil
}

// countTry counts a wrong password and returns the account with it counted, or
// ErrNotFound or a LockedError, for which nothing is counted.
func (s *Store) countTry(ctx context.Context, login, address string, at time.Time) (accountRow, error) {
	var row accountRow
	if !staff.IsLogin(login) {
		return row, ErrNotFound
	}
	var until time.Time
	err := s.inTx(ctx, func(tx *sqlx.Tx) (bool, error) {
		if err := tx.GetContext(ctx, &row, selectAccount+`WHERE login = $1 AND disabled_at IS NULL FOR UPDATE`, login); err != nil {
			return false, found(err)
		}
		tries, locked := row.tries(), false
		if until, locked = tries.Locked(at); locked {
			if row.LockTried {
				return false, nil
			}
			_, err := tx.ExecContext(ctx, `UPDATE staff_accounts SET lock_tried = true WHERE login = $1`, login)
			return true, err
		}
		until = time.Time{}
		row.count(tries.AfterWrong(stamp(at)))
		const write = `
UPDATE staff_accounts SET failures = $2, locks = $3, locked_until = $4, lock_tried = false WHERE login = $1`
		_, err := tx.ExecContext(ctx, write, login, row.Failures, row.Locks, row.LockedUntil)
		return true, err
	})
	if err != nil || until.IsZero() {
		return row, err
	}
	if !row.LockTried {
		// Once for each lock, however often it is tried: a log can be filled.
		err = s.staffChange(ctx, "note the sign-in of", login, bySystem, at, func(*sqlx.Tx) (string, map[string]string, error) {
			return "sign_in_refused", details("login", login, "address", address, "until", timeText(until)), nil
		})
		if err != nil {
			return row, err
		}
	}
	return row, &LockedError{Until: until}
}

func (r accountRow) tries() staff.Tries {
	t := staff.Tries{Locks: r.Locks, Until: utc(r.LockedUntil)}
	for _, us := range r.Failures {
		t.Wrong = append(t.Wrong, time.UnixMicro(us).UTC())
	}
	return t
}

func (r *accountRow) count(t staff.Tries) {
	r.Failures = pq.Int64Array{}
	for _, w := range t.Wrong {
		r.Failures = append(r.Failures, w.UnixMicro())
	}
	r.Locks, r.LockedUntil = t.Locks, sql.NullTime{Time: t.Until, Valid: !t.Until.IsZero()}
}

// refuseSignIn logs a wrong password, which is counted already. The actor is
// nobody: whoever it was is not known.
func (s *Store) refuseSignIn(ctx context.Context, row accountRow, address string, at time.Time) error {
	until, locked := row.tries().Locked(at)
	err := s.staffChange(ctx, "note the sign-in of", row.Login, bySystem, at, func(*sqlx.Tx) (string, map[string]string, error) {
		detail := details("login", row.Login, "address", address)
		if locked {
			detail["until"] = timeText(until)
			return "account_locked", detail, nil
		}
		return "sign_in_refused", detail, nil
	})
	switch {
	case err != nil:
		return err
	case locked:
		return &LockedError{Until: until}
	}
	return ErrSignIn
}

// acceptSignIn takes the counted try back, and hashes the password anew where
// the parameters have changed since. An account that was disabled or given
// another password in the meantime is not signed in to.
func (s *Store) acceptSignIn(ctx context.Context, row accountRow, password string, stale bool) error {
	hash := row.Hash
	if stale {
		var err error
		if hash, err = s.hashPassword(ctx, password); err != nil {
			return err
		}
	}
	const write = `
UPDATE staff_accounts SET failures = '{}', locks = 0, locked_until = NULL, lock_tried = false, password_hash = $3
 WHERE login = $1 AND password_hash = $2 AND disabled_at IS NULL`
	res, err := s.db.ExecContext(ctx, write, row.Login, row.Hash, hash)
	if err != nil {
		return fmt.Errorf("write the account: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return ErrSignIn
	}
	return err
}

func (s *Store) hashPassword(ctx context.Context, password string) (hash string, err error) {
	err = s.hashing(ctx, func() (err error) {
		hash, err = staff.HashPassword(password)
		return err
	})
	return hash, err
}

// hashing runs f when its turn comes.
func (s *Store) hashing(ctx context.Context, f func() error) error {
	select {
	case s.passwords <- struct{}{}:
		defer func() { <-s.passwords }()
		return f()
	case <-ctx.Done():
		return fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
}
