package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// refundLines are the timeline's lines about refund n, with what they tell.
func refundLines(t *testing.T, b *books, id, n string) (actions []string, last store.Happening) {
	t.Helper()
	all, err := b.Timeline(t.Context(), id)
	require.NoError(t, err)
	for _, h := range all {
		if h.Detail["refund"] == n {
			actions, last = append(actions, h.Action), h
		}
	}
	return actions, last
}

func TestEveryStepOfARefundIsInTheTimelineOnce(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	row, err := b.ReserveRefund(ctx, refundOf(id, "k", 2000))
	require.NoError(t, err)
	require.True(t, row.SentAt.IsZero())
	twice := func(f func() (store.RefundRow, error)) store.RefundRow {
		t.Helper()
		first, err := f()
		require.NoError(t, err)
		again, err := f()
		require.NoError(t, err)
		require.Equal(t, first, again, "a repeat changes nothing")
		return again
	}
	later := noon.Add(2 * time.Hour)
	sent := twice(func() (store.RefundRow, error) {
		later = later.Add(time.Minute)
		return b.RefundSent(ctx, id, 1, later)
	})
	require.Equal(t, noon.Add(2*time.Hour+time.Minute).Truncate(time.Microsecond), sent.SentAt)
	for _, report := range []channel.RefundReport{
		{State: channel.RefundProcessing}, // a channel that gives it no number is told of all the same
		{State: channel.RefundAbnormal, Code: "ABNORMAL"},
		{State: channel.RefundSucceeded, ChannelNo: "back-1"},
	} {
		twice(func() (store.RefundRow, error) { return b.RecordRefund(ctx, id, 1, report, "workflow", later) })
	}
	actions, _ := refundLines(t, b, id, "1")
	require.Equal(t, []string{"refund_reserved", "refund_sent", "refund_processing", "refund_abnormal", "refund_succeeded"}, actions)
	require.NoError(t, b.VerifyAudit(ctx, id))
	_, err = b.RefundSent(ctx, id, 2, noon)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// noon is Monday, 2 March 2026, in the evening in China.
func TestMoneyIsExpectedAtTheEndOfTheSeventhWorkingDay(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	row, err := b.ReserveRefund(ctx, refundOf(id, "k", 2000))
	require.NoError(t, err)
	want := time.Date(2026, 3, 11, 23, 59, 59, 0, calendar.Zone)
	require.Equal(t, want.UTC(), row.ExpectedBy)
	actions, last := refundLines(t, b, id, "1")
	require.Equal(t, []string{"refund_reserved"}, actions)
	require.Equal(t, "2026-03-11T15:59:59Z", last.Detail["expected_by"])

	// A person has it tried once more: the waiting begins anew, once.
	at := time.Date(2026, 3, 12, 9, 0, 0, 0, calendar.Zone)
	for range 2 {
		row, err = b.RetryRefund(ctx, id, 1, 1, at)
		require.NoError(t, err)
		require.Equal(t, time.Date(2026, 3, 23, 23, 59, 59, 0, calendar.Zone).UTC(), row.ExpectedBy)
		at = at.AddDate(0, 0, 1)
	}
	actions, _ = refundLines(t, b, id, "1")
	require.Equal(t, []string{"refund_reserved", "refund_retried"}, actions)
	row, err = b.RetryRefund(ctx, id, 1, 2, at)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 3, 24, 23, 59, 59, 0, calendar.Zone).UTC(), row.ExpectedBy)
}

func TestTheBooksReckonByTheInstallationsHolidays(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	more, err := calendar.Read(strings.NewReader("2026-03-03 2026-03-05 off"))
	require.NoError(t, err)
	with, err := store.Open(ctx, store.Config{DSN: b.dsn, Keys: b.keys, Calendar: calendar.New(more)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, with.Close()) })
	id := b.complete(t, "ORDER0001", 5000)
	row, err := with.ReserveRefund(ctx, refundOf(id, "k", 2000))
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 3, 16, 23, 59, 59, 0, calendar.Zone).UTC(), row.ExpectedBy)
}

func TestARefundFromBeforeItsDateWasKeptHasNone(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	_, err := b.ReserveRefund(ctx, refundOf(id, "k", 2000))
	require.NoError(t, err)
	_, err = b.db.ExecContext(ctx, "UPDATE refunds SET expected_by = NULL")
	require.NoError(t, err)
	row, err := b.Refund(ctx, id, 1)
	require.NoError(t, err)
	require.True(t, row.ExpectedBy.IsZero())
}

// A refund that is split over tenders is never half set aside: its money would
// wait for a refund that nobody asked for.
func TestThePartsOfARefundAreReservedTogetherOrNotAtAll(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 8000)
	for n, c := range []channel.Charge{charge("ORDER0001", 1, payment.WeChat, 5000), charge("ORDER0001", 2, payment.UnionPay, 3000)} {
		_, err := b.BeginAttempt(ctx, c, payment.AwaitingPayment)
		require.NoError(t, err)
		_, err = b.RecordCapture(ctx, capture("ORDER0001", n+1, "tx-"+c.MerchantNo, c.Amount.Minor(), ""))
		require.NoError(t, err)
	}
	part := func(key string, attempt int, fen int64) store.RefundOrder {
		o := refundOf(id, key, fen)
		o.Attempt = attempt
		return o
	}
	n := lines(t, b, id)
	_, err := b.ReserveRefunds(ctx, []store.RefundOrder{part("a/1", 1, 5000), part("a/2", 2, 3001)})
	require.True(t, payment.HasCode(err, payment.CodeRefundExceeds), "got %v", err)
	all, err := b.Refunds(ctx, id)
	require.NoError(t, err)
	require.Empty(t, all)
	require.Equal(t, n, lines(t, b, id))

	rows, err := b.ReserveRefunds(ctx, []store.RefundOrder{part("b/1", 1, 5000), part("b/2", 2, 3000)})
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, []int{rows[0].N, rows[1].N})
	again, err := b.ReserveRefunds(ctx, []store.RefundOrder{part("b/1", 1, 5000), part("b/2", 2, 3000)})
	require.NoError(t, err)
	require.Equal(t, rows, again)
	require.NoError(t, b.VerifyAudit(ctx, id))
	none, err := b.ReserveRefunds(ctx, nil)
	require.NoError(t, err)
	require.Empty(t, none)
}
