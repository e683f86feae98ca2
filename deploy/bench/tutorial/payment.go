package tutorial

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// Queue is the one task queue.
const Queue = "bench-tutorial"

// Names of what is called from outside the workflow.
const (
	typePayment = "TutorialPayment"
	typeCoarse  = "TutorialCoarsePayment"
	updateBegin = "begin"
	signalEvent = "channel-event" // carries a channel.Event
)

// attempt is the number of the only charge.
const attempt = 1

// begun is the result of the update.
type begun struct {
	Answer payment.Answer `json:"answer"`
	// Replayed says that the workflow was there before this start.
	Replayed bool `json:"replayed,omitempty"`
}

// options are those of every step. Retries are Temporal's default: after a
// second, then twice as long each time up to 100 s, without an end.
func options() workflow.ActivityOptions {
	return workflow.ActivityOptions{StartToCloseTimeout: 15 * time.Second}
}

// live leads a payment through its life.
func live(ctx workflow.Context, request payment.Request, c cut) (workflows.Result, error) {
	p := newLife(ctx, request, c)
	if err := workflow.SetUpdateHandler(ctx, updateBegin, p.begin); err != nil {
		return workflows.Result{}, err
	}
	p.err = p.run(workflow.WithActivityOptions(ctx, options()))
	p.over = true
	// Nobody who asked to begin is left without an answer. It fails only when
	// the workflow is cancelled, and then the callers are told by Temporal.
	_ = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	return p.result(), p.err
}

// life is one payment's.
type life struct {
	cut      cut
	request  payment.Request
	digest   string
	id       string
	tender   payment.Tender
	started  time.Time
	deadline time.Time // of the patient's paying

	status      payment.Status
	reason      string
	pay         payment.PayParams
	paidAt      time.Time
	voucher     string
	appointment string
	complete    bool // in the books already, with the registration

	begins int  // starts that were heard
	ready  bool // the caller can be answered
	over   bool
	err    error
}

func newLife(ctx workflow.Context, r payment.Request, c cut) *life {
	now := workflow.Now(ctx)
	return &life{
		cut: c, request: r, digest: r.Digest(), id: payment.ID(r.Order.HospitalID, r.Order.OrderNo),
		started: now, deadline: r.Deadline(now), status: payment.Pending,
	}
}

// begin answers a start, and every repeat of it, as soon as the charge is open.
func (p *life) begin(ctx workflow.Context) (begun, error) {
	p.begins++
	again := p.begins > 1
	if err := workflow.Await(ctx, func() bool { return p.ready || p.over }); err != nil {
		return begun{}, err
	}
	if p.err != nil {
		return begun{}, p.err
	}
	return begun{Answer: p.answer(), Replayed: again}, nil
}

func (p *life) answer() payment.Answer {
	a := payment.Answer{
		PaymentID: p.id, Status: p.status, Method: p.request.Choice.Method, Amount: p.request.Order.Amount,
		PayBy: p.deadline, Reason: p.reason, Digest: p.digest,
	}
	if p.status == payment.AwaitingPayment {
		a.Tender = &payment.NextTender{
			Channel: p.tender.Channel, Scene: p.tender.Scene, Amount: p.tender.Amount,
			MerchantNo: p.merchantNo(), Pay: p.pay,
		}
	}
	return a
}

func (p *life) merchantNo() string { return payment.MerchantNo(p.request.Order.OrderNo, attempt) }

func (p *life) result() workflows.Result {
	return workflows.Result{PaymentID: p.id, Status: p.status, Reason: p.reason, Voucher: p.voucher, AppointmentID: p.appointment}
}

// The steps, for naming them without strings; the receivers are never called.
var (
	books    *activities.Books
	channels *activities.Channels
	hospital *activities.HIS
	backend  *activities.Backend
	single   *actions
)

// run is a payment's life, step by step.
func (p *life) run(ctx workflow.Context) error {
	if err := p.confirm(ctx); err != nil {
		return err
	}
	if p.status == payment.Rejected {
		return p.end(ctx, payment.Rejected)
	}
	report, err := p.charge(ctx)
	if err != nil {
		return err
	}
	if report.State != channel.Captured {
		if report, err = p.capture(ctx); err != nil {
			return err
		}
	}
	if report.State != channel.Captured {
		if report, err = p.close(ctx); err != nil {
			return err
		}
		if p.status == payment.Closed {
			return p.end(ctx, payment.Closed)
		}
	}
	if err := p.settle(ctx, report); err != nil {
		return err
	}
	if err := p.register(ctx); err != nil {
		return err
	}
	return p.end(ctx, payment.Completed)
}

