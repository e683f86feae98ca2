package outbound_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/outbound"
	"github.com/regpay/regpay/internal/payment"
)

func get(ctx context.Context, c *http.Client, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	reply, err := c.Do(r)
	if err == nil {
		err = reply.Body.Close()
	}
	return err
}

func TestARefusedConnectionProvesThatNothingHappened(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())

	err = get(t.Context(), outbound.Client(nil, time.Second), "http://"+address+"/?access_token=secret")
	require.Error(t, err)
	f := outbound.Unanswered("his", "register", err)
	require.Equal(t, payment.Retryable, f.Kind)
	require.NotContains(t, f.Error(), "secret")
}

func TestACutConnectionAndATimeoutAreUncertain(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/cut") {
			panic(http.ErrAbortHandler)
		}
		<-release
	}))
	defer s.Close()
	defer close(release)

	err := get(t.Context(), outbound.Client(nil, 5*time.Second), s.URL+"/cut")
	require.Error(t, err)
	require.Equal(t, payment.Uncertain, outbound.Unanswered("wechat", "prepay", err).Kind)

	err = get(t.Context(), outbound.Client(nil, 20*time.Millisecond), s.URL+"/slow")
	require.Error(t, err)
	f := outbound.Unanswered("wechat", "prepay", err)
	require.Equal(t, payment.Uncertain, f.Kind)
	require.Equal(t, "timeout", f.Code)
}

func TestAnUntrustedServerGotNothing(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	err := get(t.Context(), outbound.Client(nil, 5*time.Second), s.URL)
	require.Error(t, err)
	require.True(t, outbound.Unsent(err))
	require.False(t, outbound.Unsent(errors.New("anything else")))
}

func TestARedirectIsNotFollowed(t *testing.T) {
	reached := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	require.NoError(t, get(t.Context(), outbound.Client(nil, 5*time.Second), s.URL))
	require.False(t, reached)
}
