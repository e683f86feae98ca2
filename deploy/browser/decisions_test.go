package browser

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

const why = "the patient called and asked for it"

// decided takes a decision at somebody's desk and sees it accepted.
func (d *desk) decided(h held, v payment.Verdict, reference string) {
	d.t.Helper()
	d.opens(h.page())
	require.Equal(d.t, http.StatusOK, d.decide(v, why, reference))
	require.Equal(d.t, h.page(), d.path())
	d.has(`main [role=status]`)
	d.w.until(d.t, "the decision is in the books", func() bool { return h.desk().Decision != nil })
	made := h.desk().Decision
	require.Equal(d.t, v, made.Verdict)
	require.Equal(d.t, d.who.Subject, made.Operator)
	require.Equal(d.t, reference, made.Reference)
	require.Equal(d.t, why, made.Note)
}

// TestEachDecisionDoesWhatItSays takes every decision that the product has by
// its form, and looks at what becomes of the payment.
func TestEachDecisionDoesWhatItSays(t *testing.T) {
	w := place
	t.Run("go on", func(t *testing.T) {
		t.Parallel()
		h := w.suspicious(t, linjiang)
		w.desk(t, "li").decided(h, payment.Approve, "")
		h.ends(payment.AwaitingPayment)
		h.canPay()
		h.ends(payment.Completed)
	})
	t.Run("reject", func(t *testing.T) {
		t.Parallel()
		h := w.suspicious(t, linjiang)
		w.desk(t, "li").decided(h, payment.Reject, "")
		h.ends(payment.Rejected)
	})
	t.Run("reject what was paid in part", func(t *testing.T) {
		t.Parallel()
		h := w.refused(t, linjiang)
		w.desk(t, "li").decided(h, payment.Reject, "")
		p := h.ends(payment.Rejected)
		require.Equal(t, p.CapturedFen, p.RefundedFen)
		require.NotZero(t, p.RefundedFen)
	})
	t.Run("ask the insurance once more", func(t *testing.T) {
		t.Parallel()
		h := w.refused(t, linjiang)
		w.desk(t, "li").decided(h, payment.RetryClearing, "")
		h.inReview(payment.ReviewClearingFailed, h.id) // the consent is still not known
	})
	t.Run("it did settle", func(t *testing.T) {
		t.Parallel()
		h := w.unclear(t, linjiang)
		w.desk(t, "li").decided(h, payment.ConfirmSettled, "SETL20261123001")
		p := h.ends(payment.Completed)
		require.Equal(t, scenario.Fee, p.CapturedFen)
	})
	t.Run("the patient pays the insurance's part", func(t *testing.T) {
		t.Parallel()
		h := w.refused(t, linjiang)
		w.desk(t, "li").decided(h, payment.ConvertToSelfPay, "")
		h.ends(payment.AwaitingPayment)
		answer, err := w.in.API.ChangeMethod(t.Context(), h.visit.id(), scenario.UnionPay(payment.App))
		require.NoError(t, err)
		h.answer = answer
		h.pay()
		p := h.ends(payment.Completed)
		require.Equal(t, scenario.Fee, p.CapturedFen)
	})
	t.Run("give all back", func(t *testing.T) {
		t.Parallel()
		h := w.refused(t, linjiang)
		w.desk(t, "li").decided(h, payment.RefundAll, "")
		p := h.ends(payment.Refunded)
		require.Equal(t, scenario.Fee-scenario.Insured, p.RefundedFen)
	})
	t.Run("given back on site", func(t *testing.T) {
		t.Parallel()
		h := w.stuck(t, linjiang)
		d := w.desk(t, "li")
		d.opens(h.page())
		d.consider(payment.RefundOffline, why, "RECEIPT-0017")
		d.fill(choice(payment.RefundOffline)+" [name=handed_by]", "窗口三")
		require.Equal(t, http.StatusOK, d.press(choice(payment.RefundOffline)+sender))
		p := h.ends(payment.Refunded)
		require.Equal(t, scenario.Fee, p.RefundedFen)
		require.Equal(t, "RECEIPT-0017", h.desk().Decision.Reference)
		require.Equal(t, "窗口三", h.desk().Decision.HandedBy)
	})
}

// canPay lets the patient pay once there is something to pay.
func (v *visit) canPay() {
	v.t.Helper()
	v.w.until(v.t, "there is something to pay", func() bool {
		p := v.look()
		if len(p.Tenders) == 0 || p.Tenders[0].Pay["code_url"] == "" {
			return false
		}
		return v.w.in.Sandbox.Instruct(v.t.Context(), sandbox.Instruction{Channel: string(payment.WeChat),
			Token: p.Tenders[0].Pay["code_url"], Behaviour: sandbox.Pay}) == nil
	})
}

