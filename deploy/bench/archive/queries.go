package archive

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// query is one way to call a method of the store.
type query struct {
	name, who string
	// run answers with how many rows came.
	run func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error)
	// may be empty in any case
	empty bool
}

// page is what the API asks for: one row more than it shows.
const page = 51

// scope is a list of hospitals that a caller's key has.
type scope struct {
	name      string
	hospitals []string
}

func (b *books) scopes() []scope {
	last := b.o.Hospitals - 1
	return []scope{
		{"the largest hospital", []string{hospitalID(0)}},
		{"the smallest hospital", []string{hospitalID(last)}},
		{"the two smallest hospitals", []string{hospitalID(last - 1), hospitalID(last)}},
		{"the largest hospital and the smallest", []string{hospitalID(0), hospitalID(last)}},
		{"all hospitals", []string{store.AllHospitals}},
	}
}

// queries are all of them.
func (b *books) queries(d *drawn) []query {
	all := b.single(d)
	for _, s := range b.scopes() {
		all = append(all, b.lists(d, s)...)
		all = append(all, b.caseLists(d, s)...)
		all = append(all, b.windowLists(s)...)
	}
	return all
}

// got counts one row unless there was an error.
func got(err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// single are the queries for one thing.
func (b *books) single(d *drawn) []query {
	var earlier time.Duration
	return []query{
		{name: "Payment", who: "api", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			_, err := s.Payment(ctx, one(r, d.payments).ID)
			return got(err)
		}},
		{name: "Payment, unknown", who: "api", empty: true, run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			_, err := s.Payment(ctx, payment.ID(hospitalID(0), "NOSUCHORDER"+one(r, d.payments).Order[:9]))
			return 0, unless(err, store.ErrNotFound)
		}},
		{name: "Ref", who: "api", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			_, err := s.Ref(ctx, one(r, d.payments).ID)
			return got(err)
		}},
		{name: "OrderToVerify", who: "api", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			_, err := s.OrderToVerify(ctx, one(r, d.payments).ID)
			if payment.HasCode(err, payment.CodeState) {
				err = nil // it is read as well
			}
			return got(err)
		}},
		{name: "Ref, unknown", who: "api", empty: true, run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			_, err := s.Ref(ctx, payment.ID(hospitalID(0), "NOSUCHORDER"+one(r, d.payments).Order[:9]))
			return 0, unless(err, store.ErrNotFound)
		}},
		{name: "Timeline", who: "api", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			all, err := s.Timeline(ctx, one(r, d.payments).ID)
			return len(all), err
		}},
		{name: "Case", who: "api", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			_, err := s.Case(ctx, one(r, d.cases).No)
			return got(err)
		}},
		{name: "Attempt", who: "api", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			k := one(r, d.attempts)
			_, err := s.Attempt(ctx, k.ID, k.N)
			return got(err)
		}},
		{name: "AttemptByNumber", who: "api", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			k := one(r, d.attempts)
			_, err := s.AttemptByNumber(ctx, k.Hospital, k.Channel, k.No)
			return got(err)
		}},
		{name: "Refunds", who: "api", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			all, err := s.Refunds(ctx, one(r, d.refunds).ID)
			return len(all), err
		}},
		{name: "Refunds, none", who: "api", empty: true, run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			all, err := s.Refunds(ctx, one(r, d.payments).ID)
			return len(all), err
		}},
		{name: "RefundByNumber", who: "api", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			k := one(r, d.refunds)
			_, err := s.RefundByNumber(ctx, k.Hospital, k.Channel, k.No)
			return got(err)
		}},
		{name: "AuthenticateAPIKey", who: "api", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			_, err := s.AuthenticateAPIKey(ctx, b.secrets[r.IntN(len(b.secrets))])
			return got(err)
		}},
		{name: "ActiveWindows", who: "api", empty: true, run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			earlier += time.Microsecond // what is remembered from then on does not tell
			all, err := s.ActiveWindows(ctx, hospitalID(r.IntN(b.o.Hospitals)), b.start.Add(-earlier), payment.SystemOf(payment.WeChat), payment.SystemOf(payment.Insurance))
			return len(all), err
		}},
		{name: "Window", who: "api", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			n := r.IntN(10)
			_, err := s.Window(ctx, payment.WindowID(hospitalID(n%b.o.Hospitals), windowKey(n)))
			return got(err)
		}},
		{name: "Standing", who: "steps", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			_, err := s.Standing(ctx, one(r, d.payments).ID)
			return got(err)
		}},
		{name: "Order", who: "steps", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			_, err := s.Order(ctx, one(r, d.payments).ID)
			return got(err)
		}},
		{name: "Refund", who: "steps", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			k := one(r, d.refunds)
			_, err := s.Refund(ctx, k.ID, k.N)
			return got(err)
		}},
		{name: "Challenge", who: "steps", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			_, err := s.Challenge(ctx, one(r, d.challenges).No)
			return got(err)
		}},
		{name: "LineBefore", who: "steps", empty: true, run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			l, err := s.LineBefore(ctx, one(r, d.waiting).ID, b.start)
			return l.Ahead, err
		}},
		{name: "VerifyAudit", who: "steps", run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			return got(s.VerifyAudit(ctx, one(r, d.payments).ID))
		}},
		{name: "Unregistered", who: "metrics", run: func(ctx context.Context, s *store.Store, _ *rand.Rand) (int, error) {
			all, err := s.Unregistered(ctx)
			return len(all), err
		}},
		{name: "CountOpenCases", who: "metrics", run: func(ctx context.Context, s *store.Store, _ *rand.Rand) (int, error) {
			all, err := s.CountOpenCases(ctx, b.start)
			return len(all), err
		}},
	}
}

