// Package archive measures regpay's queries over books that are full: two
// years of past orders, a million of them by default.
//
// A few hundred payments of each kind are played through the store's own
// methods, so that every row is one that the product writes. They are then
// multiplied: each copy is another order of another patient at another time,
// often at another hospital, and all rows that belong to it go with it. What is
// sealed is sealed anew for its place and the audit chains are hashed anew, so
// a copy is read, verified and paged through like any payment. This is done
// outside PostgreSQL and brought in by COPY, because PostgreSQL has no key.
//
// The rows come in with triggers off and without indexes. Both are put back
// from their own definitions before anything is measured, which also proves
// that no number is there twice and no row lacks its parent; that the ledger
// balances is proved by the store's own search for what does not.
//
// Measured is one call of a method of the store, from the caller's side: the
// wait for a connection, the round trips, and opening what is sealed. Keys are
// drawn at random over all of the books, so that most calls read pages that no
// call before has read. The server is the local stack's, as durable as a
// production server (fsync is on, also while the books are filled).
package archive

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver, for looking past the store

	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/internal/store"
)

// LimitMS is what a query of the API or the console may take at the 99th
// percentile, in milliseconds.
const LimitMS = 20

// Options say how much to put in. The zero value is the full size.
type Options struct {
	Payments  int // 1,000,000
	OpenCases int // 10,000, within Payments
	Hospitals int // 12; each has half as many payments as the one before it
	Played    int // 200: payments of each kind that are played through the store
	Calls     int // 300: measured calls of each query
	// Seed makes the same books again, but for what is random by its nature:
	// nonces and voucher codes.
	Seed uint64
	// PlansPath is the file that the plans are written to; empty for none.
	PlansPath string
	// OnlyIndexes has the planner avoid sequential scans, so that books which
	// are too small for any index to pay show whether there is one.
	OnlyIndexes bool
	// PostgresSettings are the stack's.
	PostgresSettings map[string]string
	// Local is the stack's folder for data; its own default when empty.
	Local string
}

func (o Options) complete() Options {
	for _, d := range []struct {
		of   *int
		size int
	}{{&o.Payments, 1_000_000}, {&o.Hospitals, 12}, {&o.Played, 200}, {&o.Calls, 300}} {
		if *d.of <= 0 {
			*d.of = d.size
		}
	}
	if o.OpenCases <= 0 {
		o.OpenCases = o.Payments / 100
	}
	return o
}

// Result is what a run found.
type Result struct {
	StartedAt  time.Time `json:"started_at"`
	PostgreSQL string    `json:"postgresql"`
	Payments   int       `json:"payments"`
	OpenCases  int       `json:"open_cases"`
	// Hospitals is how many payments each has, the largest first.
	Hospitals []int   `json:"hospitals"`
	Tables    []Table `json:"tables"`
	// PlaySeconds, FillSeconds and IndexSeconds are what the books took to make.
	PlaySeconds  float64 `json:"play_seconds"`
	FillSeconds  float64 `json:"fill_seconds"`
	IndexSeconds float64 `json:"index_seconds"`
	LimitMS      float64 `json:"limit_ms"`
	// Queries are what the API, the steps of the workflows and the metrics read.
	Queries []Query `json:"queries"`
	// Console are what the review console reads, with the same limit, and Pages
	// its whole answers, with theirs. Rows of a page are its size in KB.
	Console     []Query `json:"console"`
	PageLimitMS float64 `json:"page_limit_ms"`
	Pages       []Query `json:"pages"`
	// Writes are the steps of a payment, and "a whole payment" of all of them.
	Writes []Query `json:"writes"`
	// Reports read whole tables by their nature and have no limit.
	Reports []Query `json:"reports"`
}

// Table is one table of the books.
type Table struct {
	Name    string  `json:"name"`
	Rows    int64   `json:"rows"`
	HeapMB  float64 `json:"heap_mb"`
	IndexMB float64 `json:"index_mb"`
}

