package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/store"
)

func TestReadingALogOfNoPaymentIsLoggedOnceInTenMinutes(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	log := store.SubjectRisk("ren-he")
	for _, look := range []struct {
		by, address string
		after       time.Duration
		records     int
	}{
		{"local:sun", "10.0.0.1", 0, 1},
		{"local:sun", "10.0.0.1", 9 * time.Minute, 1},
		{"local:sun", "10.0.0.2", 9 * time.Minute, 2},
		{"local:wu", "10.0.0.1", 9 * time.Minute, 3},
		{"local:sun", "10.0.0.1", 10 * time.Minute, 4},
	} {
		require.NoError(t, b.LogViewed(ctx, log, look.by, look.address, noon.Add(look.after)))
		require.Equal(t, look.records, logged(t, b, log, "log_viewed"), look)
	}
	require.NoError(t, b.VerifyAudit(ctx, log))
	lines, err := b.LogPage(ctx, log, 0, 1)
	require.NoError(t, err)
	require.Equal(t, "local:sun", lines[0].Actor)
	require.Equal(t, "10.0.0.1", lines[0].Detail["address"])
}
