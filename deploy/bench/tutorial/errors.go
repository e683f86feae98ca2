package tutorial

import (
	"context"
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// boundary turns an error of an action into one that Temporal and the caller
// understand, in regpay's own types: what is refused for good is not tried
// again, everything else is.
func boundary(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, store.ErrTransition) || errors.Is(err, store.ErrConflict) {
		err = payment.Problem{Code: payment.CodeState, Text: err.Error()}
	}
	var problem payment.Problem
	if errors.As(err, &problem) {
		return temporal.NewNonRetryableApplicationError(problem.Error(), activities.ErrTypeProblem, nil, problem)
	}
	var f *payment.Failure
	if !errors.As(err, &f) || f.Kind == payment.Uncertain {
		return temporal.NewApplicationError(err.Error(), activities.ErrTypeUnknown)
	}
	refusal := activities.Refusal{System: f.System, Op: f.Op, Code: f.Code}
	if f.Kind == payment.Final {
		return temporal.NewNonRetryableApplicationError(f.Error(), activities.ErrTypeFinal, nil, refusal)
	}
	return temporal.NewApplicationError(f.Error(), activities.ErrTypeRetryable, refusal)
}
