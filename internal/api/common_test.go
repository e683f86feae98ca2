package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func TestAKeyIsNeededBeforeAnythingIsRead(t *testing.T) {
	s := newStack(t)
	for _, key := range []string{"", "rp_wrong", "wrong", "rp_" + strings.Repeat("x", 200)} {
		r := s.do("POST", "/v1/payments", key, "{")
		problem(t, r, http.StatusUnauthorized, api.CodeUnauthorized)
		require.Contains(t, r.Header.Get("WWW-Authenticate"), "Bearer")
	}
	r := s.do("GET", "/v1/payments", "", nil, "Authorization", "Basic "+backend)
	problem(t, r, http.StatusUnauthorized, api.CodeUnauthorized)
}

func TestAKeyIsRememberedForAMoment(t *testing.T) {
	s := newStack(t)
	for range 3 {
		require.Equal(t, 200, s.do("GET", "/v1/payments", backend, nil).StatusCode)
	}
	require.Equal(t, 1, s.books.asked)
	delete(s.books.keys, backend)
	s.clock = s.clock.Add(20 * time.Second)
	problem(t, s.do("GET", "/v1/payments", backend, nil), http.StatusUnauthorized, api.CodeUnauthorized)
}

func TestAKeyThatCannotBeCheckedIsNotRefused(t *testing.T) {
	s := newStack(t)
	delete(s.books.keys, backend)
	s.books.keys[backend] = store.APIKey{ID: "k1"}
	s.books.err = errors.New("connection refused")
	problem(t, s.do("GET", "/v1/payments", backend, nil), http.StatusServiceUnavailable, api.CodeUnavailable)
}

func TestAnotherHospitalsPaymentIsNotFound(t *testing.T) {
	s := newStack(t)
	v := s.put(view("other", "R20260105000001", payment.Completed))
	v.Case = &payment.Case{ID: v.ID + "-C1", Allowed: []payment.Verdict{payment.Reject}}
	s.put(v)
	base := "/v1/payments/" + v.ID
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"GET", base, nil}, {"GET", base + "/timeline", nil}, {"GET", base + "/refunds", nil},
		{"GET", base + "/voucher", nil}, {"GET", base + "/voucher?format=png", nil},
		{"POST", base + "/cancel", map[string]any{}}, {"POST", base + "/method", map[string]any{"method": "wechat", "scene": "native"}},
		{"POST", base + "/verification", map[string]any{"kind": "sms"}},
		{"POST", base + "/refunds", map[string]any{"key": "a", "amount_fen": 1}},
		{"POST", base + "/review", map[string]any{"case_id": v.Case.ID, "decision": "reject", "operator": "wang"}},
	} {
		foreign := problem(t, s.do(c.method, c.path, staff, c.body), 404, payment.CodeNotFound)
		none := problem(t, s.do(c.method, strings.Replace(c.path, v.ID, "pay_none", 1), staff, c.body), 404, payment.CodeNotFound)
		foreign.RequestID, none.RequestID = "", ""
		require.Equal(t, none, foreign, "as one that does not exist")
	}
	require.Empty(t, s.engine.cancels)
	require.Empty(t, s.engine.decided)
	require.Empty(t, s.books.refunds)
}

func TestProblemsAreInTheCallersLanguage(t *testing.T) {
	s := newStack(t)
	for header, want := range map[string]string{"": "zh-CN", "en": "en", "en-GB,en;q=0.9,zh;q=0.1": "en", "zh-TW": "zh-CN",
		"fr": "zh-CN", "fr,en;q=0.2": "en", "\xff;;": "zh-CN", strings.Repeat("en,", 200): "zh-CN"} {
		r := s.do("GET", "/v1/payments/pay_none", backend, nil, "Accept-Language", header)
		p := problem(t, r, 404, payment.CodeNotFound)
		require.Equal(t, want, r.Header.Get("Content-Language"), header)
		require.Equal(t, want == "en", p.Title == "Payment not found", header)
		require.Contains(t, r.Header.Values("Vary"), "Accept-Language")
	}
	p := problem(t, s.do("POST", "/v1/payments", backend, edited(t, map[string]any{"x": 1})), 422, api.CodeInvalid)
	require.Equal(t, "未知的字段。", p.Errors[0].Detail)
}

