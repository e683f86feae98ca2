package api_test

import (
	"context"
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

func TestStartReturnsWhatThePatientNeeds(t *testing.T) {
	s := newStack(t)
	r := s.do("POST", "/v1/payments", backend, valid())
	a := as[wire.Answer](t, r, http.StatusCreated)
	require.Equal(t, payment.AwaitingPayment, a.Status)
	require.Equal(t, int64(5000), a.AmountFen)
	require.Equal(t, "prepay_id=1", a.Tender.Pay["package"])
	require.Equal(t, "/v1/payments/"+a.PaymentID, r.Header.Get("Location"))
	require.Empty(t, r.Header.Get("Idempotent-Replayed"))
	require.Equal(t, "no-store", r.Header.Get("Cache-Control"))
}

func TestStartRepeatedReturnsTheSamePayment(t *testing.T) {
	s := newStack(t)
	first := as[wire.Answer](t, s.do("POST", "/v1/payments", backend, valid()), http.StatusCreated)
	s.clock = now().Add(48 * time.Hour) // the slot has passed meanwhile
	r := s.do("POST", "/v1/payments", backend, valid())
	require.Equal(t, first, as[wire.Answer](t, r, http.StatusOK))
	require.Equal(t, "true", r.Header.Get("Idempotent-Replayed"))
	require.Equal(t, 1, s.engine.begun, "the books answer the repeat")
}

func TestStartRepeatedWhileTheFirstIsAtWorkJoinsIt(t *testing.T) {
	for _, st := range []payment.Status{payment.Pending, payment.Verifying} {
		s := newStack(t)
		s.engine.status = st
		s.do("POST", "/v1/payments", backend, valid())
		r := s.do("POST", "/v1/payments", backend, valid())
		a := as[wire.Answer](t, r, http.StatusOK)
		require.Equal(t, "true", r.Header.Get("Idempotent-Replayed"))
		require.Equal(t, 2, s.engine.begun)
		require.Equal(t, st == payment.Verifying, len(a.Verify) == 2)
	}
}

// Two at once: the books know of neither, and the engine says which was first.
func TestStartThatJoinsOneWhichIsNotInTheBooksYetIsARepeat(t *testing.T) {
	s := newStack(t)
	s.engine.joined = true
	r := s.do("POST", "/v1/payments", backend, valid())
	as[wire.Answer](t, r, http.StatusOK)
	require.Equal(t, "true", r.Header.Get("Idempotent-Replayed"))
}

func TestStartOfTheSameOrderWithAnotherBodyIsAConflict(t *testing.T) {
	s := newStack(t)
	s.do("POST", "/v1/payments", backend, valid())
	again := valid()
	again.Order.Slot.Doctor = "李医生"
	problem(t, s.do("POST", "/v1/payments", backend, again), http.StatusConflict, payment.CodeOrderConflict)

	s = newStack(t) // the books do not have it yet, the engine does
	s.engine.digest = "of another request"
	problem(t, s.do("POST", "/v1/payments", backend, valid()), http.StatusConflict, payment.CodeOrderConflict)
}

func TestStartWithANewAuthorisationIsNoConflict(t *testing.T) {
	s := newStack(t)
	in := valid()
	in.Choice = wire.Choice{Method: payment.ByInsurance, PayAuthNo: "first"}
	s.do("POST", "/v1/payments", backend, in)
	in.Choice.PayAuthNo = "second"
	as[wire.Answer](t, s.do("POST", "/v1/payments", backend, in), http.StatusOK)
}

// Bad input gets a clear error and changes nothing.
func TestStartRefusesBadInput(t *testing.T) {
	for _, tc := range []struct {
		name    string
		changes map[string]any
		status  int
		code    string
		field   string
	}{
		{"an unknown hospital", map[string]any{"order.hospital_id": "nowhere"}, 422, payment.CodeHospital, "order.hospital_id"},
		{"a hospital that is no id", map[string]any{"order.hospital_id": "../x"}, 422, payment.CodeHospital, "order.hospital_id"},
		{"a hospital of somebody else's key", map[string]any{"order.hospital_id": "other"}, 422, payment.CodeHospital, "order.hospital_id"},
		{"a channel that is not offered", map[string]any{"choice": map[string]any{"method": "unionpay", "scene": "app"}}, 422, payment.CodeChannel, "choice.method"},
		{"an unknown method", map[string]any{"choice.method": "cash"}, 422, payment.CodeMethod, "choice.method"},
		{"zero", map[string]any{"order.amount_fen": 0}, 422, payment.CodeAmount, "order.amount_fen"},
		{"a negative amount", map[string]any{"order.amount_fen": -1}, 422, payment.CodeAmount, "order.amount_fen"},
		{"parts of a fen", map[string]any{"order.amount_fen": 12.5}, 422, payment.CodeAmount, "order.amount_fen"},
		{"an absurd amount", map[string]any{"order.amount_fen": 5_000_001}, 422, payment.CodeAmount, "order.amount_fen"},
		{"an amount as text", map[string]any{"order.amount_fen": "5000"}, 422, payment.CodeAmount, "order.amount_fen"},
		{"fees that do not add up", map[string]any{"order.amount_fen": 5001}, 422, payment.CodeFees, "order.fees"},
		{"a split of nothing", map[string]any{"choice": map[string]any{"method": "mixed", "self_pay": "wechat", "scene": "jsapi", "pay_auth_no": "x", "insurance_amount_fen": 0}}, 422, payment.CodeSplit, "choice.insurance_amount_fen"},
		{"a split of everything", map[string]any{"choice": map[string]any{"method": "mixed", "self_pay": "wechat", "scene": "jsapi", "pay_auth_no": "x", "insurance_amount_fen": 5000}}, 422, payment.CodeSplit, "choice.insurance_amount_fen"},
		{"an ID number with a wrong checksum", map[string]any{"order.patient.id_number": "110101199003070018"}, 422, payment.CodeIDNumber, "order.patient.id_number"},
		{"an expired slot", map[string]any{"order.slot.starts_at": now().Add(-time.Minute).Format(time.RFC3339)}, 422, payment.CodeSlotPassed, "order.slot.starts_at"},
		{"a slot without a time", map[string]any{"order.slot.starts_at": "tomorrow"}, 422, payment.CodeSlot, "order.slot.starts_at"},
		{"a bad order number", map[string]any{"order.order_no": "R-1"}, 422, payment.CodeOrderNo, "order.order_no"},
		{"jsapi without an openid", map[string]any{"order.patient.openid": nil}, 422, payment.CodeOpenID, "order.patient.openid"},
		{"insurance without its authorisation", map[string]any{"choice": map[string]any{"method": "insurance"}}, 422, payment.CodeInsuranceAuth, "choice.pay_auth_no"},
		{"a callback that is no URL", map[string]any{"callback_url": "ftp://x"}, 422, payment.CodeCallback, "callback_url"},
		{"too long to pay", map[string]any{"pay_within_seconds": 9_000_000_000_000_000}, 422, payment.CodeDeadline, "pay_within_seconds"},
		{"no time to pay", map[string]any{"pay_within_seconds": -1}, 422, payment.CodeDeadline, "pay_within_seconds"},
		{"an unknown member", map[string]any{"order.discount": 1}, 422, api.CodeInvalid, "order.discount"},
		{"a member left out", map[string]any{"order.patient.phone": nil}, 422, api.CodeInvalid, "order.patient"},
		{"many things at once", map[string]any{"order.patient.phone": "1", "order.order_no": "x"}, 422, api.CodeInvalid, "order.order_no"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStack(t)
			p := problem(t, s.do("POST", "/v1/payments", backend, edited(t, tc.changes), "Accept-Language", "en"), tc.status, tc.code)
			fields := []string{}
			for _, e := range p.Errors {
				fields = append(fields, e.Field)
				require.NotEmpty(t, e.Detail)
			}
			require.Contains(t, fields, tc.field)
			require.Zero(t, s.engine.begun, "nothing was begun")
			require.Empty(t, s.books.views)
		})
	}
}

