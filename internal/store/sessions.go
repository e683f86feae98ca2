package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/staff"
)

// How long a session of the console lasts.
const (
	SessionIdle  = 30 * time.Minute // without anything asked
	SessionLasts = 10 * time.Hour   // in any case: a shift
)

const (
	// slideAfter is how old seen_at may become before it is written again, so
	// that reading pages writes little.
	slideAfter = time.Minute
	// sessionsKept is how long rows of sessions that are over are kept.
	sessionsKept = 30 * 24 * time.Hour
	secretSize   = 32 // bytes of a token and of a CSRF token
)

// Via is how somebody signed in.
type Via string

// The ways to sign in.
const (
	ViaLocal Via = "local" // by a local account's password
	ViaOIDC  Via = "oidc"  // at the identity provider
)

// NewSession says whose session begins.
type NewSession struct {
	Person  staff.Person
	Via     Via
	Lasts   time.Duration // SessionLasts when zero
	Address string        // where the person sits, for the audit log
}

// Session is somebody signed in to the console.
type Session struct {
	Person    staff.Person
	Via       Via
	CreatedAt time.Time
	SeenAt    time.Time // to about a minute
	IdleAt    time.Time // ends then, unless something is asked before
	ExpiresAt time.Time // ends then in any case
	CSRF      []byte    // 32 random bytes that forms of this session carry
	// MustChange says that the person signed in with a password that somebody
	// else has seen, and has to choose another one before anything else.
	MustChange bool
}

type sessionRow struct {
	Subject    string         `db:"subject"`
	Name       string         `db:"name"`
	Roles      pq.StringArray `db:"roles"`
	Hospitals  pq.StringArray `db:"hospitals"`
	Via        Via            `db:"via"`
	CreatedAt  time.Time      `db:"created_at"`
	SeenAt     time.Time      `db:"seen_at"`
	ExpiresAt  time.Time      `db:"expires_at"`
	CSRF       []byte         `db:"csrf"`
	MustChange bool           `db:"must_change"`
}

func (r sessionRow) session() Session {
	idle := r.SeenAt.UTC().Add(SessionIdle)
	if idle.After(r.ExpiresAt) {
		idle = r.ExpiresAt.UTC()
	}
	return Session{Person: staff.Person{Subject: r.Subject, Name: r.Name, Roles: rolesOf(r.Roles), Hospitals: r.Hospitals},
		Via: r.Via, CreatedAt: r.CreatedAt.UTC(), SeenAt: r.SeenAt.UTC(), IdleAt: idle, ExpiresAt: r.ExpiresAt.UTC(), CSRF: r.CSRF,
		MustChange: r.MustChange}
}

// tokenText is how a token is written; the decoder skips line ends, so its
// length is checked as well, and a session has one token alone.
var tokenText = base64.RawURLEncoding.Strict()

// StartSession begins a session and logs it. The token, 43 URL-safe characters,
// is not kept and can never be read again.
//
// A local account's person is read anew: it may have been disabled, which is
// ErrSignIn, or given other roles since its password was checked.
func (s *Store) StartSession(ctx context.Context, n NewSession, at time.Time) (token string, _ Session, err error) {
	secret := make([]byte, 2*secretSize)
	if _, err := rand.Read(secret); err != nil {
		return "", Session{}, fmt.Errorf("start a session: %w", err)
	}
	lasts := n.Lasts
	if lasts <= 0 {
		lasts = SessionLasts
	}
	key, csrf := secret[:secretSize], secret[secretSize:]
	hash := sha256.Sum256(key)
	var row sessionRow
	err = s.loggedChange(ctx, SubjectStaff, n.Person.Subject, at, func(tx *sqlx.Tx) (string, map[string]string, error) {
		p, change := n.Person, false
		if n.Via == ViaLocal {
			account, err := accountInUse(ctx, tx, p.Subject)
			if err != nil {
				return "", nil, err
			}
			p, change = account.Person(), !account.OwnPassword
		} else if err := rememberName(ctx, tx, p, at); err != nil {
			return "", nil, err
		}
		row = sessionRow{Subject: p.Subject, Name: p.Name, Roles: roleTexts(p.Roles), Hospitals: nonNil(p.Hospitals), Via: n.Via,
			CreatedAt: stamp(at), SeenAt: stamp(at), ExpiresAt: stamp(at.Add(lasts)), CSRF: csrf, MustChange: change}
		if _, err := tx.ExecContext(ctx, `DELETE FROM console_sessions WHERE expires_at < $1`, stamp(at.Add(-sessionsKept))); err != nil {
			return "", nil, fmt.Errorf("forget old sessions: %w", err)
		}
		const insert = `
INSERT INTO console_sessions (token_hash, subject, name, roles, hospitals, via, created_at, seen_at, expires_at, csrf, must_change)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10)`
		_, err := tx.ExecContext(ctx, insert, hash[:], row.Subject, row.Name, row.Roles, row.Hospitals, row.Via, row.CreatedAt, row.ExpiresAt, csrf, change)
		return "signed_in", details("via", string(n.Via), "roles", strings.Join(row.Roles, ","), "hospitals", strings.Join(row.Hospitals, ","),
			"address", n.Address), err
	})
	if err != nil {
		return "", Session{}, fmt.Errorf("start a session: %w", err)
	}
	return tokenText.EncodeToString(key), row.session(), nil
}

