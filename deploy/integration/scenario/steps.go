package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// look is how often a state is asked for that is expected soon.
const look = 40 * time.Millisecond

// ErrNothingToPay: the answer has no charge that a patient could pay.
var ErrNothingToPay = errors.New("there is nothing to pay")

// Pay lets the patient of an answer pay at once, as told.
func Pay(ctx context.Context, in *local.Installation, a wire.Answer, do sandbox.Behaviour) error {
	if a.Tender == nil {
		return fmt.Errorf("pay %s, which is %s: %w", a.OrderNo, a.Status, ErrNothingToPay)
	}
	return in.Sandbox.PayTender(ctx, *a.Tender, do, 0)
}

// Prove lets the patient answer a code, and returns what is to be paid next.
func Prove(ctx context.Context, in *local.Installation, a wire.Answer) (wire.Answer, error) {
	v, err := in.AnswerSMS(ctx, a.HospitalID, a.PaymentID)
	if err != nil {
		return a, fmt.Errorf("verify the patient of %s: %w", a.OrderNo, err)
	}
	if v.Payment == nil {
		return a, fmt.Errorf("verify the patient of %s: no answer", a.OrderNo)
	}
	return *v.Payment, nil
}

// Until asks for a payment until it is in one of the states, or ctx ends.
func Until(ctx context.Context, in *local.Installation, id string, states ...payment.Status) (wire.Payment, error) {
	var last wire.Payment
	err := Wait(ctx, func() (bool, error) {
		p, err := in.API.Payment(ctx, id, false)
		if err != nil {
			return false, err
		}
		last = p
		return slices.Contains(states, p.Status), nil
	})
	if err != nil {
		return last, fmt.Errorf("payment %s is %q (%s), not %v: %w", id, last.Status, last.Reason, states, err)
	}
	return last, nil
}

// Wait asks again and again until done, or until ctx ends. An error counts as
// "not yet", since an API that is being restarted gives those; the last one is
// told at the end.
func Wait(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		ok, err := done()
		if err == nil && ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}
