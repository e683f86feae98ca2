package tutorial

import (
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// cut is where the two parts of a payment that have more than one side effect
// are cut into activities.
type cut interface {
	charge(ctx workflow.Context, in activities.ChargeIn) (activities.ChargeOut, error)
	register(ctx workflow.Context, in activities.RegisterIn) (activities.RegisterOut, error)
}

// Payment is the workflow with an activity for each side effect. Its error is
// of a payment that was refused, or that needs more than this kind of engine has.
func Payment(ctx workflow.Context, request payment.Request) (workflows.Result, error) {
	return live(ctx, request, fine{})
}

// CoarsePayment is Payment with regpay's own steps as its activities.
func CoarsePayment(ctx workflow.Context, request payment.Request) (workflows.Result, error) {
	return live(ctx, request, coarse{})
}

// kind is the workflow with a cut, and its name.
type kind struct {
	name     string
	workflow func(workflow.Context, payment.Request) (workflows.Result, error)
}

func kindOf(coarse bool) kind {
	if coarse {
		return kind{typeCoarse, CoarsePayment}
	}
	return kind{typePayment, Payment}
}

// fine is one side effect an activity.
type fine struct{}

func (fine) charge(ctx workflow.Context, in activities.ChargeIn) (activities.ChargeOut, error) {
	charge := chargeOf(in)
	err := workflow.ExecuteActivity(ctx, single.WriteAttempt, AttemptIn{Charge: charge, Next: in.Next}).Get(ctx, nil)
	if err != nil {
		return activities.ChargeOut{}, err
	}
	var prepaid channel.Prepaid
	if err := workflow.ExecuteActivity(ctx, single.Prepay, charge).Get(ctx, &prepaid); err != nil {
		return activities.ChargeOut{}, err
	}
	err = workflow.ExecuteActivity(ctx, single.SavePrepaid, PrepaidIn{
		PaymentID: in.PaymentID, Attempt: in.Attempt, Prepaid: prepaid,
	}).Get(ctx, nil)
	return activities.ChargeOut{Pay: prepaid.Pay, Report: prepaid.Report}, err
}

func (fine) register(ctx workflow.Context, in activities.RegisterIn) (activities.RegisterOut, error) {
	var done his.Registered
	err := workflow.ExecuteActivity(ctx, single.RegisterInHIS, registrationOf(in)).Get(ctx, &done)
	if err != nil {
		return activities.RegisterOut{}, err
	}
	err = workflow.ExecuteActivity(ctx, single.RecordRegistered, RegisteredIn{PaymentID: in.PaymentID, Registered: done, Next: in.Next()}).Get(ctx, nil)
	return activities.RegisterOut{AppointmentID: done.AppointmentID, Completed: in.Completes}, err
}

// chargeOf is the very charge that regpay asks for.
func chargeOf(in activities.ChargeIn) channel.Charge {
	o := in.Order
	return channel.Charge{
		HospitalID: o.HospitalID, PaymentID: in.PaymentID, OrderNo: o.OrderNo,
		Attempt: in.Attempt, MerchantNo: payment.MerchantNo(o.OrderNo, in.Attempt),
		Channel: in.Tender.Channel, Scene: in.Tender.Scene,
		Amount: in.Tender.Amount, Total: o.Amount,
		// Neither department nor doctor: a payment app's bill is seen by others.
		Description: "预约挂号",
		CreatedAt:   in.CreatedAt, ExpiresAt: in.ExpiresAt,
		Slot: o.Slot, Fees: o.Fees, Payer: o.Patient,
		PayAuthNo: in.Choice.PayAuthNo, ECToken: in.Choice.ECToken,
	}
}

// registrationOf is the very registration that regpay tells.
func registrationOf(in activities.RegisterIn) his.Registration {
	return his.Registration{
		HospitalID: in.Order.HospitalID, PaymentID: in.PaymentID, OrderNo: in.Order.OrderNo,
		Slot: in.Order.Slot, Patient: in.Order.Patient, Amount: in.Order.Amount,
		PaidAt: in.PaidAt, Voucher: in.Voucher,
	}
}

// coarse is regpay's own cut.
type coarse struct{}

func (coarse) charge(ctx workflow.Context, in activities.ChargeIn) (out activities.ChargeOut, err error) {
	err = workflow.ExecuteActivity(ctx, channels.Charge, in).Get(ctx, &out)
	return out, err
}

func (coarse) register(ctx workflow.Context, in activities.RegisterIn) (out activities.RegisterOut, err error) {
	err = workflow.ExecuteActivity(ctx, hospital.Register, in).Get(ctx, &out)
	return out, err
}