// Query is how long one method took.
type Query struct {
	Name string `json:"name"`
	// For says who asks: "api", "steps", "metrics" or "console".
	For   string  `json:"for,omitempty"`
	Calls int     `json:"calls"`
	Rows  float64 `json:"rows"` // that a call found, on average
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
	// Within says whether P99 is below the limit. It is true for reports.
	Within bool `json:"within"`
	// Server is the longest that the server took of five more calls, in
	// milliseconds, with the time that explaining them costs.
	Server float64 `json:"server_ms,omitempty"`
	// SeqScans are the large tables that its plans read from end to end, and
	// Discarded the most rows that a node of its plans read in vain.
	SeqScans  []string `json:"seq_scans,omitempty"`
	Discarded int64    `json:"discarded,omitempty"`
}

// TooSlow are the queries and pages whose p99 is not below their limit.
func (r Result) TooSlow() []string {
	var out []string
	for _, part := range [][]Query{r.Queries, r.Console, r.Pages} {
		for _, q := range part {
			if !q.Within {
				out = append(out, q.Name)
			}
		}
	}
	return out
}

// books are the books that are filled and read.
type books struct {
	o Options
	*store.Store
	keys    *privacy.Keyring
	dsn     string
	db      *sqlx.DB // past the store
	log     string   // the server's
	secrets []string // of API keys
	start   time.Time
	out     io.Writer
}

// Run makes the books and measures. It tells of its progress on out.
func Run(ctx context.Context, out io.Writer, o Options) (_ Result, err error) {
	o = o.complete()
	s, err := stack.Start(ctx, stack.Options{Name: "archive", Parts: stack.Postgres, DatabaseURL: "private",
		PostgresSettings: o.PostgresSettings, Local: o.Local, Progress: out})
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, s.Stop(context.WithoutCancel(ctx))) }()
	b, err := open(ctx, s, o, out)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, b.Close(), b.db.Close()) }()

	r := Result{StartedAt: b.start, LimitMS: LimitMS, PageLimitMS: PageLimitMS}
	if err := b.db.GetContext(ctx, &r.PostgreSQL, `SHOW server_version`); err != nil {
		return r, fmt.Errorf("ask for the server's version: %w", err)
	}
	if err := b.make(ctx, &r); err != nil {
		return r, err
	}
	if err := b.measure(ctx, &r); err != nil {
		return r, err
	}
	r.Print(out)
	return r, nil
}

func open(ctx context.Context, s *stack.Stack, o Options, out io.Writer) (*books, error) {
	dsn, err := s.Database(ctx, "regpay")
	if err != nil {
		return nil, err
	}
	key := make([]byte, privacy.KeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	keys, err := privacy.NewKeyring("archive", map[string][]byte{"archive": key})
	if err != nil {
		return nil, err
	}
	b := &books{o: o, keys: keys, dsn: dsn, log: s.Log("postgres"), start: time.Now().UTC().Truncate(time.Microsecond), out: out}
	if b.Store, err = store.Open(ctx, store.Config{DSN: dsn, Keys: keys, MaxConns: 8}); err != nil {
		return nil, err
	}
	if err := b.Migrate(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	if b.db, err = sqlx.Open("postgres", dsn); err != nil {
		return nil, errors.Join(fmt.Errorf("look past the books: %w", err), b.Close())
	}
	return b, nil
}

// make fills the books.
func (b *books) make(ctx context.Context, r *Result) error {
	began := time.Now()
	played, err := b.play(ctx, b.o.counts())
	if err != nil {
		return fmt.Errorf("play payments: %w", err)
	}
	r.PlaySeconds = time.Since(began).Seconds()
	b.say("played %d payments in %.0f s", len(played), r.PlaySeconds)
	if err := b.multiply(ctx, played, r); err != nil {
		return fmt.Errorf("multiply payments: %w", err)
	}
	if err := b.furnish(ctx); err != nil {
		return fmt.Errorf("add what is not of payments: %w", err)
	}
	return b.weigh(ctx, r)
}

func (b *books) say(format string, args ...any) {
	if b.out != nil {
		fmt.Fprintf(b.out, format+"\n", args...)
	}
}

// writeFile is os.WriteFile that says what for.
func writeFile(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the plans: %w", err)
	}
	return nil
}
