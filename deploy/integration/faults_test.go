package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// lost cuts the connection after an operation was carried out, every time.
func lost(operations ...string) sandbox.FaultSpec {
	return sandbox.FaultSpec{ReplyLost: sandbox.ReplyLostFault{Rate: 1, Operations: operations}}
}

// TestTheHISIsWaitedFor: its outage neither loses nor delays the voucher.
func TestTheHISIsWaitedFor(t *testing.T) {
	w := hold(t, his)
	w.breakPart(t, his, sandbox.FaultSpec{Outage: true})
	wechat, mixed := w.begin(t, renmin, wechatNative), w.begin(t, xiehe, w.mixed(t, xiehe, payment.UnionPay, payment.App))
	mixed.prove()
	for _, v := range []*visit{wechat, mixed} {
		v.pay()
	}
	for _, v := range []*visit{wechat, mixed} {
		v.until(payment.Paid)
		v.hasVoucher(wire.VoucherTemporary)
		v.eventually("the backend knows of the temporary voucher", func() bool { return len(w.backend.messages(v.order())) == 1 })
		m := w.backend.messages(v.order())[0]
		assert.Equal(t, payment.Paid, m.Data.Status)
		assert.True(t, m.Data.Temporary)
		assert.NotEmpty(t, m.Data.Voucher)
		assert.Empty(t, v.appointments())
	}
	wechat.cannotChangeTo(unionpayApp(wechat.person))
	wechat.cannotChangeTo(wechatNative(wechat.person))
	w.heal(t, his)
	for _, v := range []*visit{wechat, mixed} {
		temporary := w.backend.messages(v.order())[0].Data.Voucher
		p := v.until(payment.Completed)
		v.isRegisteredOnce(p)
		v.hasVoucher(wire.VoucherPaid)
		assert.Equal(t, temporary, p.Voucher.Code, "the code stays the same")
		v.isTold(payment.Paid, payment.Completed)
	}
}

// TestACancelledPaymentIsNotRegistered while the HIS is down: the money goes
// back, and the HIS does not have it afterwards.
func TestACancelledPaymentIsNotRegistered(t *testing.T) {
	w := hold(t, his)
	w.breakPart(t, his, sandbox.FaultSpec{Outage: true})
	v := w.begin(t, renmin, wechatNative)
	v.pay()
	v.until(payment.Paid)
	v.eventually("the HIS is being waited for", func() bool { return len(w.backend.messages(v.order())) == 1 })
	assert.Equal(t, payment.Refunding, v.cancel().Status)
	w.heal(t, his)
	p := v.until(payment.Refunded)
	assert.Equal(t, scenario.Fee, p.RefundedFen)
	for _, a := range v.appointments() {
		assert.NotEqual(t, "booked", a.Status)
	}
	v.hasVoucher(wire.VoucherRefunded)
}

// TestALostReplyIsNoLostRegistration: the HIS registers and its reply is lost.
func TestALostReplyIsNoLostRegistration(t *testing.T) {
	w := hold(t, his)
	w.breakPart(t, his, lost("register"))
	v := w.begin(t, renmin, wechatNative)
	v.pay()
	v.eventually("a reply was lost", func() bool { return len(v.appointments()) == 1 })
	w.heal(t, his)
	v.isRegisteredOnce(v.until(payment.Completed))
}

// TestALostReplyIsNoSecondCharge: the channel carries a request out and its
// reply is lost. Nothing is done twice (I3, I4).
func TestALostReplyIsNoSecondCharge(t *testing.T) {
	t.Run("wechat prepay", func(t *testing.T) {
		w := hold(t, wechat)
		w.breakPart(t, wechat, lost("prepay"))
		v := w.arrange(t, renmin, wechatNative)
		w.healAfter(t, wechat, "reply_lost", v.begin)
		v.pay()
		v.isRegisteredOnce(v.until(payment.Completed))
		assert.Len(t, v.charges(payment.WeChat), 1)
	})
	t.Run("wechat refund", func(t *testing.T) {
		w := hold(t, wechat)
		v := w.completed(t, wechatNative)
		w.breakPart(t, wechat, lost("refund"))
		w.healAfter(t, wechat, "reply_lost", func() {
			_, err := v.refund("all", scenario.Fee)
			require.NoError(t, err)
		})
		p := v.until(payment.Refunded)
		assert.Equal(t, scenario.Fee, p.RefundedFen)
		assert.Len(t, v.refunds(payment.WeChat), 1)
	})
	t.Run("unionpay refund", func(t *testing.T) {
		w := hold(t, unionpay)
		v := w.completed(t, unionpayApp)
		w.breakPart(t, unionpay, lost("refund"))
		w.healAfter(t, unionpay, "reply_lost", func() {
			_, err := v.refund("all", scenario.Fee)
			require.NoError(t, err)
		})
		v.until(payment.Refunded)
		assert.Len(t, v.refunds(payment.UnionPay), 1)
	})
	t.Run("unionpay prepay", func(t *testing.T) {
		w := hold(t, unionpay)
		w.breakPart(t, unionpay, lost("prepay"))
		v := w.arrange(t, renmin, unionpayApp)
		w.healAfter(t, unionpay, "reply_lost", v.begin)
		v.pay()
		v.isRegisteredOnce(v.until(payment.Completed))
		assert.Len(t, v.charges(payment.UnionPay), 1)
	})
	for _, operation := range []string{"upload", "pay_order"} {
		t.Run("insurance "+operation, func(t *testing.T) {
			w := hold(t, insurance)
			w.breakPart(t, insurance, lost(operation))
			v := w.begin(t, renmin, w.insured(t, renmin))
			w.healAfter(t, insurance, "reply_lost", v.prove)
			v.isRegisteredOnce(v.until(payment.Completed))
			require.Len(t, v.charges(payment.Insurance), 1)
			assert.Equal(t, scenario.Fee, v.charges(payment.Insurance)[0].CapturedFen)
		})
	}
}

