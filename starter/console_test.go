package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/console"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/internal/store"
)

func TestAnOriginIsWhatBrowsersSend(t *testing.T) {
	for address, want := range map[string]string{
		"https://pay.example.org":       "https://pay.example.org",
		"https://Pay.Example.org:443/x": "https://pay.example.org",
		"https://pay.example.org:8443":  "https://pay.example.org:8443",
		"http://127.0.0.1:8080":         "http://127.0.0.1:8080",
		"http://localhost:80":           "http://localhost",
	} {
		got, err := originOf(address)
		require.NoError(t, err)
		require.Equal(t, want, got, address)
	}
}

func TestLinksToTemporalsUIAreMadeWhereThereIsOne(t *testing.T) {
	require.Empty(t, workflowURL("", "regpay"))
	require.Equal(t, "https://t.example.org/namespaces/regpay/workflows/", workflowURL("https://t.example.org/", "regpay"))
}

func TestAnIssuerWithoutASecretIsAskedAsAPublicClient(t *testing.T) {
	o, err := issuerOf(&config.Config{}, config.OIDC{Issuer: "https://id.example.org", RoleMap: map[string]string{"desk": "support"}})
	require.NoError(t, err)
	require.Empty(t, o.ClientSecret)
	require.EqualValues(t, "support", o.RoleMap["desk"])
	_, err = issuerOf(&config.Config{}, config.OIDC{ClientSecretFile: "/nowhere"})
	require.ErrorContains(t, err, "console.oidc.client_secret_file")
}

func TestTheConsoleOfAnInstallationIsServed(t *testing.T) {
	ring, err := privacy.NewKeyring("k1", map[string][]byte{"k1": make([]byte, 16)}, privacy.WithIndexKey(make([]byte, 16)))
	require.NoError(t, err)
	in := &installation.Installation{Keys: ring, Store: &store.Store{}, Log: zap.NewNop(), Config: &config.Config{
		HTTP:      config.HTTP{PublicURL: "https://pay.example.org"},
		Console:   config.Console{Enabled: true, SessionHours: 8, Local: true, OIDC: &config.OIDC{Issuer: "https://id.example.org", ClientID: "regpay"}},
		Hospitals: []config.Hospital{{ID: "ren-he", Name: map[string]string{"en": "Ren He Hospital"}}},
	}}
	pages, err := newConsole(in, &engine{}, nil)
	require.NoError(t, err)
	for path, want := range map[string]int{console.Base + "/signin": http.StatusOK, console.Base: http.StatusSeeOther, console.Base + "/queue": http.StatusSeeOther} {
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		require.Equal(t, want, w.Code, path)
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "form-action 'self' https://id.example.org;")
	}

	in.Config.Console.Proxies = []string{"proxy"}
	_, err = newConsole(in, &engine{}, nil)
	require.ErrorContains(t, err, "console.proxies")
}

// A key with a slash would be taken apart as another refund's.
func TestARefundOfTheConsoleHasAKeyAsTheAPITakesIt(t *testing.T) {
	for _, key := range []string{"", "a/5000/1", "a b", "0123456789012345678901234567890123456789012345678"} {
		_, err := desk{}.Refund(t.Context(), store.View{}, console.RefundOrder{Key: key})
		require.True(t, payment.HasCode(err, payment.CodeRefundConflict), "%q", key)
	}
}