func TestAddressesAndMethodsThatAreNotThere(t *testing.T) {
	s := newStack(t)
	problem(t, s.do("GET", "/nothing", backend, nil), 404, api.CodeNoRoute)
	problem(t, s.do("DELETE", "/v1/payments", backend, nil), 405, api.CodeNoMethod)
	problem(t, s.do("GET", "/v1/payments/..%2f%00", backend, nil), 404, payment.CodeNotFound)
	problem(t, s.do("GET", "/v1/payments?nam=x", backend, nil), 422, api.CodeInvalid)
}

func TestTheAccessLogHasTemplatesAndNoData(t *testing.T) {
	s := newStack(t)
	s.do("POST", "/v1/payments", backend, valid())
	s.do("GET", "/v1/payments?order_no=R20260105000017", backend, nil)
	s.do("GET", "/v1/payments/"+payment.ID("ren-he", "R20260105000017"), backend, nil)
	s.do("GET", "/13800000000", "", nil, "X-Request-Id", "13800000000")
	text := s.logged()
	require.Contains(t, text, "/v1/payments/{id}")
	require.Contains(t, text, "key:k1")
	for _, secret := range []string{"张三", "1380000", "R20260105000017", "1101011990", "o-1", backend} {
		require.NotContains(t, text, secret)
	}
	metrics := string(s.do("GET", "/metrics", "", nil).body)
	require.Contains(t, metrics, `regpay_http_requests_total{method="POST",route="/v1/payments",status="201"} 1`)
	require.NotContains(t, metrics, "1380000")
}

func TestAPanicIsAnsweredAndQuotesNothing(t *testing.T) {
	s := newStack(t, func(o *api.Options) { o.Index = func(string) string { panic("张三") } })
	s.put(view("ren-he", "R20260105000017", payment.AwaitingPayment))
	problem(t, s.do("POST", "/v1/payments", backend, valid()), 500, api.CodeInternal)
	require.NotContains(t, s.logged(), "张三")
	require.Contains(t, s.logged(), "a handler panicked")
}

func TestReadiness(t *testing.T) {
	s := newStack(t)
	require.Equal(t, 200, s.do("GET", "/healthz", "", nil).StatusCode)
	require.Equal(t, 200, s.do("GET", "/readyz", "", nil).StatusCode)
	s.engine.err = errors.New("down")
	r := s.do("GET", "/readyz", "", nil)
	require.Equal(t, 503, r.StatusCode)
	require.JSONEq(t, `{"status":"not ready","database":"ok","engine":"unreachable"}`, string(r.body))
	require.Equal(t, 200, s.do("GET", "/healthz", "", nil).StatusCode, "the process itself is well")
}

func TestTheDescriptionIsOpenAPI31AndComplete(t *testing.T) {
	s := newStack(t)
	r := s.do("GET", "/openapi.json", "", nil)
	var spec struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Summary   string
			Responses map[string]json.RawMessage
		}
		Components struct{ Schemas map[string]json.RawMessage }
	}
	require.NoError(t, json.Unmarshal(r.body, &spec))
	require.True(t, strings.HasPrefix(spec.OpenAPI, "3.1"))
	for path, methods := range map[string][]string{
		"/v1/payments": {"post", "get"}, "/v1/payments/{id}": {"get"}, "/v1/payments/{id}/verification": {"post"},
		"/v1/payments/{id}/method": {"post"}, "/v1/payments/{id}/cancel": {"post"}, "/v1/payments/{id}/refunds": {"post", "get"},
		"/v1/payments/{id}/timeline": {"get"}, "/v1/payments/{id}/voucher": {"get"}, "/v1/payments/{id}/review": {"post"},
		"/v1/reviews": {"get"}, "/v1/webhooks/{channel}/{hospital}": {"post"},
	} {
		for _, m := range methods {
			require.NotEmpty(t, spec.Paths[path][m].Summary, "%s %s", m, path)
			require.Contains(t, spec.Paths[path][m].Responses, "default")
		}
	}
	require.Contains(t, spec.Components.Schemas, "Problem")
	require.NotContains(t, spec.Components.Schemas, "ErrorModel")
}

func TestTheDocumentationLoadsNothingFromElsewhere(t *testing.T) {
	s := newStack(t)
	r := s.do("GET", "/docs", "", nil)
	require.Equal(t, 200, r.StatusCode)
	page := string(r.body)
	for _, want := range []string{"/v1/payments/{id}/refunds", "order.amount_fen", "order_conflict", "choice.method"} {
		require.Contains(t, page, want)
	}
	for _, from := range []string{"<script", "src=", "http://", "https://unpkg", "<link"} {
		require.NotContains(t, page, from)
	}
	require.Contains(t, r.Header.Get("Content-Security-Policy"), "default-src 'none'")
}
