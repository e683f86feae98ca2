package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// Types of the application errors that leave this package. A workflow goes by
// them alone.
const (
	// ErrTypeFinal: the other side refused; details hold a Refusal.
	ErrTypeFinal = "final"
	// ErrTypeProblem: a rule of ours refused; details hold a payment.Problem.
	ErrTypeProblem = "problem"
	// ErrTypeRetryable: nothing happened; the step can be sent again.
	ErrTypeRetryable = "retryable"
	// ErrTypeUnknown: it may have happened. The repeat of a step looks first.
	ErrTypeUnknown = "unknown"
	// ErrTypeUndecided: the answer is in and says "not yet".
	ErrTypeUndecided = "undecided"
)

// Refusal is what is known of a final failure, free of personal data.
type Refusal struct {
	System string `json:"system"`
	Op     string `json:"op"`
	Code   string `json:"code"`
}

// boundary turns any error of a step into one that Temporal and the workflow
// understand. It is the only judge: final errors are not retried, everything
// else is, and whatever is not known to be harmless counts as unknown (I3).
func boundary(err error) error {
	if err == nil {
		return nil
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return err
	}
	var problems payment.Problems
	if errors.As(err, &problems) && len(problems) > 0 {
		return problemError(problems[0])
	}
	var problem payment.Problem
	if errors.As(err, &problem) {
		return problemError(problem)
	}
	if errors.Is(err, store.ErrTransition) || errors.Is(err, store.ErrConflict) {
		return problemError(payment.Problem{Code: payment.CodeState, Text: err.Error()})
	}
	var f *payment.Failure
	if errors.As(err, &f) {
		r := Refusal{System: f.System, Op: f.Op, Code: f.Code}
		switch f.Kind {
		case payment.Final:
			return temporal.NewApplicationErrorWithOptions(f.Error(), ErrTypeFinal,
				temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{r}})
		case payment.Retryable:
			return temporal.NewApplicationErrorWithOptions(f.Error(), ErrTypeRetryable,
				temporal.ApplicationErrorOptions{Details: []any{r}})
		}
	}
	if errors.Is(err, context.Canceled) {
		return err // the worker is stopping, or the step was called off
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), ErrTypeUnknown, temporal.ApplicationErrorOptions{})
}

func problemError(p payment.Problem) error {
	return temporal.NewApplicationErrorWithOptions(p.Error(), ErrTypeProblem,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{p}})
}

// undecided makes Temporal ask again after a while: the other side has
// answered, but not with an end. Nothing is wrong, so no worker logs it as an
// error: with thousands of patients about to pay it would hide what is.
func undecided(what, state string, again time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(what+" is "+state, ErrTypeUndecided,
		temporal.ApplicationErrorOptions{NextRetryDelay: again, Category: temporal.ApplicationErrorCategoryBenign})
}

// AsRefusal finds the refusal of a step's final error.
func AsRefusal(err error) (Refusal, bool) {
	var app *temporal.ApplicationError
	if errors.As(err, &app) && app.Type() == ErrTypeFinal {
		var r Refusal
		if app.Details(&r) == nil {
			return r, true
		}
	}
	return Refusal{}, false
}

// AsProblem finds the broken rule of a step's error.
func AsProblem(err error) (payment.Problem, bool) {
	var app *temporal.ApplicationError
	if errors.As(err, &app) && app.Type() == ErrTypeProblem {
		var p payment.Problem
		if app.Details(&p) == nil {
			return p, true
		}
	}
	return payment.Problem{}, false
}

// IsFinal says whether trying the step again is of no use.
func IsFinal(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.NonRetryable()
}

// IsUndecided says whether the other side has answered, but not with an end.
func IsUndecided(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.Type() == ErrTypeUndecided
}
