package activities_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func failure(k payment.Kind) error {
	return &payment.Failure{Kind: k, System: "wechat", Op: "query", Code: "CODE", Message: "text"}
}

func TestTheBoundaryDecidesWhatMayBeDoneAfterAnError(t *testing.T) {
	problem := payment.Problem{Code: payment.CodeSplit, Field: "f", Text: "text"}
	for _, tc := range []struct {
		name  string
		err   error
		kind  string
		final bool
	}{
		{"a refusal is final", failure(payment.Final), activities.ErrTypeFinal, true},
		{"a wrapped refusal is final", fmt.Errorf("query: %w", failure(payment.Final)), activities.ErrTypeFinal, true},
		{"what has not happened is sent again", failure(payment.Retryable), activities.ErrTypeRetryable, false},
		{"what may have happened is unknown", failure(payment.Uncertain), activities.ErrTypeUnknown, false},
		{"a timeout is unknown and never a failure (I3)", context.DeadlineExceeded, activities.ErrTypeUnknown, false},
		{"anything else is unknown", errors.New("connection reset"), activities.ErrTypeUnknown, false},
		{"a broken rule is final", problem, activities.ErrTypeProblem, true},
		{"several broken rules are the first of them", payment.Problems{problem, {Code: "second"}}, activities.ErrTypeProblem, true},
		{"a state that the books refuse does not change by repeating", fmt.Errorf("move: %w", store.ErrTransition), activities.ErrTypeProblem, true},
		{"a conflict in the books does not go away either", fmt.Errorf("capture: %w", store.ErrConflict), activities.ErrTypeProblem, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			w.errs["move paid"] = tc.err
			b := &activities.Books{Store: w, Hospitals: w}
			for _, step := range []func() error{
				func() error { _, err := local(t, b, b.Move, activities.MoveIn{To: payment.Paid}); return err },
				func() error { _, err := queued(t, b, b.Move, activities.MoveIn{To: payment.Paid}); return err },
			} {
				err := step()
				var app *temporal.ApplicationError
				require.ErrorAs(t, err, &app)
				require.Equal(t, tc.kind, app.Type())
				require.Equal(t, tc.final, app.NonRetryable())
				require.Equal(t, tc.final, activities.IsFinal(err))
			}
		})
	}
}

func TestTheDetailsOfAnErrorSurviveTheWay(t *testing.T) {
	w := newWorld()
	b := &activities.Books{Store: w, Hospitals: w}
	w.errs["move paid"] = failure(payment.Final)
	_, err := queued(t, b, b.Move, activities.MoveIn{To: payment.Paid})
	r, ok := activities.AsRefusal(err)
	require.True(t, ok)
	require.Equal(t, activities.Refusal{System: "wechat", Op: "query", Code: "CODE"}, r)
	_, ok = activities.AsProblem(err)
	require.False(t, ok)

	want := payment.Problem{Code: payment.CodeSplit, Field: "f", Text: "text"}
	w.errs["move paid"] = payment.Problems{want}
	_, err = local(t, b, b.Move, activities.MoveIn{To: payment.Paid})
	p, ok := activities.AsProblem(err)
	require.True(t, ok)
	require.Equal(t, want, p)
	_, ok = activities.AsRefusal(err)
	require.False(t, ok)

	for _, err := range []error{nil, errors.New("x"), temporal.NewApplicationError("x", activities.ErrTypeFinal)} {
		_, ok := activities.AsRefusal(err)
		require.False(t, ok, "an error without details is no refusal")
		_, ok = activities.AsProblem(err)
		require.False(t, ok)
	}
}

func TestNoErrorIsNoError(t *testing.T) {
	w := newWorld()
	b := &activities.Books{Store: w, Hospitals: w}
	_, err := local(t, b, b.Move, activities.MoveIn{To: payment.Paid})
	require.NoError(t, err)
	require.False(t, activities.IsFinal(err))
}