// healAfter does something during which a fault hits, and heals the
// counterparty once it has.
func (w *world) healAfter(t *testing.T, p part, kind string, do func()) {
	t.Helper()
	before := w.injected(t, p, kind)
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	w.eventually(t, "the fault "+kind+" hits "+p.counterparty(), func() bool { return w.injected(t, p, kind) > before })
	w.heal(t, p)
	<-done
}

// TestWhatNobodyTellsIsAskedFor: no notification comes.
func TestWhatNobodyTellsIsAskedFor(t *testing.T) {
	silence := sandbox.FaultSpec{Notification: sandbox.NotificationFault{MissingRate: 1}}
	for _, c := range []struct {
		part   part
		choose func(scenario.Person) wire.Choice
	}{{wechat, wechatNative}, {unionpay, unionpayFront}} {
		t.Run(c.part.counterparty(), func(t *testing.T) {
			w := hold(t, c.part)
			w.breakPart(t, c.part, silence)
			v := w.begin(t, renmin, c.choose)
			v.pay()
			v.eventually("the patient has paid", func() bool {
				charges := v.charges(v.answer.Tender.Channel)
				return len(charges) == 1 && charges[0].State == sandbox.ChargeCaptured
			})
			require.Equal(t, payment.AwaitingPayment, v.look().Status)
			// The patient says to have paid; the API asks once in three seconds.
			v.isRegisteredOnce(v.asking(payment.Completed))
		})
	}
	t.Run("insurance", func(t *testing.T) {
		w := hold(t, insurance)
		w.breakPart(t, insurance, silence)
		v := w.begin(t, renmin, w.insured(t, renmin))
		v.prove()
		v.asking(payment.Completed)
	})
}

// TestSilenceEndsByItself: no notification comes and nobody asks; after a
// minute the payment does.
func TestSilenceEndsByItself(t *testing.T) {
	w := hold(t, unionpay)
	w.breakPart(t, unionpay, sandbox.FaultSpec{Notification: sandbox.NotificationFault{MissingRate: 1}})
	v := w.begin(t, renmin, unionpayApp)
	v.pay()
	v.eventually("the patient has paid", func() bool {
		charges := v.charges(payment.UnionPay)
		return len(charges) == 1 && charges[0].State == sandbox.ChargeCaptured
	})
	w.giveBack(t)
	v.isRegisteredOnce(v.within(slowly, payment.Completed))
}

// TestNotificationsInDisorder: repeated, forged first, late and overtaken.
func TestNotificationsInDisorder(t *testing.T) {
	for _, c := range []struct {
		part   part
		choose func(scenario.Person) wire.Choice
	}{{wechat, wechatNative}, {unionpay, unionpayApp}} {
		t.Run(c.part.counterparty(), func(t *testing.T) {
			w := hold(t, c.part)
			w.breakPart(t, c.part, sandbox.FaultSpec{Notification: sandbox.NotificationFault{Repeat: 3, ForgedRate: 1, DelayMS: 300}})
			forged := w.injected(t, c.part, "notification_forged")
			v := w.begin(t, renmin, c.choose)
			v.pay()
			p := v.until(payment.Completed)
			assert.Greater(t, w.injected(t, c.part, "notification_forged"), forged)
			v.isRegisteredOnce(p)
			v.isTold(payment.Completed)
			assert.Len(t, v.charges(v.answer.Tender.Channel), 1)
			assert.Empty(t, v.refunds(v.answer.Tender.Channel))
			_, err := v.refund("all", scenario.Fee)
			require.NoError(t, err)
			v.until(payment.Refunded)
			assert.Len(t, v.refunds(v.answer.Tender.Channel), 1)
		})
	}
	t.Run("insurance", func(t *testing.T) {
		w := hold(t, insurance)
		w.breakPart(t, insurance, sandbox.FaultSpec{Notification: sandbox.NotificationFault{Repeat: 3, ForgedRate: 1, DelayMS: 300}})
		forged := w.injected(t, insurance, "notification_forged")
		v := w.begin(t, xiehe, w.insured(t, xiehe))
		v.prove()
		v.isRegisteredOnce(v.until(payment.Completed))
		assert.Greater(t, w.injected(t, insurance, "notification_forged"), forged)
		v.isTold(payment.Completed)
		assert.Len(t, v.charges(payment.Insurance), 1)
	})
}

