package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
)

// quiet is how long a payment waits for a notification before it asks: nearly
// every patient has paid by then, and nearly every insurance has cleared. Who
// asks sooner, through the API, makes the same look there.
const quiet = time.Minute

// proofTime is how long the patient may take to prove who they are before an
// operator is shown that the proof is waited for: nearly everybody has typed the
// code by then, so where many have not, no codes arrive.
const proofTime = 2 * time.Minute

// verify waits for the patient's proof, which the insurance demands.
func (p *registration) verify(ctx workflow.Context) *ending {
	if p.verified || !p.request.Choice.UsesInsurance() {
		return nil
	}
	p.move(ctx, payment.Verifying, "")
	p.waiting = true
	done := func() bool { return p.verified || p.inbox.wish != nil }
	const what = "The patient has to prove who they are"
	if soon := p.started.Add(proofTime); p.fresh && soon.Before(p.deadline) {
		p.sleepUntil(ctx, soon, what, done)
		p.fresh = workflow.Now(ctx).Before(soon)
	}
	p.sleepUntil(ctx, p.deadline, what, done)
	if done() {
		return nil
	}
	return &ending{payment.Closed, "not_verified"}
}

// sleepUntil waits for a condition until t. The alarm behind it is not called
// off when the condition comes first: a timer that still runs when the
// workflow ends costs no event, and an earlier one that fires meanwhile is
// followed by another. So a payment without trouble sets few of them.
func (p *registration) sleepUntil(ctx workflow.Context, t time.Time, what string, condition func() bool) {
	p.exhibit(ctx)
	for now := workflow.Now(ctx); now.Before(t) && !condition(); now = workflow.Now(ctx) {
		if !p.alarm.After(now) || p.alarm.After(t) {
			p.alarm = t
			workflow.NewTimerWithOptions(ctx, t.Sub(now), workflow.TimerOptions{Summary: what})
		}
		wake := p.alarm
		// Fails only when ctx is cancelled, and nothing cancels it.
		_ = workflow.Await(ctx, func() bool { return condition() || !workflow.Now(ctx).Before(wake) })
	}
}

// take brings one tender's money in. It returns false without an ending when
// the patient wishes otherwise and nothing can be paid by it any more.
func (p *registration) take(ctx workflow.Context, t payment.Tender) (bool, *ending) {
	if t.Channel == payment.Insurance {
		return p.takeFromInsurance(ctx, t)
	}
	return p.takeFromPatient(ctx, t)
}

func (p *registration) newAttempt(t payment.Tender) *attempt {
	p.letGo(p.current)
	p.current = &attempt{n: p.nextNumber(t.Channel), tender: t}
	return p.current
}

// nextNumber numbers an attempt on a channel (I4).
func (p *registration) nextNumber(ch payment.Channel) int {
	p.attempt++
	p.channels[p.attempt] = ch
	return p.attempt
}

// letGo ends an attempt that brought nothing in. A capture that was told of it
// all the same goes back (I1).
func (p *registration) letGo(c *attempt) {
	if c == nil || p.current != c {
		return
	}
	p.current = nil
	if c.captured() {
		p.inbox.strays = append(p.inbox.strays, *c.report)
	}
}

// ask writes the attempt down and asks the channel for the charge. The middle
// result tells that it was called off: the patient wishes otherwise, or the
// money is in, as a notification told before the channel's reply came.
func (p *registration) ask(ctx workflow.Context, c *attempt, within time.Duration, next payment.Status) (channel.Report, bool, error) {
	out, called, err := p.askOpen(ctx, c, within, next)
	for numberTaken(err) && p.attempt < payment.MaxAttempts {
		if c.captured() { // it told of the other charge
			p.inbox.strays = append(p.inbox.strays, *c.report)
		}
		c.report, p.current = nil, nil
		p.learn(ctx, c.n-1)
		c.n, p.current = p.nextNumber(c.tender.Channel), c
		out, called, err = p.askOpen(ctx, c, within, next)
	}
	if p.status == payment.Suspended && err != nil {
		return out.Report, called, err // nothing was asked for
	}
	c.pay, c.settled = out.Pay, out.Settled
	p.status, p.reason = next, ""
	p.hearEarly()
	return out.Report, called, err
}

// numberTaken says whether the books have another charge under the number.
func numberTaken(err error) bool {
	problem, ok := activities.AsProblem(err)
	return ok && problem.Code == payment.CodeAttemptTaken
}

// askAs asks under the attempt's present number.
func (p *registration) askAs(ctx workflow.Context, c *attempt, within time.Duration, next payment.Status) (activities.ChargeOut, bool, error) {
	now := workflow.Now(ctx)
	return doUnless(ctx, at(c.tender.Channel).within(within), "Ask "+string(c.tender.Channel)+" for "+c.tender.Amount.String(),
		stepChannels.Charge, activities.ChargeIn{
			PaymentID: p.id, Order: p.order(), Choice: p.request.Choice, Tender: c.tender,
			Attempt: c.n, CreatedAt: now, ExpiresAt: now.Add(within), Next: next, Paid: p.statusOnceIn(),
		}, func() bool { return p.inbox.wish != nil || c.captured() }, nil)
}

