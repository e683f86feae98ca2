package console

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

const (
	casePage   = "/console/cases/" + someCase
	decidePath = casePage + "/decide"
)

// send posts a form with the session's token.
func (b *browser) send(path string, pairs ...string) answer {
	b.s.t.Helper()
	form := url.Values{"csrf": {b.csrf()}}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.post(path, form)
}

func TestADecisionIsGivenInTheNameOfWhoIsSignedIn(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("li")
	res := b.send(decidePath, "decision", "refund", "note", "患者不要号了", "operator", "local:boss", "handed_by", "")
	require.Equal(t, http.StatusSeeOther, res.StatusCode, res.body)
	require.Equal(t, casePage, res.to())
	require.Equal(t, []payment.Decision{{CaseID: someCase, Verdict: payment.RefundAll, Operator: "local:li", Note: "患者不要号了"}}, d.engine.decided)
	require.Contains(t, b.get(casePage).body, "The decision was taken: Return all money.")
}

func TestADecisionThatLacksWhatItNeedsComesBackWithWhatWasWritten(t *testing.T) {
	for name, c := range map[string]struct {
		form  []string
		wrong string
	}{
		"no settlement number": {[]string{"decision", "confirm_settled", "note", "seen on the platform"}, "The settlement or receipt number is missing."},
		"no receipt number":    {[]string{"decision", "refund_offline", "note", "seen on the platform"}, "The settlement or receipt number is missing."},
		"no reason":            {[]string{"decision", "reject", "note", "  "}, "Give a reason of at least four characters."},
		"a very long number":   {[]string{"decision", "confirm_settled", "note", "seen on the platform", "reference", longText(65)}, "This is too long."},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			res := d.signedIn("li").send(decidePath, c.form...)
			require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode)
			require.Contains(t, res.body, c.wrong)
			require.Contains(t, res.body, `id="d-`+c.form[1]+`" open`)
			require.Empty(t, d.engine.decided)
		})
	}
}

func longText(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	return string(b)
}

func TestWhatWasRefusedIsSaidInWords(t *testing.T) {
	problem := func(code string) error { return payment.Problems{{Code: code, Text: "text of the engine"}} }
	for name, c := range map[string]struct {
		err    error
		status int
		says   string
	}{
		"the platform contradicts": {problem(payment.CodeContradicted), http.StatusConflict, "own answer differs"},
		"returned meanwhile":       {problem(payment.CodeState), http.StatusConflict, "The channel has returned this money already"},
		"not this decision":        {problem(payment.CodeDecision), http.StatusConflict, "This decision cannot be made now"},
		"a second person":          {problem(payment.CodeSecondPerson), http.StatusConflict, "Nobody confirms their own proposal"},
		"another rule":             {problem("a_new_rule"), http.StatusConflict, "nothing was changed"},
		"no answer":                {context.DeadlineExceeded, http.StatusServiceUnavailable, "it is not known whether the decision was taken"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.engine.err = c.err
			res := d.signedIn("li").send(decidePath, "decision", "confirm_settled", "reference", "S1", "note", "seen there")
			require.Equal(t, c.status, res.StatusCode)
			require.Contains(t, res.body, c.says)
			require.NotContains(t, res.body, "text of the engine")
		})
	}
}

// decideFirst lets somebody else decide before the engine answers.
func (d *desk) decideFirst(by string, v payment.Verdict) {
	c := &d.books.file.Case
	c.State, c.DecidedAt = store.CaseDecided, d.clock.now()
	c.Decision = &payment.Decision{CaseID: c.ID, Verdict: v, Operator: by}
	d.books.file.Payment.Case, d.books.file.Payment.Status = nil, payment.Refunding
}

func TestADecisionThatLostARaceSaysWhoWasFirst(t *testing.T) {
	d := newDesk(t)
	d.engine.err = payment.Problem{Code: payment.CodeCaseClosed}
	d.engine.before = func() { d.decideFirst("local:wang", payment.RefundAll) }
	res := d.signedIn("li").send(decidePath, "decision", "retry_clearing")
	require.Equal(t, http.StatusConflict, res.StatusCode)
	require.Contains(t, res.body, "王芳 decided before you: Return all money.")
	require.Contains(t, res.body, "Nothing changed.")
	require.NotContains(t, res.body, `name="decision"`, "there is nothing left to decide")
}

func TestACaseThatIsDecidedAsksTheEngineNoMore(t *testing.T) {
	d := newDesk(t)
	d.decideFirst("local:wang", payment.RefundAll)
	b := d.signedIn("li")
	require.Contains(t, b.send(decidePath, "decision", "retry_clearing").body, "王芳 decided before you")
	require.Empty(t, d.engine.decided)

	d.decideFirst("local:li", payment.RetryClearing)
	res := b.send(decidePath, "decision", "retry_clearing")
	require.Equal(t, http.StatusSeeOther, res.StatusCode, "one's own decision, sent twice, is no defeat")
}