// TestAChannelInTroubleIsTriedAgain: it answers with its own error, or is slow,
// or is away for a while.
func TestAChannelInTroubleIsTriedAgain(t *testing.T) {
	t.Run("wechat SYSTEM_ERROR", func(t *testing.T) {
		w := hold(t, wechat)
		w.breakPart(t, wechat, sandbox.FaultSpec{Error: sandbox.ErrorFault{Rate: 1, Code: "SYSTEM_ERROR", Operations: []string{"prepay"}}})
		v := w.arrange(t, renmin, wechatJSAPI)
		w.healAfter(t, wechat, "error", v.begin)
		require.Equal(t, payment.AwaitingPayment, v.answer.Status)
		v.pay()
		v.isRegisteredOnce(v.until(payment.Completed))
		assert.Len(t, v.charges(payment.WeChat), 1)
	})
	t.Run("wechat declines, and the patient chooses another way", func(t *testing.T) {
		w := hold(t, wechat)
		w.breakPart(t, wechat, sandbox.FaultSpec{Error: sandbox.ErrorFault{Rate: 1, Code: "NO_AUTH", Operations: []string{"prepay"}}})
		v := w.begin(t, renmin, wechatNative)
		assert.Equal(t, payment.CodeChannelDeclined, v.answer.Reason)
		assert.Nil(t, v.answer.Tender)
		v.choose(unionpayApp(v.person))
		v.pay()
		v.isRegisteredOnce(v.until(payment.Completed))
	})
	t.Run("wechat away", func(t *testing.T) {
		w := hold(t, wechat)
		w.breakPart(t, wechat, sandbox.FaultSpec{Outage: true})
		v := w.arrange(t, renmin, wechatNative)
		w.healAfter(t, wechat, "outage", v.begin)
		v.pay()
		v.isRegisteredOnce(v.until(payment.Completed))
	})
	t.Run("insurance slow", func(t *testing.T) {
		w := hold(t, insurance)
		w.breakPart(t, insurance, sandbox.FaultSpec{Insurance: sandbox.InsuranceFault{ClearingMS: sandbox.Latency{P50: 4000, P95: 4000}}})
		v := w.begin(t, renmin, w.insured(t, renmin))
		v.prove()
		started := time.Now()
		assert.Equal(t, payment.Clearing, v.until(payment.Clearing).Status)
		v.isRegisteredOnce(v.until(payment.Completed))
		assert.Greater(t, time.Since(started), 2*time.Second)
	})
	t.Run("insurance busy, before it refuses", func(t *testing.T) {
		w := hold(t, insurance)
		w.breakPart(t, insurance, sandbox.FaultSpec{Error: sandbox.ErrorFault{Rate: 1, Code: "BUSY"}})
		v := w.withoutConsent(t, renmin)
		v.prove()
		w.healAfter(t, insurance, "error", v.pay)
		// Nothing was carried out before, so the refusal is believed at once.
		p := v.until(payment.InReview)
		require.Equal(t, payment.ReviewClearingFailed, p.Case.Reason)
		require.NoError(t, v.decide(payment.RefundAll, ""))
		v.until(payment.Refunded)
		v.settles()
	})
	t.Run("insurance settles by another split", func(t *testing.T) {
		w := hold(t, insurance)
		w.breakPart(t, insurance, sandbox.FaultSpec{Insurance: sandbox.InsuranceFault{SplitOffRate: 1}})
		v := w.begin(t, renmin, w.mixed(t, renmin, payment.WeChat, payment.Native))
		v.prove()
		v.pay()
		// A notice about another amount is not believed; the platform is asked.
		p := v.asking(payment.InReview)
		require.Equal(t, payment.ReviewSplitMismatch, p.Case.Reason)
		require.NoError(t, v.decide(payment.RefundAll, ""))
		p = v.until(payment.Refunded)
		assert.Equal(t, p.CapturedFen, p.RefundedFen)
		v.settles()
	})
	t.Run("insurance settles later by hand", func(t *testing.T) {
		w := hold(t)
		v := w.begin(t, renmin, w.insured(t, renmin))
		v.instruct(payment.Insurance, 1, sandbox.Abandon)
		v.prove()
		v.eventually("the platform has the order", func() bool {
			return w.in.Sandbox.SettleInsurance(t.Context(), renmin, payment.MerchantNo(v.order(), 1), local.InsuranceSettled) == nil
		})
		v.isRegisteredOnce(v.until(payment.Completed))
	})
}
