package stack

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheSandboxKeepsItsPlaceAndItsKeysAcrossACrash(t *testing.T) {
	s, err := Start(t.Context(), Options{Name: "test", Parts: Sandbox, Hospitals: []string{"h-renmin", "h-xiehe"}, Progress: t.Output()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	before := s.Manifest()
	require.Len(t, before.Hospitals, 2)
	for _, name := range counterparties() {
		require.Contains(t, before.Endpoints, name)
	}
	h := before.Hospitals["h-xiehe"]
	for _, name := range []string{
		h.WeChat.MerchantKey, h.WeChat.APIv3Key, h.UnionPay.MerchantKey, h.UnionPay.MerchantCert, h.UnionPay.RootCert, h.UnionPay.MiddleCert,
		h.Insurance.AppSecret, h.Insurance.PrivateKey, h.Insurance.PlatformPublicKey,
		h.HIS.BearerToken, h.Identity.AccessToken, h.Identity.SMSKey,
	} {
		require.NotEmpty(t, name)
		require.FileExists(t, before.File(name))
	}

	require.NoError(t, s.Kill(sandboxName))
	require.NoError(t, s.Restart(t.Context(), sandboxName))
	after, err := ReadManifest(before.Dir)
	require.NoError(t, err)
	require.Equal(t, before, after)
}
