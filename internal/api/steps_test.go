package api_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

func TestAVerificationIsStarted(t *testing.T) {
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.Verifying))
	path := "/v1/payments/" + v.ID + "/verification"
	got := as[wire.Verified](t, s.do("POST", path, backend, map[string]any{"kind": "sms"}), 200)
	require.Equal(t, "ver_1", got.Challenge.ChallengeID)
	require.Nil(t, got.Payment)
	got = as[wire.Verified](t, s.do("POST", path, backend, map[string]any{"kind": "face"}), 200)
	require.Equal(t, "wx-1", got.Challenge.VerifyID)
	require.Empty(t, s.engine.proofs)
}

func TestAVerificationIsAnswered(t *testing.T) {
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.AwaitingPayment))
	got := as[wire.Verified](t, s.do("POST", "/v1/payments/"+v.ID+"/verification", backend,
		map[string]any{"kind": "sms", "challenge_id": "ver_1", "code": "123456"}), 200)
	require.Equal(t, "prepay_id=1", got.Payment.Tender.Pay["package"])
	require.Equal(t, []payment.Proof{{Kind: payment.BySMS, Code: "123456", Challenge: "ver_1"}}, s.engine.proofs)
	require.Empty(t, s.verifier.started)
}

func TestAVerificationIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status payment.Status
		body   map[string]any
		err    error
		want   int
		code   string
	}{
		{"when none is waited for", payment.Paid, map[string]any{"kind": "sms"}, payment.Problem{Code: payment.CodeState}, 409, payment.CodeState},
		{"of an unknown kind", payment.Verifying, map[string]any{"kind": "voice"}, nil, 422, payment.CodeVerifyKind},
		{"with a code for no challenge", payment.Verifying, map[string]any{"kind": "sms", "code": "1"}, nil, 422, payment.CodeVerification},
		{"too often", payment.Verifying, map[string]any{"kind": "sms"}, payment.Problem{Code: payment.CodeTooMany}, 429, payment.CodeTooMany},
		{"while the gateway is down", payment.Verifying, map[string]any{"kind": "sms"}, errors.New("down"), 503, api.CodeUnavailable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStack(t)
			v := s.put(view("ren-he", "R20260105000001", tc.status))
			s.verifier.err = tc.err
			r := s.do("POST", "/v1/payments/"+v.ID+"/verification", backend, tc.body)
			problem(t, r, tc.want, tc.code)
			require.Equal(t, tc.want == 429 || tc.want == 503, r.Header.Get("Retry-After") != "")
		})
	}
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.Verifying))
	s.engine.err = payment.Problem{Code: payment.CodeVerification, Field: "code"}
	problem(t, s.do("POST", "/v1/payments/"+v.ID+"/verification", backend,
		map[string]any{"kind": "sms", "challenge_id": "ver_1", "code": "0"}), 422, payment.CodeVerification)
}

func TestTheMethodIsChanged(t *testing.T) {
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.AwaitingPayment))
	path := "/v1/payments/" + v.ID + "/method"
	as[wire.Answer](t, s.do("POST", path, backend, map[string]any{"method": "wechat", "scene": "native"}), 200)
	require.Equal(t, []payment.Choice{{Method: payment.ByWeChat, Scene: payment.Native}}, s.engine.choices)

	p := problem(t, s.do("POST", path, backend, map[string]any{"method": "unionpay", "scene": "app"}), 422, payment.CodeChannel)
	require.Equal(t, "method", p.Errors[0].Field, "the choice is the whole body")
	s.engine.err = payment.Problems{{Code: payment.CodeScene, Field: "choice.scene"}}
	p = problem(t, s.do("POST", path, backend, map[string]any{"method": "wechat", "scene": "app"}), 422, payment.CodeScene)
	require.Equal(t, "scene", p.Errors[0].Field)
	s.engine.err = payment.Problem{Code: payment.CodeState}
	problem(t, s.do("POST", path, backend, map[string]any{"method": "wechat", "scene": "native"}), 409, payment.CodeState)
}

func TestAPaymentIsCancelled(t *testing.T) {
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.AwaitingPayment))
	path := "/v1/payments/" + v.ID + "/cancel"
	as[wire.Answer](t, s.do("POST", path, backend, nil), 200)
	as[wire.Answer](t, s.do("POST", path, backend, map[string]any{"reason": "patient"}), 200)
	require.Equal(t, []payment.Cancellation{{Reason: "requested"}, {Reason: "patient"}}, s.engine.cancels)
	s.engine.err = payment.Problem{Code: payment.CodeState}
	problem(t, s.do("POST", path, backend, nil), 409, payment.CodeState)
}
