package integration

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// completed is a payment that is over and paid.
func (w *world) completed(t *testing.T, choose func(scenario.Person) wire.Choice) *visit {
	t.Helper()
	v := w.begin(t, renmin, choose)
	if v.answer.Status == payment.Verifying {
		v.prove()
	}
	if v.answer.Tender != nil {
		v.pay()
	}
	v.until(payment.Completed)
	return v
}

func (v *visit) refund(key string, fen int64) (wire.Refunds, error) {
	return v.w.in.API.Refund(v.t.Context(), v.id(), wire.RefundOrder{Key: key, AmountFen: fen, Reason: "visit_cancelled"})
}

// TestRefundsOfACompletedPayment: in parts, repeated, at once, and all of it.
func TestRefundsOfACompletedPayment(t *testing.T) {
	w := hold(t)
	for name, choose := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := w.completed(t, choose)
			ch := v.answer.Tender.Channel
			first, err := v.refund("part-1", 1200)
			require.NoError(t, err)
			require.Len(t, first.Items, 1)
			again, replayed, err := w.in.API.Client.Refund(t.Context(), v.id(), wire.RefundOrder{Key: "part-1", AmountFen: 1200})
			require.NoError(t, err)
			assert.True(t, replayed)
			require.Len(t, again.Items, 1)
			assert.Equal(t, first.Items[0].RefundNo, again.Items[0].RefundNo, "the same refund")
			_, err = v.refund("part-1", 1300)
			assert.Equal(t, payment.CodeRefundConflict, code(err))
			v.eventually("the part is back", func() bool { return v.look().RefundedFen == 1200 })
			p := v.look()
			assert.Equal(t, payment.Completed, p.Status)
			v.hasVoucher(wire.VoucherPaid)

			_, err = v.refund("too-much", 3801)
			assert.Equal(t, payment.CodeRefundExceeds, code(err))
			_, err = v.refund("rest", 3800)
			require.NoError(t, err)
			p = v.until(payment.Refunded)
			assert.Equal(t, scenario.Fee, p.RefundedFen)
			v.hasVoucher(wire.VoucherRefunded)
			_, err = v.refund("more", 1)
			assert.Contains(t, []string{payment.CodeState, payment.CodeRefundExceeds}, code(err))
			v.takesNoMore()
			require.Len(t, v.refunds(ch), 2)
			for _, r := range v.refunds(ch) {
				assert.Equal(t, sandbox.RefundSuccess, r.State)
			}
			require.Len(t, v.appointments(), 1)
			assert.Equal(t, "cancelled", v.appointments()[0].Status)
			v.isTold(payment.Completed, payment.Refunded)
			v.settles()
		})
	}
	t.Run("mixed, whole", func(t *testing.T) {
		t.Parallel()
		v := w.completed(t, w.mixed(t, renmin, payment.WeChat, payment.Native))
		_, err := v.refund("half-of-the-insurance", 2000)
		assert.Equal(t, payment.CodeRefundAmount, code(err), "the insurance's part goes back whole")
		_, err = v.refund("self-pay", 500)
		require.NoError(t, err)
		all, err := v.refund("rest", 4500)
		require.NoError(t, err)
		assert.Len(t, all.Items, 2)
		p := v.until(payment.Refunded)
		assert.Equal(t, scenario.Fee, p.RefundedFen)
		v.settles()
		assert.Equal(t, "cancelled", v.appointments()[0].Status)
	})
	t.Run("insurance, whole", func(t *testing.T) {
		t.Parallel()
		v := w.completed(t, w.insured(t, renmin))
		_, err := v.refund("all", scenario.Fee)
		require.NoError(t, err)
		v.until(payment.Refunded)
		v.settles()
	})
}

// TestRefundsAtOnceNeverExceedTheCapture (I6).
func TestRefundsAtOnceNeverExceedTheCapture(t *testing.T) {
	w := hold(t)
	v := w.completed(t, wechatNative)
	const callers = 6
	errs := make([]error, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() { _, errs[i] = v.refund(string(rune('a'+i)), 2000) })
	}
	all.Wait()
	count := map[string]int{}
	for _, err := range errs {
		count[code(err)]++
	}
	assert.Equal(t, map[string]int{"": 2, payment.CodeRefundExceeds: callers - 2}, count)
	v.eventually("both are back", func() bool { return v.look().RefundedFen == 4000 })
	assert.Len(t, v.refunds(payment.WeChat), 2)
	assert.Equal(t, payment.Completed, v.look().Status)
}

// TestTheSameRefundAtOnceIsOneRefund.
func TestTheSameRefundAtOnceIsOneRefund(t *testing.T) {
	w := hold(t)
	v := w.completed(t, wechatNative)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			_, err := v.refund("same", 2000)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	v.eventually("it is back", func() bool { return v.look().RefundedFen == 2000 })
	assert.Len(t, v.refunds(payment.WeChat), 1)
}

