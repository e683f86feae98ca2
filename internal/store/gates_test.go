package store_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func TestANotificationIsKeptOnce(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	w := store.Webhook{Channel: payment.WeChat, HospitalID: hospital, Header: []byte(`{"a":"b"}`), Body: []byte("raw"),
		ReceivedAt: noon, EventID: "EV-1", PaymentID: "pay_x", Outcome: "accepted"}
	for i := range 2 {
		repeated, err := b.KeepWebhook(ctx, w)
		require.NoError(t, err)
		require.Equal(t, i == 1, repeated)
	}
	for _, other := range []store.Webhook{
		{Channel: payment.UnionPay, HospitalID: hospital, EventID: "EV-1"},
		{Channel: payment.WeChat, HospitalID: "h-xiehe", EventID: "EV-1"},
		{Channel: payment.WeChat, HospitalID: hospital, Outcome: "bad_signature"},
		{Channel: payment.WeChat, HospitalID: hospital, Outcome: "bad_signature"},
	} {
		repeated, err := b.KeepWebhook(ctx, other)
		require.NoError(t, err)
		require.False(t, repeated)
	}
	sealed := one[[]byte](t, b, "SELECT body_sealed FROM webhooks WHERE payment_id = 'pay_x'")
	body, err := b.keys.Open(sealed, []byte("regpay books\x00webhook body"))
	require.NoError(t, err)
	require.Equal(t, "raw", string(body))
}

func TestAnAPIKeyOpensItsHospitalsUntilItIsRevoked(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	secret, err := b.CreateAPIKey(ctx, store.APIKey{ID: "key-1", Name: "booking", Hospitals: []string{hospital}, Staff: true})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(secret, store.SecretPrefix))
	require.Len(t, secret, len(store.SecretPrefix)+52, "32 random bytes in base32")
	want := store.APIKey{ID: "key-1", Name: "booking", Hospitals: []string{hospital}, Staff: true}
	got, err := b.AuthenticateAPIKey(ctx, secret)
	require.NoError(t, err)
	require.Equal(t, want, got)
	all, err := b.APIKeys(ctx)
	require.NoError(t, err)
	require.Equal(t, []store.APIKey{want}, all)

	for _, wrong := range []string{"", "rp_", secret + "a", strings.TrimPrefix(secret, store.SecretPrefix)} {
		_, err := b.AuthenticateAPIKey(ctx, wrong)
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	_, err = b.CreateAPIKey(ctx, store.APIKey{ID: "key-1"})
	require.ErrorIs(t, err, store.ErrConflict)
	_, err = b.CreateAPIKey(ctx, store.APIKey{Name: "no hospitals"})
	require.NoError(t, err)

	for range 2 {
		require.NoError(t, b.RevokeAPIKey(ctx, "key-1"))
	}
	_, err = b.AuthenticateAPIKey(ctx, secret)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, b.RevokeAPIKey(ctx, "key-9"), store.ErrNotFound)
	require.EqualValues(t, 3, one[int64](t, b, "SELECT count(*) FROM audit WHERE subject = $1", store.SubjectAPIKeys))
	require.NoError(t, b.VerifyAudit(ctx, store.SubjectAPIKeys))
	dump := one[string](t, b, "SELECT string_agg(k::text, ' ') FROM api_keys k")
	require.NotContains(t, dump, secret)
}
