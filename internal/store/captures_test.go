package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/ledger"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func TestACaptureIsBookedWithItsFee(t *testing.T) {
	b := newBooks(t)
	b.pay(t, "ORDER0001", 5000)
	got, err := b.TrialBalance(t.Context())
	require.NoError(t, err)
	require.Equal(t, store.Balances{money.CNY: {
		ledger.Receivable(payment.WeChat).Of(hospital): 5000,
		ledger.Registrations.Of(hospital):              -5000,
		ledger.FeeExpense(payment.WeChat).Of(hospital): 30,
		ledger.FeePayable(payment.WeChat).Of(hospital): -30,
	}}, got)
	require.True(t, got.Balanced())
}

func TestMixedPaymentIsPaidWithItsLastTender(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	const order = "ORDER0001"
	id := b.open(t, order, 5000)
	_, err := b.BeginAttempt(ctx, charge(order, 1, payment.UnionPay, 2000), payment.AwaitingPayment)
	require.NoError(t, err)
	first, err := b.RecordCapture(ctx, capture(order, 1, "up-1", 2000, payment.Clearing))
	require.NoError(t, err)
	require.Empty(t, first.VoucherCode)
	require.Equal(t, payment.Clearing, status(t, b, id))

	_, err = b.BeginAttempt(ctx, charge(order, 2, payment.Insurance, 3000), payment.Clearing)
	require.NoError(t, err)
	c := capture(order, 2, "ins-1", 3000, payment.Paid)
	c.Report.Split = &channel.Split{Own: money.Fen(2000), Account: money.Fen(1000), Fund: money.Fen(2000)}
	second, err := b.RecordCapture(ctx, c)
	require.NoError(t, err)
	require.NotEmpty(t, second.VoucherCode)

	a, err := b.Attempt(ctx, id, 2)
	require.NoError(t, err)
	require.Equal(t, "ins-1", a.Capture.ChannelNo)
	require.True(t, a.Capture.Split.Fund.Equal(money.Fen(2000)))
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.Equal(t, payment.Paid, v.Status)
	require.True(t, v.Captured.Equal(money.Fen(5000)))
	require.Len(t, v.Tenders, 2)
}

func TestACaptureLeavesTheAnswerToItsChargeAsItIs(t *testing.T) {
	for _, answered := range []bool{true, false} {
		b := newBooks(t)
		ctx := t.Context()
		id := b.ask(t, "ORDER0001", payment.WeChat, 5000, payment.AwaitingPayment)
		var want channel.Prepaid
		if answered {
			want = channel.Prepaid{Handle: "handle-1", Pay: payment.PayParams{"tn": "1"}, Report: channel.Report{State: channel.Open}}
			require.NoError(t, b.SavePrepaid(ctx, id, 1, want, noon))
		}
		_, err := b.RecordCapture(ctx, capture("ORDER0001", 1, "wx-1", 5000, payment.Paid))
		require.NoError(t, err)
		a, err := b.Attempt(ctx, id, 1)
		require.NoError(t, err)
		require.Equal(t, []any{answered, want.Handle, want.Pay}, []any{a.Prepaid, a.Charge.Handle, a.Pay})
	}
}

// An insurance that settles within the call answers with the money.
func TestACaptureThatComesWithTheAnswerToTheChargeIsOneStep(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	const order = "ORDER0001"
	id := b.ask(t, order, payment.Insurance, 5000, payment.Clearing)
	before := lines(t, b, id)
	c := capture(order, 1, "ins-1", 5000, payment.Paid)
	c.Prepaid = &channel.Prepaid{Handle: "handle-1", Pay: payment.PayParams{"tn": "1"}, Report: c.Report}
	out, err := b.RecordCapture(ctx, c)
	require.NoError(t, err)
	require.NotEmpty(t, out.VoucherCode)
	require.Equal(t, before+1, lines(t, b, id))
	a, err := b.Attempt(ctx, id, 1)
	require.NoError(t, err)
	require.True(t, a.Prepaid)
	require.Equal(t, []any{"handle-1", payment.PayParams{"tn": "1"}, channel.Captured, "ins-1"}, []any{a.Charge.Handle, a.Pay, a.State, a.Capture.ChannelNo})
	b.requireRight(t, id)

	// It is told once more: by a repeat of the call, or without the answer.
	c.Prepaid.Handle = "handle-2"
	again, err := b.RecordCapture(ctx, c)
	require.NoError(t, err)
	require.True(t, again.Repeated)
	c.Prepaid = nil
	again, err = b.RecordCapture(ctx, c)
	require.NoError(t, err)
	require.Equal(t, store.Captured{Repeated: true, VoucherCode: out.VoucherCode}, again)
	a, err = b.Attempt(ctx, id, 1)
	require.NoError(t, err)
	require.Equal(t, "handle-1", a.Charge.Handle)
}

