package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// inTrouble is a payment by a method with the insurance, whose attempt at it
// is about to fail in a way.
type inTrouble struct {
	name    string
	reason  payment.Reason
	harm    func(w *world, attempt int)
	decided time.Duration // when a person can decide
}

func troubles() []inTrouble {
	return []inTrouble{
		{"refused at the upload", payment.ReviewClearingFailed, func(w *world, _ int) {
			w.channels[payment.Insurance].trouble["prepay"] = []error{refusal("insurance", "prepay", "6201-NO")}
		}, time.Hour},
		{"failed by a notice", payment.ReviewClearingFailed, func(w *world, n int) {
			w.saysAt(40*time.Second, payment.Insurance, n, channel.Declined, "15")
		}, time.Hour},
		{"revoked by the platform", payment.ReviewClearingFailed, func(w *world, n int) {
			w.saysAt(40*time.Second, payment.Insurance, n, channel.Closed, "12")
		}, time.Hour},
		{"doubtful by the platform's own word", payment.ReviewClearingUnknown, func(w *world, n int) {
			w.after(40*time.Second, func() { w.channels[payment.Insurance].becomes(n, channel.Doubtful, "14") })
		}, time.Hour},
		{"overdue", payment.ReviewClearingOverdue, func(*world, int) {}, 5 * time.Hour},
		{"never answered", payment.ReviewClearingOverdue, func(w *world, _ int) {
			w.channels[payment.Insurance].down["prepay"] = outage("insurance", "prepay")
			w.channels[payment.Insurance].down["prepay again"] = outage("insurance", "prepay")
		}, 5 * time.Hour},
	}
}

// mixedInTrouble is a mixed payment whose self-pay part is in.
func mixedInTrouble(t *testing.T, tc inTrouble) *world {
	w := newWorld(t, by(payment.ByMixed))
	w.verified()
	w.paysAt(10*time.Second, payment.WeChat, 1)
	tc.harm(w, 2)
	w.after(tc.decided-time.Second, func() {
		s := w.standing()
		if s.Case == nil {
			t.Errorf("no case: %s %s", s.Status, s.Reason)
			return
		}
		require.Equal(t, payment.InReview, s.Status)
		require.Equal(t, tc.reason, s.Case.Reason)
		require.Equal(t, tc.reason.AllowedIn(payment.Situation{MoneyIn: true, Dead: tc.reason == payment.ReviewClearingFailed}), s.Case.Allowed)
		require.Equal(t, workflows.PaymentWorkflowID(hospitalOne, orderOne), s.Case.Workflow)
		require.Equal(t, "in_review", w.seen.attribute("PaymentStatus"))
		require.Equal(t, string(tc.reason), w.seen.attribute("ReviewReason"))
	})
	return w
}

func TestAFailedClearingIsDecidedByAPerson(t *testing.T) {
	for _, tc := range troubles() {
		t.Run(tc.name+", refund", func(t *testing.T) {
			w := mixedInTrouble(t, tc)
			decided := w.decidesAt(tc.decided, payment.RefundAll, "")
			r := w.ends(payment.Refunded, string(tc.reason))
			require.Equal(t, payment.Refunding, decided.answered(t).Status)
			require.Empty(t, r.Voucher)
			require.Zero(t, w.channels[payment.WeChat].held(), "the part that was paid goes back")
			require.Equal(t, []payment.Reason{tc.reason}, w.books.reasons())
			require.NotContains(t, w.books.path, payment.Paid)
		})
		t.Run(tc.name+", reject", func(t *testing.T) {
			w := mixedInTrouble(t, tc)
			w.decidesAt(tc.decided, payment.Reject, "")
			w.ends(payment.Rejected, string(tc.reason))
			require.Zero(t, w.channels[payment.WeChat].held())
		})
		t.Run(tc.name+", cancelled by the patient", func(t *testing.T) {
			w := mixedInTrouble(t, tc)
			w.at(tc.decided, workflows.UpdateCancel, payment.Cancellation{})
			w.ends(payment.Refunded, "cancelled")
			require.Zero(t, w.channels[payment.WeChat].held())
			require.Equal(t, "patient", w.books.cases[0].decision.Operator)
		})
	}
}

func TestARefundOfNothingClosesThePayment(t *testing.T) {
	for verdict, status := range map[payment.Verdict]payment.Status{payment.RefundAll: payment.Closed, payment.Reject: payment.Rejected} {
		w := newWorld(t, by(payment.ByInsurance))
		w.verified()
		w.saysAt(30*time.Second, payment.Insurance, 1, channel.Declined, "15")
		w.decidesAt(time.Hour, verdict, "")
		w.ends(status, string(payment.ReviewClearingFailed))
	}
}

