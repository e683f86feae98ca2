package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// threeHospitals opens payments at three hospitals in turns, some of the same
// moment, every third with an open case and every sixth with a decided one.
func threeHospitals(t *testing.T, b *books) (payments, cases []string, hospitalOf map[string]string) {
	t.Helper()
	ctx := t.Context()
	hospitalOf = map[string]string{}
	for i := range 24 {
		r := request(fmt.Sprintf("ORDER%04d", i), i, 5000)
		r.Order.HospitalID = []string{"h-renmin", "h-xiehe", "h-zhongyi"}[i*7%5%3]
		o := opening(r)
		o.At = noon.Add(time.Duration(i/4) * time.Minute)
		_, err := b.OpenPayment(ctx, o)
		require.NoError(t, err)
		payments = append(payments, o.PaymentID)
		hospitalOf[o.PaymentID] = r.Order.HospitalID
		if i%3 > 0 {
			continue
		}
		c := caseOf(o.PaymentID, "C1", payment.ReviewRisk, time.Duration(i/6)*time.Minute)
		require.NoError(t, b.OpenCase(ctx, o.PaymentID, c, payment.InReview, noon))
		cases = append(cases, c.ID)
		hospitalOf[c.ID] = r.Order.HospitalID
		if i%6 == 0 {
			require.NoError(t, b.DecideCase(ctx, o.PaymentID, payment.Decision{CaseID: c.ID, Verdict: payment.Approve, Operator: "op-li"}, noon))
		}
	}
	return payments, cases, hospitalOf
}

// scopes are lists of hospitals, and which they let through.
var scopes = map[string]struct {
	hospitals []string
	has       []string
}{
	"one":             {[]string{"h-xiehe"}, []string{"h-xiehe"}},
	"two":             {[]string{"h-zhongyi", "h-renmin"}, []string{"h-renmin", "h-zhongyi"}},
	"one named twice": {[]string{"h-renmin", "h-renmin"}, []string{"h-renmin"}},
	"with an unknown": {[]string{"h-renmin", "h-nowhere", "h-xiehe"}, []string{"h-renmin", "h-xiehe"}},
	"all":             {[]string{store.AllHospitals}, []string{"h-renmin", "h-xiehe", "h-zhongyi"}},
	"unknown ones":    {[]string{"h-nowhere", "h-elsewhere"}, nil},
	"none":            {nil, nil},
}

func TestPagesOverSeveralHospitalsAreWhatOneListWouldBe(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	payments, _, hospitalOf := threeHospitals(t, b)
	all, err := b.Payments(ctx, store.Filter{Hospitals: []string{store.AllHospitals}})
	require.NoError(t, err)
	require.Len(t, all, len(payments))

	for name, sc := range scopes {
		for _, status := range []payment.Status{"", payment.InReview, payment.Pending, payment.Suspended} {
			for _, limit := range []int{1, 3, 100} {
				var want, got []string
				for _, v := range all {
					if slices.Contains(sc.has, hospitalOf[v.ID]) && (status == "" || v.Status == status) {
						want = append(want, v.ID)
					}
				}
				f := store.Filter{Hospitals: sc.hospitals, Status: status, Limit: limit}
				for {
					page, err := b.Payments(ctx, f)
					require.NoError(t, err)
					for _, v := range page {
						got = append(got, v.ID)
					}
					if len(page) < limit {
						break
					}
					f.Before, f.BeforeID = page[limit-1].CreatedAt, page[limit-1].ID
				}
				require.Equal(t, want, got, "%s, status %q, pages of %d", name, status, limit)
			}
		}
	}
}

func TestPagesOfCasesOverSeveralHospitalsAreWhatOneListWouldBe(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	_, cases, hospitalOf := threeHospitals(t, b)
	type row struct {
		id   string
		at   time.Time
		open bool
	}
	var all []row
	for _, id := range cases {
		c, err := b.Case(ctx, id)
		require.NoError(t, err)
		all = append(all, row{id, c.OpenedAt, c.State == store.CaseOpen})
	}
	slices.SortFunc(all, func(x, y row) int {
		if d := x.at.Compare(y.at); d != 0 {
			return d
		}
		return strings.Compare(x.id, y.id)
	})
	for name, sc := range scopes {
		for _, open := range []bool{true, false} {
			for _, limit := range []int{1, 2, 100} {
				var want, got []string
				for _, c := range all {
					if slices.Contains(sc.has, hospitalOf[c.id]) && (c.open || !open) {
						want = append(want, c.id)
					}
				}
				f := store.CaseFilter{Hospitals: sc.hospitals, Open: open, Limit: limit}
				for {
					page, err := b.Cases(ctx, f)
					require.NoError(t, err)
					for _, c := range page {
						got = append(got, c.ID)
					}
					if len(page) < limit {
						break
					}
					f.After = page[limit-1].ID
				}
				require.Equal(t, want, got, "%s, open %v, pages of %d", name, open, limit)
			}
		}
	}
	none, err := b.Cases(ctx, store.CaseFilter{Hospitals: []string{store.AllHospitals}, After: "no-such-case"})
	require.NoError(t, err)
	require.Empty(t, none)
}