// The notification of money that comes with the answer can be faster than it.
func TestTheAnswerToAChargeWhoseMoneyIsKnownIsKeptByItself(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	const order = "ORDER0001"
	id := b.ask(t, order, payment.Insurance, 5000, payment.Clearing)
	c := capture(order, 1, "ins-1", 5000, "")
	_, err := b.RecordCapture(ctx, c)
	require.NoError(t, err)
	c.Next, c.Prepaid = payment.Paid, &channel.Prepaid{Handle: "handle-1", Report: c.Report}
	out, err := b.RecordCapture(ctx, c)
	require.NoError(t, err)
	require.Equal(t, store.Captured{Repeated: true}, out)
	require.Equal(t, payment.Clearing, status(t, b, id), "nothing was done")
	require.NoError(t, b.SavePrepaid(ctx, id, 1, *c.Prepaid, noon))
	a, err := b.Attempt(ctx, id, 1)
	require.NoError(t, err)
	require.Equal(t, []any{"handle-1", channel.Captured, true}, []any{a.Charge.Handle, a.State, a.Capture.Captured.Equal(money.Fen(5000))})
	b.requireRight(t, id)
}

func TestASecondCaptureOfAnAttemptIsRecordedAndReturnedByItsOwnNumber(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	stray := capture("ORDER0001", 1, "wx-second", 5000, "")
	for i := range 2 {
		out, err := b.RecordCapture(ctx, stray)
		require.NoError(t, err)
		require.Equal(t, i == 1, out.Repeated)
	}
	require.Equal(t, payment.Completed, status(t, b, id), "an ended payment stays as it is")

	o := refundOf(id, "stray/wx-second", 5000)
	o.ChannelNo = "wx-second"
	row, err := b.ReserveRefund(ctx, o)
	require.NoError(t, err)
	require.Equal(t, "wx-second", row.Refund.Original.ChannelNo)

	row, err = b.ReserveRefund(ctx, refundOf(id, "all", 5000))
	require.NoError(t, err)
	require.Equal(t, "wx-ORDER0001", row.Refund.Original.ChannelNo)
	_, err = b.ReserveRefund(ctx, refundOf(id, "more", 1))
	require.True(t, payment.HasCode(err, payment.CodeRefundExceeds))
	o.ChannelNo, o.Key = "unknown", "unknown"
	_, err = b.ReserveRefund(ctx, o)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestMoneyOfAnAttemptThatWasClosedIsStillRecorded(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.ask(t, "ORDER0001", payment.WeChat, 5000, payment.AwaitingPayment)
	require.NoError(t, b.EndAttempt(ctx, id, 1, channel.Closed, "", noon))
	require.NoError(t, b.MoveTo(ctx, store.Move{PaymentID: id, To: payment.Closed, At: noon}))
	_, err := b.RecordCapture(ctx, capture("ORDER0001", 1, "wx-late", 5000, ""))
	require.NoError(t, err)
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.Equal(t, payment.Closed, v.Status)
	require.True(t, v.Captured.Equal(money.Fen(5000)))
	require.Nil(t, v.Voucher)
}

func TestACaptureThatCannotBeIsRefused(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	b.pay(t, "ORDER0001", 5000)
	b.ask(t, "ORDER0002", payment.WeChat, 5000, payment.AwaitingPayment)
	before := one[int64](t, b, "SELECT count(*) FROM audit")

	for name, change := range map[string]func(*store.Capture){
		"another amount under the same number":      func(c *store.Capture) { c.Report.Captured = money.Fen(1) },
		"no money":                                  func(c *store.Capture) { c.Report.Captured = money.Fen(0) },
		"a currency that is not the charge's":       func(c *store.Capture) { c.Report.Captured = money.Minor(5000, money.USD) },
		"a report that is not of a capture":         func(c *store.Capture) { c.Report.State = channel.Open },
		"a report of another charge":                func(c *store.Capture) { c.Report.MerchantNo = "ORDER0002A01" },
		"a transaction that paid for another order": func(c *store.Capture) { *c = capture("ORDER0002", 1, "wx-ORDER0001", 5000, payment.Paid) },
	} {
		c := capture("ORDER0001", 1, "wx-ORDER0001", 5000, payment.Paid)
		change(&c)
		_, err := b.RecordCapture(ctx, c)
		require.ErrorIs(t, err, store.ErrConflict, name)
	}
	c := capture("ORDER0002", 1, "wx-2", 5000, payment.Registered)
	_, err := b.RecordCapture(ctx, c)
	require.ErrorIs(t, err, store.ErrTransition)
	c.Attempt = 3
	c.Report.MerchantNo = ""
	_, err = b.RecordCapture(ctx, c)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.Equal(t, before, one[int64](t, b, "SELECT count(*) FROM audit"), "nothing was written")
	require.EqualValues(t, 1, one[int64](t, b, "SELECT count(*) FROM captures"))
}

func TestStaffConfirmACaptureThatWasRecordedBefore(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	const order = "ORDER0001"
	id := b.ask(t, order, payment.Insurance, 5000, payment.Clearing)
	_, err := b.RecordCapture(ctx, capture(order, 1, "ins-1", 5000, payment.InReview))
	require.NoError(t, err)
	c := capture(order, 1, "ins-1", 5000, payment.Paid)
	c.Actor = "op-li"
	out, err := b.RecordCapture(ctx, c)
	require.NoError(t, err)
	require.False(t, out.Repeated)
	require.NotEmpty(t, out.VoucherCode)
	again, err := b.RecordCapture(ctx, c)
	require.NoError(t, err)
	require.Equal(t, store.Captured{Repeated: true, VoucherCode: out.VoucherCode}, again)
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.True(t, v.Captured.Equal(money.Fen(5000)), "counted once")
}
