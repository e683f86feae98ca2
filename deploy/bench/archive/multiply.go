package archive

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// chunk is how many payments one COPY of each table brings in.
const chunk = 2000

// counts are how many payments of each kind there are to be, in the order of
// kinds; the first kind takes what rounding leaves.
func (o Options) counts() []int {
	all := kinds()
	out := make([]int, len(all))
	past, left := o.Payments-o.OpenCases, o.Payments
	for i, k := range all {
		out[i] = past*k.share/1000 + o.OpenCases*k.caseShare/1000
		left -= out[i]
	}
	out[0] += left
	return out
}

// multiply copies the templates until the books hold what they are to hold.
func (b *books) multiply(ctx context.Context, played []*template, r *Result) (err error) {
	conn, err := b.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	all := tables()
	byName, byID := map[string]*table{}, map[string]*template{}
	for _, p := range played {
		p.rows = map[string][][]any{}
		byID[p.id] = p
	}
	for _, t := range all {
		if err := t.describe(ctx, conn); err != nil {
			return err
		}
		if err := t.read(ctx, conn, byID); err != nil {
			return err
		}
		byName[t.name] = t
	}
	for _, p := range played {
		if err := p.open(byName, b.keys); err != nil {
			return err
		}
	}

	began := time.Now()
	hurry := []string{"autovacuum = off", "max_wal_size = '16GB'", "checkpoint_timeout = '30min'"}
	if err := b.system(ctx, hurry...); err != nil {
		return err
	}
	restore, err := b.dropIndexes(ctx, all)
	if err != nil {
		return err
	}
	if err := b.fill(ctx, played, all); err != nil {
		return err
	}
	r.FillSeconds = time.Since(began).Seconds()
	b.say("copied them to %d payments in %.0f s", b.o.Payments, r.FillSeconds)
	began = time.Now()
	if err := restore(ctx); err != nil {
		return err
	}
	if err := b.system(ctx); err != nil {
		return err
	}
	for _, statement := range []string{"VACUUM (ANALYZE)", "CHECKPOINT"} {
		if _, err := b.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	r.IndexSeconds = time.Since(began).Seconds()
	b.say("indexed and analysed in %.0f s", r.IndexSeconds)
	return nil
}

// connect is a connection of the fill: it neither fires triggers nor waits for
// the disk at each commit.
func (b *books) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, b.dsn)
	if err != nil {
		return nil, fmt.Errorf("connect for the fill: %w", err)
	}
	const set = `SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; SET max_parallel_maintenance_workers = 0`
	if _, err := conn.Exec(ctx, set); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the fill: %w", err), conn.Close(ctx))
	}
	return conn, nil
}

// system changes the server's settings; without any it takes all changes back.
func (b *books) system(ctx context.Context, settings ...string) error {
	statements := []string{"ALTER SYSTEM RESET ALL"}
	for _, s := range settings {
		statements = append(statements, "ALTER SYSTEM SET "+s)
	}
	for _, s := range append(statements, "SELECT pg_reload_conf()") {
		if _, err := b.db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// fill makes the copies, in the order of their time.
func (b *books) fill(ctx context.Context, played []*template, all []*table) error {
	lives := kinds()
	of := make([][]*template, len(lives))
	for _, p := range played {
		of[p.kind] = append(of[p.kind], p)
	}
	past, recent := b.plan(of)
	plan := append(past, recent...)
	sizes := sizes(b.o.Payments, b.o.Hospitals)
	chunks := make(chan int)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(chunks)
		for from := 0; from < len(plan); from += chunk {
			select {
			case chunks <- from:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range 3 {
		g.Go(func() (err error) {
			conn, err := b.connect(ctx)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
			for from := range chunks {
				rows := map[string][][]any{}
				r := rand.New(rand.NewPCG(b.o.Seed, uint64(from)))
				for n := from; n < min(from+chunk, len(plan)); n++ {
					at := b.start.Add(-period).Add(time.Duration(n) * ((period - 4*24*time.Hour) / time.Duration(len(past)+1)))
					k := lives[plan[n]]
					if k.recent > 0 {
						at = b.recently(k, r.Float64())
					}
					h := draw(r, sizes)
					t := of[plan[n]][r.IntN(len(of[plan[n]]))]
					more, err := cloneOf(t, all, b.keys, b.RequestIndex, hospitalID(h), orderNo(at, len(played)+n), at, patientOf(r, h, sizes[h]))
					if err != nil {
						return err
					}
					for name, list := range more {
						rows[name] = append(rows[name], list...)
					}
				}
				for _, t := range all {
					if _, err := conn.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(rows[t.name])); err != nil {
						return fmt.Errorf("copy into %s: %w", t.name, err)
					}
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// plan is the kind of each copy: the past ones well mixed, then the recent ones.
func (b *books) plan(played [][]*template) (past, recent []uint8) {
	r := rand.New(rand.NewPCG(b.o.Seed, 0))
	lives := kinds()
	for i, n := range b.o.counts() {
		for range n - len(played[i]) {
			if lives[i].recent > 0 {
				recent = append(recent, uint8(i))
			} else {
				past = append(past, uint8(i))
			}
		}
	}
	for _, list := range [][]uint8{past, recent} {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	return past, recent
}
