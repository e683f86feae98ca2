package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

func TestADeclinedPatientChoosesAnotherWayToPay(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.channels[payment.WeChat].trouble["prepay"] = []error{refusal("wechat", "prepay", "RULE_LIMIT")}
	begun := w.begins()
	changed := w.at(2*time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	w.paysAt(3*time.Minute, payment.UnionPay, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.AwaitingPayment, begun.answered(t).Status)
	require.Equal(t, payment.CodeChannelDeclined, begun.answered(t).Reason)
	require.Nil(t, begun.answered(t).Tender)
	require.Equal(t, orderOne+"A02", changed.answered(t).Tender.MerchantNo, "every charge has a number of its own (I4)")
	require.Empty(t, changed.answered(t).Reason)
	require.Equal(t, channel.Declined, w.books.attempts[1].State)
	require.Equal(t, "RULE_LIMIT", w.books.attempts[1].code)
	require.Equal(t, "unionpay", w.seen.attribute("PaymentChannel"))
}

func TestADeclinedPatientWhoDoesNothingIsClosedAtTheDeadline(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.channels[payment.WeChat].trouble["prepay"] = []error{refusal("wechat", "prepay", "RULE_LIMIT")}
	w.ends(payment.Closed, "declined")
	require.Equal(t, payment.DefaultWindow, w.backend.at[0].Sub(noon))
}

func TestAPaymentThatTheChannelItselfEndsLeavesTimeForAnotherMethod(t *testing.T) {
	for _, state := range []channel.State{channel.Declined, channel.Closed} {
		w := newWorld(t, by(payment.ByUnionPay))
		w.saysAt(time.Minute, payment.UnionPay, 1, state, "CARD")
		changed := w.at(5*time.Minute, workflows.UpdateChangeMethod, choice(payment.ByWeChat))
		w.paysAt(6*time.Minute, payment.WeChat, 2)
		w.ends(payment.Completed, "")
		require.Equal(t, payment.AwaitingPayment, changed.answered(t).Status, state)
	}
}

func TestAChangeOfMethodClosesTheEarlierChargeFirst(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	// Both changes come before the first look at a charge, a minute after it began.
	changed := w.at(20*time.Second, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	again := w.at(40*time.Second, workflows.UpdateChangeMethod, choice(payment.ByWeChat))
	w.paysAt(60*time.Second, payment.WeChat, 3)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.ByUnionPay, changed.answered(t).Method)
	require.Equal(t, payment.ByWeChat, again.answered(t).Method)
	require.Equal(t, []string{
		"wechat prepay ORDER0001A01", "wechat close ORDER0001A01",
		"unionpay prepay ORDER0001A02", "unionpay close ORDER0001A02",
		"wechat prepay ORDER0001A03",
	}, append(w.asked("wechat")[:2:2], append(w.asked("unionpay"), w.asked("wechat prepay ORDER0001A03")...)...))
	require.Len(t, w.books.choices, 2)
	require.Equal(t, w.request.Digest(), again.answered(t).Digest, "the digest stays the start's own")
}

func TestAChangeThatMeetsACaptureIsRefusedAndTheCaptureCounts(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.channels[payment.WeChat].closing = func() { w.channels[payment.WeChat].captures(1) }
	changed := w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	w.ends(payment.Completed, "")
	require.Equal(t, payment.CodeState, changed.problem(t))
	require.Empty(t, w.asked("unionpay"))
	require.Empty(t, w.books.choices)
}

func TestACancellationThatMeetsACaptureReturnsIt(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.channels[payment.WeChat].closing = func() { w.channels[payment.WeChat].captures(1) }
	cancelled := w.at(time.Minute, workflows.UpdateCancel, payment.Cancellation{Reason: "王小测 is ill"})
	w.ends(payment.Refunded, "cancelled")
	require.Equal(t, payment.Refunding, cancelled.answered(t).Status)
	require.Empty(t, w.asked("his register"), "a cancelled payment is not registered first")
	require.Zero(t, w.channels[payment.WeChat].held())
}

func TestACancelledMixedPaymentAsksTheInsuranceForNothing(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	w.verified()
	w.channels[payment.WeChat].closing = func() { w.channels[payment.WeChat].captures(1) }
	w.at(time.Minute, workflows.UpdateCancel, payment.Cancellation{})
	w.ends(payment.Refunded, "cancelled")
	require.Empty(t, w.asked("insurance"))
	require.Zero(t, w.channels[payment.WeChat].held())
}

func TestANotificationDuringTheCloseCountsWhateverTheChannelAnswers(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	wechat := w.channels[payment.WeChat]
	w.at(time.Minute, workflows.UpdateCancel, payment.Cancellation{})
	// The channel cannot be reached at first, then says closed; the
	// notification came in between and was verified.
	wechat.trouble["close"] = []error{outage("wechat", "close"), outage("wechat", "close"), outage("wechat", "close")}
	w.after(time.Minute+500*time.Millisecond, func() {
		r := wechat.captures(1)
		w.notify(r)
	})
	w.ends(payment.Refunded, "cancelled")
	require.Zero(t, wechat.held())
}

func TestAMethodThatTheHospitalDoesNotOfferIsRefusedAndThePaymentGoesOn(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.channels[payment.UnionPay].withdrawn.Store(true)
	changed := w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	w.paysAt(2*time.Minute, payment.WeChat, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.CodeChannel, changed.problem(t))
}

func TestAChoiceThatCannotBeIsRefusedByTheValidator(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	bad := choice(payment.ByMixed)
	bad.InsuranceAmount = workflows.Fen(5000)
	changed := w.at(time.Minute, workflows.UpdateChangeMethod, bad)
	w.paysAt(2*time.Minute, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.CodeSplit, changed.problem(t))
	require.False(t, changed.accepted)
	require.Empty(t, w.asked("wechat close"))
}

func TestTheMethodCanBeChangedWhileTheProofIsWaitedFor(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	changed := w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByWeChat))
	w.paysAt(2*time.Minute, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.AwaitingPayment, changed.answered(t).Status)
	require.Empty(t, w.asked("insurance"))
}

