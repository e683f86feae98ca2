package tutorial

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/deploy/bench/serve"
	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/workflows"
)

// engine is the API's way to the workflow. It holds nothing of its own and is
// safe for concurrent use.
type engine struct {
	temporal client.Client
	books    ended
	workflow string // its type
}

// ended is what the engine reads of payments whose workflow has ended.
type ended interface {
	Payment(ctx context.Context, id string) (store.View, error)
	Attempt(ctx context.Context, paymentID string, attempt int) (store.Attempt, error)
	RequestIndex(digest string) string
}

// NewEngine makes the engine of an installation, for a Worker of the same cut.
func NewEngine(in *installation.Installation, coarse bool) serve.Engine {
	return &engine{temporal: in.Temporal, books: in.Store, workflow: kindOf(coarse).name}
}

// Begin starts a payment or joins the one that runs, in one call to Temporal
// that returns when the charge is open.
func (e *engine) Begin(ctx context.Context, r payment.Request) (payment.Answer, bool, error) {
	// The same id, policies, attributes and summary as regpay's own workflow.
	start := workflows.StartOptions(r, time.Now())
	start.TaskQueue = Queue
	handle, err := e.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: e.temporal.NewWithStartWorkflowOperation(start, e.workflow, r),
		UpdateOptions:          client.UpdateWorkflowOptions{UpdateName: updateBegin, WaitForStage: client.WorkflowUpdateStageCompleted},
	})
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &started) {
		return e.inBooks(ctx, r)
	}
	var b begun
	if err == nil {
		err = handle.Get(ctx, &b)
	}
	if err != nil {
		return payment.Answer{}, false, rule(err)
	}
	return b.Answer, b.Replayed, nil
}

// inBooks answers a start of an order whose payment is over, from the books.
func (e *engine) inBooks(ctx context.Context, r payment.Request) (payment.Answer, bool, error) {
	v, err := e.books.Payment(ctx, payment.ID(r.Order.HospitalID, r.Order.OrderNo))
	if err != nil {
		return payment.Answer{}, false, err
	}
	a := payment.Answer{PaymentID: v.ID, Status: v.Status, Method: v.Method, Amount: v.Amount, PayBy: v.PayBy, Reason: v.Reason}
	if v.RequestIndex == e.books.RequestIndex(r.Digest()) {
		a.Digest = r.Digest()
	}
	return a, true, nil
}

// Notify gives a verified notification to the payment. One that comes again
// after the end changes nothing; money that comes after the end is an error,
// so that the channel tells of it again.
func (e *engine) Notify(ctx context.Context, ref api.Ref, event channel.Event) error {
	if event.Charge == nil {
		return errors.New("this engine makes no refunds")
	}
	err := e.temporal.SignalWorkflow(ctx, workflows.PaymentWorkflowID(ref.HospitalID, ref.OrderNo), "", signalEvent, event)
	var gone *serviceerror.NotFound
	if !errors.As(err, &gone) {
		return err
	}
	if event.Charge.State != channel.Captured {
		return nil
	}
	a, err := e.books.Attempt(ctx, payment.ID(ref.HospitalID, ref.OrderNo), attempt)
	if err != nil {
		return err
	}
	if !a.Capture.SameCapture(*event.Charge) {
		return fmt.Errorf("a capture after the payment's end: %w", gone)
	}
	return nil
}

// Ping says whether Temporal answers.
func (e *engine) Ping(ctx context.Context) error {
	_, err := e.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

// rule finds the broken rule in an error of the workflow, for the caller.
func rule(err error) error {
	if p, ok := activities.AsProblem(err); ok {
		return p
	}
	if r, ok := activities.AsRefusal(err); ok {
		return payment.Problem{Code: payment.CodeChannelDeclined, Text: r.System + " refuses: " + r.Code}
	}
	return err
}
