package workflows

import (
	"cmp"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// RefundInput names a refund that the books have set aside already.
type RefundInput struct {
	PaymentID  string          `json:"payment_id"`
	HospitalID string          `json:"hospital_id"`
	OrderNo    string          `json:"order_no"`
	N          int             `json:"n"`
	Channel    payment.Channel `json:"channel"`
	Amount     money.Money     `json:"amount"`
	// Closes is set when no payment workflow waits for this refund: once all
	// that was captured is back, it ends the payment as refunded itself.
	Closes bool `json:"closes,omitempty"`
}

// RefundResult is how a refund ended.
type RefundResult struct {
	RefundNo string              `json:"refund_no"`
	State    channel.RefundState `json:"state"`
	Offline  bool                `json:"offline,omitempty"`
}

// Refund returns captured money by its original route and follows it until it
// is there. What the channel cannot do becomes a case for a person.
func Refund(ctx workflow.Context, in RefundInput) (RefundResult, error) {
	r := &refund{in: in}
	r.desk = desk{paymentID: in.PaymentID, hospitalID: in.HospitalID, amount: in.Amount,
		renew: r.asks, refused: func(ctx workflow.Context, why string) { r.details(ctx, "decision refused: "+why) }}
	ctx, _ = workflow.NewDisconnectedContext(ctx) // a refund that was begun is not called off
	if err := r.listen(ctx); err != nil {
		return RefundResult{}, err
	}
	result := r.run(ctx)
	if in.Closes {
		r.closePayment(ctx)
	}
	_ = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }) // ctx is never cancelled
	return result, nil
}

type refund struct {
	in    RefundInput
	told  *channel.RefundReport // by a notification
	found bool                  // an overdue refund is back after all, as a look found
	desk  desk
	cases int
}

func (r *refund) no() string { return payment.RefundNo(r.in.OrderNo, r.in.N) }

func (r *refund) ref() activities.RefundIn {
	return activities.RefundIn{PaymentID: r.in.PaymentID, N: r.in.N, Again: r.cases > 0, Retry: r.cases}
}

// returned says whether a notification told that the money is back.
func (r *refund) returned() bool { return r.told != nil && r.told.State == channel.RefundSucceeded }

func (r *refund) listen(ctx workflow.Context) error {
	hear(ctx, SignalChannelEvent, func(_ workflow.Context, e channel.Event) {
		ends := e.Refund != nil && e.Refund.RefundNo == r.no() && e.Refund.State != channel.RefundProcessing
		if ends && !r.returned() { // money that is back stays back, in whatever order the words come
			r.told = e.Refund
		}
	})
	hear(ctx, SignalManualReview, r.desk.signalled)
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateDecideReview, uncancelled(func(ctx workflow.Context, d payment.Decision) (Answer, error) {
		err := r.desk.decide(ctx, d)
		return Answer{PaymentID: r.in.PaymentID, Status: payment.Refunding, Amount: r.in.Amount}, err
	}), workflow.UpdateHandlerOptions{Validator: r.desk.can})
}

func (r *refund) run(ctx workflow.Context) RefundResult {
	for {
		r.details(ctx, "on its way")
		code := r.send(ctx)
		if code == "" {
			r.details(ctx, "returned")
			return RefundResult{RefundNo: r.no(), State: channel.RefundSucceeded}
		}
		if d := r.review(ctx, code); d.Verdict == payment.RefundOffline {
			_, err := do(ctx, books, "Record the refund on site", stepRefunds.RecordOfflineRefund, activities.OfflineIn{
				PaymentID: r.in.PaymentID, N: r.in.N, Operator: cmp.Or(d.HandedBy, d.Operator), Receipt: d.Reference, At: workflow.Now(ctx),
			})
			if overtaken(err) { // the channel's word came in the same moment
				r.details(ctx, "returned by the channel, and handed over on site as well: receipt "+d.Reference)
				return RefundResult{RefundNo: r.no(), State: channel.RefundSucceeded}
			}
			mustBooks(err)
			r.details(ctx, "handed over on site")
			return RefundResult{RefundNo: r.no(), State: channel.RefundSucceeded, Offline: true}
		}
	}
}

