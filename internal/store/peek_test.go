package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/store"
)

func TestLookingAtASessionDoesNotProlongIt(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	begun := noon.Truncate(time.Microsecond)
	token, started := start(t, b, store.NewSession{})
	for _, after := range []time.Duration{time.Minute, 10 * time.Minute, store.SessionIdle - time.Microsecond} {
		s, err := b.PeekSession(ctx, token, begun.Add(after))
		require.NoError(t, err)
		require.Equal(t, started, s)
	}
	for _, find := range []func() (store.Session, error){
		func() (store.Session, error) { return b.PeekSession(ctx, token, begun.Add(store.SessionIdle)) },
		func() (store.Session, error) { return b.Session(ctx, token, begun.Add(store.SessionIdle)) },
		func() (store.Session, error) { return b.PeekSession(ctx, "no token", begun) },
	} {
		_, err := find()
		require.ErrorIs(t, err, store.ErrNotFound)
	}
}