// confirm opens the payment in the books, where the risk rules look at it.
func (p *life) confirm(ctx workflow.Context) error {
	tenders := p.request.Choice.Tenders(p.request.Order.Amount)
	if len(tenders) != 1 || p.request.Choice.UsesInsurance() {
		return beyond("one self-pay channel alone")
	}
	p.tender = tenders[0]
	var out activities.OpenOut
	err := workflow.ExecuteActivity(ctx, books.Open, activities.OpenIn{
		Request: p.request, PaymentID: p.id, WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID,
		At: p.started, Deadline: p.deadline, First: payment.Pending,
	}).Get(ctx, &out)
	switch {
	case err != nil:
		return err
	case out.Refused():
		p.status, p.reason, p.ready = payment.Rejected, out.Rule, true
	case out.Review():
		return beyond("no review by a person")
	}
	return nil
}

// charge asks the channel for the charge, between two notes in the books. The
// patient can pay from then on.
func (p *life) charge(ctx workflow.Context) (channel.Report, error) {
	out, err := p.cut.charge(ctx, activities.ChargeIn{
		PaymentID: p.id, Order: p.request.Order, Choice: p.request.Choice, Tender: p.tender,
		Attempt: attempt, CreatedAt: workflow.Now(ctx), ExpiresAt: p.deadline, Next: payment.AwaitingPayment,
	})
	if err != nil {
		return channel.Report{}, err
	}
	p.status, p.pay, p.ready = payment.AwaitingPayment, out.Pay, true
	return out.Report, nil
}

// capture waits for the notification of the charge's capture until the
// deadline. The report is empty when time is up.
func (p *life) capture(ctx workflow.Context) (report channel.Report, err error) {
	late := false
	selector := workflow.NewSelector(ctx)
	selector.AddReceive(workflow.GetSignalChannel(ctx, signalEvent), func(c workflow.ReceiveChannel, _ bool) {
		var e channel.Event
		c.Receive(ctx, &e)
		if e.Charge != nil && e.Charge.State == channel.Captured && e.Charge.MerchantNo == p.merchantNo() {
			report = *e.Charge
		}
	})
	// The timer is not cancelled when the money comes first: one that runs at
	// the end of a workflow costs no event, and a cancellation is one.
	selector.AddFuture(workflow.NewTimer(ctx, p.deadline.Sub(workflow.Now(ctx))), func(f workflow.Future) {
		late, err = true, f.Get(ctx, nil) // fails when the workflow is cancelled
	})
	for !late && report.State != channel.Captured {
		selector.Select(ctx)
	}
	return report, err
}

// close makes sure that nobody can pay any more, and learns whether somebody
// has. If not, the payment is closed in the books.
func (p *life) close(ctx workflow.Context) (channel.Report, error) {
	var report channel.Report
	err := workflow.ExecuteActivity(ctx, channels.Close, activities.AttemptIn{PaymentID: p.id, Attempt: attempt}).Get(ctx, &report)
	if err != nil || report.State == channel.Captured {
		return report, err
	}
	p.status, p.reason = payment.Closed, "expired"
	return report, workflow.ExecuteActivity(ctx, books.Move, activities.MoveIn{
		PaymentID: p.id, To: p.status, Reason: p.reason, Actor: "workflow", At: workflow.Now(ctx),
	}).Get(ctx, nil)
}

// settle records the capture; the voucher comes into being with it.
func (p *life) settle(ctx workflow.Context, r channel.Report) error {
	if !activities.SameMoney(r, p.tender.Amount) {
		return beyond("no refund of another amount")
	}
	p.paidAt = workflow.Now(ctx)
	var out activities.SettleOut
	err := workflow.ExecuteActivity(ctx, books.Settle, activities.SettleIn{
		HospitalID: p.request.Order.HospitalID, PaymentID: p.id, Attempt: attempt, Channel: p.tender.Channel,
		Report: r, At: p.paidAt, Actor: "workflow", Next: payment.Paid,
	}).Get(ctx, &out)
	if err != nil {
		return err
	}
	p.status, p.voucher = payment.Paid, out.Voucher
	return nil
}

// register tells the HIS and writes down that it knows.
func (p *life) register(ctx workflow.Context) error {
	out, err := p.cut.register(ctx, activities.RegisterIn{
		PaymentID: p.id, Order: p.request.Order, PaidAt: p.paidAt, Voucher: p.voucher, Completes: p.request.CallbackURL == "",
	})
	if err != nil {
		return err
	}
	p.status, p.appointment, p.complete = payment.Registered, out.AppointmentID, out.Completed
	return nil
}

// end tells the booking backend, which completes a registered payment, and
// shows the last status to those who search by it.
func (p *life) end(ctx workflow.Context, last payment.Status) error {
	err := workflow.ExecuteActivity(ctx, backend.Tell, activities.TellIn{
		PaymentID: p.id, HospitalID: p.request.Order.HospitalID, URL: p.request.CallbackURL,
		Settled: p.status != payment.Registered || p.complete,
	}).Get(ctx, nil)
	if err != nil {
		return err
	}
	p.status = last
	return workflow.UpsertTypedSearchAttributes(ctx, workflows.PaymentStatus.ValueSet(string(last)))
}

// beyond is the error of a payment that only regpay itself can bring to an end.
func beyond(what string) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf("this engine is for payments without trouble: %s", what), "beyond", nil)
}
