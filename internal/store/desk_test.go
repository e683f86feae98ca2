package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// ids are those of the cases of a page.
func ids(q store.Queue) []string {
	out := []string{}
	for _, c := range q.Cases {
		out = append(out, c.ID)
	}
	return out
}

func queue(t testing.TB, b *books, f store.QueueFilter) store.Queue {
	t.Helper()
	if f.Hospitals == nil {
		f.Hospitals = []string{hospital}
	}
	if f.At.IsZero() {
		f.At = noon.Add(time.Hour)
	}
	q, err := b.Queue(t.Context(), f)
	require.NoError(t, err)
	return q
}

// fiveCases are opened a minute apart: the second is decided, the third is li's,
// the fourth was wang's, and the fifth is about something else.
func fiveCases(t testing.TB, b *books) (payments, cases []string) {
	t.Helper()
	ctx := t.Context()
	for i, reason := range []payment.Reason{payment.ReviewRisk, payment.ReviewRisk, payment.ReviewRisk, payment.ReviewRisk, payment.ReviewClearingFailed} {
		id, c := b.openCase(t, "ORDER000"+string(rune('1'+i)), reason, time.Duration(i)*time.Minute)
		payments, cases = append(payments, id), append(cases, c)
	}
	require.NoError(t, b.DecideCase(ctx, payments[1], payment.Decision{CaseID: cases[1], Verdict: payment.Approve, Operator: wang.Subject}, noon))
	_, err := b.ClaimCase(ctx, cases[2], li, noon.Add(50*time.Minute))
	require.NoError(t, err)
	_, err = b.ClaimCase(ctx, cases[3], wang, noon.Add(10*time.Minute))
	require.NoError(t, err)
	return payments, cases
}

func TestTheQueueIsWhatWaitsOldestFirst(t *testing.T) {
	b := newBooks(t)
	payments, c := fiveCases(t, b)
	all := queue(t, b, store.QueueFilter{By: li.Subject})
	require.Equal(t, []string{c[0], c[2], c[3], c[4]}, ids(all))
	require.Equal(t, store.QueueCounts{All: 4, Mine: 1, Unclaimed: 3}, all.Counts)
	require.False(t, all.More)
	require.True(t, all.Cases[1].Claim.Of(li.Subject))
	require.Equal(t, li.Name, all.Cases[1].Claim.Name)
	require.Nil(t, all.Cases[2].Claim, "it has run out")
	first := all.Cases[0]
	require.Equal(t, payments[0], first.PaymentID)
	require.Equal(t, "ORDER0001", first.OrderNo)
	require.Equal(t, money.Fen(5000), first.Amount)
	require.Equal(t, payment.InReview, first.Status)

	for name, q := range map[string]struct {
		f    store.QueueFilter
		want []string
	}{
		"mine":               {store.QueueFilter{Tab: store.QueueMine, By: li.Subject}, []string{c[2]}},
		"mine, run out":      {store.QueueFilter{Tab: store.QueueMine, By: wang.Subject}, []string{}},
		"mine, of nobody":    {store.QueueFilter{Tab: store.QueueMine}, []string{}},
		"unclaimed":          {store.QueueFilter{Tab: store.QueueUnclaimed}, []string{c[0], c[3], c[4]}},
		"overdue":            {store.QueueFilter{Tab: store.QueueOverdue, At: noon.Add(payment.ReviewWindow + 90*time.Second)}, []string{c[0]}},
		"one reason":         {store.QueueFilter{Reasons: []payment.Reason{payment.ReviewClearingFailed}}, []string{c[4]}},
		"two reasons":        {store.QueueFilter{Reasons: []payment.Reason{payment.ReviewClearingFailed, payment.ReviewRisk}}, []string{c[0], c[2], c[3], c[4]}},
		"another reason":     {store.QueueFilter{Reasons: []payment.Reason{payment.ReviewHISDelayed}}, []string{}},
		"another hospital":   {store.QueueFilter{Hospitals: []string{"h-xiehe"}}, []string{}},
		"no hospital":        {store.QueueFilter{Hospitals: []string{}}, []string{}},
		"every hospital":     {store.QueueFilter{Hospitals: []string{store.AllHospitals}, Tab: store.QueueMine, By: li.Subject}, []string{c[2]}},
		"an order":           {store.QueueFilter{Search: " order0003 "}, []string{c[2]}},
		"an order, not mine": {store.QueueFilter{Search: "ORDER0001", Tab: store.QueueMine, By: li.Subject}, []string{}},
		"a decided one":      {store.QueueFilter{Search: "ORDER0002"}, []string{}},
		"nobody's order":     {store.QueueFilter{Search: "ORDER9999"}, []string{}},
		"another's order":    {store.QueueFilter{Search: "ORDER0001", Hospitals: []string{"h-xiehe"}}, []string{}},
		"spaces":             {store.QueueFilter{Search: "  "}, []string{c[0], c[2], c[3], c[4]}},
		"behind no case":     {store.QueueFilter{After: "no-such-case"}, []string{}},
		"behind no text":     {store.QueueFilter{After: "\x00"}, []string{}},
	} {
		require.Equal(t, q.want, ids(queue(t, b, q.f)), name)
	}
	require.Equal(t, store.QueueCounts{All: 1, Unclaimed: 1},
		queue(t, b, store.QueueFilter{Reasons: []payment.Reason{payment.ReviewClearingFailed}, Tab: store.QueueMine, Search: "x"}).Counts,
		"of the reasons, whatever tab and search")
	require.Equal(t, 4, queue(t, b, store.QueueFilter{At: noon.Add(48 * time.Hour)}).Counts.Overdue)
	require.Zero(t, queue(t, b, store.QueueFilter{Hospitals: []string{}}).Counts)
}