func TestAProofIsAskedForAgainOnlyWhenNoneWasGiven(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.verified()
	w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByWeChat))
	w.at(2*time.Minute, workflows.UpdateChangeMethod, choice(payment.ByInsurance))
	w.paysAt(3*time.Minute, payment.Insurance, 3)
	w.ends(payment.Completed, "")
	require.Equal(t, 1, w.seen.tried("Check"))

	w = newWorld(t, by(payment.ByWeChat))
	changed := w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByMixed))
	w.at(2*time.Minute, workflows.UpdateVerify, rightCode)
	w.paysAt(3*time.Minute, payment.WeChat, 2)
	w.paysAt(4*time.Minute, payment.Insurance, 3)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.Verifying, changed.answered(t).Status)
}

func TestAPartThatIsPaidBarsAChangeOfMethodAndNotACancellation(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	w.verified()
	w.paysAt(10*time.Second, payment.WeChat, 1)
	changed := w.at(20*time.Second, workflows.UpdateChangeMethod, choice(payment.ByWeChat))
	cancelled := w.at(30*time.Second, workflows.UpdateCancel, payment.Cancellation{})
	w.ends(payment.Refunded, "cancelled")
	require.Equal(t, payment.CodeState, changed.problem(t))
	require.Equal(t, payment.Refunding, cancelled.answered(t).Status)
	require.Equal(t, []string{"insurance prepay ORDER0001A02", "insurance close ORDER0001A02"}, w.asked("insurance"))
	require.Zero(t, w.channels[payment.WeChat].held())
}

func TestCancellationAtEachPointBeforeTheMoney(t *testing.T) {
	for _, tc := range []struct {
		name   string
		method payment.Method
		closed string // what is closed at the channel
	}{
		{"while the proof is waited for", payment.ByInsurance, ""},
		{"while the patient is waited for", payment.ByWeChat, "wechat close ORDER0001A01"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, by(tc.method))
			cancelled := w.at(time.Minute, workflows.UpdateCancel, payment.Cancellation{})
			w.ends(payment.Closed, "cancelled")
			require.Equal(t, payment.Closed, cancelled.answered(t).Status)
			if tc.closed != "" {
				require.Equal(t, []string{tc.closed}, w.asked(string(tc.method)+" close"))
			}
			require.Equal(t, []string{"payment.closed"}, w.backend.heard())
		})
	}
}

func TestACancellationWhileTheInsuranceClearsTakesItsOrderBack(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.verified()
	cancelled := w.at(time.Minute, workflows.UpdateCancel, payment.Cancellation{})
	w.ends(payment.Closed, "cancelled")
	require.Equal(t, payment.Closed, cancelled.answered(t).Status)
	require.Equal(t, []string{"insurance close ORDER0001A01"}, w.asked("insurance close"))
}

func TestASecondWishIsRefusedWhileTheFirstIsBeingDone(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.channels[payment.WeChat].trouble["close"] = []error{outage("wechat", "close"), outage("wechat", "close")}
	first := w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	second := w.at(time.Minute, workflows.UpdateCancel, payment.Cancellation{})
	w.paysAt(5*time.Minute, payment.UnionPay, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.AwaitingPayment, first.answered(t).Status)
	require.Equal(t, payment.CodeState, second.problem(t))
}

func TestAnOperatorCancelsInTemporal(t *testing.T) {
	for _, tc := range []struct {
		name   string
		method payment.Method
		at     time.Duration
		status payment.Status
	}{
		{"before the patient has paid", payment.ByWeChat, time.Minute, payment.Closed},
		{"while the insurance clears", payment.ByMixed, 20 * time.Second, payment.Refunded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, by(tc.method))
			if tc.method == payment.ByMixed {
				w.verified()
				w.paysAt(10*time.Second, payment.WeChat, 1)
			}
			w.after(tc.at, w.env.CancelWorkflow)
			w.backend.down = true
			later := w.at(tc.at+time.Minute, workflows.UpdateBegin)
			w.ends(tc.status, "operator_canceled")
			require.Equal(t, tc.status, later.answered(t).Status, "who asks after the cancellation is answered")
			require.Zero(t, w.channels[payment.WeChat].held())
		})
	}
}

func TestAnOperatorsCancellationWaitsForThePatientsWishToBeDone(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.channels[payment.WeChat].trouble["close"] = []error{outage("wechat", "close"), outage("wechat", "close")}
	w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	w.after(time.Minute+100*time.Millisecond, w.env.CancelWorkflow)
	w.ends(payment.Closed, "operator_canceled")
}

func TestAnOperatorsCancellationComesTooLateAfterTheRegistration(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.backend.down = true
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.after(time.Hour, w.env.CancelWorkflow)
	later := w.at(2*time.Hour, workflows.UpdateBegin)
	w.after(3*time.Hour, func() { w.backend.set(func() { w.backend.down = false }) })
	w.ends(payment.Completed, "")
	require.Equal(t, payment.Registered, later.answered(t).Status)
	require.Less(t, later.reply.at.Sub(noon), 2*time.Hour+time.Minute)
	require.Equal(t, []string{"payment.completed"}, w.backend.heard())
}
