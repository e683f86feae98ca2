package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
)

// closeWindow bounds how long a decided or cancelled insurance attempt is
// tried to be taken back while the platform gives no answer. Money that it
// settles later all the same comes back as a stray.
const closeWindow = 10 * time.Minute

// trouble is why the insurance did not clear.
type trouble struct {
	reason payment.Reason
	detail string
}

// takeFromInsurance uploads the fees and has the insurance settle its tender.
// What the machine cannot decide waits for a person.
func (p *registration) takeFromInsurance(ctx workflow.Context, t payment.Tender) (bool, *ending) {
	c := p.newAttempt(t)
	report, trouble := p.clear(ctx, c)
	for {
		if trouble == nil && report.State == channel.Captured {
			if activities.SameMoney(report, t.Amount) {
				return p.settle(ctx, c, report, "workflow")
			}
			return p.mismatch(ctx, c, report)
		}
		if trouble == nil { // the patient wishes otherwise
			var closed bool
			if report, closed = p.revoke(ctx, c); report.State == channel.Captured {
				continue
			} else if closed {
				p.letGo(c)
				return false, nil
			}
			p.refuseWish("the insurance is still clearing")
			p.move(ctx, payment.Clearing, "") // the case, if there was one, is closed
			report, trouble = p.waitForClearing(ctx, c)
			continue
		}
		switch p.review(ctx, trouble.reason, trouble.detail, c) {
		case interrupted:
			report, trouble = channel.Report{}, nil
		case payment.RetryClearing:
			c, report, trouble = p.retryClearing(ctx, c)
		case payment.ConfirmSettled:
			r := p.confirmed(ctx, c, t)
			if !activities.SameMoney(r, t.Amount) {
				return p.mismatch(ctx, c, r)
			}
			return p.settle(ctx, c, r, p.desk.last.Operator)
		case payment.ConvertToSelfPay:
			if report = p.release(ctx, c); report.State == channel.Captured {
				trouble = nil
				continue
			}
			return false, p.convert(ctx, c)
		case payment.RefundOffline:
			p.offline = &onSite{Decision: p.desk.last, tenders: len(p.taken)}
			return false, p.giveUp(ctx, c, payment.Refunded, trouble)
		case payment.RefundAll:
			return false, p.giveUp(ctx, c, payment.Refunded, trouble)
		default:
			return false, p.giveUp(ctx, c, payment.Rejected, trouble)
		}
	}
}

// clear asks the platform for a new attempt and waits for its end. An
// undecided report without trouble means that the patient wishes otherwise.
func (p *registration) clear(ctx workflow.Context, c *attempt) (channel.Report, *trouble) {
	report, called, err := p.ask(ctx, c, clearingWindow, payment.Clearing)
	if refusal, ok := activities.AsRefusal(err); ok {
		p.endAttempt(ctx, c, channel.Declined, refusal.Code)
		return channel.Report{}, &trouble{payment.ReviewClearingFailed, refusal.Code}
	}
	switch {
	case called:
		return channel.Report{}, nil
	case err != nil:
		return channel.Report{}, &trouble{payment.ReviewClearingOverdue, "no_answer"}
	}
	p.tells(ctx, "insurance asked to settle", "")
	if decided(report.State) {
		return p.judge(ctx, c, report)
	}
	return p.waitForClearing(ctx, c)
}

// waitForClearing waits for the notice, or the answer to a query.
func (p *registration) waitForClearing(ctx workflow.Context, c *attempt) (channel.Report, *trouble) {
	report := p.await(ctx, c, workflow.Now(ctx).Add(clearingWindow))
	if !decided(report.State) {
		if p.inbox.wish != nil {
			return channel.Report{}, nil
		}
		return report, &trouble{payment.ReviewClearingOverdue, "no_answer"}
	}
	return p.judge(ctx, c, report)
}

// judge sorts what the platform said.
func (p *registration) judge(ctx workflow.Context, c *attempt, r channel.Report) (channel.Report, *trouble) {
	switch r.State {
	case channel.Captured:
		return r, nil
	case channel.Doubtful:
		c.report = nil // it may still be decided by a later notice
		return r, &trouble{payment.ReviewClearingUnknown, r.Code}
	}
	p.endAttempt(ctx, c, r.State, r.Code)
	return r, &trouble{payment.ReviewClearingFailed, r.Code}
}

