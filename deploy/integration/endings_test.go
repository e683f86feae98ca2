package integration

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

func ways() map[string]func(scenario.Person) wire.Choice {
	return map[string]func(scenario.Person) wire.Choice{"wechat": wechatNative, "unionpay": unionpayApp}
}

// short is the least time to pay that the API allows.
const short = payment.MinWindow

// TestAnUnpaidPaymentExpires: the channel's order is closed first, then the
// payment.
func TestAnUnpaidPaymentExpires(t *testing.T) {
	w := hold(t)
	for name, choose := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := w.begin(t, renmin, choose, window(short))
			ch := v.answer.Tender.Channel
			p := v.until(payment.Closed)
			assert.Equal(t, "expired", p.Reason)
			assert.Zero(t, p.CapturedFen)
			require.Len(t, v.charges(ch), 1)
			assert.Equal(t, sandbox.ChargeClosed, v.charges(ch)[0].State)
			v.isTold(payment.Closed)
			assert.Empty(t, v.appointments())
			_, err := w.in.API.Voucher(t.Context(), v.id())
			assert.Equal(t, "voucher_not_issued", code(err))
			v.takesNoMore()
		})
	}
	t.Run("not verified", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, w.insured(t, renmin), window(short))
		p := v.until(payment.Closed)
		assert.Equal(t, "not_verified", p.Reason)
		assert.Empty(t, v.charges(payment.Insurance))
	})
}

// takesNoMore: a payment that is over can be neither cancelled nor changed.
func (v *visit) takesNoMore() {
	v.t.Helper()
	_, err := v.w.in.API.Cancel(v.t.Context(), v.id(), wire.Cancel{})
	assert.Equal(v.t, payment.CodeState, code(err))
	v.cannotChangeTo(unionpayFront(v.person))
}

func (v *visit) cannotChangeTo(c wire.Choice) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), soon)
	defer cancel()
	_, err := v.w.in.API.ChangeMethod(ctx, v.id(), c)
	assert.Equal(v.t, payment.CodeState, code(err), "%s is refused at once", c.Method)
}

// TestAPatientWhoPaysWhileItClosesHasPaid: the close asks once more before it
// believes that nobody paid.
func TestAPatientWhoPaysWhileItClosesHasPaid(t *testing.T) {
	w := hold(t, wechat)
	// Nothing is told, so the close itself has to find the money.
	w.breakPart(t, wechat, sandbox.FaultSpec{Notification: sandbox.NotificationFault{MissingRate: 1}})
	v := w.begin(t, renmin, wechatNative, window(short))
	v.pay()
	p := v.until(payment.Completed, payment.Closed)
	require.Equal(t, payment.Completed, p.Status)
	v.isRegisteredOnce(p)
	v.settles()
}

// TestMoneyAfterTheEndGoesBack: UnionPay lets an order be paid twice. The
// second payment is a stray, returned without a person (I1).
func TestMoneyAfterTheEndGoesBack(t *testing.T) {
	w := hold(t)
	t.Run("paid twice at once", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, unionpayApp)
		v.act(sandbox.PayTwice)
		v.until(payment.Completed)
		v.strayGoesBack(payment.Completed)
	})
	t.Run("paid again after the end", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, xiehe, unionpayFront)
		v.pay()
		v.until(payment.Completed)
		v.instruct(payment.UnionPay, 1, sandbox.PayTwice)
		v.strayGoesBack(payment.Completed)
	})
}

// strayGoesBack: of two captures one is kept and one returned.
func (v *visit) strayGoesBack(end payment.Status) {
	v.t.Helper()
	v.eventually("there is a second capture", func() bool { return len(v.charges(payment.UnionPay)) == 2 })
	v.eventually("it is returned", func() bool {
		refunds := v.refunds(payment.UnionPay)
		return len(refunds) == 1 && refunds[0].State == sandbox.RefundSuccess
	})
	v.settles()
	v.eventually("the books have the return", func() bool { return v.look().RefundedFen == scenario.Fee })
	p := v.look()
	assert.Equal(v.t, end, p.Status)
	assert.Equal(v.t, 2*scenario.Fee, p.CapturedFen)
	v.isRegisteredOnce(p)
	v.hasVoucher(wire.VoucherPaid)
}