// send asks for the refund and follows it. It returns "" when the money is
// back, else the code of why it is not.
func (r *refund) send(ctx workflow.Context) string {
	if r.returned() {
		return r.record(ctx)
	}
	r.told = nil
	out, err := do(ctx, at(r.in.Channel), "Ask "+string(r.in.Channel)+" to return "+r.in.Amount.String(), stepRefunds.SendRefund, r.ref())
	if refusal, ok := activities.AsRefusal(err); ok {
		return refusal.Code
	} else if err != nil {
		return "refund_impossible"
	}
	report := out.RefundReport
	if report.State == channel.RefundProcessing {
		report, err = r.follow(ctx, patience(ctx, out.ExpectedBy))
		if refusal, ok := activities.AsRefusal(err); ok {
			return refusal.Code
		} else if err != nil {
			return codeOverdue
		}
	}
	if report.State == channel.RefundSucceeded {
		return ""
	}
	return cmp.Or(report.Code, string(report.State))
}

// record writes down what a notification told while nobody waited for it.
func (r *refund) record(ctx workflow.Context) string {
	told := *r.told
	r.told = nil
	if _, err := do(ctx, books, "Record the refund's end", stepRefunds.RecordRefund,
		activities.ReportIn{PaymentID: r.in.PaymentID, N: r.in.N, Report: told}); err != nil {
		return "notification_differs"
	}
	return ""
}

// codeOverdue is the detail of a case about a refund that the channel took and
// that has no end when the money should be back.
const codeOverdue = "overdue"

// refundMargin is how long after that a person looks: what was paid out in the
// last hours is told the day after.
const refundMargin = 24 * time.Hour

// patience is how long a refund is followed. The books say by when the money is
// expected, in working days; a refund from before they did has refundWindow.
func patience(ctx workflow.Context, expectedBy time.Time) time.Duration {
	if expectedBy.IsZero() {
		return refundWindow
	}
	return max(expectedBy.Add(refundMargin).Sub(workflow.Now(ctx)), refundMargin)
}

// follow waits for the notification, and asks when it does not come.
func (r *refund) follow(ctx workflow.Context, within time.Duration) (channel.RefundReport, error) {
	inner, cancel := workflow.WithCancel(ctx)
	defer cancel()
	timer := workflow.NewTimerWithOptions(inner, quiet, workflow.TimerOptions{Summary: "Notification of the refund expected"})
	var watch workflow.Future
	for {
		// Fails only when ctx is cancelled, and nothing cancels it.
		_ = workflow.Await(ctx, func() bool {
			return r.told != nil || watch == nil && timer.IsReady() || watch != nil && watch.IsReady()
		})
		switch {
		case r.told != nil:
			return do(ctx, books, "Record the refund's end", stepRefunds.RecordRefund,
				activities.ReportIn{PaymentID: r.in.PaymentID, N: r.in.N, Report: *r.told})
		case watch == nil:
			watch = patiently(inner, at(r.in.Channel).seldom().within(within), "Watch refund "+r.no(), stepRefunds.WatchRefund, r.ref())
		default:
			var report channel.RefundReport
			err := watch.Get(ctx, &report)
			return report, err
		}
	}
}

// review lets a person decide about money that the channel cannot return.
func (r *refund) review(ctx workflow.Context, code string) payment.Decision {
	r.cases++
	q := question{Case: payment.Case{
		ID: fmt.Sprintf("%s-R%02d-C%d", r.in.PaymentID, r.in.N, r.cases), Reason: payment.ReviewRefundFailed, Detail: code,
		Allowed: payment.ReviewRefundFailed.AllowedIn(payment.Situation{MoneyIn: true}),
	}}
	q.over = func() *payment.Decision {
		if !r.returned() && !r.found {
			return nil
		}
		return &payment.Decision{CaseID: q.ID, Verdict: payment.RetryRefund, Operator: payment.ByChannel, Note: "returned meanwhile, as the channel tells"}
	}
	q.check = r.mayHandOver
	if code == codeOverdue {
		defer r.look(ctx)()
	}
	return r.desk.ask(ctx, q)
}

// look goes on asking about an overdue refund while a person has the case: one
// that comes in late needs nobody. The result ends it.
func (r *refund) look(ctx workflow.Context) func() {
	inner, cancel := workflow.WithCancel(ctx)
	watch := patiently(inner, at(r.in.Channel).seldom(), "Watch overdue refund "+r.no(), stepRefunds.WatchRefund, r.ref())
	workflow.Go(inner, func(ctx workflow.Context) {
		var report channel.RefundReport
		r.found = watch.Get(ctx, &report) == nil && report.State == channel.RefundSucceeded
	})
	return cancel
}

