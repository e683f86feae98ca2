package archive

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// The review console asks the books other questions than the API: the queue with
// its counts, everything that is known of one payment, and sums over all that is
// open. Its limit is the API's. Of the pages that it makes of the answers, see
// pages.go.

// clerk is somebody at the console, who works for the hospitals of a scope.
func clerk(s scope) staff.Person {
	return staff.Person{Subject: staff.LocalSubject(loginOf(s)), Name: "测试员",
		Roles: []staff.Role{staff.Auditor, staff.Finance, staff.Support}, Hospitals: s.hospitals}
}

// desks are those whose pages are measured: people of everything, of the
// largest hospital and of a small one.
func (b *books) desks() []scope {
	return []scope{
		{"all hospitals", []string{store.AllHospitals}},
		{"the largest hospital", []string{hospitalID(0)}},
		{"a small hospital", []string{hospitalID(min(7, b.o.Hospitals-1))}},
	}
}

// claimedCases is how many open cases each of them has in hand.
const claimedCases = 20

// countDays counts the decided cases by day: copies were not decided by the
// store, which counts each as it decides it.
func (b *books) countDays(ctx context.Context) error {
	for _, statement := range []string{
		`DELETE FROM case_days`,
		`INSERT INTO case_days
 SELECT (decided_at AT TIME ZONE 'UTC' + interval '8 hours')::date, hospital_id, verdict,
        count(*) FILTER (WHERE operator NOT IN ('` + payment.ByPatient + `', '` + payment.ByChannel + `', '` + payment.ByHIS + `')),
        count(*) FILTER (WHERE operator IN ('` + payment.ByPatient + `', '` + payment.ByChannel + `', '` + payment.ByHIS + `'))
   FROM cases WHERE decided_at IS NOT NULL GROUP BY 1, 2, 3`,
		`ANALYZE case_days`,
	} {
		if _, err := b.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("count the decided cases: %w", err)
		}
	}
	return nil
}

// deskQueries are the console's, for each of its people.
func (b *books) deskQueries(d *drawn) []query {
	all := []query{
		{name: "DeskCase", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			_, err := s.DeskCase(ctx, one(r, d.cases).No, b.start)
			return got(err)
		}},
		{name: "CaseFile", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			f, err := s.CaseFile(ctx, one(r, d.cases).No, b.start)
			return len(f.Timeline), err
		}},
		{name: "PaymentFile", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			f, err := s.PaymentFile(ctx, one(r, d.payments).ID, b.start)
			return len(f.Timeline), err
		}},
		{name: "EarlierOf", empty: true, run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			all, err := s.EarlierOf(ctx, one(r, d.open).ID)
			return len(all), err
		}},
		{name: "LogPage", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			all, err := s.LogPage(ctx, one(r, d.payments).ID, 0, 100)
			return len(all), err
		}},
		{name: "ViewLogged", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			k := one(r, d.open)
			return got(s.ViewLogged(ctx, store.Viewing{PaymentID: k.ID, CaseID: k.No, By: "local:viewer", Address: "10.0.0.1"}, b.start))
		}},
	}
	for _, s := range b.desks() {
		all = append(all, b.queues(d, s)...)
		all = append(all, b.finds(d, s)...)
		for _, days := range []int{1, 30, 90} {
			all = append(all, query{name: "Overview, " + s.name + ", " + number(days) + " days", run: func(ctx context.Context, st *store.Store, _ *rand.Rand) (int, error) {
				o, err := st.Overview(ctx, s.hospitals, b.start.AddDate(0, 0, -days), b.start)
				return len(o.ByDay), err
			}, empty: true})
		}
		all = append(all, query{name: "Health, " + s.name, run: func(ctx context.Context, st *store.Store, _ *rand.Rand) (int, error) {
			h, err := st.Health(ctx, s.hospitals, b.start)
			return len(h.Channels), err
		}})
	}
	for i := range all {
		all[i].who = "console"
	}
	return all
}

// queues are the tabs of the queue.
func (b *books) queues(d *drawn, sc scope) []query {
	queue := func(name string, f store.QueueFilter, with func(*store.QueueFilter, *rand.Rand)) query {
		f.Hospitals, f.By, f.At, f.Limit = sc.hospitals, clerk(sc).Subject, b.start, 50
		return query{name: "Queue, " + sc.name + name, empty: true, run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			g := f
			if with != nil {
				with(&g, r)
			}
			q, err := s.Queue(ctx, g)
			return len(q.Cases), err
		}}
	}
	return []query{
		queue("", store.QueueFilter{}, nil),
		queue(", mine", store.QueueFilter{Tab: store.QueueMine}, nil),
		queue(", unclaimed", store.QueueFilter{Tab: store.QueueUnclaimed}, nil),
		queue(", overdue", store.QueueFilter{Tab: store.QueueOverdue}, nil),
		queue(", one reason", store.QueueFilter{Reasons: []payment.Reason{payment.ReviewHISDelayed}}, nil),
		queue(", page anywhere", store.QueueFilter{}, func(f *store.QueueFilter, r *rand.Rand) { f.After = one(r, d.open).No }),
		queue(", by order", store.QueueFilter{}, func(f *store.QueueFilter, r *rand.Rand) { f.Search = one(r, d.open).Order }),
	}
}

// finds look payments up by each of their numbers.
func (b *books) finds(d *drawn, sc scope) []query {
	find := func(name string, number func(*rand.Rand) string) query {
		return query{name: "FindPayments, " + sc.name + ", " + name, empty: true, run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			all, err := s.FindPayments(ctx, sc.hospitals, number(r))
			return len(all), err
		}}
	}
	return []query{
		find("by order", func(r *rand.Rand) string { return one(r, d.payments).Order }),
		find("by merchant number", func(r *rand.Rand) string { return one(r, d.attempts).No }),
		find("by refund", func(r *rand.Rand) string { return one(r, d.refunds).No }),
		find("unknown", func(r *rand.Rand) string { return "NOSUCH" + one(r, d.payments).Order[:9] }),
	}
}

// claim puts some of the open cases into the hands of each of the people.
func (b *books) claim(ctx context.Context, d *drawn) error {
	next := 0
	for _, s := range b.desks() {
		person := clerk(s)
		for n := 0; n < claimedCases && next < len(d.open); next++ {
			k := d.open[next]
			if !person.Oversees(k.Hospital) {
				continue
			}
			// Longer ago than a claim lasts it would hold for nobody.
			if _, err := b.ClaimCase(ctx, k.No, person, b.start.Add(time.Hour)); err != nil {
				return err
			}
			n++
		}
	}
	return nil
}
