package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
	"github.com/regpay/regpay/workflows"
)

func TestAPaymentThatTheRiskRulesRefuseIsRejectedAtOnce(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.books.assessed = risk.Assessment{Verdict: risk.Refuse, Rule: "block_list"}
	begun := w.begins()
	w.ends(payment.Rejected, "block_list")
	a := begun.answered(t)
	require.Equal(t, payment.Rejected, a.Status)
	require.Equal(t, "block_list", a.Reason)
	require.Empty(t, w.asked("wechat"))
	require.Equal(t, []string{"payment.rejected"}, w.backend.heard())
}

func TestTheStartIsAnsweredAlsoWhenTheBackendCannotBeTold(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.books.assessed = risk.Assessment{Verdict: risk.Refuse, Rule: "velocity"}
	w.backend.down = true
	begun := w.begins()
	late := w.at(time.Hour, workflows.UpdateCancel, payment.Cancellation{})
	w.ends(payment.Rejected, "velocity")
	require.Equal(t, payment.Rejected, begun.answered(t).Status)
	require.Less(t, begun.reply.at.Sub(noon), time.Minute)
	require.Equal(t, payment.CodeState, late.problem(t), "what is rejected cannot be cancelled")
	require.Less(t, late.reply.at.Sub(noon), 61*time.Minute)
}

func reviewed(t *testing.T) *world {
	w := newWorld(t, by(payment.ByWeChat))
	w.books.assessed = risk.Assessment{Verdict: risk.Review, Rule: "amount"}
	return w
}

func TestAPersonApprovesWhatTheRiskRulesFound(t *testing.T) {
	w := reviewed(t)
	begun := w.begins()
	w.after(2*time.Hour, func() {
		s := w.standing()
		require.Equal(t, payment.InReview, s.Status)
		require.Equal(t, payment.ReviewRisk, s.Case.Reason)
		require.Equal(t, []payment.Verdict{payment.Approve, payment.Reject}, s.Case.Allowed)
		require.Equal(t, noon.Add(payment.ReviewWindow), s.Case.Deadline)
		require.Equal(t, string(payment.ReviewRisk), w.seen.attribute("ReviewReason"))
		require.Equal(t, string(payment.InReview), w.seen.attribute("PaymentStatus"))
		require.Contains(t, w.seen.details(w), s.Case.ID)
	})
	decided := w.decidesAt(3*time.Hour, payment.Approve, "")
	w.paysAt(3*time.Hour+10*time.Minute, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.InReview, begun.answered(t).Status)
	a := decided.answered(t)
	require.Equal(t, payment.AwaitingPayment, a.Status)
	require.Equal(t, noon.Add(3*time.Hour+payment.DefaultWindow), a.PayBy, "the time to pay starts when the person has looked")
	require.Equal(t, noon.Add(3*time.Hour+payment.DefaultWindow), w.seen.attribute("PayDeadline"))
	require.Nil(t, w.seen.attribute("ReviewReason"))
}

func TestAPersonRejectsWhatTheRiskRulesFound(t *testing.T) {
	w := reviewed(t)
	decided := w.decidesAt(time.Hour, payment.Reject, "")
	w.ends(payment.Rejected, "risk_amount")
	require.Equal(t, payment.Rejected, decided.answered(t).Status)
	require.Equal(t, []payment.Verdict{payment.Reject}, w.books.decided())
	require.Empty(t, w.asked("wechat"))
}

func TestAPatientCancelsWhileThePersonStillLooks(t *testing.T) {
	w := reviewed(t)
	changed := w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	cancelled := w.at(time.Hour, workflows.UpdateCancel, payment.Cancellation{})
	w.ends(payment.Closed, "cancelled")
	require.Equal(t, payment.CodeState, changed.problem(t))
	require.Equal(t, payment.Closed, cancelled.answered(t).Status)
	require.Equal(t, []payment.Verdict{payment.Reject}, w.books.decided(), "the case does not stay open")
}