// stuck is a refund that WeChat Pay cannot make, which waits for a person.
func (w *world) stuck(t *testing.T) *visit {
	t.Helper()
	v := w.completed(t, wechatNative)
	w.decideRefund(t, payment.RefundNo(v.order(), 1), "ABNORMAL")
	_, err := v.refund("all", scenario.Fee)
	require.NoError(t, err)
	v.eventually("a case is open", func() bool { return v.look().Case != nil })
	c := v.look().Case
	require.Equal(t, payment.ReviewRefundFailed, c.Reason)
	assert.Equal(t, payment.ReviewRefundFailed.Allowed(), c.Allowed)
	return v
}

// TestARefundThatTheChannelCannotMakeWaitsForAPerson.
func TestARefundThatTheChannelCannotMakeWaitsForAPerson(t *testing.T) {
	w := hold(t)
	t.Run("handed over on site", func(t *testing.T) {
		t.Parallel()
		v := w.stuck(t)
		assert.Equal(t, payment.CodeReference, code(v.decide(payment.RefundOffline, "")))
		require.NoError(t, v.decide(payment.RefundOffline, "RECEIPT-1"))
		p := v.until(payment.Refunded)
		assert.Equal(t, scenario.Fee, p.RefundedFen)
		assert.NotEqual(t, sandbox.RefundSuccess, v.refunds(payment.WeChat)[0].State)
	})
	t.Run("of a payment that the HIS refused", func(t *testing.T) {
		t.Parallel()
		v := w.arrange(t, renmin, wechatNative)
		require.NoError(t, w.in.Sandbox.WithdrawSlot(t.Context(), v.start.Order.Slot.ID))
		w.decideRefund(t, payment.RefundNo(v.order(), 1), "ABNORMAL")
		v.begin()
		v.pay()
		v.eventually("a case is open", func() bool { return v.look().Case != nil })
		assert.Equal(t, payment.Refunding, v.look().Status)
		v.takesNoMore()
		require.NoError(t, v.decide(payment.RefundOffline, "RECEIPT-2"))
		v.until(payment.Refunded)
		v.isTold(payment.Refunded)
	})
	t.Run("made by the channel's own staff before anybody has decided", func(t *testing.T) {
		t.Parallel()
		v := w.stuck(t)
		w.decideRefund(t, payment.RefundNo(v.order(), 1), "SUCCESS")
		p := v.until(payment.Refunded)
		assert.Nil(t, p.Case)
		v.settles()
	})
}

// TestARefundIsTriedOnceMore, which finds what no notification told.
func TestARefundIsTriedOnceMore(t *testing.T) {
	w := hold(t, wechat)
	v := w.stuck(t)
	w.breakPart(t, wechat, sandbox.FaultSpec{Notification: sandbox.NotificationFault{MissingRate: 1}})
	w.decideRefund(t, payment.RefundNo(v.order(), 1), "SUCCESS")
	require.NoError(t, v.decide(payment.RetryRefund, ""))
	p := v.until(payment.Refunded)
	assert.Equal(t, scenario.Fee, p.RefundedFen)
	list, err := w.in.API.Refunds(t.Context(), v.id())
	require.NoError(t, err)
	assert.Equal(t, channel.RefundSucceeded, list.Items[0].State)
	assert.Len(t, v.refunds(payment.WeChat), 1)
	v.settles()
}

// decideRefund says how a refund ends at WeChat Pay.
func (w *world) decideRefund(t *testing.T, no, status string) {
	t.Helper()
	reply, _ := w.request(t, http.MethodPut, w.in.SandboxAdmin+"/wechat/refunds/"+no, "", []byte(`{"status":"`+status+`"}`))
	require.Equal(t, http.StatusOK, reply.StatusCode)
}

// TestOnlyAPaidPaymentIsRefunded.
func TestOnlyAPaidPaymentIsRefunded(t *testing.T) {
	w := hold(t)
	v := w.begin(t, renmin, wechatNative)
	_, err := v.refund("early", 100)
	assert.Equal(t, payment.CodeState, code(err))
	for name, c := range map[string]struct {
		order wire.RefundOrder
		code  string
	}{
		"no amount":       {wire.RefundOrder{Key: "k"}, payment.CodeAmount},
		"negative amount": {wire.RefundOrder{Key: "k", AmountFen: -1}, payment.CodeAmount},
		"no key":          {wire.RefundOrder{AmountFen: 1}, api.CodeInvalid},
		"odd key":         {wire.RefundOrder{Key: "a/b", AmountFen: 1}, api.CodeInvalid},
	} {
		_, err := w.in.API.Refund(t.Context(), v.id(), c.order)
		assert.Equal(t, c.code, code(err), name)
	}
	_, err = w.in.API.Cancel(t.Context(), v.id(), wire.Cancel{})
	require.NoError(t, err)
	v.until(payment.Closed)
	_, err = v.refund("late", 100)
	assert.Equal(t, payment.CodeState, code(err))
}