// retryClearing looks first (I3): what has settled meanwhile is taken, what is
// still under way is waited for, and only a dead attempt is followed by a new
// one.
func (p *registration) retryClearing(ctx workflow.Context, c *attempt) (*attempt, channel.Report, *trouble) {
	if c.captured() {
		return c, *c.report, nil
	}
	r, err := do(ctx, at(payment.Insurance).within(closeWindow), "Ask the insurance what became of it", stepChannels.Look,
		activities.AttemptIn{PaymentID: p.id, Attempt: c.n})
	if err != nil {
		return c, channel.Report{}, &trouble{payment.ReviewClearingOverdue, "no_answer"}
	}
	switch {
	case r.State == channel.Captured:
		return c, r, nil
	case r.State == channel.Doubtful:
		return c, r, &trouble{payment.ReviewClearingUnknown, r.Code}
	case r.State.Outcome() == payment.Failed && p.attempt < payment.MaxAttempts:
		if !c.dead {
			p.endAttempt(ctx, c, r.State, r.Code)
		}
		c = p.newAttempt(c.tender)
		report, trouble := p.clear(ctx, c)
		return c, report, trouble
	}
	p.move(ctx, payment.Clearing, "")
	report, trouble := p.waitForClearing(ctx, c)
	return c, report, trouble
}

// contradicted asks the platform before a person's word is taken that it did
// settle: what it says counts for more, when it says anything.
func (p *registration) contradicted(ctx workflow.Context, c *attempt, d payment.Decision) error {
	c.looked = channel.Report{}
	if d.Verdict != payment.ConfirmSettled || c.captured() {
		return nil
	}
	r, err := tryFast(ctx, at(payment.Insurance), "Ask the insurance what became of it", stepChannels.Look,
		activities.AttemptIn{PaymentID: p.id, Attempt: c.n})
	switch {
	case err != nil, r.State == channel.Doubtful: // silent, or asking for a person
		return nil
	case r.State == channel.Captured:
		c.looked = r
		return nil
	}
	return temporalProblem(payment.Problem{Code: payment.CodeContradicted, Field: "decision", Text: "the platform says that it is " + string(r.State)})
}

// confirmed is the capture that a person vouches for; the platform's own word
// counts for more where there is one.
func (p *registration) confirmed(ctx workflow.Context, c *attempt, t payment.Tender) channel.Report {
	switch {
	case c.captured():
		return *c.report
	case c.looked.State == channel.Captured:
		return c.looked
	}
	return channel.Report{
		MerchantNo: payment.MerchantNo(p.order().OrderNo, c.n), State: channel.Captured,
		ChannelNo: p.desk.last.Reference, Captured: t.Amount, CapturedAt: workflow.Now(ctx), Code: channel.CodeConfirmed,
	}
}

// convert lets the patient pay by another channel what the insurance does not.
func (p *registration) convert(ctx workflow.Context, c *attempt) *ending {
	p.letGo(c)
	p.converted = true
	p.move(ctx, payment.AwaitingPayment, string(payment.ConvertToSelfPay))
	p.renewDeadline(ctx)
	p.tells(ctx, "to be paid by another channel", p.rest(p.order().Amount).String())
	p.tellMeanwhile(ctx, "the patient has to pay by another channel")
	p.waiting = true
	p.sleepUntil(ctx, p.deadline, "The patient pays by another channel", func() bool { return p.inbox.wish != nil })
	if p.inbox.wish != nil {
		return nil
	}
	return &ending{payment.Closed, "not_converted"}
}

// mismatch records money that the platform settled by another split than was
// asked for. It cannot pay this order; a person sees to its return.
func (p *registration) mismatch(ctx workflow.Context, c *attempt, r channel.Report) (bool, *ending) {
	p.book(ctx, c, r, "workflow", "")
	end := ending{payment.Refunded, string(payment.ReviewSplitMismatch)}
	if p.review(ctx, payment.ReviewSplitMismatch, "captured "+r.Captured.Yuan(), c) == payment.Reject {
		end.status = payment.Rejected
	}
	return false, &end
}

// giveUp takes the attempt back as far as the platform lets it.
func (p *registration) giveUp(ctx workflow.Context, c *attempt, to payment.Status, t *trouble) *ending {
	if r, _ := p.revoke(ctx, c); r.State == channel.Captured {
		p.book(ctx, c, r, "workflow", "") // to be returned: no voucher comes of it
	}
	p.letGo(c)
	return &ending{to, string(t.reason)}
}

// revoke closes an insurance attempt within closeWindow; the last result is
// false when the platform gave no answer, and never said that it is over.
func (p *registration) revoke(ctx workflow.Context, c *attempt) (channel.Report, bool) {
	if !c.captured() {
		r, _, err := doUnless(ctx, at(payment.Insurance).within(closeWindow), "Take the insurance's order back", stepChannels.Close,
			activities.AttemptIn{PaymentID: p.id, Attempt: c.n}, c.captured, nil)
		if !c.captured() {
			return r, err == nil || c.dead
		}
	}
	return *c.report, true
}
