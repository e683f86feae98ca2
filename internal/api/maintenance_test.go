package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// announcement is one that everything is right with.
func announcement(changes ...func(map[string]any)) map[string]any {
	a := map[string]any{"key": "wechat-1", "hospital_id": "ren-he", "system": "wechat",
		"from": now().Add(time.Hour), "until": now().Add(3 * time.Hour), "note": "升级"}
	for _, f := range changes {
		f(a)
	}
	return a
}

func with(name string, v any) func(map[string]any) {
	return func(a map[string]any) {
		if a[name] = v; v == nil {
			delete(a, name)
		}
	}
}

func TestMaintenanceIsAnnouncedOnce(t *testing.T) {
	s := newStack(t)
	first := s.do("POST", "/v1/maintenance-windows", staff, announcement())
	w := as[wire.Window](t, first, http.StatusCreated)
	require.Empty(t, first.Header.Get("Idempotent-Replayed"))
	require.Equal(t, payment.WindowUpcoming, w.State)
	require.Equal(t, "api:k2", w.AnnouncedBy)
	require.Equal(t, now().Add(3*time.Hour), w.Until)
	again := s.do("POST", "/v1/maintenance-windows", staff, announcement())
	require.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
	require.Equal(t, w, as[wire.Window](t, again, http.StatusOK))
	problem(t, s.do("POST", "/v1/maintenance-windows", staff, announcement(with("system", "his"))), 409, payment.CodeWindowConflict)
	require.Len(t, s.books.windows, 1)
	s.clock = s.clock.Add(2 * time.Hour)
	w = as[wire.Window](t, s.do("POST", "/v1/maintenance-windows", staff, announcement(with("key", "now"), with("from", nil))), 201)
	require.Equal(t, payment.WindowActive, w.State, "without a beginning it begins now")
}

func TestAnAnnouncementIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name, key string
		body      any
		status    int
		code      string
		field     string
	}{
		{"by a key that is not staff's", backend, announcement(), 403, api.CodeForbidden, ""},
		{"without a key", "", announcement(), 401, api.CodeUnauthorized, ""},
		{"for another's hospital", staff, announcement(with("hospital_id", "other")), 422, payment.CodeHospital, "hospital_id"},
		{"for no hospital", all, announcement(with("hospital_id", "nowhere")), 422, payment.CodeHospital, "hospital_id"},
		{"of no system", staff, announcement(with("system", "alipay")), 422, payment.CodeWindowSystem, "system"},
		{"without a number", staff, announcement(with("key", nil)), 422, api.CodeInvalid, ""},
		{"with a number that is none", staff, announcement(with("key", "a b")), 422, api.CodeInvalid, "key"},
		{"in the past", staff, announcement(with("from", now().Add(-time.Hour))), 422, payment.CodeWindow, "from"},
		{"backwards", staff, announcement(with("until", now())), 422, payment.CodeWindow, "until"},
		{"for too long", staff, announcement(with("until", now().Add(200*time.Hour))), 422, payment.CodeWindow, "until"},
		{"without an end", staff, announcement(with("until", nil)), 422, api.CodeInvalid, ""},
		{"with a time that is none", staff, announcement(with("until", "tomorrow")), 422, api.CodeInvalid, "until"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStack(t)
			p := problem(t, s.do("POST", "/v1/maintenance-windows", tc.key, tc.body), tc.status, tc.code)
			require.Empty(t, s.books.windows)
			if tc.field != "" {
				var fields []string
				for _, e := range p.Errors {
					fields = append(fields, e.Field)
				}
				require.Contains(t, fields, tc.field)
			}
		})
	}
}

func TestMaintenanceIsListedForTheKeysHospitals(t *testing.T) {
	s := newStack(t)
	for _, a := range []map[string]any{announcement(), announcement(with("key", "b"), with("from", nil)), announcement(with("hospital_id", "other"))} {
		as[wire.Window](t, s.do("POST", "/v1/maintenance-windows", all, a), 201)
	}
	list := func(key, query string) wire.Windows {
		return as[wire.Windows](t, s.do("GET", "/v1/maintenance-windows"+query, key, nil), 200)
	}
	require.Len(t, list(backend, "").Items, 2, "who starts payments can read them")
	require.Len(t, list(all, "").Items, 3)
	require.Len(t, list(all, "?hospital_id=other").Items, 1)
	require.Empty(t, list(backend, "?hospital_id=other").Items)
	active := list(backend, "?state=active")
	require.Len(t, active.Items, 1)
	require.Equal(t, payment.WindowActive, active.Items[0].State)
	page := list(all, "?limit=2")
	require.Len(t, page.Items, 2)
	require.Len(t, list(all, "?limit=2&cursor="+page.Next).Items, 1)
	problem(t, s.do("GET", "/v1/maintenance-windows?cursor=%00", all, nil), 422, api.CodeCursor)
	problem(t, s.do("GET", "/v1/maintenance-windows?state=open", all, nil), 422, api.CodeInvalid)
}

