package plain

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// keyBook knows one key.
type keyBook struct {
	key   string
	asked int
}

func (k *keyBook) AuthenticateAPIKey(_ context.Context, secret string) (store.APIKey, error) {
	k.asked++
	if secret != k.key {
		return store.APIKey{}, store.ErrNotFound
	}
	return store.APIKey{ID: "key_1", Hospitals: []string{hospital}}, nil
}

func TestAKeyIsAskedForOnceInAWhile(t *testing.T) {
	now, b := noon, &keyBook{key: "rp_right"}
	k := newKeyring(b, func() time.Time { return now })
	for range 3 {
		_, err := k.lookup(t.Context(), "Bearer rp_right")
		require.NoError(t, err)
	}
	require.Equal(t, 1, b.asked)
	now = now.Add(keyLife)
	b.key = "rp_new"
	_, err := k.lookup(t.Context(), "Bearer rp_right")
	require.ErrorIs(t, err, errUnauthorized, "it was revoked")
}

func TestAStartThatMayNotBeGetsItsCode(t *testing.T) {
	a := &arm{Installation: &installation.Installation{Log: zap.NewNop()}, keys: newKeyring(&keyBook{key: "rp_right"}, time.Now)}
	const order = `{"order":{"hospital_id":"` + hospital + `"},"choice":{"method":"wechat"}}`
	for name, c := range map[string]struct {
		header, body, code string
		status             int
	}{
		"no key":              {"", order, api.CodeUnauthorized, http.StatusUnauthorized},
		"a wrong key":         {"Bearer rp_wrong", order, api.CodeUnauthorized, http.StatusUnauthorized},
		"no JSON":             {"Bearer rp_right", "{", api.CodeMalformed, http.StatusBadRequest},
		"an unknown member":   {"Bearer rp_right", `{"choise":{}}`, api.CodeMalformed, http.StatusBadRequest},
		"somebody's hospital": {"Bearer rp_right", strings.Replace(order, hospital, "h-xiehe", 1), payment.CodeHospital, http.StatusUnprocessableEntity},
		"another method":      {"Bearer rp_right", strings.Replace(order, "wechat", "mixed", 1), payment.CodeMethod, http.StatusUnprocessableEntity},
		"an empty order":      {"Bearer rp_right", order, payment.CodeOrderNo, http.StatusUnprocessableEntity},
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/payments", strings.NewReader(c.body))
		r.Header.Set("Authorization", c.header)
		w := httptest.NewRecorder()
		a.routes().ServeHTTP(w, r)
		var p wire.Problem
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p), name)
		require.Equal(t, c.status, w.Code, name)
		require.Equal(t, c.code, p.Code, name)
	}
}