func TestTheQueueIsReadInPages(t *testing.T) {
	b := newBooks(t)
	_, c := fiveCases(t, b)
	for _, hospitals := range [][]string{{hospital}, {"h-xiehe", hospital}, {store.AllHospitals}} {
		var got []string
		f := store.QueueFilter{Hospitals: hospitals, Limit: 3}
		for {
			q := queue(t, b, f)
			got = append(got, ids(q)...)
			require.Equal(t, 4, q.Counts.All)
			if !q.More {
				break
			}
			f.After = q.Cases[len(q.Cases)-1].ID
		}
		require.Equal(t, []string{c[0], c[2], c[3], c[4]}, got)
		f.Limit, f.After = 4, ""
		require.False(t, queue(t, b, f).More, "exactly a page")
	}
}

func TestTheQueueShowsTheFirstPersonsDecision(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	c := caseOf(id, "C1", payment.ReviewClearingFailed, 0)
	c.SecondPerson = true
	require.NoError(t, b.OpenCase(ctx, id, c, payment.InReview, noon))
	d := payment.Decision{CaseID: c.ID, Verdict: payment.RefundOffline, Operator: li.Subject, Reference: "RCPT-1", Note: "现金"}
	require.NoError(t, b.ProposeDecision(ctx, id, d, noon.Add(time.Minute)))
	got := queue(t, b, store.QueueFilter{}).Cases[0]
	require.Equal(t, &d, got.Proposal)
	require.Equal(t, noon.Add(time.Minute).Truncate(time.Microsecond), got.ProposedAt)
	_, err := b.DeskCase(ctx, "no-such-case", noon)
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = b.DeskCase(ctx, "\xff", noon)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestPaymentsAreFoundByAnyOfTheirNumbers(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	b.complete(t, "ORDER0002", 5000)
	lower := b.open(t, "order3abc", 5000)
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	row, err := b.ReserveRefund(ctx, refundOf(id, "k", 1000))
	require.NoError(t, err)
	code := v.Voucher.Code
	mine := []string{hospital}

	for said, want := range map[string]string{
		"ORDER0001": id, " order0001\n": id, "ORDER 0001": id, "ＯＲＤＥＲ０００１": id, "　ORDER0001": id,
		code: id, code[:4] + "-" + code[4:8] + " " + code[8:]: id,
		payment.MerchantNo("ORDER0001", 1): id, "wx-ORDER0001": id, row.Refund.No: id, id: id,
		"order3abc": lower, "ORDER3ABC": lower,
	} {
		got, err := b.FindPayments(ctx, mine, said)
		require.NoError(t, err, said)
		require.Len(t, got, 1, said)
		require.Equal(t, want, got[0].ID, said)
		require.Equal(t, "欧***", got[0].MaskedName)
		for _, others := range [][]string{{"h-xiehe"}, {}, nil} {
			none, err := b.FindPayments(ctx, others, said)
			require.NoError(t, err)
			require.Empty(t, none, said)
		}
		got, err = b.FindPayments(ctx, []string{staff.AllHospitals}, said)
		require.NoError(t, err)
		require.Len(t, got, 1, said)
	}
	for _, said := range []string{"", "  ", "-", "ORDER000", "ORDER00011", "%", "'", "\x00", "ORDER0001\x00", "\xff\xfe", string(make([]byte, 10000))} {
		got, err := b.FindPayments(ctx, mine, said)
		require.NoError(t, err, "%q", said)
		require.Empty(t, got, "%q", said)
	}
}

func TestOneOrderNumberOfSeveralHospitalsIsFoundInEach(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	for i, h := range []string{"h-renmin", "h-xiehe"} {
		r := request("ORDER0001", i, 5000)
		r.Order.HospitalID = h
		o := opening(r)
		o.At = noon.Add(time.Duration(i) * time.Hour)
		_, err := b.OpenPayment(ctx, o)
		require.NoError(t, err)
	}
	got, err := b.FindPayments(ctx, []string{"h-renmin", "h-xiehe"}, "ORDER0001")
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, "h-xiehe", got[0].HospitalID, "the newest first")
	got, err = b.FindPayments(ctx, []string{"h-renmin"}, "ORDER0001")
	require.NoError(t, err)
	require.Len(t, got, 1)
}
