package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/workflows"
	"github.com/regpay/regpay/workflows/host"
)

// engine is the API's way to the workflows. It holds nothing of its own.
type engine struct {
	temporal client.Client
	books    *store.Store
	host     *host.Host // begins payments
}

var _ api.Engine = (*engine)(nil)

// Begin starts a payment or joins the one that runs, which is a repeat.
func (e *engine) Begin(ctx context.Context, r payment.Request) (payment.Answer, bool, error) {
	var answer payment.Answer
	repeat := true
	err := resend(ctx, func() (err error) {
		var started bool
		answer, started, err = e.host.Begin(ctx, r)
		repeat = repeat && !started // what an earlier try started was not there before
		return err
	})
	var over *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &over) {
		answer, err = e.ended(ctx, r)
		return answer, repeat, err
	}
	if err != nil {
		return payment.Answer{}, false, rule(err)
	}
	return answer, repeat, nil
}

// ended answers a start of an order whose payment is over, from the books.
func (e *engine) ended(ctx context.Context, r payment.Request) (payment.Answer, error) {
	v, err := e.books.Payment(ctx, payment.ID(r.Order.HospitalID, r.Order.OrderNo))
	if err != nil {
		return payment.Answer{}, err
	}
	a := payment.Answer{PaymentID: v.ID, Status: v.Status, Method: v.Method, Amount: v.Amount, PayBy: v.PayBy, Reason: v.Reason}
	if v.RequestIndex == e.books.RequestIndex(r.Digest()) {
		a.Digest = r.Digest()
	}
	return a, nil
}

func (e *engine) update(ctx context.Context, workflowID, name string, arg any) (payment.Answer, error) {
	handle, err := e.send(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: name, Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return payment.Answer{}, rule(err)
	}
	var answer payment.Answer
	return answer, rule(handle.Get(ctx, &answer))
}

// An update that the server dropped is sent so often, each time after twice
// the wait.
const (
	updateTries = 6
	updateWait  = 20 * time.Millisecond
)

// resend repeats a call whose update the server dropped: a workflow task that
// ends a payment while a notification comes in is begun anew, without the
// updates that came with it. Nothing was done about them.
func resend(ctx context.Context, call func() error) error {
	wait := updateWait
	for try := 1; ; try++ {
		err := call()
		var dropped *serviceerror.WorkflowNotReady
		if !errors.As(err, &dropped) || try == updateTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
			wait *= 2
		}
	}
}

// send sends an update, under one id however often.
func (e *engine) send(ctx context.Context, o client.UpdateWorkflowOptions) (handle client.WorkflowUpdateHandle, err error) {
	o.UpdateID = rand.Text()
	err = resend(ctx, func() error {
		handle, err = e.temporal.UpdateWorkflow(ctx, o)
		return err
	})
	return handle, err
}

// Verify answers a verification.
func (e *engine) Verify(ctx context.Context, ref api.Ref, p payment.Proof) (payment.Answer, error) {
	return e.update(ctx, workflows.PaymentWorkflowID(ref.HospitalID, ref.OrderNo), workflows.UpdateVerify, p)
}

// ChangeMethod lets the patient pay otherwise.
func (e *engine) ChangeMethod(ctx context.Context, ref api.Ref, c payment.Choice) (payment.Answer, error) {
	return e.update(ctx, workflows.PaymentWorkflowID(ref.HospitalID, ref.OrderNo), workflows.UpdateChangeMethod, c)
}

// Cancel ends the payment.
func (e *engine) Cancel(ctx context.Context, ref api.Ref, c payment.Cancellation) (payment.Answer, error) {
	return e.update(ctx, workflows.PaymentWorkflowID(ref.HospitalID, ref.OrderNo), workflows.UpdateCancel, c)
}

// Decide gives the decision to the workflow that waits for it, the payment's
// or a refund's.
func (e *engine) Decide(ctx context.Context, ref api.Ref, d payment.Decision) error {
	c, err := e.books.Case(ctx, d.CaseID)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && (c.HospitalID != ref.HospitalID || c.OrderNo != ref.OrderNo):
		return payment.Problem{Code: payment.CodeCaseUnknown, Field: "case_id", Text: "this payment has no such case"}
	case err != nil:
		return err
	}
	handle, err := e.send(ctx, client.UpdateWorkflowOptions{
		WorkflowID: c.Workflow, UpdateName: workflows.UpdateDecideReview, Args: []any{d}, WaitForStage: client.WorkflowUpdateStageAccepted,
	})
	if err != nil {
		return rule(err)
	}
	// It is accepted. What follows from it can take as long as a slow platform;
	// whoever decided is told of a refusal that comes at once, and of nothing
	// else.
	soon, cancel := context.WithTimeout(ctx, decidedWithin)
	defer cancel()
	if err := handle.Get(soon, nil); soon.Err() == nil {
		return rule(err)
	}
	return ctx.Err()
}

