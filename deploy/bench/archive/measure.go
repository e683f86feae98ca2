package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/regpay/regpay/deploy/bench/result"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// warmUp calls are made and not counted: connections are opened, and the upper
// levels of the indexes are read.
const warmUp = 10

// A query that takes longer than enough in all is called no more than fewest
// times.
const (
	fewest = 5
	enough = 10 * time.Second
)

// measure times reads, then writes, then the sums over everything.
func (b *books) measure(ctx context.Context, r *Result) (err error) {
	d, err := b.draw(ctx)
	if err != nil {
		return err
	}
	p, err := b.planner(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := b.claim(ctx, d); err != nil {
		return fmt.Errorf("claim cases: %w", err)
	}
	for _, part := range []struct {
		of   []query
		into *[]Query
	}{{b.queries(d), &r.Queries}, {b.deskQueries(d), &r.Console}} {
		for n, q := range part.of {
			random := rand.New(rand.NewPCG(b.o.Seed, 1<<32+uint64(n)))
			m, err := b.time(ctx, q, random)
			if err != nil {
				return err
			}
			if m.Rows == 0 && !q.empty {
				return fmt.Errorf("%s: found nothing of what was put in", q.name)
			}
			if err := p.explain(ctx, q, random, &m); err != nil {
				return err
			}
			*part.into = append(*part.into, m)
		}
	}
	if err := b.pages(ctx, d, r); err != nil {
		return fmt.Errorf("the console's pages: %w", err)
	}
	if err := b.writes(ctx, r); err != nil {
		return err
	}
	if err := b.reports(ctx, r); err != nil {
		return err
	}
	if b.o.PlansPath == "" {
		return nil
	}
	return writeFile(b.o.PlansPath, p.all.String())
}

// time makes the calls.
func (b *books) time(ctx context.Context, q query, r *rand.Rand) (Query, error) {
	took, rows := make([]time.Duration, 0, b.o.Calls), 0
	whole := time.Now()
	for i := range warmUp + b.o.Calls {
		if i >= warmUp+fewest && time.Since(whole) > enough {
			break // it is far too slow, which is what was to be found out
		}
		began := time.Now()
		n, err := q.run(ctx, b.Store, r)
		spent := time.Since(began)
		if err != nil {
			return Query{}, fmt.Errorf("%s: %w", q.name, err)
		}
		if i >= warmUp {
			took, rows = append(took, spent), rows+n
		}
	}
	m := summed(q.name, took)
	m.For, m.Rows, m.Within = q.who, float64(rows)/float64(len(took)), m.P99 < LimitMS
	return m, nil
}

func summed(name string, took []time.Duration) Query {
	l := result.LatencyOf(took)
	return Query{Name: name, Calls: l.Count, P50: l.P50, P99: l.P99, Max: l.Max, Within: true}
}

// steps are what the whole payment of writes is made of, in order, and what
// follows it.
var steps = []string{"OpenPayment, a patient who returns", "BeginAttempt", "SavePrepaid", "KeepWebhook", "RecordCapture, with the voucher",
	"RecordRegistered", "Complete"}

var afterwards = []string{"ReserveRefund", "RefundSent", "RecordRefund, accepted", "RecordRefund, succeeded", "KeepWebhook, of a refund", "OpenCase", "DecideCase"}

// writes plays payments of today, one after the other.
func (b *books) writes(ctx context.Context, r *Result) error {
	var whole []time.Duration
	each := make([][]time.Duration, len(steps)+len(afterwards))
	sizes := sizes(b.o.Payments, b.o.Hospitals)
	random := rand.New(rand.NewPCG(b.o.Seed, 1<<33))
	for n := range warmUp + b.o.Calls {
		h := draw(random, sizes)
		p := b.newPlayer(ctx, hospitalID(h), 2*b.o.Payments+n, patientOf(random, h, sizes[h]), b.start.Add(time.Duration(n)*time.Millisecond))
		p.completed()
		p.refund("part", 1, money.Fen(500), channel.RefundSucceeded)
		p.decide(p.review("-R01", payment.ReviewRefundFailed, ""), payment.RetryRefund)
		if p.err != nil {
			return fmt.Errorf("play a payment: %w", p.err)
		}
		if n < warmUp {
			continue
		}
		var sum time.Duration
		for i, d := range p.spent {
			each[i] = append(each[i], d)
			if i < len(steps) {
				sum += d
			}
		}
		whole = append(whole, sum)
	}
	for i, name := range append(append([]string{}, steps...), afterwards...) {
		m := summed(name, each[i])
		m.Within = m.P99 < LimitMS
		r.Writes = append(r.Writes, m)
	}
	r.Writes = append(r.Writes, summed("a whole payment: the first seven", whole))
	return nil
}

// reports sums over everything, and makes sure that the books are right.
func (b *books) reports(ctx context.Context, r *Result) error {
	for _, q := range []query{
		{name: "TrialBalance", run: func(ctx context.Context, s *store.Store, _ *rand.Rand) (int, error) {
			all, err := s.TrialBalance(ctx)
			if err == nil && !all.Balanced() {
				err = errors.New("debits are not credits")
			}
			return len(all), err
		}},
		{name: "Unbalanced", run: func(ctx context.Context, s *store.Store, _ *rand.Rand) (int, error) {
			bad, err := s.Unbalanced(ctx)
			if err == nil && len(bad) > 0 {
				err = fmt.Errorf("%d transactions do not balance", len(bad))
			}
			return len(bad), err
		}},
		{name: "ChannelTotals", run: func(ctx context.Context, s *store.Store, _ *rand.Rand) (int, error) {
			all, err := s.ChannelTotals(ctx)
			return len(all), err
		}},
	} {
		var took []time.Duration
		rows := 0
		for range 3 {
			began := time.Now()
			n, err := q.run(ctx, b.Store, nil)
			if err != nil {
				return fmt.Errorf("%s: %w", q.name, err)
			}
			took, rows = append(took, time.Since(began)), n
		}
		m := summed(q.name, took)
		m.Rows = float64(rows)
		r.Reports = append(r.Reports, m)
	}
	return nil
}

// Print writes the figures as a table.
func (r Result) Print(out io.Writer) {
	if out == nil {
		return
	}
	fmt.Fprintf(out, "\nPostgreSQL %s, %d payments, %d open cases, hospitals of %v payments\n", r.PostgreSQL, r.Payments, r.OpenCases, r.Hospitals)
	fmt.Fprintf(out, "\n%-22s %12s %10s %10s\n", "table", "rows", "heap MB", "index MB")
	for _, t := range r.Tables {
		fmt.Fprintf(out, "%-22s %12d %10.0f %10.0f\n", t.Name, t.Rows, t.HeapMB, t.IndexMB)
	}
	for _, part := range []struct {
		name string
		of   []Query
	}{{"reads", r.Queries}, {"reads of the review console", r.Console}, {"pages of the review console, whole answers (rows: KB of each)", r.Pages},
		{"writes", r.Writes}, {"whole-table reports, without a limit", r.Reports}} {
		fmt.Fprintf(out, "\n%-72s %7s %8s %8s %8s %9s\n", part.name, "rows", "p50 ms", "p99 ms", "max ms", "server ms")
		for _, q := range part.of {
			note := ""
			if !q.Within {
				note = "  TOO SLOW"
			}
			if len(q.SeqScans) > 0 {
				note += "  reads all of " + strings.Join(q.SeqScans, ", ")
			}
			if q.Discarded > 1000 {
				note += fmt.Sprintf("  reads %d rows in vain", q.Discarded)
			}
			fmt.Fprintf(out, "%-72s %7.1f %8.2f %8.2f %8.2f %9.2f%s\n", q.Name, q.Rows, q.P50, q.P99, q.Max, q.Server, note)
		}
	}
}
