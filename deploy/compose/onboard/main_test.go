package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/hospital"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/his"
	"github.com/regpay/regpay/internal/sandbox/identity"
	"github.com/regpay/regpay/internal/sandbox/insurance"
	"github.com/regpay/regpay/internal/sandbox/unionpay"
	"github.com/regpay/regpay/internal/sandbox/wechat"
)

// runSandbox lets the real counterparties onboard two hospitals into dir.
func runSandbox(t *testing.T, dir string) {
	t.Helper()
	env, err := sandbox.NewEnv(sandbox.EnvOptions{Dir: dir, Seed: 1, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	require.NoError(t, err)
	we, err := wechat.New(env)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	var served []sandbox.Served
	for _, c := range []sandbox.Counterparty{we, unionpay.New(env), insurance.New(env), his.New(env), identity.New(env)} {
		served = append(served, sandbox.Served{Counterparty: c, Address: "127.0.0.1:0"})
	}
	go func() {
		ended <- sandbox.Run(ctx, sandbox.Config{Env: env, Counterparties: served, Hospitals: []string{"h-renmin", "h-xiehe"},
			AdminAddress: "127.0.0.1:0", Ready: func(sandbox.Manifest) { close(ready) }})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	stop()
	require.NoError(t, <-ended)
}

func TestTheConfigurationOpensEveryClientOfTheSandboxsHospitals(t *testing.T) {
	dir := t.TempDir()
	runSandbox(t, dir)
	c := command{Dir: dir, Temporal: "temporal:7233", Listen: "0.0.0.0:8080", PublicURL: "http://starter:8080",
		UIOrigin: "http://127.0.0.1:8233", Secrets: "/run/secrets", Key: "/run/regpay/keys/k1"}
	path, err := c.run(t.Context())
	require.NoError(t, err)

	loaded, err := config.Load(path)
	require.NoError(t, err)
	require.Equal(t, "/run/secrets/regpay_dsn", loaded.Database.DSNFile)
	require.Equal(t, "http://starter:8080", loaded.HTTP.PublicURL)
	// By turns one hospital verifies WeChat Pay by its public key and one by
	// certificates.
	require.NotEmpty(t, loaded.Hospitals[0].Channels.WeChat.PublicKeyID)
	require.Empty(t, loaded.Hospitals[1].Channels.WeChat.PublicKeyID)
	// Without its codes an insurance platform that is busy looks like one that
	// refused.
	require.NotEmpty(t, loaded.Hospitals[0].Channels.Insurance.BusyCodes)

	open, err := hospital.Open(t.Context(), loaded)
	require.NoError(t, err)
	for _, id := range []string{"h-renmin", "h-xiehe"} {
		h, known := open.Hospital(id)
		require.True(t, known)
		for _, ch := range payment.Channels() {
			require.True(t, h.Offers(ch), "%s %s", id, ch)
		}
		_, err := open.SMS(id)
		require.NoError(t, err)
		_, err = open.Face(id)
		require.NoError(t, err)
	}

	// A second start of the stack must not change what backends were told.
	secret := filepath.Join(dir, "h-renmin", "callback_secret")
	before, err := os.ReadFile(secret)
	require.NoError(t, err)
	_, err = c.run(t.Context())
	require.NoError(t, err)
	after, err := os.ReadFile(secret)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestWithoutASandboxItGivesUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := command{Dir: t.TempDir()}.run(ctx)
	require.ErrorIs(t, err, os.ErrNotExist)
}
