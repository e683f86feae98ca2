package store_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/ledger"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func succeeded(row store.RefundRow) channel.RefundReport {
	return channel.RefundReport{RefundNo: row.Refund.No, State: channel.RefundSucceeded, ChannelNo: "r-" + row.Refund.No,
		Amount: row.Refund.Amount}
}

func TestARefundIsReservedOnceForAKey(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	first, err := b.ReserveRefund(ctx, refundOf(id, "k", 2000))
	require.NoError(t, err)
	require.Equal(t, 1, first.N)
	require.Equal(t, "ORDER0001R01", first.Refund.No)
	require.Equal(t, "wx-ORDER0001", first.Refund.Original.ChannelNo)
	require.Equal(t, channel.RefundProcessing, first.State)
	n := lines(t, b, id)
	again, err := b.ReserveRefund(ctx, refundOf(id, "k", 2000))
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, n, lines(t, b, id))

	_, err = b.ReserveRefund(ctx, refundOf(id, "k", 2001))
	require.True(t, payment.HasCode(err, payment.CodeRefundConflict), "got %v", err)
	_, err = b.ReserveRefund(ctx, refundOf(id, "zero", 0))
	require.True(t, payment.HasCode(err, payment.CodeRefundAmount), "got %v", err)
	_, err = b.ReserveRefund(ctx, refundOf(id, "more", 3001))
	require.True(t, payment.HasCode(err, payment.CodeRefundExceeds), "got %v", err)

	same, err := b.RefundByNumber(ctx, hospital, payment.WeChat, "ORDER0001R01")
	require.NoError(t, err)
	require.Equal(t, first, same)
	_, err = b.RefundByNumber(ctx, "h-xiehe", payment.WeChat, "ORDER0001R01")
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = b.Refund(ctx, id, 2)
	require.ErrorIs(t, err, store.ErrNotFound)
	all, err := b.Refunds(ctx, id)
	require.NoError(t, err)
	require.Equal(t, []store.RefundRow{first}, all)
}

func TestRefundsAtOnceNeverExceedTheCapture(t *testing.T) {
	b := newBooks(t)
	id := b.complete(t, "ORDER0001", 5000)
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() { _, errs[i] = b.ReserveRefund(t.Context(), refundOf(id, string(rune('a'+i)), 2000)) })
	}
	wg.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
			continue
		}
		require.True(t, payment.HasCode(err, payment.CodeRefundExceeds), "got %v", err)
	}
	require.Equal(t, 2, good)
}

func TestTheDatabaseItselfRefusesToReturnMoreThanWasCaptured(t *testing.T) {
	b := newBooks(t)
	b.pay(t, "ORDER0001", 5000)
	for _, statement := range []string{
		"UPDATE attempts SET reserved_fen = 5001",
		"UPDATE captures SET reserved_fen = 5001",
		"UPDATE payments SET reserved_fen = 5001",
		"UPDATE attempts SET refunded_fen = 1",
		"UPDATE attempts SET captured_fen = -1, reserved_fen = -1",
	} {
		_, err := b.db.ExecContext(t.Context(), statement)
		require.ErrorContains(t, err, "check constraint", statement)
	}
}

func TestASucceededRefundIsBookedOnceWithItsFee(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	for _, part := range []struct {
		key string
		fen int64
	}{{"a", 1700}, {"b", 3300}} {
		row, err := b.ReserveRefund(ctx, refundOf(id, part.key, part.fen))
		require.NoError(t, err)
		for range 2 {
			done, err := b.RecordRefund(ctx, id, row.N, succeeded(row), "workflow", noon)
			require.NoError(t, err)
			require.Equal(t, channel.RefundSucceeded, done.State)
		}
		late := succeeded(row)
		late.State = channel.RefundFailed
		done, err := b.RecordRefund(ctx, id, row.N, late, "workflow", noon)
		require.NoError(t, err)
		require.Equal(t, channel.RefundSucceeded, done.State, "a success is final")
	}
	got, err := b.TrialBalance(ctx)
	require.NoError(t, err)
	for account, fen := range got[money.CNY] {
		require.Zero(t, fen, "%s: all is back, and the fee to the fen", account)
	}
	totals, err := b.ChannelTotals(ctx)
	require.NoError(t, err)
	require.Equal(t, []store.ChannelTotal{{HospitalID: hospital, Channel: payment.WeChat,
		Captured: money.Fen(5000), Refunded: money.Fen(5000)}}, totals)
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.True(t, v.Refunded.Equal(money.Fen(5000)))
	require.True(t, v.Voucher.Void)
	require.NoError(t, b.VerifyAudit(ctx, id))
}

