package local

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// peer records one request and answers it.
type peer struct {
	method, path, authorization string
	body                        map[string]any
	calls, status               int
	kind, reply                 string
	header                      map[string]string
}

func (p *peer) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.calls++
		p.method, p.path, p.authorization = r.Method, r.URL.RequestURI(), r.Header.Get("Authorization")
		b, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(b, &p.body)
		for k, v := range p.header {
			w.Header().Set(k, v)
		}
		if p.kind == "" {
			p.kind = "application/json"
		}
		w.Header().Set("Content-Type", p.kind)
		if p.status != 0 {
			w.WriteHeader(p.status)
		}
		_, _ = io.WriteString(w, p.reply)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAStartIsSentWithTheKeyAndToldWhenItWasThereBefore(t *testing.T) {
	p := &peer{reply: `{"payment_id":"pay_1","status":"awaiting_payment"}`, header: map[string]string{"Idempotent-Replayed": "true"}}
	a := NewAPI(p.serve(t), "rp_key")
	answer, replayed, err := a.Start(t.Context(), wire.Start{Order: wire.Order{OrderNo: "ORDER1"}})
	require.NoError(t, err)
	require.True(t, replayed)
	require.Equal(t, payment.AwaitingPayment, answer.Status)
	require.Equal(t, "POST /v1/payments Bearer rp_key", p.method+" "+p.path+" "+p.authorization)
	require.Equal(t, "ORDER1", p.body["order"].(map[string]any)["order_no"])
}

func TestARefusalOfTheAPICanBeReadByItsCode(t *testing.T) {
	p := &peer{status: 409, kind: "application/problem+json", reply: `{"code":"order_conflict","status":409,"detail":"another body"}`}
	_, _, err := NewAPI(p.serve(t), "rp_key").Start(t.Context(), wire.Start{})
	var problem *wire.Problem
	require.ErrorAs(t, err, &problem)
	require.Equal(t, "order_conflict", problem.Code)
}

func TestEveryAnswerIsSeen(t *testing.T) {
	p := &peer{status: 503, kind: "application/problem+json", reply: `{"code":"unavailable","status":503}`}
	_, err := NewAPI(p.serve(t), "rp_key").Payment(t.Context(), "pay_1", true)
	var problem *wire.Problem
	require.ErrorAs(t, err, &problem)
	require.Equal(t, 503, problem.Status)
	require.Equal(t, 1, p.calls, "a call is not repeated unseen")
	require.Equal(t, "/v1/payments/pay_1?refresh=true", p.path)
}

func TestPaymentsAreFoundByTheAPIsOwnParameters(t *testing.T) {
	p := &peer{reply: `{"items":[]}`}
	query := url.Values{"hospital_id": {"h-one"}, "order_no": {"ORDER1"}, "status": {"paid"}, "cursor": {"c"}, "limit": {"7"}}
	_, err := NewAPI(p.serve(t), "rp_key").Payments(t.Context(), query)
	require.NoError(t, err)
	require.Equal(t, "/v1/payments?"+query.Encode(), p.path)
}

func TestARefusalOfTheSandboxKeepsItsStatusAndBeginning(t *testing.T) {
	p := &peer{status: 502, kind: "text/html", reply: "<html>" + string(make([]byte, 1000))}
	err := NewSandbox(p.serve(t), stack.Manifest{}).Heal(t.Context(), "his")
	var status *StatusError
	require.ErrorAs(t, err, &status)
	require.Equal(t, 502, status.Status)
	require.Len(t, status.Body, 300)
	require.ErrorContains(t, err, "DELETE /faults/his")
}

func TestThePatientPaysWithWhatTheDeviceGot(t *testing.T) {
	for name, tc := range map[string]struct {
		tender wire.Pay
		path   string
		want   map[string]any
	}{
		"the app checks the signature": {wire.Pay{Channel: payment.WeChat, Scene: payment.JSAPI,
			Pay: map[string]string{"appId": "wx1", "timeStamp": "1", "nonceStr": "n", "package": "prepay_id=1", "signType": "RSA", "paySign": "s", "prepay_id": "1"}},
			"/patients/jsapi", map[string]any{"appId": "wx1", "timeStamp": "1", "nonceStr": "n", "package": "prepay_id=1", "signType": "RSA", "paySign": "s",
				"behaviour": "pay", "after_ms": 1500.0}},
		"a code is scanned": {wire.Pay{Channel: payment.WeChat, Scene: payment.Native, Pay: map[string]string{"code_url": "weixin://1"}},
			"/patients/pay", map[string]any{"channel": "wechat", "token": "weixin://1", "behaviour": "pay", "after_ms": 1500.0}},
		"a tn goes to the app": {wire.Pay{Channel: payment.UnionPay, Scene: payment.App, Pay: map[string]string{"tn": "123"}},
			"/patients/pay", map[string]any{"channel": "unionpay", "token": "123", "behaviour": "pay", "after_ms": 1500.0}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &peer{reply: `{}`}
			s := NewSandbox(p.serve(t), stack.Manifest{})
			require.NoError(t, s.PayTender(t.Context(), tc.tender, sandbox.Pay, 1500*time.Millisecond))
			require.Equal(t, tc.path, p.path)
			require.Equal(t, tc.want, p.body)
		})
	}
}

func TestTheBrowserPostsTheFormAndPaysOnThePage(t *testing.T) {
	var posted string
	cashier := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		posted = r.FormValue("orderId")
		if r.FormValue("signature") != "good" {
			_, _ = io.WriteString(w, `<body data-resp-code="11" data-token="">`)
			return
		}
		_, _ = io.WriteString(w, `<body data-resp-code="" data-token="1&amp;2">`)
	}))
	t.Cleanup(cashier.Close)
	admin := &peer{reply: `{}`}
	s := NewSandbox(admin.serve(t), stack.Manifest{})
	front := func(signature string) wire.Pay {
		return wire.Pay{Channel: payment.UnionPay, Scene: payment.Front,
			Pay: map[string]string{"url": cashier.URL, "form": `{"orderId":"A01","signature":"` + signature + `"}`}}
	}
	require.NoError(t, s.PayTender(t.Context(), front("good"), sandbox.PayTwice, 0))
	require.Equal(t, "A01", posted)
	require.Equal(t, "1&2", admin.body["token"])
	require.ErrorContains(t, s.PayTender(t.Context(), front("bad"), sandbox.Pay, 0), `code "11"`)
}

func TestNothingToPayWithIsAnErrorAndNotASilentWait(t *testing.T) {
	s := NewSandbox((&peer{reply: `{}`}).serve(t), stack.Manifest{})
	for _, scene := range []payment.Scene{payment.Native, payment.App, payment.Front, ""} {
		require.Error(t, s.PayTender(t.Context(), wire.Pay{Scene: scene, Pay: map[string]string{}}, sandbox.Pay, 0), scene)
	}
}

func TestTheCodeIsReadFromThePatientsPhone(t *testing.T) {
	p := &peer{reply: `{"code":"123456"}`}
	s := NewSandbox(p.serve(t), onboarded())
	code, err := s.SMSCode(t.Context(), "h-two", "ver_1")
	require.NoError(t, err)
	require.Equal(t, "123456", code)
	require.Equal(t, "/identity/sms/sms-h-two/ver_1", p.path)
}

func TestACallThatCannotBeMadeSaysWhich(t *testing.T) {
	_, err := NewSandbox("http://127.0.0.1:1", stack.Manifest{}).Books(t.Context())
	require.ErrorContains(t, err, "GET /books")
	var problem *wire.Problem
	require.False(t, errors.As(err, &problem))
}
