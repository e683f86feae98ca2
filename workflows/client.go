package workflows

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/internal/privacy"
)

// Begin starts the payment of an order, or joins the one that runs, and
// returns what the patient needs in order to pay. It is one call to Temporal,
// an update with start, and safe to repeat. Compare Answer.Digest with the
// request's: another one means that the order was started with another
// request. Errors are Temporal's; one whose application error has the type
// "problem" says which rule the request broke. An order whose payment has
// ended gives serviceerror.WorkflowExecutionAlreadyStarted.
//
// The client has to be made with the options of Encrypted.
func Begin(ctx context.Context, c client.Client, r Request) (Answer, error) {
	start := c.NewWithStartWorkflowOperation(StartOptions(r, time.Now()), RegistrationPayment, r)
	handle, err := c.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			// Not the same for every start: the server gives back the outcome of an
			// update that it knows also when the workflow has ended, so an order
			// that was refused would be refused for ever.
			UpdateID: rand.Text(), UpdateName: UpdateBegin, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err != nil {
		return Answer{}, err
	}
	var answer Answer
	err = handle.Get(ctx, &answer)
	return answer, err
}

// Encrypted adds an installation's encryption to the options of a client:
// everything that it sends to Temporal, errors included, is sealed with the
// active one of its SM4 keys (16 bytes each, by id), as the workers expect it.
// A client without it would write patients' data into Temporal in plain text
// (rule I10).
func Encrypted(o client.Options, active string, keys map[string][]byte) (client.Options, error) {
	ring, err := privacy.NewKeyring(active, keys)
	if err != nil {
		return o, fmt.Errorf("encryption keys: %w", err)
	}
	o.DataConverter, o.FailureConverter = privacy.NewDataConverter(ring), privacy.NewFailureConverter(ring)
	return o, nil
}

// StartOptions are the options with which a payment has to be started; now is
// only for the deadline shown in the search attributes.
func StartOptions(r Request, now time.Time) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       PaymentWorkflowID(r.Order.HospitalID, r.Order.OrderNo),
		TaskQueue:                QueuePayments,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		// A payment that never came into being may be tried again; one that
		// ended in any other way is over.
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		TypedSearchAttributes: attributes(r, now),
		StaticSummary:         fmt.Sprintf("Registration payment · %s · %s", r.Order.Amount, r.Choice.Method),
	}
}

// RefundOptions are the options with which a refund is started from outside a
// payment's workflow.
func RefundOptions(in RefundInput) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       RefundWorkflowID(in.HospitalID, in.OrderNo, in.N),
		TaskQueue:                QueuePayments,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		TypedSearchAttributes:    refundAttributes(in),
		StaticSummary:            fmt.Sprintf("Refund of %s by %s", in.Amount, in.Channel),
	}
}

// StrayOptions are the options with which a stray payment is returned that
// was found outside a payment's workflow.
func StrayOptions(in StrayInput) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       StrayWorkflowID(in.Channel, in.Report.ChannelNo),
		TaskQueue:                QueuePayments,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		TypedSearchAttributes: refundAttributes(RefundInput{
			HospitalID: in.HospitalID, OrderNo: in.OrderNo, Channel: in.Channel, Amount: in.Report.Captured,
		}),
		StaticSummary: fmt.Sprintf("Stray payment of %s by %s", in.Report.Captured, in.Channel),
	}
}

// Register makes the workflows known to a worker, under the contract's names.
func Register(w worker.WorkflowRegistry) { register(w, RegistrationPayment) }

// RegisterTelling is Register for a process that begins payments itself and is
// told by them, in memory, what the begin of each comes to; nil is that Temporal
// has to be asked, by Begin. tell must not wait.
func RegisterTelling(w worker.WorkflowRegistry, tell func(workflowID string, o *Outcome)) {
	register(w, func(ctx workflow.Context, r Request) (Result, error) { return pay(ctx, r, tell) })
}

func register(w worker.WorkflowRegistry, registrationPayment func(workflow.Context, Request) (Result, error)) {
	for name, f := range map[string]any{
		TypeRegistrationPayment: registrationPayment,
		TypeRefund:              Refund,
		TypeStrayPayment:        StrayPayment,
	} {
		w.RegisterWorkflowWithOptions(f, workflow.RegisterOptions{Name: name})
	}
}
