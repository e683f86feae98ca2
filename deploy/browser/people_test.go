package browser

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// twoDecide is a case of more money than one person decides about.
func (w *world) twoDecide(t *testing.T) held {
	t.Helper()
	h := w.refused(t, qingshan, costs(twoPeople+1))
	require.True(t, h.desk().SecondPerson)
	return h
}

func TestTwoPeopleDecideAboutMuchMoneyAndNobodyIsBoth(t *testing.T) {
	t.Parallel()
	w := place
	h := w.twoDecide(t)
	li, wang := w.desk(t, "li"), w.desk(t, "wang")
	const first = "telephone call at ten, number 7 of the day book"
	li.opens(h.page())
	require.Equal(t, http.StatusOK, li.decide(payment.RefundAll, first, ""))
	w.until(t, "the proposal is in the books", func() bool { return h.desk().Proposal != nil })
	require.Equal(t, payment.InReview, h.look().Status, "nothing follows from one person's word")

	li.opens(h.page())
	li.says(first)
	li.hasNot(confirmation)
	li.hasNot(choice(payment.RefundAll))
	a := li.post(h.page()+"/decide", map[string]string{"decision": "refund", "confirms": "yes", "checked": "yes", "note": "I am two"})
	require.Equal(t, http.StatusConflict, a.Status, "nor by hand")
	require.Nil(t, h.desk().Decision)

	wang.opens(h.page())
	wang.says(first)
	wang.says(li.who.Name)
	wang.has(confirmation)
	wang.click(confirmation + " [name=checked]")
	require.Equal(t, http.StatusOK, wang.press(confirmation+sender))
	h.ends(payment.Refunded)
	made := h.desk().Decision
	require.Equal(t, wang.who.Subject, made.Operator)
	require.NotEmpty(t, w.log(t, h.visit.id(), "decision_proposed"))
}

func TestADifferentDecisionReplacesTheProposalAndIsConfirmedByTheFirst(t *testing.T) {
	t.Parallel()
	w := place
	h := w.twoDecide(t)
	li, wang := w.desk(t, "li"), w.desk(t, "wang")
	li.opens(h.page())
	require.Equal(t, http.StatusOK, li.decide(payment.RefundAll, why, ""))
	w.until(t, "the proposal is in the books", func() bool { return h.desk().Proposal != nil })

	wang.opens(h.page())
	li.opens(h.page())
	require.Equal(t, http.StatusOK, wang.decide(payment.Reject, "it should never have been opened", ""))
	w.until(t, "the proposal is the other", func() bool { p := h.desk().Proposal; return p != nil && p.Verdict == payment.Reject })
	require.Nil(t, h.desk().Decision)

	li.opens(h.page())
	li.says("it should never have been opened")
	li.click(confirmation + " [name=checked]")
	require.Equal(t, http.StatusOK, li.press(confirmation+sender))
	h.ends(payment.Rejected)
}

func TestAProposalThatWasReplacedIsNotConfirmedUnread(t *testing.T) {
	t.Parallel()
	w := place
	h := w.twoDecide(t)
	li, wang, zhou := w.desk(t, "li"), w.desk(t, "wang"), w.newcomersDesk(t)
	li.opens(h.page())
	require.Equal(t, http.StatusOK, li.decide(payment.RefundAll, why, ""))
	w.until(t, "the proposal is in the books", func() bool { return h.desk().Proposal != nil })
	wang.opens(h.page())
	wang.click(confirmation + " [name=checked]")

	zhou.opens(h.page())
	require.Equal(t, http.StatusOK, zhou.decide(payment.Reject, why, ""))
	w.until(t, "the proposal is the other", func() bool { p := h.desk().Proposal; return p != nil && p.Verdict == payment.Reject })
	require.Equal(t, http.StatusConflict, wang.press(confirmation+sender))
	wang.has(`main [role=alert]`)
	require.Nil(t, h.desk().Decision)
	require.Equal(t, payment.Reject, h.desk().Proposal.Verdict)
}

