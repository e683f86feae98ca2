package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// RegistrationPayment is one payment, from the order's confirmation to the
// booking backend's knowing of its end.
func RegistrationPayment(ctx workflow.Context, request Request) (Result, error) {
	return pay(ctx, request, func(string, *Outcome) {})
}

// Outcome is what a payment's begin comes to.
type Outcome struct {
	Answer Answer
	Err    error // why the payment never came into being
}

// pay is RegistrationPayment that tells its process what its begin comes to, when
// the patient can go on by it, in which case the books have all of it, or when
// there is no payment; nil is told otherwise. That changes nothing for the
// workflow itself, and is not done again when it is replayed.
func pay(ctx workflow.Context, request Request, tell func(workflowID string, o *Outcome)) (Result, error) {
	p := newRegistration(ctx, request)
	workflow.Go(ctx, func(ctx workflow.Context) {
		a, err := p.answer(ctx)
		switch id := workflow.GetInfo(ctx).WorkflowExecution.ID; {
		case workflow.IsReplaying(ctx):
		case p.failed != nil || err == nil && (a.Tender != nil || len(a.Verify) > 0):
			tell(id, &Outcome{a, p.failed})
		default:
			tell(id, nil)
		}
	})
	if err := p.listen(ctx); err != nil {
		return Result{}, err
	}
	// A cancellation of the workflow, by an operator, is heard in listen and
	// treated as a wish to cancel the payment; no step is torn down by it (I5).
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	err := p.run(ctx)
	p.conclude(ctx)
	return p.result(), err
}

// registration is the state of one payment. It reads like the business does:
// confirm, collect, register, tell; and unwind when one of them cannot be.
type registration struct {
	request  payment.Request // with the choice of the moment
	digest   string
	id       string
	started  time.Time
	deadline time.Time // of the patient's paying

	status   payment.Status
	reason   string
	attempt  int      // number of the last attempt
	current  *attempt // what the patient or the platform is expected to pay
	taken    []Taken  // tenders whose money is in, in order
	verified bool
	voucher  string
	paidAt   time.Time
	refused  bool   // by the HIS
	his      string // the HIS's number of the appointment
	complete bool   // in the books already, with the registration

	inbox inbox
	// lingering are attempts that the patient left and that may still be paid.
	lingering []*attempt
	desk      desk // where its review cases wait
	cases     int
	story     []Moment
	converted bool                    // the rest is paid by a self-pay channel, as staff decided
	offline   *onSite                 // what was returned on site instead
	delayed   bool                    // the HIS is waited for: worth a case after a while
	flagging  bool                    // the case of the HIS being waited for is not closed yet
	channels  map[int]payment.Channel // of every attempt
	shown     payment.Status
	fresh     bool      // nobody has waited for long for the patient to prove who they are
	alarm     time.Time // of the timer set last
	slow      bool      // longer than usual: worth an operator's look
	telling   int       // messages to the backend that are under way
	leaving   bool      // the HIS is being asked to take the registration back
	waiting   bool      // for somebody outside: an Answer can be given
	ended     bool
	// maintenance is what a suspended payment waits for the end of.
	maintenance *payment.Maintenance
	failed      error // why the payment never came into being
}

// attempt is one charge under way.
type attempt struct {
	n      int
	tender payment.Tender
	pay    payment.PayParams
	report *channel.Report // what a notification told
	looked channel.Report  // what the platform said before a person's word counted
	dead   bool            // the channel said that nothing will come of it
	// settled is there when its money came with the channel's answer.
	settled *activities.Settled
}

// captured says whether a notification told that the money is in.
func (a *attempt) captured() bool { return a.report != nil && a.report.State == channel.Captured }

// ending is how a payment ends when it does not complete.
type ending struct {
	status payment.Status
	reason string
}

func newRegistration(ctx workflow.Context, r payment.Request) *registration {
	now := workflow.Now(ctx)
	p := &registration{
		request: r, digest: r.Digest(), id: payment.ID(r.Order.HospitalID, r.Order.OrderNo),
		started: now, deadline: r.Deadline(now), status: payment.Pending, shown: startedAs(ctx),
		channels: map[int]payment.Channel{},
	}
	p.fresh = r.Choice.UsesInsurance() && p.shown == payment.AwaitingPayment
	p.desk = desk{paymentID: p.id, hospitalID: r.Order.HospitalID, amount: r.Order.Amount, renew: p.exhibit,
		refused: func(ctx workflow.Context, why string) { p.tells(ctx, "decision refused", why) }}
	return p
}

// run is a payment's life. Its error is of a payment that never came into
// being: nothing is in the books, and the order may be started again.
func (p *registration) run(ctx workflow.Context) error {
	end, err := p.confirm(ctx)
	if err != nil {
		p.failed = err
		return err
	}
	if end == nil {
		end = p.collect(ctx)
	}
	if end == nil {
		end = p.register(ctx)
	}
	if end == nil {
		p.tell(ctx)
		return nil
	}
	p.unwind(ctx, *end)
	p.tell(ctx)
	return nil
}

// confirm opens the payment in the books and hears the risk rules.
func (p *registration) confirm(ctx workflow.Context) (*ending, error) {
	first := payment.Pending
	if p.request.Choice.UsesInsurance() {
		first = payment.Verifying
	}
	out, err := do(ctx, books, "Open in the books, ask the risk rules", stepBooks.Open, activities.OpenIn{
		Request: p.request, PaymentID: p.id, WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID,
		At: p.started, Deadline: p.deadline, First: first,
	})
	switch {
	case err != nil:
		return nil, err
	case out.Refused():
		p.status, p.reason = payment.Rejected, out.Rule
		p.tells(ctx, "refused by the risk rules", out.Rule)
		return &ending{payment.Rejected, out.Rule}, nil
	case out.Review():
		p.status = payment.Pending
		return p.askRisk(ctx, out.Rule), nil
	}
	p.status = first
	p.tells(ctx, "opened", "")
	return nil, nil
}

