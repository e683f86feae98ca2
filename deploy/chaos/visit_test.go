package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api/wire"
)

func TestACallIsRepeatedUntilItIsAnswered(t *testing.T) {
	var s stats
	answers := []error{errors.New("connection reset"), &wire.Problem{Status: 503, Code: "unavailable"}, &wire.Problem{Status: 429, Code: "too_many"}, nil}
	n := 0
	out, err := again(t.Context(), &s, func() (int, error) { n++; return n, answers[n-1] })
	require.NoError(t, err)
	require.Equal(t, 4, out)
	require.Equal(t, int64(3), s.repeated.Load())

	n = 0
	_, err = again(t.Context(), &s, func() (int, error) { n++; return 0, &wire.Problem{Status: 409, Code: "order_conflict"} })
	require.Equal(t, "order_conflict", refusal(err))
	require.Equal(t, 1, n, "what is refused for good is not asked again")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = again(ctx, &s, func() (int, error) { return 0, errors.New("nobody answers") })
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "nobody answers")
}
