package dbosarm

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/workflows"
)

func newTestSealer(t *testing.T) *sealer {
	t.Helper()
	keys, err := privacy.NewKeyring("k", map[string][]byte{"k": []byte("0123456789abcdef")})
	require.NoError(t, err)
	return newSealer(keys)
}

func TestWhatIsSealedComesBackAsItWas(t *testing.T) {
	s, at := newTestSealer(t), time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC)
	report := channel.Report{MerchantNo: "T1A01", State: channel.Captured, ChannelNo: "4200", Captured: money.Fen(5000), CapturedAt: at}
	for name, v := range map[string]any{
		"nil": nil,
		"a payment's input": order{At: at, Request: payment.Request{Window: time.Minute, CallbackURL: "http://127.0.0.1/",
			Order: payment.Order{HospitalID: "h-one", OrderNo: "T1", Amount: money.Fen(5000), Patient: payment.Patient{Name: "李雷"}}}},
		"an answer": begun{Answer: payment.Answer{PaymentID: "pay_1", Status: payment.AwaitingPayment, PayBy: at, Amount: money.Fen(5000), Digest: "d",
			Tender: &payment.NextTender{Channel: payment.WeChat, Amount: money.Fen(5000), Pay: payment.PayParams{"code_url": "weixin://1"}}}},
		"no answer":         begun{Problem: &payment.Problem{Code: payment.CodeMethod, Text: "no"}, Answer: payment.Answer{Amount: money.Fen(0)}},
		"a notification":    notice{At: at, Event: channel.Event{ID: "e", Charge: &report}},
		"a charge":          activities.ChargeOut{Pay: payment.PayParams{"code_url": "weixin://1"}, Report: report},
		"an empty outcome":  activities.None{},
		"a result":          workflows.Result{PaymentID: "pay_1", Status: payment.Completed},
		"DBOS' own instant": int64(1_700_000_000_000),
	} {
		text, err := s.Encode(v)
		require.NoError(t, err, name)
		require.NotNil(t, text, name)
		back, err := s.Decode(text)
		require.NoError(t, err, name)
		require.Equal(t, v, back, name)
	}
	back, err := s.Decode(nil)
	require.NoError(t, err)
	require.Nil(t, back, "a step that has an error alone")
}

func TestNothingPersonalCanBeReadWithoutTheKey(t *testing.T) {
	s := newTestSealer(t)
	text, err := s.Encode(order{Request: payment.Request{Order: payment.Order{Patient: payment.Patient{Name: "李雷", Phone: "13900000000"}}}})
	require.NoError(t, err)
	bytes, err := base64.StdEncoding.DecodeString(*text)
	require.NoError(t, err)
	for _, personal := range []string{"李雷", "13900000000"} {
		require.NotContains(t, *text, personal)
		require.NotContains(t, string(bytes), personal)
	}
	bytes[len(bytes)-1] ^= 1
	altered := base64.StdEncoding.EncodeToString(bytes)
	_, err = s.Decode(&altered)
	require.ErrorIs(t, err, privacy.ErrTampered)
}

func TestATypeThatCouldNotComeBackIsNotWritten(t *testing.T) {
	_, err := newTestSealer(t).Encode(struct{ A int }{1})
	require.ErrorContains(t, err, "not known here")
}

// TestARefusalIsStillOneAfterACrash: what is decided by it may not hang on
// whether the step's outcome was read back.
func TestARefusalIsStillOneAfterACrash(t *testing.T) {
	registerErrors()
	text, err := dbos.NewGobSerializer().Encode(error(payment.Problem{Code: payment.CodeState, Text: "no"}))
	require.NoError(t, err)
	back, err := dbos.NewGobSerializer().Decode(text)
	require.NoError(t, err)
	var problem payment.Problem
	require.True(t, errors.As(back.(error), &problem))
	require.Equal(t, payment.CodeState, problem.Code)
}
