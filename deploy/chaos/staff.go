package main

import (
	"context"
	"time"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

const (
	queueEvery = time.Second
	// patience leaves a case to the patient first, who may pay otherwise.
	patience = 15 * time.Second
)

// staff works through the queue of open cases until ctx ends. What it decides
// counts as having ended with a person.
func staff(ctx context.Context, in *local.Installation) {
	for pause(ctx, queueEvery) == nil {
		for cursor := ""; ; {
			page, err := in.Staff.Reviews(ctx, "", cursor)
			if err != nil {
				break // looked at again in a second
			}
			for _, r := range page.Items {
				if r.Reason == payment.ReviewClearingFailed && time.Since(r.OpenedAt) < patience {
					continue
				}
				decide(ctx, in, r)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
	}
}

// decide does what makes sense. A refusal, or no answer, leaves the case open,
// to be seen again.
func decide(ctx context.Context, in *local.Installation, r wire.Review) {
	d := wire.Decision{CaseID: r.CaseID, Operator: "chaos-staff", Note: "decided as usual"}
	switch r.Reason {
	case payment.ReviewRisk:
		d.Decision = payment.Approve
	case payment.ReviewClearingUnknown:
		// They call the platform, whose own staff find the settlement.
		_ = in.Sandbox.SettleInsurance(ctx, r.HospitalID, payment.MerchantNo(r.OrderNo, r.Attempt), local.InsuranceSettled)
		d.Decision = payment.RetryClearing
	case payment.ReviewClearingOverdue:
		d.Decision = payment.RetryClearing
	case payment.ReviewRefundFailed:
		d.Decision = payment.RetryRefund
	default:
		d.Decision = payment.RefundAll
	}
	_, _ = in.Staff.Decide(ctx, r.PaymentID, d)
}
