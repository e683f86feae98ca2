package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// desk is where a case waits for a person, one at a time. A payment has one,
// and so has every refund.
type desk struct {
	paymentID  string
	hospitalID string
	amount     money.Money // what is decided about
	renew      func(ctx workflow.Context)
	refused    func(ctx workflow.Context, why string) // a signal, which cannot be answered

	open *payment.Case
	word *word            // taken, not yet dealt with
	last payment.Decision // the last one that stands
}

// word is what a person said, until it is dealt with.
type word struct {
	payment.Decision
	done bool
	err  error
}

func (w *word) end(err error) { w.done, w.err = true, err }

// question is a case with what the workflow knows of its end.
type question struct {
	payment.Case
	next payment.Status // of the payment with it; empty leaves it alone
	// check finds what else stands against a decision; nil is nothing.
	check func(workflow.Context, payment.Decision) error
	// over returns a decision of nobody's once nobody needs to decide any more.
	over func() *payment.Decision
}

// ask opens a case and waits for its decision, which is on record before
// anything follows from it. A case that nobody decides in time escalates, once
// a day.
func (k *desk) ask(ctx workflow.Context, q question) payment.Decision {
	c := &q.Case
	c.OpenedAt = workflow.Now(ctx)
	c.Deadline = c.OpenedAt.Add(payment.ReviewWindow)
	c.Workflow = workflow.GetInfo(ctx).WorkflowExecution.ID
	out, err := do(ctx, books, "Open a review case: "+string(c.Reason), stepBooks.OpenCase, activities.CaseIn{
		PaymentID: k.paymentID, HospitalID: k.hospitalID, Amount: k.amount, Case: *c, Next: q.next, At: c.OpenedAt,
	})
	mustBooks(err)
	c.SecondPerson = out.SecondPerson
	k.open, k.word = c, nil
	show(ctx, ReviewReason.ValueSet(string(c.Reason)))
	k.renew(ctx)
	for {
		k.wait(ctx, q)
		if d := q.over(); k.word == nil && d != nil {
			k.word = &word{Decision: *d} // whoever decides from now on is too late
		}
		if k.word == nil {
			k.escalate(ctx)
			continue
		}
		if k.weigh(ctx, q) {
			return k.last
		}
		k.renew(ctx)
	}
}

// wait ends when somebody decided, nobody needs to any more, or it is overdue.
func (k *desk) wait(ctx workflow.Context, q question) {
	due := k.open.Deadline.Add(time.Duration(k.open.Escalations) * payment.ReviewWindow)
	// Fails only when ctx is cancelled, and nothing cancels it.
	_, _ = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      max(due.Sub(workflow.Now(ctx)), time.Second),
		TimerOptions: workflow.TimerOptions{Summary: "A person decides " + k.open.ID},
	}, func() bool { return k.word != nil || q.over() != nil })
}

// escalate makes an overdue case stand out: in the books, where the staff's
// list and the alerts find it, and among the search attributes.
func (k *desk) escalate(ctx workflow.Context) {
	k.open.Escalations++
	_, err := do(ctx, books, "Record that the case is overdue", stepBooks.Escalate, activities.EscalateIn{
		PaymentID: k.paymentID, CaseID: k.open.ID, N: k.open.Escalations, At: workflow.Now(ctx),
	})
	mustBooks(err)
	if k.open.Escalations == 1 {
		show(ctx, Attention.ValueSet(AttentionOverdue))
	}
	k.renew(ctx)
}

// weigh deals with what was said, and says whether it decides the case. The
// first of two people only proposes.
func (k *desk) weigh(ctx workflow.Context, q question) bool {
	w := k.word
	byPerson := !payment.ByNobody(w.Operator)
	if byPerson && q.check != nil {
		if err := q.check(ctx, w.Decision); err != nil {
			return k.drop(err)
		}
	}
	if byPerson && k.open.SecondPerson && !k.open.Confirms(w.Decision) {
		_, err := do(ctx, books, "Record the first person's decision "+string(w.Verdict), stepBooks.Propose,
			activities.DecideIn{PaymentID: k.paymentID, Decision: w.Decision, At: workflow.Now(ctx)})
		if !caseClosed(err) { // a workflow task that was lost had come further: the books' decision stands
			mustBooks(err)
			k.open.Proposal = &w.Decision
			return k.drop(nil)
		}
	}
	out, err := do(ctx, books, "Record the decision "+string(w.Verdict), stepBooks.Decide,
		activities.DecideIn{PaymentID: k.paymentID, Decision: w.Decision, At: workflow.Now(ctx)})
	mustBooks(err)
	k.last = out.Decision
	if k.last.Verdict != w.Verdict || k.last.Operator != w.Operator {
		err = temporalProblem(payment.Problem{Code: payment.CodeCaseClosed, Field: "case_id", Text: "the case was decided before"})
	}
	w.end(err)
	changes := []temporal.SearchAttributeUpdate{ReviewReason.ValueUnset()}
	if k.open.Escalations > 0 {
		changes = append(changes, Attention.ValueUnset())
	}
	show(ctx, changes...)
	k.open, k.word = nil, nil
	return true
}