// TestAChangeOfMethodClosesTheOldOne: what was asked of the earlier channel
// cannot be paid any more.
func TestAChangeOfMethodClosesTheOldOne(t *testing.T) {
	w := hold(t)
	t.Run("wechat to unionpay", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, wechatNative)
		old := v.answer
		v.choose(unionpayApp(v.person))
		require.Equal(t, payment.UnionPay, v.answer.Tender.Channel)
		assert.Equal(t, payment.MerchantNo(v.order(), 2), v.answer.Tender.MerchantNo)
		require.NoError(t, scenario.Pay(t.Context(), w.in, old, sandbox.PayLate), "the patient tries the old code")
		v.pay()
		p := v.until(payment.Completed)
		assert.Equal(t, payment.ByUnionPay, p.Method)
		require.Len(t, p.Tenders, 2)
		assert.Equal(t, channel.Closed, p.Tenders[0].State)
		require.Len(t, v.charges(payment.WeChat), 1)
		assert.Equal(t, sandbox.ChargeClosed, v.charges(payment.WeChat)[0].State)
		v.isRegisteredOnce(p)
	})
	t.Run("to the insurance, which asks for a verification", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, wechatNative)
		v.choose(w.mixed(t, renmin, payment.WeChat, payment.Native)(v.person))
		require.Equal(t, payment.Verifying, v.answer.Status)
		v.prove()
		require.Equal(t, int64(1500), v.answer.Tender.AmountFen)
		v.pay()
		p := v.until(payment.Completed)
		assert.Equal(t, payment.ByMixed, p.Method)
		assert.Equal(t, scenario.Fee, p.CapturedFen)
	})
	t.Run("verifying", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, w.insured(t, renmin))
		v.choose(wechatNative(v.person))
		require.Equal(t, payment.AwaitingPayment, v.answer.Status)
		v.pay()
		v.isRegisteredOnce(v.until(payment.Completed))
		assert.Empty(t, v.charges(payment.Insurance))
	})
	t.Run("unionpay to wechat", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, unionpayApp)
		old := v.answer
		v.choose(wechatNative(v.person))
		v.pay()
		p := v.until(payment.Completed)
		// UnionPay closes nothing: what is paid there all the same goes back.
		require.NoError(t, scenario.Pay(t.Context(), w.in, old, sandbox.Pay))
		v.eventually("the money is back", func() bool { return v.look().RefundedFen == scenario.Fee })
		assert.Len(t, v.refunds(payment.UnionPay), 1)
		assert.Empty(t, v.refunds(payment.WeChat))
		v.isRegisteredOnce(p)
		v.settles()
	})
	t.Run("one part paid: no other split", func(t *testing.T) {
		t.Parallel()
		v := w.clearing(t)
		v.cannotChangeTo(wechatNative(v.person))
		v.eventually("the platform settles", func() bool { return v.settleByHand(local.InsuranceSettled) == nil })
		v.isRegisteredOnce(v.until(payment.Completed))
	})
	t.Run("waiting for the risk rules' person", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, wechatNative, costs(reviewAmount))
		v.cannotChangeTo(unionpayApp(v.person))
		require.NoError(t, v.decide(payment.Reject, ""))
		v.until(payment.Rejected)
		v.takesNoMore()
	})
	t.Run("paid by the old one meanwhile", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, xiehe, wechatNative)
		// The payment and the change meet; whichever is first, nothing is paid
		// twice and nothing is lost.
		var both sync.WaitGroup
		var changed error
		both.Go(func() { v.pay() })
		both.Go(func() { _, changed = w.in.API.ChangeMethod(t.Context(), v.id(), unionpayApp(v.person)) })
		both.Wait()
		if changed == nil { // nothing came in by the old one
			require.Equal(t, payment.AwaitingPayment, v.look().Status)
			v.cancel()
			assert.Zero(t, v.until(payment.Closed).CapturedFen)
			return
		}
		assert.Equal(t, payment.CodeState, code(changed))
		p := v.until(payment.Completed)
		assert.Equal(t, payment.ByWeChat, p.Method)
		assert.Equal(t, scenario.Fee, p.CapturedFen)
		v.isRegisteredOnce(p)
	})
}

func (v *visit) choose(c wire.Choice) {
	v.t.Helper()
	answer, err := v.w.in.API.ChangeMethod(v.t.Context(), v.id(), c)
	require.NoError(v.t, err)
	v.answer = answer
}

// cancel lets the patient withdraw; the answer comes soon, whatever the channel.
func (v *visit) cancel() wire.Answer {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), soon)
	defer cancel()
	answer, err := v.w.in.API.Cancel(ctx, v.id(), wire.Cancel{Reason: "changed_mind"})
	require.NoError(v.t, err)
	return answer
}