func TestRetryClearingLooksBeforeItAsksAgain(t *testing.T) {
	insurance := func(w *world) *fakeChannel { return w.channels[payment.Insurance] }
	for _, tc := range []struct {
		name   string
		before func(*world) // right before the decision
		after  func(*world)
		asks   []string
	}{
		{"settled meanwhile: taken", func(w *world) { insurance(w).captures(1) }, func(*world) {}, []string{"insurance prepay ORDER0001A01"}},
		{"dead: a new attempt with a new number", func(w *world) { insurance(w).becomes(1, channel.Closed, "12") },
			func(w *world) { w.paysAt(5*time.Hour+time.Minute, payment.Insurance, 2) },
			[]string{"insurance prepay ORDER0001A01", "insurance prepay ORDER0001A02"}},
		{"still under way: waited for", func(*world) {},
			func(w *world) { w.paysAt(5*time.Hour+30*time.Second, payment.Insurance, 1) }, []string{"insurance prepay ORDER0001A01"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, by(payment.ByInsurance))
			w.verified()
			w.after(5*time.Hour-time.Second, func() { tc.before(w) })
			decided := w.decidesAt(5*time.Hour, payment.RetryClearing, "")
			var shown []any
			w.after(5*time.Hour+20*time.Second, func() { shown = append(shown, w.seen.attribute("PaymentStatus"), w.standing().Status) })
			tc.after(w)
			r := w.ends(payment.Completed, "")
			require.NotEmpty(t, r.Voucher)
			require.True(t, decided.done)
			require.Equal(t, tc.asks, w.asked("insurance prepay"))
			require.EqualValues(t, 5000, insurance(w).held())
			if len(shown) > 0 {
				require.Equal(t, []any{"clearing", payment.Clearing}, shown, "what is no case any more is not shown as one")
			}
		})
	}
}

func TestRetryClearingAsksForAPersonAgainWhenThePlatformStaysInDoubt(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.verified()
	w.after(40*time.Second, func() { w.channels[payment.Insurance].becomes(1, channel.Doubtful, "14") })
	w.decidesAt(time.Hour, payment.RetryClearing, "")
	w.after(2*time.Hour-time.Second, func() {
		w.channels[payment.Insurance].set(func() { w.channels[payment.Insurance].down["query"] = outage("insurance", "query") })
	})
	w.decidesAt(2*time.Hour, payment.RetryClearing, "")
	w.after(3*time.Hour-time.Second, func() {
		w.channels[payment.Insurance].set(func() { delete(w.channels[payment.Insurance].down, "query") })
		w.channels[payment.Insurance].captures(1)
	})
	w.decidesAt(3*time.Hour, payment.RetryClearing, "")
	w.ends(payment.Completed, "")
	require.Equal(t, []payment.Reason{payment.ReviewClearingUnknown, payment.ReviewClearingUnknown, payment.ReviewClearingOverdue}, w.books.reasons())
	require.Len(t, w.asked("insurance prepay"), 1)
}

func TestConfirmSettledPrefersThePlatformsOwnWord(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.verified()
	w.after(5*time.Hour-time.Second, func() { w.channels[payment.Insurance].captures(1) })
	missing := w.decidesAt(5*time.Hour-2*time.Second, payment.ConfirmSettled, " ")
	w.decidesAt(5*time.Hour, payment.ConfirmSettled, "SETL-77")
	w.ends(payment.Completed, "")
	require.Equal(t, payment.CodeReference, missing.problem(t))
	require.Equal(t, "tx-"+orderOne+"A01", w.books.attempts[1].captures[0].report.ChannelNo)
	require.Equal(t, "op-chen", w.books.attempts[1].captures[0].actor)
}

func TestConfirmSettledTakesAPersonsWordWhileThePlatformIsSilent(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	insurance := w.channels[payment.Insurance]
	w.verified()
	w.paysAt(10*time.Second, payment.WeChat, 1)
	insurance.down["query"] = outage("insurance", "query")
	w.backend.down = true
	w.decidesAt(5*time.Hour, payment.ConfirmSettled, "SETL-77")
	// The platform's own notice comes later, with the number that it uses.
	w.paysAt(6*time.Hour, payment.Insurance, 2)
	w.after(7*time.Hour, func() { w.backend.set(func() { w.backend.down = false }) })
	w.ends(payment.Completed, "")
	kept := w.books.attempts[2].captures
	require.Len(t, kept, 1, "the late notice is of the money that staff confirmed, and must not go back as a stray")
	require.Equal(t, "SETL-77", kept[0].report.ChannelNo)
	require.Equal(t, "op-chen", kept[0].actor)
	require.EqualValues(t, 3000, insurance.held())
}