func TestMaintenanceIsEndedEarlyByItsHospitalsStaff(t *testing.T) {
	s := newStack(t)
	w := as[wire.Window](t, s.do("POST", "/v1/maintenance-windows", all, announcement(with("from", nil))), 201)
	foreign := as[wire.Window](t, s.do("POST", "/v1/maintenance-windows", all, announcement(with("hospital_id", "other"), with("from", nil))), 201)
	path := func(id string) string { return "/v1/maintenance-windows/" + id + "/end" }
	problem(t, s.do("POST", path(w.ID), backend, nil), 403, api.CodeForbidden)
	others := problem(t, s.do("POST", path(foreign.ID), staff, nil), 404, payment.CodeWindowUnknown)
	none := problem(t, s.do("POST", path("mw_none"), staff, nil), 404, payment.CodeWindowUnknown)
	others.RequestID, none.RequestID = "", ""
	require.Equal(t, none, others, "as one that does not exist")
	problem(t, s.do("POST", path("pay_1"), staff, nil), 404, payment.CodeWindowUnknown)
	require.True(t, s.books.windows[1].EndedAt.IsZero())
	s.clock = s.clock.Add(time.Minute)
	for range 2 {
		ended := as[wire.Window](t, s.do("POST", path(w.ID), staff, nil), 200)
		require.Equal(t, payment.WindowPast, ended.State)
		require.Equal(t, now().Add(time.Minute), ended.EndedAt)
		require.Equal(t, "api:k2", ended.EndedBy)
		require.Equal(t, w.Until, ended.Until)
	}
	s.books.err = errors.New("connection refused")
	problem(t, s.do("POST", path(w.ID), staff, nil), 503, api.CodeUnavailable)
}

// closedUntil is the engine's word for a method in maintenance.
func closedUntil(d time.Duration) payment.Problem {
	return payment.Problem{Code: payment.CodeMaintenance, Field: "choice.method", Text: "closed",
		Maintenance: &payment.Maintenance{System: "wechat", Until: now().Add(d), Alternatives: []payment.Method{payment.ByUnionPay, payment.ByInsurance}}}
}

func TestAStartInMaintenanceIsToldWhenToComeBackAndHowElseToPay(t *testing.T) {
	s := newStack(t)
	s.engine.err = closedUntil(2 * time.Hour)
	r := s.do("POST", "/v1/payments", backend, valid(), "Accept-Language", "en")
	p := problem(t, r, http.StatusServiceUnavailable, payment.CodeMaintenance)
	require.Equal(t, "7200", r.Header.Get("Retry-After"))
	require.Equal(t, now().Add(2*time.Hour), p.Until)
	require.Equal(t, payment.System("wechat"), p.System)
	require.Equal(t, []payment.Method{payment.ByUnionPay, payment.ByInsurance}, p.Alternatives)
	require.Contains(t, p.Detail, "WeChat Pay is in maintenance")
	require.Contains(t, p.Detail, "+08:00")
	require.Contains(t, p.Detail, "UnionPay, medical insurance")
	require.NotContains(t, s.logged(), "could not be served", "it is an answer and no failure")

	p = problem(t, s.do("POST", "/v1/payments", backend, valid()), 503, payment.CodeMaintenance)
	require.Contains(t, p.Detail, "微信支付维护中")
	require.Contains(t, p.Detail, "可改用：银联支付、医保支付")

	without := closedUntil(-time.Second) // over by now, and nothing else is offered
	without.Maintenance.Alternatives = nil
	s.engine.err = without
	r = s.do("POST", "/v1/payments", backend, valid())
	require.Equal(t, "2", r.Header.Get("Retry-After"), "never at once")
	require.Contains(t, string(r.body), `"alternatives":[]`)
}

func TestEveryOtherProblemHasNoWordOfMaintenance(t *testing.T) {
	s := newStack(t)
	r := s.do("GET", "/v1/payments/pay_none", backend, nil)
	for _, member := range []string{"until", "alternatives", "system"} {
		require.NotContains(t, string(r.body), `"`+member+`"`)
	}
}

func TestAChangeToAMethodInMaintenanceClosesNothing(t *testing.T) {
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.AwaitingPayment))
	as[wire.Window](t, s.do("POST", "/v1/maintenance-windows", staff, announcement(with("system", "insurance"), with("from", nil))), 201)
	change := func(body map[string]any) reply { return s.do("POST", "/v1/payments/"+v.ID+"/method", backend, body) }
	p := problem(t, change(map[string]any{"method": "insurance", "pay_auth_no": "A1"}), 503, payment.CodeMaintenance)
	require.Equal(t, []payment.Method{payment.ByWeChat}, p.Alternatives, "the hospital offers no UnionPay")
	require.Empty(t, s.engine.choices, "the engine was not asked to close anything")
	require.Equal(t, 200, change(map[string]any{"method": "wechat", "scene": "native"}).StatusCode)
	s.clock = s.clock.Add(3 * time.Hour)
	require.Equal(t, 200, change(map[string]any{"method": "insurance", "pay_auth_no": "A1"}).StatusCode)
}

func TestASuspendedPaymentSaysUntilWhen(t *testing.T) {
	a := wire.AnswerOf(payment.Answer{Status: payment.Suspended, Until: now().Add(time.Hour)}, "ren-he", "R1")
	require.Equal(t, now().Add(time.Hour), a.Until)
}

func TestMaintenanceIsDescribed(t *testing.T) {
	s := newStack(t)
	spec := string(s.do("GET", "/openapi.json", "", nil).body)
	for _, want := range []string{"/v1/maintenance-windows/{id}/end", "announce-maintenance", "alternatives"} {
		require.Contains(t, spec, want)
	}
	page := string(s.do("GET", "/docs", "", nil).body)
	require.GreaterOrEqual(t, strings.Count(page, payment.CodeMaintenance), 3)
	require.Contains(t, page, payment.CodeWindowConflict)
}