// askRisk lets a person look at what the risk rules found. The patient's time
// to pay starts when they have.
func (p *registration) askRisk(ctx workflow.Context, rule string) *ending {
	for {
		// A wish from before the case was open. Another method does not spare
		// the payment the person's look.
		if end := p.grant(ctx); end != nil {
			return end
		}
		switch p.review(ctx, payment.ReviewRisk, rule, nil) {
		case payment.Approve:
			p.renewDeadline(ctx)
			return nil
		case interrupted:
		default:
			return &ending{payment.Rejected, "risk_" + rule}
		}
	}
}

// renewDeadline gives the patient the whole time to pay once more.
func (p *registration) renewDeadline(ctx workflow.Context) {
	p.deadline = p.request.Deadline(workflow.Now(ctx))
	show(ctx, PayDeadline.ValueSet(p.deadline))
}

// collect brings every tender in, by the method that the patient chooses, and
// however often they choose another.
func (p *registration) collect(ctx workflow.Context) *ending {
	for {
		if end := p.verify(ctx); end != nil {
			return end
		}
		if p.inbox.wish == nil {
			end, again := p.charge(ctx)
			if !again {
				return end
			}
		}
		if end := p.grant(ctx); end != nil {
			return end
		}
	}
}

// charge makes the tenders of the present method, one after the other. The
// last result asks for another round: the patient has a wish.
func (p *registration) charge(ctx workflow.Context) (*ending, bool) {
	for _, t := range p.left() {
		took, end := p.take(ctx, t)
		switch {
		case end != nil:
			return end, false
		case !took, p.inbox.wish != nil:
			return nil, true
		}
	}
	return nil, false
}

// left is what remains to be charged.
func (p *registration) left() []payment.Tender {
	total := p.request.Order.Amount
	if p.converted {
		if total = p.rest(total); !total.IsPositive() {
			return nil
		}
		return p.request.Choice.Tenders(total)
	}
	plan := p.request.Choice.Tenders(total)
	if len(p.taken) > len(plan) {
		return nil
	}
	return plan[len(p.taken):]
}

// rest is what of the total is not paid yet.
func (p *registration) rest(total money.Money) money.Money {
	for _, t := range p.taken {
		left, err := total.Sub(t.Amount)
		if err != nil {
			panic("workflows: tenders of several currencies: " + err.Error()) // the books refuse them
		}
		total = left
	}
	return total
}

// move records a change of status that moves no money.
func (p *registration) move(ctx workflow.Context, to payment.Status, reason string) {
	if p.status == to && p.reason == reason {
		return
	}
	_, err := do(ctx, books, "Record "+string(to), stepBooks.Move, activities.MoveIn{
		PaymentID: p.id, To: to, Reason: reason, Actor: "workflow", At: workflow.Now(ctx),
	})
	mustBooks(err)
	p.status, p.reason = to, reason
}

// mustBooks stops the workflow at a step that the books refuse for good. That
// cannot happen unless a rule is broken in code; the workflow then stands
// still, in sight, and goes on when the code is mended. Ending it would leave
// money without an owner.
func mustBooks(err error) {
	if err != nil {
		panic("workflows: the books refuse a step: " + err.Error())
	}
}

// reasonOvertaken is of a payment whose books were ahead of its workflow: a
// workflow task that was lost had come to the end before, and wrote it down.
const reasonOvertaken = "overtaken"

// overtaken says whether the books refuse a step since they are ahead of it.
func overtaken(err error) bool {
	problem, ok := activities.AsProblem(err)
	return ok && problem.Code == payment.CodeState
}

// conclude lets everyone who waits for an answer have it, and sees that money
// which came in too late is in the hands of a workflow of its own.
func (p *registration) conclude(ctx workflow.Context) {
	p.ended, p.waiting = true, true
	p.hearEarly()
	p.refuseWish("the payment has ended")
	p.exhibit(ctx)
	done := func() bool {
		return workflow.AllHandlersFinished(ctx) && len(p.inbox.strays) == 0 && !p.leaving && !p.flagging && len(p.lingering) == 0
	}
	for {
		p.hearAll(ctx)
		if done() {
			return
		}
		_ = workflow.Await(ctx, done) // ctx is never cancelled
	}
}

// hearAll lets the listeners hear what came with the present task: a
// notification that arrived together with the last step's result would be lost
// if the workflow ended before they ran. A new coroutine runs after all others.
func (p *registration) hearAll(ctx workflow.Context) {
	heard := false
	workflow.Go(ctx, func(workflow.Context) { heard = true })
	_ = workflow.Await(ctx, func() bool { return heard }) // ctx is never cancelled
}

func (p *registration) result() Result {
	return Result{PaymentID: p.id, Status: p.status, Reason: p.reason, Voucher: p.voucher, AppointmentID: p.his}
}

func (p *registration) order() payment.Order { return p.request.Order }

// temporalProblem is a broken rule as an error of an update.
func temporalProblem(err error) error {
	problem := payment.Problem{Code: "invalid", Text: err.Error()}
	if all, ok := err.(payment.Problems); ok && len(all) > 0 {
		problem = all[0]
	} else if one, ok := err.(payment.Problem); ok {
		problem = one
	}
	return temporal.NewNonRetryableApplicationError(problem.Error(), activities.ErrTypeProblem, nil, problem)
}
