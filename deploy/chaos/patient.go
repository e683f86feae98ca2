package main

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// act is the patient with a charge to pay, once.
func (v *visit) act(ctx context.Context, t wire.Pay) error {
	if v.acted[t.MerchantNo] {
		return nil
	}
	if v.switched { // whatever was planned, by now they pay
		return v.pay(ctx, t, sandbox.Pay)
	}
	switch v.Conduct {
	case neverPays:
		v.acted[t.MerchantNo] = true
		return nil
	case paysLate:
		v.After = v.Window + v.After/2
		return v.pay(ctx, t, sandbox.PayLate)
	case paysTwice:
		return v.pay(ctx, t, sandbox.PayTwice)
	case failsFirst:
		if err := v.in.Sandbox.PayTender(ctx, t, sandbox.Fail, 0); err != nil {
			return later(ctx)
		}
		if t.Channel == payment.UnionPay { // whose cashier takes one try
			v.acted[t.MerchantNo] = true
			return v.otherwise(ctx)
		}
	case cancels:
		v.acted[t.MerchantNo] = true
		if err := pause(ctx, v.After); err != nil {
			return err
		}
		return v.cancel(ctx)
	case cancelsPaid:
		return v.both(ctx, t, v.cancel)
	case changes:
		v.acted[t.MerchantNo] = true
		if err := pause(ctx, v.After); err != nil {
			return err
		}
		return v.otherwise(ctx)
	case changesPaid:
		return v.both(ctx, t, v.otherwise)
	}
	return v.pay(ctx, t, sandbox.Pay)
}

// pay has the patient pay in a while. A cashier that cannot be reached is tried
// again at the next look.
func (v *visit) pay(ctx context.Context, t wire.Pay, do sandbox.Behaviour) error {
	err := v.in.Sandbox.PayTender(ctx, t, do, v.After)
	var refused *local.StatusError
	if err == nil || errors.As(err, &refused) && refused.Status < 500 {
		v.acted[t.MerchantNo] = true // taken, or too late to be
		return nil
	}
	return later(ctx)
}

// both pays and does something else at the same moment.
func (v *visit) both(ctx context.Context, t wire.Pay, other func(context.Context) error) error {
	v.acted[t.MerchantNo] = true
	var all errgroup.Group
	all.Go(func() error {
		_ = v.in.Sandbox.PayTender(ctx, t, sandbox.Pay, 0) // the other may be first, and then this is refused
		return later(ctx)
	})
	all.Go(func() error { return other(ctx) })
	return all.Wait()
}

func (v *visit) cancel(ctx context.Context) error {
	_, err := again(ctx, v.stats, func() (wire.Answer, error) {
		return v.in.API.Cancel(ctx, v.ending().PaymentID, wire.Cancel{Reason: "patient_changed_mind"})
	})
	v.stopped = true
	if refusal(err) != "" {
		return nil // too late: it is paid, or over
	}
	return err
}

// otherwise chooses another way to pay, once.
func (v *visit) otherwise(ctx context.Context) error {
	if v.switched || v.stopped {
		return nil
	}
	choice := wire.Choice{Method: payment.ByWeChat, Scene: payment.Native}
	if v.Way.Method == payment.ByWeChat {
		choice = wire.Choice{Method: payment.ByUnionPay, Scene: payment.App}
	}
	v.switched = true
	a, err := again(ctx, v.stats, func() (wire.Answer, error) { return v.in.API.ChangeMethod(ctx, v.ending().PaymentID, choice) })
	if refusal(err) != "" {
		return nil // too late
	}
	if err != nil || a.Tender == nil {
		return err // the next look shows what is to be paid
	}
	return v.act(ctx, *a.Tender)
}

// doubt has the platform say that it does not know, as soon as it clears.
func (v *visit) doubt(ctx context.Context) {
	// Refused as long as the platform has not been asked; the next look tries again.
	_ = v.in.Sandbox.SettleInsurance(ctx, v.Hospital, payment.MerchantNo(v.Order, 1), local.InsuranceUnclear)
}

// later is nil as long as the run goes on: what failed is tried at the next
// look, or shows in how the payment ends.
func later(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
