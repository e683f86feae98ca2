package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/staff"
)

// SubjectStaff is the audit log of the console's accounts and sign-ins.
const SubjectStaff = "staff"

type accountRow struct {
	Login         string         `db:"login"`
	Name          string         `db:"name"`
	Hash          string         `db:"password_hash"`
	Roles         pq.StringArray `db:"roles"`
	Hospitals     pq.StringArray `db:"hospitals"`
	CreatedAt     time.Time      `db:"created_at"`
	PasswordSetAt time.Time      `db:"password_set_at"`
	DisabledAt    sql.NullTime   `db:"disabled_at"`
	Failures      pq.Int64Array  `db:"failures"`
	Locks         int            `db:"locks"`
	LockedUntil   sql.NullTime   `db:"locked_until"`
	LockTried     bool           `db:"lock_tried"`
	MustChange    bool           `db:"must_change"`
}

const selectAccount = `
SELECT login, name, password_hash, roles, hospitals, created_at, password_set_at, disabled_at, failures, locks, locked_until,
       lock_tried, must_change
  FROM staff_accounts `

func (r accountRow) account() staff.Account {
	return staff.Account{Login: r.Login, Name: r.Name, Roles: rolesOf(r.Roles), Hospitals: r.Hospitals,
		CreatedAt: r.CreatedAt.UTC(), PasswordSetAt: r.PasswordSetAt.UTC(), DisabledAt: utc(r.DisabledAt), LockedUntil: utc(r.LockedUntil),
		OwnPassword: !r.MustChange}
}

func rolesOf(words pq.StringArray) []staff.Role {
	out := make([]staff.Role, len(words))
	for i, w := range words {
		out[i] = staff.Role(w)
	}
	return out
}

func roleTexts(roles []staff.Role) pq.StringArray {
	out := make(pq.StringArray, len(roles))
	for i, r := range roles {
		out[i] = string(r)
	}
	return out
}

// AddStaff makes a local account with its first password. What is wrong with
// either comes back as staff's errors; a login that exists, also one that is
// disabled, is ErrConflict. Unless the account has OwnPassword, its owner has to
// choose another one at the first sign-in.
func (s *Store) AddStaff(ctx context.Context, a staff.Account, password, by string, at time.Time) error {
	if err := errors.Join(a.Check(), staff.CheckPassword(a.Login, password)); err != nil {
		return fmt.Errorf("add staff: %w", err)
	}
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return fmt.Errorf("add staff: %w", err)
	}
	const insert = `
INSERT INTO staff_accounts (login, name, password_hash, roles, hospitals, created_at, password_set_at, must_change)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7)`
	return s.staffChange(ctx, "add staff", a.Login, by, at, func(tx *sqlx.Tx) (string, map[string]string, error) {
		if _, err := tx.ExecContext(ctx, insert, a.Login, a.Name, hash, roleTexts(a.Roles), pq.StringArray(a.Hospitals), stamp(at), !a.OwnPassword); err != nil {
			return "", nil, err
		}
		return "staff_added", scopeDetails(a.Login, a.Roles, a.Hospitals), nil
	})
}

func scopeDetails(login string, roles []staff.Role, hospitals []string) map[string]string {
	return details("login", login, "roles", strings.Join(roleTexts(roles), ","), "hospitals", strings.Join(hospitals, ","))
}

// StaffAccount reads one account, or returns ErrNotFound.
func (s *Store) StaffAccount(ctx context.Context, login string) (staff.Account, error) {
	var r accountRow
	if err := s.db.GetContext(ctx, &r, selectAccount+`WHERE login = $1`, login); err != nil {
		return staff.Account{}, fmt.Errorf("read the account: %w", found(err))
	}
	return r.account(), nil
}

// StaffAccounts lists all accounts by login, disabled ones too.
func (s *Store) StaffAccounts(ctx context.Context) ([]staff.Account, error) {
	var rows []accountRow
	if err := s.db.SelectContext(ctx, &rows, selectAccount+`ORDER BY login`); err != nil {
		return nil, fmt.Errorf("read the accounts: %w", err)
	}
	out := make([]staff.Account, len(rows))
	for i, r := range rows {
		out[i] = r.account()
	}
	return out, nil
}