// TestCancelInEveryState where a patient could want it.
func TestCancelInEveryState(t *testing.T) {
	w := hold(t)
	t.Run("verifying", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, w.insured(t, renmin))
		v.cancel()
		p := v.until(payment.Closed)
		assert.Equal(t, "cancelled", p.Reason)
		assert.Empty(t, v.charges(payment.Insurance))
		v.isTold(payment.Closed)
	})
	t.Run("awaiting payment", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, wechatJSAPI)
		answer := v.cancel()
		assert.Equal(t, payment.Closed, answer.Status)
		v.until(payment.Closed)
		assert.Equal(t, sandbox.ChargeClosed, v.charges(payment.WeChat)[0].State)
	})
	t.Run("awaiting payment at unionpay, which closes nothing", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, unionpayApp)
		v.cancel()
		p := v.until(payment.Closed)
		assert.Zero(t, p.CapturedFen)
		v.pay() // all the same: it goes back
		v.eventually("the money is back", func() bool { return v.look().RefundedFen == scenario.Fee })
		assert.Equal(t, payment.Closed, v.look().Status)
		assert.Empty(t, v.appointments())
		v.settles()
	})
	t.Run("half paid: what is in goes back", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, w.mixed(t, renmin, payment.WeChat, payment.Native))
		v.instruct(payment.Insurance, 2, sandbox.Abandon)
		v.prove()
		v.pay()
		v.until(payment.Clearing)
		v.eventually("the insurance has been asked", func() bool { return len(v.charges(payment.Insurance)) == 1 })
		assert.Contains(t, []payment.Status{payment.Refunding, payment.Refunded}, v.cancel().Status)
		p := v.until(payment.Refunded)
		assert.Equal(t, p.CapturedFen, p.RefundedFen)
		assert.Equal(t, int64(1500), v.refunds(payment.WeChat)[0].AmountFen)
		assert.Equal(t, sandbox.ChargeClosed, v.charges(payment.Insurance)[0].State)
		v.isTold(payment.Refunded)
	})
	t.Run("in review", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, wechatNative, costs(reviewAmount))
		require.Equal(t, payment.InReview, v.answer.Status)
		v.cancel()
		v.until(payment.Closed)
	})
	t.Run("in review, half paid: what is in goes back", func(t *testing.T) {
		t.Parallel()
		v := w.refusedByInsurance(t)
		v.cancel()
		p := v.until(payment.Refunded)
		assert.Nil(t, p.Case)
		assert.Equal(t, int64(1500), p.RefundedFen)
		v.settles()
	})
	t.Run("completed: too late", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, wechatNative)
		v.pay()
		v.until(payment.Completed)
		v.takesNoMore()
	})
}

// TestASlotThatIsGoneReturnsEveryTender in reverse order: the insurance's
// first, which was charged last.
func TestASlotThatIsGoneReturnsEveryTender(t *testing.T) {
	w := hold(t)
	for name, way := range map[string]struct {
		choose func(scenario.Person) wire.Choice
		back   []payment.Channel
	}{
		"wechat":              {wechatNative, []payment.Channel{payment.WeChat}},
		"unionpay":            {unionpayApp, []payment.Channel{payment.UnionPay}},
		"mixed with wechat":   {w.mixed(t, renmin, payment.WeChat, payment.Native), []payment.Channel{payment.Insurance, payment.WeChat}},
		"mixed with unionpay": {w.mixed(t, renmin, payment.UnionPay, payment.App), []payment.Channel{payment.Insurance, payment.UnionPay}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := w.arrange(t, renmin, way.choose)
			require.NoError(t, w.in.Sandbox.WithdrawSlot(t.Context(), v.start.Order.Slot.ID))
			v.begin()
			if v.answer.Status == payment.Verifying {
				v.prove()
			}
			v.pay()
			p := v.until(payment.Refunded)
			assert.Equal(t, scenario.Fee, p.CapturedFen)
			assert.Equal(t, scenario.Fee, p.RefundedFen)
			assert.NotEmpty(t, p.Reason)
			assert.Empty(t, v.appointments())
			v.hasVoucher(wire.VoucherRefunded)
			v.isTold(payment.Refunded)
			v.settles()
			list, err := w.in.API.Refunds(t.Context(), v.id())
			require.NoError(t, err)
			var order []payment.Channel
			for _, r := range list.Items {
				assert.Equal(t, channel.RefundSucceeded, r.State)
				order = append(order, p.Tenders[r.Attempt-1].Channel)
			}
			assert.Equal(t, way.back, order, "in reverse order, one after the other")
			_, err = w.in.API.Refund(t.Context(), v.id(), wire.RefundOrder{Key: "again", AmountFen: 1})
			assert.Contains(t, []string{payment.CodeState, payment.CodeRefundExceeds}, code(err))
		})
	}
}

// TestABackendThatIsDownIsToldLater, and the payment waits for it as
// registered.
func TestABackendThatIsDownIsToldLater(t *testing.T) {
	w := hold(t)
	v := w.begin(t, renmin, wechatNative)
	w.backend.refuse(v.order(), 2)
	v.pay()
	v.until(payment.Completed)
	v.isTold(payment.Completed)
}

// TestAPaymentWithoutACallbackCompletes: its backend asks.
func TestAPaymentWithoutACallbackCompletes(t *testing.T) {
	w := hold(t)
	v := w.begin(t, xiehe, wechatNative, func(s *wire.Start) { s.CallbackURL = "" })
	v.pay()
	v.until(payment.Completed)
	assert.Empty(t, w.backend.states(v.order()))
}

// breakPart sets faults of a counterparty that the test holds alone.
func (w *world) breakPart(t *testing.T, p part, f sandbox.FaultSpec) {
	t.Helper()
	require.NoError(t, w.in.Sandbox.SetFaults(t.Context(), p.counterparty(), f))
}

func (w *world) heal(t *testing.T, p part) {
	t.Helper()
	require.NoError(t, w.in.Sandbox.Heal(t.Context(), p.counterparty()))
}

// injected is how often a fault of that kind was injected so far.
func (w *world) injected(t *testing.T, p part, kind string) int64 {
	t.Helper()
	f, err := w.in.Sandbox.Faults(t.Context(), p.counterparty())
	require.NoError(t, err)
	return f.Injected[kind]
}