// drop ends what was said without a decision; the case stays open.
func (k *desk) drop(err error) bool {
	k.word.end(err)
	k.word = nil
	return false
}

func caseClosed(err error) bool {
	problem, ok := activities.AsProblem(err)
	return ok && problem.Code == payment.CodeCaseClosed
}

// can answers staff at once: a wrong, late or repeated decision is refused
// with the reason.
func (k *desk) can(d payment.Decision) error {
	open := k.open
	if k.word != nil {
		open = nil
	}
	if err := d.CheckPerson(open); err != nil {
		return temporalProblem(err)
	}
	return nil
}

// decide takes a decision and returns when it is dealt with. One that lost to
// an earlier decision is refused after all.
func (k *desk) decide(ctx workflow.Context, d payment.Decision) error {
	w := &word{Decision: d}
	k.word = w
	if err := workflow.Await(ctx, func() bool { return w.done }); err != nil {
		return err
	}
	return w.err
}

// signalled takes the same decision as a signal, which cannot be answered: a
// refusal is told instead.
func (k *desk) signalled(ctx workflow.Context, d payment.Decision) {
	err := k.can(d)
	if err == nil {
		err = k.decide(ctx, d)
	}
	if err != nil {
		k.refused(ctx, err.Error())
	}
}

// describes a case in Markdown, with what an operator needs to decide it.
func describe(c *payment.Case) string {
	text := fmt.Sprintf("Case `%s` (%s, %s), to be decided by %s. Signal `%s` with `{\"case_id\":\"%s\",\"decision\":\"%s\",\"operator\":\"…\",\"note\":\"…\"}`.\nDecisions: %s",
		c.ID, c.Reason, c.Detail, c.Deadline.UTC().Format(time.RFC3339), SignalManualReview, c.ID, c.Allowed[0], words(c.Allowed))
	if c.SecondPerson {
		text += "\n\nTwo people decide."
	}
	if p := c.Proposal; p != nil {
		text += fmt.Sprintf(" `%s` was proposed by %s; another person confirms it with the same decision.", p.Verdict, p.Operator)
	}
	if c.Escalations > 0 {
		text += fmt.Sprintf("\n\n**Overdue** (%d)", c.Escalations)
	}
	return text
}

func words(vs []payment.Verdict) string {
	s := make([]string, len(vs))
	for i, v := range vs {
		s[i] = "`" + string(v) + "`"
	}
	return strings.Join(s, ", ")
}

// interrupted is the verdict of a case that the patient's own wish ended.
const interrupted payment.Verdict = ""

// review asks a person about the payment, which waits. The patient may wish
// otherwise meanwhile, and what is asked about may settle by itself.
func (p *registration) review(ctx workflow.Context, reason payment.Reason, detail string, c *attempt) payment.Verdict {
	situation := payment.Situation{MoneyIn: len(p.taken) > 0, Exhausted: p.attempt >= payment.MaxAttempts}
	q := question{Case: payment.Case{ID: p.nextCase(), Reason: reason, Detail: detail}, next: payment.InReview}
	if c != nil {
		q.Attempt, situation.Dead = c.n, c.dead
		q.check = func(ctx workflow.Context, d payment.Decision) error { return p.contradicted(ctx, c, d) }
	}
	q.Allowed = reason.AllowedIn(situation)
	q.over = func() *payment.Decision {
		switch {
		case p.inbox.wish != nil:
			return &payment.Decision{CaseID: q.ID, Verdict: payment.Reject, Operator: payment.ByPatient, Note: "withdrawn by the patient"}
		case c != nil && c.captured() && p.current == c:
			return &payment.Decision{CaseID: q.ID, Verdict: payment.RetryClearing, Operator: payment.ByChannel, Note: "settled meanwhile, as a notification tells"}
		}
		return nil
	}
	p.status, p.reason, p.waiting = payment.InReview, string(reason), true
	p.tells(ctx, "waits for a person", string(reason))
	p.exhibit(ctx)
	d := p.desk.ask(ctx, q)
	p.waiting = false
	p.tells(ctx, "decided: "+string(d.Verdict), d.Operator)
	if d.Operator == payment.ByPatient {
		return interrupted
	}
	return d.Verdict
}

// nextCase numbers a review case of the payment.
func (p *registration) nextCase() string {
	p.cases++
	return fmt.Sprintf("%s-C%d", p.id, p.cases)
}

// onDecide takes a decision and returns what became of the payment. The first
// of two people is answered with the payment as it waits for the second.
func (p *registration) onDecide(ctx workflow.Context, d payment.Decision) (Answer, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := p.desk.decide(ctx, d); err != nil {
		return Answer{}, err
	}
	return p.answer(ctx)
}