// decidedWithin is how long a person who decided waits for more than the word
// that the decision was taken.
const decidedWithin = 4 * time.Second

// Refund starts the workflow of a reserved refund.
func (e *engine) Refund(ctx context.Context, ref api.Ref, r store.RefundRow) error {
	a, err := e.books.Attempt(ctx, r.PaymentID, r.Attempt)
	if err != nil {
		return err
	}
	in := workflows.RefundInput{
		PaymentID: r.PaymentID, HospitalID: ref.HospitalID, OrderNo: ref.OrderNo,
		N: r.N, Channel: a.Charge.Channel, Amount: r.Refund.Amount, Closes: true,
	}
	_, err = e.temporal.ExecuteWorkflow(ctx, workflows.RefundOptions(in), workflows.Refund, in)
	return ignoreStarted(err)
}

// Notify gives a verified notification to whom it concerns: a refund's to the
// refund, a capture's to the payment, and when that has ended, to a workflow
// that returns the money.
func (e *engine) Notify(ctx context.Context, ref api.Ref, event channel.Event) error {
	if event.Refund != nil {
		order, n, ok := payment.SplitRefundNo(event.Refund.RefundNo)
		if !ok || order != ref.OrderNo {
			return fmt.Errorf("notification of a refund that is not this order's")
		}
		err := e.temporal.SignalWorkflow(ctx, workflows.RefundWorkflowID(ref.HospitalID, order, n), "", workflows.SignalChannelEvent, event)
		return ignoreGone(err) // a refund that has ended knows already
	}
	err := e.tell(ctx, workflows.PaymentWorkflowID(ref.HospitalID, ref.OrderNo), event)
	var gone *serviceerror.NotFound
	if !errors.As(err, &gone) {
		return err
	}
	return e.stray(ctx, ref, *event.Charge)
}

// heardWithin is how long a notification may take to be heard by the process
// that has its payment: well within the time that channels wait for an answer.
const heardWithin = 2 * time.Second

// tell gives a notification to a running payment. By an update it is heard a
// write of Temporal's sooner than by a signal, but only where a worker takes it
// now, and only then is it in the payment's history. Where it is not heard soon,
// whatever the reason, Temporal keeps it as a signal. Heard twice it changes
// nothing.
func (e *engine) tell(ctx context.Context, workflowID string, event channel.Event) error {
	soon, cancel := context.WithTimeout(ctx, heardWithin)
	defer cancel()
	handle, err := e.send(soon, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: workflows.UpdateChannelEvent, Args: []any{event}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil && handle.Get(soon, nil) == nil {
		return nil
	}
	return e.temporal.SignalWorkflow(ctx, workflowID, "", workflows.SignalChannelEvent, event)
}

// stray returns money that came in after a payment's end (I1). What the books
// have already is no stray.
func (e *engine) stray(ctx context.Context, ref api.Ref, r channel.Report) error {
	order, attempt, ok := payment.SplitMerchantNo(r.MerchantNo)
	if r.State != channel.Captured || !ok || order != ref.OrderNo {
		return nil
	}
	id := payment.ID(ref.HospitalID, ref.OrderNo)
	a, err := e.books.Attempt(ctx, id, attempt)
	if err != nil {
		return err
	}
	if a.Capture.SameCapture(r) {
		return nil
	}
	in := workflows.StrayInput{
		PaymentID: id, HospitalID: ref.HospitalID, OrderNo: order, Attempt: attempt, Channel: a.Charge.Channel, Report: r,
	}
	_, err = e.temporal.ExecuteWorkflow(ctx, workflows.StrayOptions(in), workflows.StrayPayment, in)
	return ignoreStarted(err)
}

// Ping says whether Temporal answers.
func (e *engine) Ping(ctx context.Context) error {
	_, err := e.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

// rule finds the broken rule in an error of a workflow; an order without a
// running workflow breaks the rule that only a running payment can be changed.
func rule(err error) error {
	if err == nil {
		return nil
	}
	if p, ok := activities.AsProblem(err); ok {
		return p
	}
	if r, ok := activities.AsRefusal(err); ok {
		return payment.Problem{Code: payment.CodeChannelDeclined, Text: r.System + " refuses: " + r.Code}
	}
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return payment.Problem{Code: payment.CodeState, Text: "the payment has ended"}
	}
	return err
}

func ignoreStarted(err error) error {
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &started) {
		return nil
	}
	return err
}

func ignoreGone(err error) error {
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return nil
	}
	return err
}