// ChangeStaff gives an account other roles and hospitals, and ends its
// sessions, which have the old ones. Those that it has already change nothing.
func (s *Store) ChangeStaff(ctx context.Context, login string, roles []staff.Role, hospitals []string, by string, at time.Time) error {
	if err := staff.CheckScope(roles, hospitals); err != nil {
		return fmt.Errorf("change staff %s: %w", login, err)
	}
	const write = `
UPDATE staff_accounts SET roles = $2, hospitals = $3 WHERE login = $1 AND (roles, hospitals) IS DISTINCT FROM ($2::text[], $3::text[])`
	return s.accountChange(ctx, "change staff", login, by, at, "staff_changed", scopeDetails(login, roles, hospitals),
		write, login, roleTexts(roles), pq.StringArray(hospitals))
}

// SetStaffPassword replaces somebody else's password, lifts a lock, and ends the
// account's sessions; its owner has to choose another one at the next sign-in. A password that cannot be one is staff.ErrPassword.
func (s *Store) SetStaffPassword(ctx context.Context, login, password, by string, at time.Time) error {
	if err := staff.CheckPassword(login, password); err != nil {
		return fmt.Errorf("set a password of %s: %w", login, err)
	}
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return fmt.Errorf("set a password of %s: %w", login, err)
	}
	const write = `
UPDATE staff_accounts SET password_hash = $2, password_set_at = $3, must_change = true,
       failures = '{}', locks = 0, locked_until = NULL, lock_tried = false WHERE login = $1`
	return s.accountChange(ctx, "set a password", login, by, at, "staff_password_set", details("login", login), write, login, hash, stamp(at))
}

// DisableStaff ends an account and its sessions at once. Doing it again changes
// nothing.
func (s *Store) DisableStaff(ctx context.Context, login, by string, at time.Time) error {
	const write = `UPDATE staff_accounts SET disabled_at = $2 WHERE login = $1 AND disabled_at IS NULL`
	return s.accountChange(ctx, "disable staff", login, by, at, "staff_disabled", details("login", login), write, login, stamp(at))
}

// EnableStaff lets a disabled account sign in again, with its old password.
func (s *Store) EnableStaff(ctx context.Context, login, by string, at time.Time) error {
	const write = `UPDATE staff_accounts SET disabled_at = NULL WHERE login = $1 AND disabled_at IS NOT NULL`
	return s.accountChange(ctx, "enable staff", login, by, at, "staff_enabled", details("login", login), write, login)
}

// accountChange runs a statement on one account. Where it changed something,
// the account's sessions are over and the change is logged.
func (s *Store) accountChange(ctx context.Context, doing, login, by string, at time.Time, action string, detail map[string]string, write string, args ...any) error {
	return s.staffChange(ctx, doing, login, by, at, func(tx *sqlx.Tx) (string, map[string]string, error) {
		var known bool
		if err := tx.GetContext(ctx, &known, `SELECT EXISTS (SELECT FROM staff_accounts WHERE login = $1)`, login); err != nil {
			return "", nil, err
		}
		if !known {
			return "", nil, ErrNotFound
		}
		res, err := tx.ExecContext(ctx, write, args...)
		if err != nil {
			return "", nil, err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return "", nil, err
		}
		if _, err := endSessionsOf(ctx, tx, staff.LocalSubject(login), at); err != nil {
			return "", nil, err
		}
		return action, detail, nil
	})
}

// staffChange is a change that SubjectStaff's log tells of. Such changes follow
// each other: a session cannot begin while its account is being disabled.
func (s *Store) staffChange(ctx context.Context, doing, login, by string, at time.Time, f func(*sqlx.Tx) (string, map[string]string, error)) error {
	if err := s.loggedChange(ctx, SubjectStaff, by, at, f); err != nil {
		return fmt.Errorf("%s %.40q: %w", doing, login, err)
	}
	return nil
}