func (d *desk) propose(by string) {
	c := &d.books.file.Case
	c.SecondPerson = true
	c.Proposal = &payment.Decision{CaseID: c.ID, Verdict: payment.ConfirmSettled, Operator: by, Reference: "SETL-7", Note: "看到回单"}
}

func TestFourEyes(t *testing.T) {
	confirm := []string{"decision", "confirm_settled", "reference", "SETL-7", "confirms", "yes", "checked", "yes"}

	t.Run("the first decision is a proposal", func(t *testing.T) {
		d := newDesk(t)
		d.books.file.Case.SecondPerson = true
		b := d.signedIn("li")
		require.Contains(t, b.get(casePage).body, "Above this amount two people decide")
		require.Equal(t, http.StatusSeeOther, b.send(decidePath, "decision", "retry_clearing").StatusCode)
		require.Contains(t, b.get(casePage).body, "The proposal is recorded")
	})
	t.Run("who proposed it waits and has no form", func(t *testing.T) {
		d := newDesk(t)
		d.propose("local:li")
		b := d.signedIn("li")
		page := b.get(casePage).body
		require.Contains(t, page, "You proposed this; it waits for a colleague")
		require.NotContains(t, page, `name="decision"`)
		res := b.send(decidePath, confirm...)
		require.Equal(t, http.StatusConflict, res.StatusCode)
		require.Empty(t, d.engine.decided)
	})
	t.Run("a colleague sees the reason and confirms", func(t *testing.T) {
		d := newDesk(t)
		d.propose("local:wang")
		b := d.signedIn("li")
		page := b.get(casePage).body
		for _, text := range []string{"王芳 proposes this", "SETL-7", "看到回单", "Confirm and carry out"} {
			require.Contains(t, page, text)
		}
		require.Equal(t, http.StatusSeeOther, b.send(decidePath, confirm...).StatusCode)
		require.Len(t, d.engine.decided, 1)
		require.Equal(t, "local:li", d.engine.decided[0].Operator)
		require.Contains(t, b.get(casePage).body, "The decision was taken")
	})
	t.Run("nobody confirms without having checked", func(t *testing.T) {
		d := newDesk(t)
		d.propose("local:wang")
		res := d.signedIn("li").send(decidePath, confirm[:6]...)
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode)
		require.Contains(t, res.body, "Check it yourself first")
		require.Empty(t, d.engine.decided)
	})
	t.Run("what was meant as a proposal confirms nobody's", func(t *testing.T) {
		d := newDesk(t)
		d.propose("local:wang")
		prop := d.books.file.Case.Proposal
		prop.Verdict, prop.Reference = payment.RefundAll, "" // while the page of li still offers it
		res := d.signedIn("li").send(decidePath, "decision", "refund", "note", "患者不要号了")
		require.Equal(t, http.StatusConflict, res.StatusCode)
		require.Contains(t, res.body, "The proposal has just changed")
		require.Contains(t, res.body, "看到回单", "whose reason can be read now")
		require.NotContains(t, res.body, `id="d-refund"`, "it is confirmed and not decided otherwise")
		require.Contains(t, res.body, `id="d-refund_offline"`)
		require.Empty(t, d.engine.decided)
		require.Empty(t, d.books.asked)
	})
	t.Run("another reference is another decision", func(t *testing.T) {
		d := newDesk(t)
		d.propose("local:wang")
		b := d.signedIn("li")
		require.Contains(t, b.get(casePage).body, `id="d-confirm_settled"`)
		require.Equal(t, http.StatusSeeOther, b.send(decidePath, "decision", "confirm_settled", "reference", "SETL-9", "note", "seen there").StatusCode)
		require.Contains(t, b.get(casePage).body, "The proposal is recorded")
	})
	t.Run("what came of it is what the books say then", func(t *testing.T) {
		d := newDesk(t)
		d.books.file.Case.SecondPerson = true
		d.engine.before = func() { d.decideFirst("local:li", payment.RetryClearing) } // a proposal of the same came in between
		b := d.signedIn("li")
		require.Equal(t, http.StatusSeeOther, b.send(decidePath, "decision", "retry_clearing").StatusCode)
		require.Contains(t, b.get(casePage).body, "The decision was taken")

		d = newDesk(t)
		d.propose("local:wang")
		d.engine.before = func() { d.propose("local:li") } // wang's was replaced, and this is one again
		b = d.signedIn("li")
		require.Equal(t, http.StatusSeeOther, b.send(decidePath, confirm...).StatusCode)
		require.Contains(t, b.get(casePage).body, "The proposal is recorded")
	})
	t.Run("a proposal that has changed is not confirmed unread", func(t *testing.T) {
		d := newDesk(t)
		d.propose("local:wang")
		d.books.file.Case.Proposal.Reference = "SETL-8"
		res := d.signedIn("li").send(decidePath, confirm...)
		require.Equal(t, http.StatusConflict, res.StatusCode)
		require.Contains(t, res.body, "The proposal has just changed")
		require.Empty(t, d.engine.decided)
	})
}

