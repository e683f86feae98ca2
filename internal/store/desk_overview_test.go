package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func TestTheOverviewCountsWhatIsOpenAndWhatWasDecided(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	mine := []string{hospital}
	empty, err := b.Overview(ctx, mine, noon.Add(-time.Hour), noon)
	require.NoError(t, err)
	require.Equal(t, store.Overview{}, empty)

	// Decided after 1 to 20 hours, so that the days of China and of UTC differ.
	for i := range 20 {
		id, c := b.openCase(t, fmt.Sprintf("DECIDED%02d", i), payment.ReviewRisk, 0)
		d := payment.Decision{CaseID: c, Verdict: payment.Approve, Operator: li.Subject}
		if i%4 == 3 {
			d.Verdict = payment.Reject
		}
		require.NoError(t, b.DecideCase(ctx, id, d, noon.Add(time.Duration(i+1)*time.Hour)))
	}
	id, c := b.openCase(t, "RESOLVED1", payment.ReviewClearingFailed, 0)
	require.NoError(t, b.DecideCase(ctx, id, payment.Decision{CaseID: c, Verdict: payment.Resolved, Operator: payment.ByChannel}, noon.Add(30*time.Minute)))
	at := noon.Add(payment.ReviewWindow + time.Minute)
	b.openCase(t, "OVERDUE01", payment.ReviewRisk, 0)
	_, late := b.openCase(t, "OPEN00001", payment.ReviewRisk, time.Hour)
	b.openCase(t, "OPEN00002", payment.ReviewHISDelayed, 2*time.Hour)
	_, err = b.ClaimCase(ctx, late, li, at)
	require.NoError(t, err)
	b.pay(t, "BACKLOG01", 5000)

	o, err := b.Overview(ctx, mine, noon, at)
	require.NoError(t, err)
	begun := noon.Truncate(time.Microsecond)
	require.Equal(t, 3, o.Open)
	require.Equal(t, 1, o.Overdue)
	require.Equal(t, 1, o.Claimed)
	require.Equal(t, begun, o.Oldest)
	require.Equal(t, []store.ReasonCount{{Reason: payment.ReviewRisk, Open: 2, Overdue: 1}, {Reason: payment.ReviewHISDelayed, Open: 1}}, o.ByReason)
	require.Equal(t, 20, o.Decided)
	require.Equal(t, 1, o.Resolved)
	require.Equal(t, 10*time.Hour, o.Median)
	require.Equal(t, 19*time.Hour, o.P95)
	// noon is 20:00 in China: the first three decisions are of that day.
	today := time.Date(2026, 3, 2, 0, 0, 0, 0, calendar.Zone)
	tomorrow := today.AddDate(0, 0, 1)
	require.Equal(t, []store.DayCount{{Day: today, Verdict: payment.Approve, Count: 3}, {Day: today, Verdict: payment.Resolved, Count: 1},
		{Day: tomorrow, Verdict: payment.Approve, Count: 12}, {Day: tomorrow, Verdict: payment.Reject, Count: 5}}, o.ByDay)
	require.Equal(t, []store.Unregistered{{HospitalID: hospital, Count: 1, Oldest: begun.Add(time.Minute)}}, o.Backlog)

	all, err := b.Overview(ctx, []string{store.AllHospitals}, noon, at)
	require.NoError(t, err)
	require.Equal(t, o, all)
	twice, err := b.Overview(ctx, []string{"h-xiehe", hospital, hospital}, noon, at)
	require.NoError(t, err)
	require.Equal(t, o, twice)
	for _, others := range [][]string{{"h-xiehe"}, {}, nil} {
		none, err := b.Overview(ctx, others, noon, at)
		require.NoError(t, err)
		require.Equal(t, store.Overview{}, none)
	}

	lately, err := b.Overview(ctx, mine, noon.Add(20*time.Hour), at)
	require.NoError(t, err)
	require.Equal(t, 17, lately.Decided, "since the beginning of that day")
	require.Zero(t, lately.Resolved)
	require.Equal(t, 12*time.Hour, lately.Median)
	require.Equal(t, 3, lately.Open, "however long they have been open")

	// A decision that comes again counts once.
	require.NoError(t, b.DecideCase(ctx, id, payment.Decision{CaseID: c, Verdict: payment.Resolved, Operator: payment.ByChannel}, at))
	again, err := b.Overview(ctx, mine, noon, at)
	require.NoError(t, err)
	require.Equal(t, o, again)
}