func TestStartRefusesWhatIsNoJSON(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		header     []string
		status     int
		code       string
	}{
		{"half an object", `{"order":`, nil, 400, api.CodeMalformed},
		{"nothing", ``, nil, 400, api.CodeMalformed},
		{"something after the end", `{} {}`, nil, 400, api.CodeMalformed},
		{"a NUL", `{"callback_url":"\u0000"}`, nil, 400, api.CodeMalformed},
		{"a list", `[]`, nil, 422, api.CodeInvalid},
		{"null", `null`, nil, 422, api.CodeInvalid},
		{"a number with an exponent", strings.Replace(edited(t, nil), `"amount_fen":5000`, `"amount_fen":5e3`, 1), nil, 422, payment.CodeAmount},
		{"more digits than a number has", strings.Replace(edited(t, nil), `"amount_fen":5000`, `"amount_fen":1e400`, 1), nil, 400, api.CodeMalformed},
		{"another media type", `a=b`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, api.CodeMediaType},
		{"an oversized body", `{"x":"` + strings.Repeat("x", api.MaxBody) + `"}`, nil, 413, api.CodeTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStack(t)
			problem(t, s.do("POST", "/v1/payments", backend, tc.body, tc.header...), tc.status, tc.code)
			require.Zero(t, s.engine.begun)
		})
	}
}