func TestDecidingWhatSomebodyElseHoldsAsksFirst(t *testing.T) {
	d := newDesk(t)
	d.books.file.Case.Claim = &store.Claim{By: "local:wang", Name: "王芳", Until: d.clock.now().Add(time.Minute)}
	b := d.signedIn("li")
	require.Contains(t, b.get(casePage).body, "王芳 has it until")
	res := b.send(decidePath, "decision", "retry_clearing")
	require.Equal(t, http.StatusConflict, res.StatusCode)
	require.Contains(t, res.body, "A colleague is working on it.")
	require.Empty(t, d.engine.decided)
	require.Equal(t, http.StatusSeeOther, b.send(decidePath, "decision", "retry_clearing", "anyway", "yes").StatusCode)
	require.Len(t, d.engine.decided, 1)
}

func TestWhoMayNotDecideIsShownNoDecisionAndRefused(t *testing.T) {
	for _, login := range []string{"qian", "sun"} {
		d := newDesk(t)
		b := d.signedIn(login)
		page := b.get(casePage)
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.NotContains(t, page.body, `name="decision"`)
		require.Equal(t, http.StatusForbidden, b.send(decidePath, "decision", "retry_clearing").StatusCode)
		require.Empty(t, d.engine.decided)
	}
}

func TestACaseOfAnotherHospitalDoesNotExist(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("zhou")
	require.Equal(t, http.StatusNotFound, b.get(casePage).StatusCode)
	require.Equal(t, http.StatusNotFound, b.get("/console/payments/"+somePayment).StatusCode)
	for _, path := range []string{decidePath, casePage + "/claim", casePage + "/release", "/console/payments/" + somePayment + "/reveal",
		"/console/payments/" + somePayment + "/cancel"} {
		require.Equal(t, http.StatusNotFound, b.send(path, "decision", "retry_clearing", "reason", "long enough").StatusCode, path)
	}
	require.Empty(t, d.engine.decided)
	require.Empty(t, d.books.reveals)
	require.Empty(t, d.books.views)
}

func TestOnlyTheDecisionsThatMakeSenseNowAreOffered(t *testing.T) {
	d := newDesk(t)
	d.books.file.Case.Allowed = payment.ReviewClearingFailed.AllowedIn(payment.Situation{MoneyIn: true, Dead: true, Exhausted: true})
	page := d.signedIn("li").get(casePage).body
	for _, v := range payment.ReviewClearingFailed.Allowed() {
		offered := v == payment.RefundAll || v == payment.RefundOffline || v == payment.Reject
		if offered {
			require.Contains(t, page, `id="d-`+string(v)+`"`)
		} else {
			require.NotContains(t, page, `id="d-`+string(v)+`"`)
		}
	}
	require.Contains(t, page, "¥20.00 goes back to the patient by WeChat Pay")
}

func TestADecisionSaysWhichMoneyItMoves(t *testing.T) {
	p := &page{lang: English, person: staff.Person{}}
	file := aFile()
	require.Equal(t, []string{"¥30.00 is asked of the insurance again"}, effectOf(p, file, payment.RetryClearing))
	require.Equal(t, []string{"¥30.00 is then paid by the patient"}, effectOf(p, file, payment.ConvertToSelfPay))
	require.Equal(t, []string{"¥20.00 was handed to the patient on site (and is not returned by the channel)"}, effectOf(p, file, payment.RefundOffline))
	file.Case.ID, file.Case.Reason = somePayment+"-R01-C1", payment.ReviewRefundFailed
	require.Equal(t, []string{"¥1.00 goes back to the patient by WeChat Pay"}, effectOf(p, file, payment.RetryRefund))
	require.Equal(t, []string{"¥1.00 was handed to the patient on site (and is not returned by the channel)"}, effectOf(p, file, payment.RefundOffline))
	file.Attempts = nil
	require.Equal(t, []string{"No money has to go back"}, effectOf(p, file, payment.Reject))
}
