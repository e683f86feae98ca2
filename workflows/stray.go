package workflows

import (
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
)

// StrayInput is money that came in for a payment which cannot use it: for an
// attempt that another method replaced, or after the payment's end.
type StrayInput struct {
	PaymentID  string          `json:"payment_id"`
	HospitalID string          `json:"hospital_id"`
	OrderNo    string          `json:"order_no"`
	Attempt    int             `json:"attempt"`
	Channel    payment.Channel `json:"channel"`
	Report     channel.Report  `json:"report"`
}

// StrayPayment records money that no payment could use and returns it by its
// original route, without a person (I1).
func StrayPayment(ctx workflow.Context, in StrayInput) (RefundResult, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	details := func(what string) {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("**stray** · %s by %s for attempt `%s`: %s", in.Report.Captured, in.Channel, in.Report.MerchantNo, what))
	}
	details("being recorded")
	_, err := do(ctx, books, "Record the stray capture", stepBooks.Settle, activities.SettleIn{
		HospitalID: in.HospitalID, PaymentID: in.PaymentID, Attempt: in.Attempt, Channel: in.Channel,
		Report: in.Report, At: workflow.Now(ctx), Actor: "workflow",
	})
	mustBooks(err)
	reserved, err := do(ctx, books, "Set the refund aside", stepBooks.ReserveRefund, activities.ReserveIn{
		PaymentID: in.PaymentID, Key: "stray/" + in.Report.ChannelNo, Attempt: in.Attempt, ChannelNo: in.Report.ChannelNo,
		Amount: in.Report.Captured, Reason: "stray_payment", Actor: "workflow", At: workflow.Now(ctx),
	})
	mustBooks(err)
	details("going back")
	returnMoney(ctx, RefundInput{
		PaymentID: in.PaymentID, HospitalID: in.HospitalID, OrderNo: in.OrderNo,
		N: reserved.N, Channel: in.Channel, Amount: in.Report.Captured,
	})
	details("returned")
	return RefundResult{RefundNo: payment.RefundNo(in.OrderNo, reserved.N), State: channel.RefundSucceeded}, nil
}

// returnStrays hands every stray capture to a workflow of its own, for as long
// as the payment lives.
func (p *registration) returnStrays(ctx workflow.Context) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	for {
		// Fails only when ctx is cancelled, and nothing cancels it.
		_ = workflow.Await(ctx, func() bool { return len(p.inbox.strays) > 0 })
		r := p.inbox.strays[0]
		p.handOver(ctx, r)
		p.inbox.strays = p.inbox.strays[1:]
	}
}

func (p *registration) handOver(ctx workflow.Context, r channel.Report) {
	order, attempt, ok := payment.SplitMerchantNo(r.MerchantNo)
	if ok && p.channels[attempt] == "" {
		p.learn(ctx, p.attempt)
	}
	if !ok || order != p.order().OrderNo || p.channels[attempt] == "" {
		return // not this order's: the door does not let such a notification in
	}
	in := StrayInput{
		PaymentID: p.id, HospitalID: p.order().HospitalID, OrderNo: order,
		Attempt: attempt, Channel: p.channels[attempt], Report: r,
	}
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            StrayWorkflowID(in.Channel, r.ChannelNo),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         fmt.Sprintf("Stray payment of %s by %s", r.Captured, in.Channel),
		TypedSearchAttributes: refundAttributes(RefundInput{HospitalID: in.HospitalID, OrderNo: order, Channel: in.Channel, Amount: r.Captured}),
	})
	p.tells(ctx, "money that cannot be used goes back", string(in.Channel))
	// An error means that it runs already.
	_ = workflow.ExecuteChildWorkflow(ctx, StrayPayment, in).GetChildWorkflowExecution().Get(ctx, nil)
}