// unless drops an error that was expected.
func unless(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// lists are the pages of payments.
func (b *books) lists(d *drawn, sc scope) []query {
	of := d.payments
	if sc.hospitals[0] != store.AllHospitals {
		of = d.byHospital[sc.hospitals[len(sc.hospitals)-1]]
	}
	list := func(name string, f store.Filter, with func(*store.Filter, *rand.Rand)) query {
		f.Hospitals = sc.hospitals
		return query{name: "Payments, " + sc.name + name, who: "api", empty: true, run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			g := f
			if with != nil {
				with(&g, r)
			}
			all, err := s.Payments(ctx, g)
			return len(all), err
		}}
	}
	anywhere := func(f *store.Filter, r *rand.Rand) {
		k := one(r, of)
		f.Before, f.BeforeID = k.At, k.ID
	}
	out := []query{
		list("", store.Filter{Limit: page}, nil),
		list(", page anywhere", store.Filter{Limit: page}, anywhere),
		list(", by order", store.Filter{Limit: page}, func(f *store.Filter, r *rand.Rand) { f.OrderNo = one(r, of).Order }),
		list(", by order and status", store.Filter{Limit: page}, func(f *store.Filter, r *rand.Rand) {
			k := one(r, of)
			f.OrderNo, f.Status = k.Order, k.Status
		}),
		list(", unknown order", store.Filter{Limit: page, OrderNo: "NOSUCHORDER000001"}, nil),
	}
	for _, status := range []payment.Status{payment.Completed, payment.InReview, payment.Suspended, payment.AwaitingPayment, payment.Paid,
		payment.Rejected, payment.Refunded} {
		out = append(out, list(", "+string(status), store.Filter{Limit: page, Status: status}, nil),
			list(", "+string(status)+", page anywhere", store.Filter{Limit: page, Status: status}, anywhere))
	}
	return out
}

// caseLists are the pages of cases.
func (b *books) caseLists(d *drawn, sc scope) []query {
	list := func(name string, open bool, of []key) query {
		return query{name: "Cases, " + sc.name + name, who: "api", empty: true, run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			f := store.CaseFilter{Hospitals: sc.hospitals, Open: open, Limit: page}
			if of != nil {
				f.After = one(r, of).No
			}
			all, err := s.Cases(ctx, f)
			return len(all), err
		}}
	}
	return []query{
		list(", open", true, nil),
		list(", open, page anywhere", true, d.open),
		list(", any", false, nil),
		list(", any, page anywhere", false, d.cases),
	}
}

// windowLists are the pages of maintenance windows.
func (b *books) windowLists(sc scope) []query {
	var out []query
	for _, state := range []payment.WindowState{"", payment.WindowUpcoming, payment.WindowActive, payment.WindowPast} {
		name := string(state)
		if name == "" {
			name = "any"
		}
		out = append(out, query{name: "Windows, " + sc.name + ", " + name, who: "api", empty: true, run: func(ctx context.Context, s *store.Store, r *rand.Rand) (int, error) {
			at := b.start
			if state == payment.WindowActive || state == payment.WindowUpcoming {
				at = at.Add(-time.Duration(r.Int64N(int64(period))))
			}
			all, err := s.Windows(ctx, store.WindowFilter{Hospitals: sc.hospitals, State: state, At: at, Limit: page})
			return len(all), err
		}})
	}
	return out
}