// accountInUse reads the local account of a subject, which is not disabled.
func accountInUse(ctx context.Context, tx *sqlx.Tx, subject string) (staff.Account, error) {
	login, local := strings.CutPrefix(subject, staff.LocalSubject(""))
	if !local {
		return staff.Account{}, ErrSignIn
	}
	var row accountRow
	err := tx.GetContext(ctx, &row, selectAccount+`WHERE login = $1 AND disabled_at IS NULL`, login)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return staff.Account{}, ErrSignIn
	case err != nil:
		return staff.Account{}, fmt.Errorf("read the account: %w", err)
	}
	return row.account(), nil
}

// Session finds whose token it is and notes that it was used, or returns
// ErrNotFound: also for a session that was idle for too long, has expired, or
// was ended. The token is 256 random bits, so a plain hash of it gives nothing
// away and can be looked up.
func (s *Store) Session(ctx context.Context, token string, at time.Time) (Session, error) {
	hash, row, err := s.lasting(ctx, token, at)
	if err != nil {
		return Session{}, err
	}
	if at = stamp(at); at.Sub(row.SeenAt) >= slideAfter {
		const write = `UPDATE console_sessions SET seen_at = greatest(seen_at, $2) WHERE token_hash = $1 AND revoked_at IS NULL`
		if _, err := s.db.ExecContext(ctx, write, hash, at); err != nil {
			return Session{}, fmt.Errorf("note the session's use: %w", err)
		}
		row.SeenAt = at
	}
	return row.session(), nil
}

// PeekSession is Session without the note that it was used: a page that
// refreshes itself does not keep the session of a desk that was left.
func (s *Store) PeekSession(ctx context.Context, token string, at time.Time) (Session, error) {
	_, row, err := s.lasting(ctx, token, at)
	if err != nil {
		return Session{}, err
	}
	return row.session(), nil
}

// lasting finds a session that is not over.
func (s *Store) lasting(ctx context.Context, token string, at time.Time) (hash []byte, row sessionRow, err error) {
	hash, ok := tokenHash(token)
	if !ok {
		return nil, row, fmt.Errorf("find the session: %w", ErrNotFound)
	}
	at = stamp(at)
	const read = `
SELECT subject, name, roles, hospitals, via, created_at, seen_at, expires_at, csrf, must_change FROM console_sessions
 WHERE token_hash = $1 AND revoked_at IS NULL AND expires_at > $2 AND seen_at > $3`
	if err := s.db.GetContext(ctx, &row, read, hash, at, at.Add(-SessionIdle)); err != nil {
		return nil, row, fmt.Errorf("find the session: %w", found(err))
	}
	return hash, row, nil
}

func tokenHash(token string) ([]byte, bool) {
	key, err := tokenText.DecodeString(token)
	if err != nil || len(key) != secretSize || len(token) != tokenText.EncodedLen(secretSize) {
		return nil, false
	}
	hash := sha256.Sum256(key)
	return hash[:], true
}

// EndSession ends a session, as signing out does, and logs it. A token of no
// session, or of one that was ended, changes nothing.
func (s *Store) EndSession(ctx context.Context, token string, at time.Time) error {
	hash, ok := tokenHash(token)
	if !ok {
		return nil
	}
	var subject string
	err := s.db.GetContext(ctx, &subject, `SELECT subject FROM console_sessions WHERE token_hash = $1 AND revoked_at IS NULL`, hash)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("end a session: %w", err)
	}
	err = s.loggedChange(ctx, SubjectStaff, subject, at, func(tx *sqlx.Tx) (string, map[string]string, error) {
		res, err := tx.ExecContext(ctx, `UPDATE console_sessions SET revoked_at = $2 WHERE token_hash = $1 AND revoked_at IS NULL`, hash, stamp(at))
		if err != nil {
			return "", nil, err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return "", nil, err
		}
		return "signed_out", details(), nil
	})
	if err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// EndSessionsOf ends all sessions of a person and says how many there were.
func (s *Store) EndSessionsOf(ctx context.Context, subject, by string, at time.Time) (ended int, err error) {
	err = s.loggedChange(ctx, SubjectStaff, by, at, func(tx *sqlx.Tx) (string, map[string]string, error) {
		if ended, err = endSessionsOf(ctx, tx, subject, at); err != nil || ended == 0 {
			return "", nil, err
		}
		return "sessions_ended", details("subject", subject, "sessions", number(ended)), nil
	})
	if err != nil {
		return 0, fmt.Errorf("end the sessions of %.80q: %w", subject, err)
	}
	return ended, nil
}

// endSessionsOf ends idle ones too: were a clock set back, they would go on.
func endSessionsOf(ctx context.Context, tx *sqlx.Tx, subject string, at time.Time) (int, error) {
	const write = `
UPDATE console_sessions SET revoked_at = $2 WHERE subject = $1 AND revoked_at IS NULL AND expires_at > $2`
	res, err := tx.ExecContext(ctx, write, subject, stamp(at))
	if err != nil {
		return 0, fmt.Errorf("end the sessions: %w", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}
