package hospital_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/breaker"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func TestEachSystemOfAHospitalHasAGuardOfItsOwn(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(server.Close)
	h := complete(letters(t))
	h.Channels.WeChat.BaseURL, h.Channels.UnionPay.BaseURL, h.Channels.Insurance.BaseURL = server.URL, server.URL, server.URL
	h.HIS.BaseURL = server.URL
	h.Channels.WeChat.Guard = config.Guard{MinCalls: 2}
	h.Channels.UnionPay.Guard = config.Guard{MinCalls: 3, OpenFor: time.Hour}
	h.Channels.Insurance.Guard = config.Guard{MinCalls: 4, Probes: 1}
	h.HIS.Guard = config.Guard{MinCalls: 100, CallsPerSecond: 5}
	d, err := open(t, h)
	require.NoError(t, err)
	gateway, err := d.HIS("ren-he")
	require.NoError(t, err)

	charge := channel.Charge{HospitalID: "ren-he", PaymentID: "pay_1", OrderNo: "ORDER0001", Attempt: 1, MerchantNo: "ORDER0001A01",
		Amount: money.Fen(100), Total: money.Fen(100), CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour), Handle: `{"payOrdId":"1","payToken":"2"}`}
	ask := map[string]func() error{"his": func() error {
		_, err := gateway.Register(t.Context(), his.Registration{HospitalID: "ren-he", OrderNo: "ORDER0001", Amount: money.Fen(100), PaidAt: time.Now()})
		return err
	}}
	for _, ch := range payment.Channels() {
		client, err := d.Channel("ren-he", ch)
		require.NoError(t, err)
		ask[string(ch)] = func() error {
			c := charge
			c.Channel = ch
			_, err := client.Query(t.Context(), c)
			return err
		}
	}
	for _, tc := range []struct {
		system, code string
		sent         int
	}{
		{"wechat", breaker.CodeOpen, 2}, {"unionpay", breaker.CodeOpen, 3}, {"insurance", breaker.CodeOpen, 4}, {"his", breaker.CodeLimited, 5},
	} {
		for range tc.sent {
			err := ask[tc.system]()
			require.NotContains(t, []string{breaker.CodeOpen, breaker.CodeLimited}, payment.CodeOf(err), tc.system)
		}
		before := asked.Load()
		require.NotZero(t, before)
		err := ask[tc.system]()
		require.Equal(t, tc.code, payment.CodeOf(err), tc.system)
		require.Equal(t, payment.Retryable, payment.KindOf(err))
		require.Equal(t, before, asked.Load(), "nothing is sent")
	}

	r := prometheus.NewPedanticRegistry()
	require.NoError(t, r.Register(d.Calls()))
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`regpay_circuit_state{hospital="ren-he",state="open",system="wechat"} 1`,
		`regpay_circuit_state{hospital="ren-he",state="closed",system="his"} 1`,
		`regpay_calls_total{hospital="ren-he",op="query",outcome="circuit_open",system="insurance"} 1`,
		`regpay_calls_total{hospital="ren-he",op="register",outcome="rate_limited",system="his"} 1`,
	} {
		require.Contains(t, w.Body.String(), line)
	}
}