func TestAProposalThatWasMadeMeanwhileIsNotConfirmedUnread(t *testing.T) {
	t.Parallel()
	w := place
	h := w.twoDecide(t)
	li, wang := w.desk(t, "li"), w.desk(t, "wang")
	li.opens(h.page()) // where nobody has proposed anything
	const first = "telephone call at eleven, number 9 of the day book"
	wang.proposes(h, payment.RefundAll, first)

	require.Equal(t, http.StatusConflict, li.decide(payment.RefundAll, why, ""), "the same decision is no confirmation")
	li.has(`main [role=alert]`)
	require.Nil(t, h.desk().Decision)
	require.Equal(t, wang.who.Subject, h.desk().Proposal.Operator)
	require.Equal(t, payment.InReview, h.look().Status)
	require.Len(t, w.log(t, h.visit.id(), "decision_asked"), 1, "what was refused was not asked")

	li.says(first)
	li.hasNot(choice(payment.RefundAll))
	li.click(confirmation + " [name=checked]")
	require.Equal(t, http.StatusOK, li.press(confirmation+sender))
	h.ends(payment.Refunded)
	require.Equal(t, li.who.Subject, h.desk().Decision.Operator)
}

func TestACancellationIsNoWayAroundTheSecondPerson(t *testing.T) {
	t.Parallel()
	w := place
	h, one := w.twoDecide(t), w.refused(t, qingshan)
	const cancel = `form[action$="/cancel"]`
	li := w.desk(t, "li")
	li.opens("/payments/" + one.visit.id())
	li.has(cancel)
	li.opens("/payments/" + h.visit.id())
	li.hasNot(cancel)
	li.has(`a[href$="` + h.page() + `"]`)
	a := li.post("/payments/"+h.visit.id()+"/cancel", map[string]string{"reason": "I alone want it back"})
	require.Equal(t, http.StatusConflict, a.Status)
	require.Equal(t, payment.InReview, h.look().Status)
	require.Zero(t, h.look().RefundedFen)
	require.Nil(t, h.desk().Decision)
	require.Empty(t, w.log(t, h.visit.id(), "cancel_asked"))
}

// TestTheAPIDoesNotSpeakForPeopleOfTheConsole tries it with a key that may
// decide.
func TestTheAPIDoesNotSpeakForPeopleOfTheConsole(t *testing.T) {
	t.Parallel()
	w := place
	h := w.twoDecide(t)
	li := w.desk(t, "li")
	li.proposes(h, payment.RefundAll, why)
	for _, operator := range []string{"local:wang", " LOCAL:wang", "oidc:wang"} {
		_, err := w.in.Staff.Decide(t.Context(), h.visit.id(), wire.Decision{CaseID: h.id, Decision: payment.RefundAll, Operator: operator, Note: why})
		require.Error(t, err, operator)
	}
	require.Nil(t, h.desk().Decision)
	require.Equal(t, payment.InReview, h.look().Status)
}

func TestWhoIsSecondIsToldWhoWasFirstAndWhatTheyDecided(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	li, wang := w.desk(t, "li"), w.desk(t, "wang")
	li.opens(h.page())
	wang.opens(h.page())
	verdict := li.text(choice(payment.Reject) + " .choice-name")
	wang.consider(payment.RefundAll, why, "")
	require.Equal(t, http.StatusOK, li.decide(payment.Reject, why, ""))
	h.ends(payment.Rejected)

	require.Equal(t, http.StatusConflict, wang.press(choice(payment.RefundAll)+sender))
	told := wang.text(`main [role=alert]`)
	require.Contains(t, told, li.who.Name)
	require.Contains(t, told, verdict)
	require.Equal(t, li.who.Subject, h.desk().Decision.Operator)
	require.Equal(t, payment.Reject, h.desk().Decision.Verdict)
	wang.hasNot(choice(payment.RefundAll))
}

func TestTheSameFormTwiceIsOneDecision(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	li := w.desk(t, "li")
	li.opens(h.page())
	li.consider(payment.RefundAll, why, "")
	// Two tabs of one person: the same form is sent from both.
	again := map[string]string{"decision": "refund", "note": why}
	require.Equal(t, http.StatusOK, li.press(choice(payment.RefundAll)+sender))
	h.ends(payment.Refunded)
	a := li.post(h.page()+"/decide", again)
	require.Equal(t, http.StatusOK, a.Status, "one's own decision is no defeat")
	require.Len(t, w.log(t, h.visit.id(), "case_decided"), 1)
}