// takeFromPatient asks a channel that the patient pays on, and waits for it.
func (p *registration) takeFromPatient(ctx workflow.Context, t payment.Tender) (bool, *ending) {
	if !workflow.Now(ctx).Before(p.deadline) {
		return false, &ending{payment.Closed, "expired"}
	}
	c := p.newAttempt(t)
	report, _, err := p.ask(ctx, c, p.deadline.Sub(workflow.Now(ctx)), payment.AwaitingPayment)
	if refusal, ok := activities.AsRefusal(err); ok {
		p.endAttempt(ctx, c, channel.Declined, refusal.Code)
		return false, p.chooseAgain(ctx, c, refusal.Code)
	}
	if err == nil {
		p.tells(ctx, "charge asked for", string(t.Channel))
		if !decided(report.State) {
			report = p.await(ctx, c, p.deadline)
		}
	}
	switch {
	case report.State == channel.Captured:
	case p.inbox.wish != nil:
		report = p.release(ctx, c)
	default:
		report = p.close(ctx, c)
	}
	switch {
	case report.State == channel.Captured:
		return p.settle(ctx, c, report, "workflow")
	case p.inbox.wish == nil && workflow.Now(ctx).Before(p.deadline):
		return false, p.chooseAgain(ctx, c, report.Code) // the channel ended it before its time
	}
	p.letGo(c)
	if p.inbox.wish != nil {
		return false, nil
	}
	return false, &ending{payment.Closed, "expired"}
}

// chooseAgain waits, after an attempt by which nothing can be paid, for the
// patient to choose another way for as long as there is time.
func (p *registration) chooseAgain(ctx workflow.Context, c *attempt, code string) *ending {
	p.letGo(c)
	p.reason = payment.CodeChannelDeclined
	p.tells(ctx, "declined by the channel", code)
	p.waiting = true
	p.sleepUntil(ctx, p.deadline, "The patient may choose another way to pay", func() bool { return p.inbox.wish != nil })
	if p.inbox.wish != nil {
		return nil
	}
	return &ending{payment.Closed, "declined"}
}

func (p *registration) endAttempt(ctx workflow.Context, c *attempt, s channel.State, code string) {
	_, err := do(ctx, books, "Record that attempt "+payment.MerchantNo(p.order().OrderNo, c.n)+" ended", stepBooks.EndAttempt,
		activities.EndAttemptIn{PaymentID: p.id, Attempt: c.n, State: s, Code: code, At: workflow.Now(ctx)})
	mustBooks(err)
	c.dead = true
}

// decided says whether a charge has come to an end, or to a point where only
// a person can help.
func decided(s channel.State) bool {
	return s == channel.Captured || s == channel.Closed || s == channel.Declined || s == channel.Doubtful
}

// await waits until the attempt has come to an end: told by a notification or
// found by a look, whichever is first. An undecided report is returned when
// time is up or the patient wishes otherwise.
func (p *registration) await(ctx workflow.Context, c *attempt, until time.Time) channel.Report {
	look := workflow.Now(ctx).Add(quiet)
	var watch workflow.Future
	inner, cancel := workflow.WithCancel(ctx)
	defer cancel()
	p.waiting = true
	for {
		next := until
		if watch == nil && look.Before(until) {
			next = look
		}
		p.sleepUntil(ctx, next, "Money expected from "+string(c.tender.Channel), func() bool {
			return c.report != nil || p.inbox.wish != nil || (watch != nil && watch.IsReady())
		})
		switch {
		case c.report != nil:
			return *c.report
		case p.inbox.wish != nil || !workflow.Now(ctx).Before(until):
			return channel.Report{}
		case watch == nil:
			p.slow = true
			watch = patiently(inner, at(c.tender.Channel).within(until.Sub(workflow.Now(ctx))),
				"Watch attempt "+payment.MerchantNo(p.order().OrderNo, c.n), stepChannels.Watch, activities.AttemptIn{PaymentID: p.id, Attempt: c.n})
		default:
			var r channel.Report
			if err := watch.Get(ctx, &r); err == nil {
				return r
			}
			watch, look = nil, workflow.Now(ctx).Add(quiet)
		}
	}
}

// close makes sure that nothing can be paid by an attempt any more, and learns
// whether it was. It waits for the answer for as long as that takes: without
// it nobody knows whose the money is.
func (p *registration) close(ctx workflow.Context, c *attempt) channel.Report {
	for !c.captured() {
		r, _, err := doUnless(ctx, at(c.tender.Channel), "Close attempt "+payment.MerchantNo(p.order().OrderNo, c.n), stepChannels.Close,
			activities.AttemptIn{PaymentID: p.id, Attempt: c.n}, c.captured, nil)
		if err == nil && !c.captured() {
			return r
		}
		if !c.captured() {
			p.tells(ctx, "close refused", "")
			p.sleepUntil(ctx, workflow.Now(ctx).Add(5*time.Minute), "Close once more", c.captured)
		}
	}
	return *c.report
}