func TestConfirmSettledOfAnotherSplitIsNotTakenForTheOrder(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.verified()
	insurance := w.channels[payment.Insurance]
	w.after(5*time.Hour-time.Second, func() {
		insurance.set(func() { insurance.capturesOf(insurance.charges[orderOne+"A01"], workflows.Fen(4000)) })
	})
	w.decidesAt(5*time.Hour, payment.ConfirmSettled, "SETL-77")
	w.decidesAt(6*time.Hour, payment.RefundAll, "")
	w.ends(payment.Refunded, string(payment.ReviewSplitMismatch))
	require.Zero(t, insurance.held())
}

func TestAnotherSplitWaitsForAPersonAndGoesBack(t *testing.T) {
	for verdict, status := range map[payment.Verdict]payment.Status{payment.RefundAll: payment.Refunded, payment.Reject: payment.Rejected} {
		w := newWorld(t, by(payment.ByMixed))
		insurance := w.channels[payment.Insurance]
		w.verified()
		w.paysAt(10*time.Second, payment.WeChat, 1)
		w.after(40*time.Second, func() {
			var r channel.Report
			insurance.set(func() { r = insurance.capturesOf(insurance.charges[orderOne+"A02"], workflows.Fen(2500)) })
			w.notify(r)
		})
		wrong := w.decidesAt(30*time.Minute, payment.ConfirmSettled, "SETL-1")
		w.decidesAt(time.Hour, verdict, "")
		w.ends(status, string(payment.ReviewSplitMismatch))
		require.Equal(t, payment.CodeDecision, wrong.problem(t))
		require.Zero(t, insurance.held())
		require.Zero(t, w.channels[payment.WeChat].held())
		require.Equal(t, []string{"insurance refund ORDER0001R01 25.00"}, w.asked("insurance refund"), "the last first")
		require.Equal(t, []string{"wechat refund ORDER0001R02 20.00"}, w.asked("wechat refund"))
	}
}

func TestASettlementThatIsToldWhileAPersonIsWaitedForCompletesThePayment(t *testing.T) {
	for _, tc := range troubles() {
		if tc.name == "refused at the upload" || tc.name == "never answered" {
			continue // the platform knows of nothing to settle
		}
		t.Run(tc.name, func(t *testing.T) {
			w := mixedInTrouble(t, tc)
			w.paysAt(tc.decided, payment.Insurance, 2)
			late := w.at(tc.decided+time.Minute, workflows.UpdateBegin)
			w.backend.down = true
			w.after(tc.decided+time.Hour, func() { w.backend.set(func() { w.backend.down = false }) })
			w.ends(payment.Completed, "")
			require.Equal(t, "channel", w.books.cases[0].decision.Operator)
			require.Equal(t, payment.Registered, late.answered(t).Status)
			require.EqualValues(t, 3000, w.channels[payment.Insurance].held())
		})
	}
}

func TestAPatientTurnsFromAnInsuranceInTroubleToAnotherMethod(t *testing.T) {
	for _, tc := range troubles() {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, by(payment.ByInsurance))
			w.verified()
			tc.harm(w, 1)
			changed := w.at(tc.decided, workflows.UpdateChangeMethod, choice(payment.ByWeChat))
			w.paysAt(tc.decided+11*time.Minute, payment.WeChat, 2)
			w.ends(payment.Completed, "")
			a := changed.answered(t)
			require.Equal(t, payment.AwaitingPayment, a.Status)
			require.GreaterOrEqual(t, a.PayBy.Sub(noon), tc.decided+payment.DefaultWindow, "what the insurance took is not the patient's time")
			require.Equal(t, a.PayBy, w.seen.attribute("PayDeadline"))
			require.Zero(t, w.channels[payment.Insurance].held())
			require.Equal(t, []payment.Verdict{payment.Reject}, w.books.decided())
		})
	}
}

func TestAnInsuranceThatCannotBeTakenBackIsWaitedForInstead(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.verified()
	w.channels[payment.Insurance].down["close"] = outage("insurance", "close")
	cancelled := w.at(5*time.Hour, workflows.UpdateCancel, payment.Cancellation{})
	var after workflows.Standing
	w.after(5*time.Hour+20*time.Minute, func() { after = w.standing() })
	w.paysAt(6*time.Hour, payment.Insurance, 1)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.CodeState, cancelled.problem(t))
	require.Less(t, cancelled.reply.at.Sub(noon), 5*time.Hour+11*time.Minute)
	require.Equal(t, payment.Clearing, after.Status, "a review without a case would be nobody's")
	require.Nil(t, after.Case)
}
