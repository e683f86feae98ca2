package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
)

func TestAnUpdateThatTheServerDroppedIsSentAgain(t *testing.T) {
	dropped := serviceerror.NewWorkflowNotReady("dropped")
	other := errors.New("refused")
	for _, tc := range []struct {
		name    string
		answers []error
		want    error
		calls   int
	}{
		{"taken at once", []error{nil}, nil, 1},
		{"dropped twice", []error{dropped, dropped, nil}, nil, 3},
		{"another error is the answer", []error{dropped, other}, other, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			calls := 0
			err := resend(t.Context(), func() error { calls++; return tc.answers[calls-1] })
			require.Equal(t, tc.want, err)
			require.Equal(t, tc.calls, calls)
		})
	}
	calls := 0
	require.Equal(t, error(dropped), resend(t.Context(), func() error { calls++; return dropped }))
	require.Equal(t, updateTries, calls, "and not for ever")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, resend(ctx, func() error { return dropped }), context.Canceled)
}