func TestABodyOfExactlyTheLimitIsRead(t *testing.T) {
	s := newStack(t)
	body := edited(t, nil)
	body += strings.Repeat(" ", api.MaxBody-len(body))
	as[wire.Answer](t, s.do("POST", "/v1/payments", backend, body), http.StatusCreated)
}

// A problem speaks of places and reasons and never gives a value back.
func TestProblemsHoldNoPersonalData(t *testing.T) {
	s := newStack(t)
	for _, changes := range []map[string]any{
		{"order.patient.id_number": "110101199003070018"},
		{"order.patient.id_number": 110101199003070018},
		{"order.patient.phone": "13900001111 "},
		{"order.patient.name": strings.Repeat("李四", 100)},
		{"order.patient.name": []string{"李四"}},
	} {
		r := s.do("POST", "/v1/payments", backend, edited(t, changes))
		require.Equal(t, 422, r.StatusCode)
		for _, secret := range []string{"1101011990", "139000", "李四"} {
			require.NotContains(t, string(r.body), secret)
			require.NotContains(t, s.logged(), secret)
		}
	}
}

func TestStartWhenTheEngineOrTheBooksCannotBeReached(t *testing.T) {
	for name, breakIt := range map[string]func(*stack){
		"the engine": func(s *stack) { s.engine.err = errors.New("no route to host") },
		"the books": func(s *stack) {
			s.do("GET", "/v1/payments", backend, nil)
			s.books.err = errors.New("connection refused")
		},
		"an engine that does not answer": func(s *stack) { s.engine.block = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, func(o *api.Options) { o.Timeout = 30 * time.Millisecond })
			breakIt(s)
			r := s.do("POST", "/v1/payments", backend, valid())
			problem(t, r, http.StatusServiceUnavailable, api.CodeUnavailable)
			require.NotEmpty(t, r.Header.Get("Retry-After"))
			require.NotContains(t, string(r.body), "refused")
			require.NotContains(t, string(r.body), "route")
		})
	}
}

func TestStartPassesTheEnginesProblemsOn(t *testing.T) {
	s := newStack(t)
	s.engine.err = payment.Problem{Code: payment.CodeChannelDeclined, Text: "wechat declined"}
	p := problem(t, s.do("POST", "/v1/payments", backend, valid(), "Accept-Language", "en"), 422, payment.CodeChannelDeclined)
	require.Equal(t, "wechat declined", p.Detail)
	s.engine.err = payment.Problem{Code: "a_rule_of_tomorrow", Text: "new"}
	problem(t, s.do("POST", "/v1/payments", backend, valid()), 422, "a_rule_of_tomorrow")
	s.engine.err = context.DeadlineExceeded
	problem(t, s.do("POST", "/v1/payments", backend, valid()), 503, api.CodeUnavailable)
}

// A charge is in the books before the channel has answered it (I5). Who starts
// the payment once more at that moment needs what the first one gets.
func TestARepeatThatComesBeforeTheChannelsAnswerJoinsTheFirstStart(t *testing.T) {
	s := newStack(t)
	s.do("POST", "/v1/payments", backend, valid())
	id := payment.ID("ren-he", "R20260105000017")
	v := s.books.views[id]
	pay := v.Tenders[0].Pay
	v.Tenders[0].Pay = nil
	begun := s.engine.begun
	require.Equal(t, http.StatusOK, s.do("POST", "/v1/payments", backend, valid()).StatusCode)
	require.Equal(t, begun+1, s.engine.begun)
	v.Tenders[0].Pay = pay
	require.Equal(t, http.StatusOK, s.do("POST", "/v1/payments", backend, valid()).StatusCode)
	require.Equal(t, begun+1, s.engine.begun, "the books are enough")
}