// TestARefundIsTriedOnceMore runs alone: WeChat Pay tells nobody meanwhile, or
// the case would close by itself.
func TestARefundIsTriedOnceMore(t *testing.T) {
	w := place
	h := w.stuck(t, linjiang)
	require.NoError(t, w.in.Sandbox.SetFaults(t.Context(), "wechat", sandbox.FaultSpec{Notification: sandbox.NotificationFault{MissingRate: 1}}))
	defer func() { require.NoError(t, w.in.Sandbox.Heal(t.Context(), "wechat")) }()
	require.NoError(t, w.in.Sandbox.EndRefund(t.Context(), payment.RefundNo(h.order(), 1), local.RefundSuccess))
	d := w.desk(t, "li")
	d.opens(h.page())
	require.Equal(t, http.StatusOK, d.decide(payment.RetryRefund, "", ""))
	p := h.ends(payment.Refunded)
	require.Equal(t, scenario.Fee, p.RefundedFen)
	require.Equal(t, payment.RetryRefund, h.desk().Decision.Verdict)
}

// TestTheInsuranceIsAskedAndHasSettledMeanwhile runs alone, for the same reason.
func TestTheInsuranceIsAskedAndHasSettledMeanwhile(t *testing.T) {
	w := place
	require.NoError(t, w.in.Sandbox.SetFaults(t.Context(), "insurance", sandbox.FaultSpec{Notification: sandbox.NotificationFault{MissingRate: 1}}))
	defer func() { require.NoError(t, w.in.Sandbox.Heal(t.Context(), "insurance")) }()
	h := w.unclear(t, linjiang)
	require.NoError(t, h.settles(local.InsuranceSettled))
	d := w.desk(t, "li")
	d.opens(h.page())
	require.Equal(t, http.StatusOK, d.decide(payment.RetryClearing, "", ""))
	p := h.ends(payment.Completed)
	require.Equal(t, scenario.Fee, p.CapturedFen)
}

// TestMoneyOfAnotherSplitGoesBack runs alone: the platform divides every fee
// otherwise meanwhile.
func TestMoneyOfAnotherSplitGoesBack(t *testing.T) {
	w := place
	require.NoError(t, w.in.Sandbox.SetFaults(t.Context(), "insurance", sandbox.FaultSpec{Insurance: sandbox.InsuranceFault{SplitOffRate: 1}}))
	defer func() { require.NoError(t, w.in.Sandbox.Heal(t.Context(), "insurance")) }()
	v := w.begin(t, linjiang, mixed)
	v.prove()
	v.pay()
	h := held{v, v.inReview(payment.ReviewSplitMismatch, "")}
	w.desk(t, "li").decided(h, payment.RefundAll, "")
	p := h.ends(payment.Refunded)
	require.Equal(t, p.CapturedFen, p.RefundedFen)
}

func TestWhatADecisionNeedsIsAskedForAndNothingIsLost(t *testing.T) {
	t.Parallel()
	w := place
	h := w.stuck(t, linjiang)
	d := w.desk(t, "li")
	d.opens(h.page())
	d.consider(payment.RefundOffline, why, "")
	// The browser itself asks for the number; here it does not, and the server does.
	d.js(exists(choice(payment.RefundOffline)+" form")+".noValidate = true", nil)
	require.Equal(t, http.StatusUnprocessableEntity, d.press(choice(payment.RefundOffline)+sender))
	require.True(t, d.yes(exists(choice(payment.RefundOffline))+".open"))
	d.has(choice(payment.RefundOffline) + ` [role=alert]`)
	require.True(t, d.yes(exists(choice(payment.RefundOffline)+" [name=note]")+".value === "+quoted(why)), "what was written is still there")
	require.Nil(t, h.desk().Decision)
}

func TestACaseThatIsAnothersIsDecidedOnlyOnPurpose(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	li, wang := w.desk(t, "li"), w.desk(t, "wang")
	wang.opens(h.page()) // while nobody has it
	li.opens(h.page())
	require.Equal(t, http.StatusOK, li.press(`form[action$="/claim"]`+sender))
	require.Equal(t, http.StatusConflict, wang.decide(payment.RefundAll, why, ""))
	require.Nil(t, h.desk().Decision)
	anyway := choice(payment.RefundAll) + " [name=anyway]"
	wang.has(anyway)
	require.Contains(t, wang.text(choice(payment.RefundAll)), li.who.Name)
	wang.click(anyway)
	require.Equal(t, http.StatusOK, wang.press(choice(payment.RefundAll)+sender))
	h.ends(payment.Refunded)
	require.Equal(t, wang.who.Subject, h.desk().Decision.Operator)
}

func TestOnlyDecisionsThatMakeSenseAreOffered(t *testing.T) {
	t.Parallel()
	w := place
	d := w.desk(t, "li")
	for name, make := range map[string]func(*testing.T, string, ...change) held{"risk": w.suspicious, "refused": w.refused} {
		h := make(t, linjiang)
		d.opens(h.page())
		var offered []payment.Verdict
		d.js(`[...document.querySelectorAll('form:not(:has([name=confirms])) > input[name=decision]')].map(i => i.value)`, &offered)
		require.Equal(t, h.desk().Allowed, offered, name)
	}
}