func TestAChangeOfMethodDoesNotSpareAPaymentThePersonsLook(t *testing.T) {
	for _, slow := range []string{"OpenPayment", "OpenCase"} {
		w := reviewed(t)
		// The change comes while the payment is still being opened.
		w.books.trouble[slow] = []error{outage("books", slow), outage("books", slow), outage("books", slow)}
		changed := w.at(time.Second, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
		var status payment.Status
		w.after(time.Minute, func() { status = w.standing().Status })
		w.decidesAt(time.Hour, payment.Reject, "")
		w.ends(payment.Rejected, "risk_amount")
		require.Equal(t, payment.InReview, status, slow)
		require.Equal(t, payment.InReview, changed.answered(t).Status, slow)
		require.Empty(t, w.asked("wechat"))
		require.Empty(t, w.asked("unionpay"))
	}
}

func TestADecisionThatCannotBeTakenIsRefusedAtOnce(t *testing.T) {
	w := reviewed(t)
	caseID := w.id() + "-C1"
	good := payment.Decision{CaseID: caseID, Verdict: payment.Approve, Operator: "op-chen"}
	with := func(change func(*payment.Decision)) payment.Decision {
		d := good
		change(&d)
		return d
	}
	refused := map[string]*later{
		payment.CodeCaseUnknown: w.at(time.Minute, workflows.UpdateDecideReview, with(func(d *payment.Decision) { d.CaseID = "other" })),
		payment.CodeDecision:    w.at(2*time.Minute, workflows.UpdateDecideReview, with(func(d *payment.Decision) { d.Verdict = payment.RetryClearing })),
		payment.CodeOperator:    w.at(3*time.Minute, workflows.UpdateDecideReview, with(func(d *payment.Decision) { d.Operator = "  " })),
	}
	first := w.at(10*time.Minute, workflows.UpdateDecideReview, good)
	second := w.at(10*time.Minute, workflows.UpdateDecideReview, with(func(d *payment.Decision) { d.Verdict = payment.Reject }))
	late := w.at(11*time.Minute, workflows.UpdateDecideReview, good)
	w.paysAt(12*time.Minute, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	for code, l := range refused {
		require.Equal(t, code, l.problem(t))
		require.False(t, l.accepted, "refused by the validator, so nothing of it is in the history")
	}
	require.Equal(t, payment.AwaitingPayment, first.answered(t).Status)
	require.Equal(t, payment.CodeCaseClosed, second.problem(t), "a case is decided once")
	require.Equal(t, payment.CodeCaseClosed, late.problem(t))
}

func TestADecisionThatComesWithThePatientsCancellationIsNotLost(t *testing.T) {
	w := reviewed(t)
	w.books.trouble["DecideCase"] = []error{outage("books", "decide"), outage("books", "decide")}
	cancelled := w.at(time.Minute, workflows.UpdateCancel, payment.Cancellation{})
	decided := w.at(time.Minute+time.Second, workflows.UpdateDecideReview,
		payment.Decision{CaseID: w.id() + "-C1", Verdict: payment.Approve, Operator: "op-chen"})
	w.ends(payment.Closed, "cancelled")
	require.Equal(t, payment.Closed, cancelled.answered(t).Status)
	require.Equal(t, payment.CodeCaseClosed, decided.problem(t), "the case was over when the person decided")
}

func TestASignalDecidesAsTheUpdateDoes(t *testing.T) {
	w := reviewed(t)
	say := func(d time.Duration, v any) {
		w.after(d, func() { w.env.SignalWorkflow(workflows.SignalManualReview, v) })
	}
	say(time.Minute, payment.Decision{CaseID: "other", Verdict: payment.Approve, Operator: "op-chen"})
	say(2*time.Minute, "approve, please")
	say(3*time.Minute, map[string]string{"case_id": w.id() + "-C1", "decision": "approve"})
	say(4*time.Minute, map[string]string{"case_id": w.id() + "-C1", "decision": "approve", "operator": "op-chen", "note": "known patient"})
	w.paysAt(5*time.Minute, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	refused := 0
	for _, what := range w.timeline() {
		if what == "decision refused" {
			refused++
		}
	}
	require.Equal(t, 2, refused, "a refused decision is told in the timeline, a signal that is no decision is dropped")
	require.Equal(t, []payment.Verdict{payment.Approve}, w.books.decided())
	require.Equal(t, "op-chen", w.books.cases[0].decision.Operator)
}

func TestAnOrderThatTheBooksRefuseCanBeStartedAgain(t *testing.T) {
	w := newWorld(t, by(payment.ByUnionPay))
	w.channels[payment.UnionPay].withdrawn.Store(true)
	begun := w.begins()
	_, err := w.pay()
	require.Error(t, err, "the workflow fails, which is what lets its id be used again")
	p, ok := activities.AsProblem(err)
	require.True(t, ok)
	require.Equal(t, payment.CodeChannel, p.Code)
	require.Equal(t, payment.CodeChannel, begun.problem(t))
	require.Nil(t, w.books.opened)
	require.Empty(t, w.backend.heard())
}

func TestARepeatedStartGetsTheAnswerOfTheMoment(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	first, second := w.begins(), w.at(time.Minute, workflows.UpdateBegin)
	w.paysAt(2*time.Minute, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	require.Equal(t, first.answered(t), second.answered(t))
	require.Len(t, w.asked("wechat prepay"), 1)
}