// releaseWithin is how long a patient who wishes otherwise waits for a channel
// that gives no answer.
const releaseWithin = 10 * time.Second

// release closes an attempt for a patient who wishes otherwise, and does not
// let them wait for a channel that cannot close it now: that goes on behind the
// payment's back, and what is paid by it all the same goes back (I1).
func (p *registration) release(ctx workflow.Context, c *attempt) channel.Report {
	if c.captured() {
		return *c.report
	}
	what, in := "Close attempt "+payment.MerchantNo(p.order().OrderNo, c.n), activities.AttemptIn{PaymentID: p.id, Attempt: c.n}
	r, err := tryFast(ctx, at(c.tender.Channel), what, stepChannels.Close, in)
	if err != nil && !activities.IsUndecided(err) && !activities.IsFinal(err) {
		inner, cancel := workflow.WithCancel(ctx)
		defer cancel()
		future := patiently(inner, at(c.tender.Channel).within(releaseWithin), what, stepChannels.Close, in)
		// Fails only when ctx is cancelled, and nothing cancels it.
		_ = workflow.Await(ctx, func() bool { return future.IsReady() || c.captured() })
		if future.IsReady() {
			err = future.Get(ctx, &r)
		}
	}
	switch {
	case c.captured():
		return *c.report
	case err == nil:
		return r
	}
	p.linger(ctx, c)
	return channel.Report{State: channel.Open}
}

// linger closes an attempt while the payment goes on.
func (p *registration) linger(ctx workflow.Context, c *attempt) {
	p.lingering = append(p.lingering, c)
	workflow.Go(ctx, func(ctx workflow.Context) {
		if r := p.closeLate(ctx, c); r.State == channel.Captured {
			p.onEvent(channel.Event{Charge: &r})
		}
		p.lingering = slices.DeleteFunc(p.lingering, func(l *attempt) bool { return l == c })
	})
}

// closeLate closes an attempt that nobody waits for any more. An insurance that
// never says what became of it is not asked for ever.
func (p *registration) closeLate(ctx workflow.Context, c *attempt) channel.Report {
	if c.tender.Channel == payment.Insurance {
		r, _ := p.revoke(ctx, c)
		return r
	}
	return p.close(ctx, c)
}

// settle records the money of an attempt as that of its tender. When it is the
// last of the payment, the voucher exists from this moment on.
func (p *registration) settle(ctx workflow.Context, c *attempt, r channel.Report, actor string) (bool, *ending) {
	if !activities.SameMoney(r, c.tender.Amount) {
		p.book(ctx, c, r, actor, "")
		return false, &ending{payment.Refunded, "amount_differs"}
	}
	next := p.statusOnceIn()
	settled := p.book(ctx, c, r, actor, next)
	if p.status != next {
		return false, &ending{payment.Closed, reasonOvertaken}
	}
	if next == payment.Paid {
		p.voucher, p.paidAt = settled.Voucher, settled.At
	}
	return true, nil
}

// statusOnceIn is the status once the present tender is in.
func (p *registration) statusOnceIn() payment.Status {
	if len(p.left()) > 1 {
		return payment.Clearing
	}
	return payment.Paid
}

// book records money that is in and, where next is set, the status that
// follows from it. Money that the books have no use for any more, since they
// have ended the payment, is a stray.
func (p *registration) book(ctx workflow.Context, c *attempt, r channel.Report, actor string, next payment.Status) activities.Settled {
	settled := activities.Settled{At: workflow.Now(ctx)}
	var err error
	if c.settled != nil && next != "" {
		settled = *c.settled
	} else {
		var out activities.SettleOut
		out, err = do(ctx, books, "Record the capture", stepBooks.Settle, activities.SettleIn{
			HospitalID: p.order().HospitalID, PaymentID: p.id, Attempt: c.n, Channel: c.tender.Channel,
			Report: r, At: settled.At, Actor: actor, Next: next,
		})
		settled.Voucher = out.Voucher
	}
	p.current, p.waiting, p.slow = nil, false, false
	if overtaken(err) && next != "" {
		r.MerchantNo = payment.MerchantNo(p.order().OrderNo, c.n)
		p.inbox.strays = append(p.inbox.strays, r)
		return settled
	}
	mustBooks(err)
	p.taken = append(p.taken, Taken{Attempt: c.n, Channel: c.tender.Channel, Amount: r.Captured, Report: r})
	if c.captured() {
		p.onEvent(channel.Event{Charge: c.report}) // it may tell of another capture by the same number
	}
	if next != "" {
		p.status, p.reason = next, ""
	}
	if w := p.inbox.wish; w != nil && !w.cancels() {
		p.refuseWish("it is paid already")
	}
	p.tells(ctx, "captured", string(c.tender.Channel))
	return settled
}