// mayHandOver has the channel asked before staff return money on site, so that
// it does not go back twice. A channel that gives no answer stops nobody.
func (r *refund) mayHandOver(ctx workflow.Context, d payment.Decision) error {
	if d.Verdict != payment.RefundOffline {
		return nil
	}
	report, err := tryFast(ctx, at(r.in.Channel), "Ask "+string(r.in.Channel)+" what became of "+r.no(), stepRefunds.LookAtRefund, r.ref())
	if r.found = r.found || err == nil && report.State == channel.RefundSucceeded; r.found {
		return temporalProblem(payment.Problem{Code: payment.CodeState, Field: "decision", Text: "the channel has returned the money meanwhile"})
	}
	return nil
}

// asks shows the case that waits.
func (r *refund) asks(ctx workflow.Context) {
	if r.desk.open != nil {
		r.details(ctx, "waits for a person\n\n"+describe(r.desk.open))
	}
}

func (r *refund) details(ctx workflow.Context, what string) {
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** · %s by %s: %s", r.no(), r.in.Amount, r.in.Channel, what))
}

// closePayment ends a payment, all of whose money is back, that has no
// workflow of its own any more.
func (r *refund) closePayment(ctx workflow.Context) {
	in := activities.CompleteIn{PaymentID: r.in.PaymentID, At: workflow.Now(ctx)}
	totals, err := do(ctx, books, "Is all of it back?", stepBooks.Totals, in)
	mustBooks(err)
	if !totals.Whole {
		return
	}
	for _, to := range []payment.Status{payment.Refunding, payment.Refunded} {
		_, err := do(ctx, books, "Record "+string(to), stepBooks.Move, activities.MoveIn{
			PaymentID: r.in.PaymentID, To: to, Reason: "refunded_on_request", Actor: "workflow", At: workflow.Now(ctx),
		})
		if overtaken(err) {
			if !finishesAlsoWhenOvertaken(ctx) {
				return
			}
			// The refund of another tender, which ended at the same time, has done
			// it, or a workflow task of this one that was lost. What follows may be
			// left to do, and does no harm when it is done twice.
			break
		}
		mustBooks(err)
	}
	// The money is back: neither of the two waits for the other to answer.
	told := false
	workflow.Go(ctx, func(ctx workflow.Context) {
		_, _ = do(ctx, backend, "Tell the backend", stepBackend.Tell, activities.TellIn{ // it can ask
			PaymentID: r.in.PaymentID, HospitalID: r.in.HospitalID, URL: totals.CallbackURL,
		})
		told = true
	})
	_, _ = do(ctx, hospital, "Take the registration back", stepHIS.UnregisterPaid, in) // a HIS that refuses keeps its own record
	_ = workflow.Await(ctx, func() bool { return told })                               // ctx is never cancelled
}

// finishesAlsoWhenOvertaken is false in histories of before version 1, where a
// refund that found its payment ended left the registration in the HIS to whoever
// had ended it.
func finishesAlsoWhenOvertaken(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "finish-when-overtaken", workflow.DefaultVersion, 1) >= 1
}

// returnMoney runs a refund as a child workflow and waits for its end.
func returnMoney(ctx workflow.Context, in RefundInput) {
	if in.N == 0 {
		return
	}
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            RefundWorkflowID(in.HospitalID, in.OrderNo, in.N),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		TypedSearchAttributes: refundAttributes(in),
		StaticSummary:         fmt.Sprintf("Refund of %s by %s", in.Amount, in.Channel),
	})
	var result RefundResult
	for {
		// A refund ends only with the money returned or handed over, so an
		// error is a worker's or an operator's doing: a terminated refund is
		// money without an owner and is begun again under the same number.
		err := workflow.ExecuteChildWorkflow(ctx, Refund, in).Get(ctx, &result)
		if err == nil || temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			return
		}
		_ = workflow.Sleep(ctx, time.Minute) // ctx is never cancelled
	}
}

func refundAttributes(in RefundInput) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		PaymentStatus.ValueSet(string(payment.Refunding)),
		PaymentChannel.ValueSet(string(in.Channel)),
		HospitalID.ValueSet(in.HospitalID),
		OrderNo.ValueSet(in.OrderNo),
		AmountFen.ValueSet(in.Amount.Minor()),
	)
}