func TestAFailedRefundKeepsItsMoneyAsideUntilAPersonDecides(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	row, err := b.ReserveRefund(ctx, refundOf(id, "a", 5000))
	require.NoError(t, err)
	failed := channel.RefundReport{RefundNo: row.Refund.No, State: channel.RefundFailed, Code: "NOTENOUGH"}
	for range 2 {
		row, err = b.RecordRefund(ctx, id, 1, failed, "workflow", noon)
		require.NoError(t, err)
		require.Equal(t, channel.RefundFailed, row.State)
		require.Equal(t, "NOTENOUGH", row.Code)
	}
	_, err = b.ReserveRefund(ctx, refundOf(id, "b", 1))
	require.True(t, payment.HasCode(err, payment.CodeRefundExceeds), "nobody else can take it: %v", err)
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.True(t, v.Refunded.IsZero(), "nothing is back yet")

	row, err = b.RecordRefund(ctx, id, 1, succeeded(row), "workflow", noon)
	require.NoError(t, err)
	require.Equal(t, channel.RefundSucceeded, row.State, "sent again, it succeeds")
}

func TestMoneyHandedOverOnSiteIsNotInTheChannelsBooks(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	_, err := b.ReserveRefund(ctx, refundOf(id, "a", 5000))
	require.NoError(t, err)
	_, err = b.RecordRefund(ctx, id, 1, channel.RefundReport{State: channel.RefundFailed}, "workflow", noon)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, b.RecordOfflineRefund(ctx, id, 1, "op-li", "RCPT-7", noon))
	}
	err = b.RecordOfflineRefund(ctx, id, 1, "op-li", "RCPT-8", noon)
	require.True(t, payment.HasCode(err, payment.CodeState), "got %v", err)

	got, err := b.TrialBalance(ctx)
	require.NoError(t, err)
	require.True(t, got.Balanced())
	require.EqualValues(t, -5000, got[money.CNY][ledger.CashOnSite.Of(hospital)])
	require.EqualValues(t, 30, got[money.CNY][ledger.FeeExpense(payment.WeChat).Of(hospital)], "the channel keeps its fee")
	totals, err := b.ChannelTotals(ctx)
	require.NoError(t, err)
	require.True(t, totals[0].Refunded.IsZero())
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.True(t, v.Refunded.Equal(money.Fen(5000)))
}

func TestAReportOfAnotherRefundIsRefused(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	row, err := b.ReserveRefund(ctx, refundOf(id, "a", 2000))
	require.NoError(t, err)
	for name, change := range map[string]func(*channel.RefundReport){
		"number": func(r *channel.RefundReport) { r.RefundNo = "ORDER0001R02" },
		"amount": func(r *channel.RefundReport) { r.Amount = money.Fen(2001) },
		"state":  func(r *channel.RefundReport) { r.State = "gone" },
	} {
		r := succeeded(row)
		change(&r)
		_, err := b.RecordRefund(ctx, id, 1, r, "workflow", noon)
		require.ErrorIs(t, err, store.ErrConflict, name)
	}
	_, err = b.RecordRefund(ctx, id, 2, succeeded(row), "workflow", noon)
	require.ErrorIs(t, err, store.ErrNotFound)
}
