// Package store is regpay's books in PostgreSQL.
//
// Every method that writes is one database transaction in which state, money,
// ledger, voucher and audit change together or not at all (rules I6, I7, I8).
// Steps of one payment follow each other. Those of a payment without trouble do
// so without a lock: they read, or remember what the step before has left, and
// write in one statement that does nothing if another step came in between; then
// they begin again with the payment's row locked, as all other steps do at once.
// See quickStep.
//
// A step may be repeated at any time, since nobody knows what became of a
// commit whose answer was lost: a repeat finds what the first call wrote and
// changes nothing. So the error of a write that is neither a payment.Problem
// nor one of this package's errors means "perhaps": call again, the same way.
//
// Personal data is sealed by privacy.Keyring before it is written and looked up
// by blind index. Amounts are whole minor units. Times are kept to the
// microsecond and come back in UTC.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/privacy"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	defaultMaxConns = 16
	// abandonedAfter ends a transaction whose process went away without closing
	// its connection, so that its locks do not hold up the payment.
	abandonedAfter = "30s"
	// migrationLock is the advisory lock under which one process migrates.
	migrationLock = 7_263_711_251
)

// Config says which database to use.
type Config struct {
	DSN  string // a postgres:// URL or key=value pairs
	Keys *privacy.Keyring
	// MaxConns bounds the connections of this process; 16 when zero.
	MaxConns int
	// Calendar tells by when a refund is expected; that of the years which are
	// known without configuration when nil.
	Calendar *calendar.Calendar
}

// Store is the books. It is safe for concurrent use.
type Store struct {
	db      *sqlx.DB
	keys    *privacy.Keyring
	days    *calendar.Calendar
	memory  memory
	windows windows
	// passwords has a place for each password that may be hashed at a time.
	passwords chan struct{}
}

// Open connects to the database and makes sure that it answers. It does not
// change it: see Migrate.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Keys == nil {
		return nil, errors.New("open the books: a keyring is needed")
	}
	cfg, err := pq.NewConfig(c.DSN)
	if err != nil {
		return nil, fmt.Errorf("open the books: %w", err)
	}
	// One round trip for a statement instead of two.
	cfg.BinaryParameters = true
	if cfg.Runtime == nil {
		cfg.Runtime = map[string]string{}
	}
	for name, value := range map[string]string{
		"idle_in_transaction_session_timeout": abandonedAfter,
		"timezone":                            "UTC",
	} {
		if _, set := cfg.Runtime[name]; !set {
			cfg.Runtime[name] = value
		}
	}
	connector, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("open the books: %w", err)
	}
	n := c.MaxConns
	if n <= 0 {
		n = defaultMaxConns
	}
	db := sqlx.NewDb(sql.OpenDB(preparing{connector}), "postgres")
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s := &Store{db: db, keys: c.Keys, days: c.Calendar, memory: newMemory(), windows: windows{known: map[string]knownWindows{}}, passwords: make(chan struct{}, passwordsAtOnce)}
	if s.days == nil {
		s.days = calendar.New(nil)
	}
	if err := s.Ping(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

// Migrate brings the schema up to date. Several processes may call it at once:
// one does the work, the others wait for it.
func (s *Store) Migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrate the books: %w", err)
	}
	// Asks every second for up to five minutes.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, 300))
	if err != nil {
		return fmt.Errorf("migrate the books: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, s.db.DB, dir, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("migrate the books: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the books: %w", err)
	}
	return nil
}

// Ping makes sure that the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.db.PingContext(ctx); err != nil {
		return fmt.Errorf("reach the books: %w", err)
	}
	return nil
}

// Close ends the connections.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close the books: %w", err)
	}
	return nil
}
