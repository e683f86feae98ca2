package wechat_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func newServer(t testing.TB, h http.Handler) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestQueryReadsEveryTradeState(t *testing.T) {
	for state, want := range map[string]channel.State{
		"SUCCESS": channel.Captured, "REFUND": channel.Captured, "NOTPAY": channel.Open, "USERPAYING": channel.Open,
		"ACCEPT": channel.Open, "CLOSED": channel.Closed, "REVOKED": channel.Closed, "PAYERROR": channel.Declined,
	} {
		p := newPeer(t).on(queryCall, ok(transaction(state)))
		got, err := client(t, p).Query(t.Context(), charge())
		require.NoError(t, err, state)
		require.Equal(t, want, got.State, state)
		require.Equal(t, state, got.Code)
		if want == channel.Captured {
			require.True(t, got.Captured.Equal(money.Fen(3049)), "the channel's amount, not ours")
			require.Equal(t, "4200000001", got.ChannelNo)
			require.True(t, got.CapturedAt.Equal(time.Date(2026, 1, 2, 0, 10, 0, 0, time.UTC)))
		} else {
			require.True(t, got.Captured.IsZero())
		}
	}
}

func TestQueryBelievesNothingThatIsNotAboutThisOrder(t *testing.T) {
	for name, body := range map[string]string{
		"another order":        transaction("SUCCESS", "out_trade_no", `"REG20260102009A01"`),
		"another merchant":     transaction("SUCCESS", "mchid", `"1900000002"`),
		"another app":          transaction("SUCCESS", "appid", `"wxother"`),
		"a state unknown":      transaction("SETTLED"),
		"no state":             `{}`,
		"paid without amount":  transaction("SUCCESS", "amount", `null`),
		"paid nothing":         transaction("SUCCESS", "amount", `{"total":0}`),
		"paid less than none":  transaction("SUCCESS", "amount", `{"total":-1}`),
		"paid a fraction":      transaction("SUCCESS", "amount", `{"total":1.5}`),
		"paid in dollars":      transaction("SUCCESS", "amount", `{"total":1,"currency":"USD"}`),
		"paid without a trace": transaction("SUCCESS", "transaction_id", `""`),
	} {
		p := newPeer(t).on(queryCall, ok(body))
		_, err := client(t, p).Query(t.Context(), charge())
		require.Equal(t, payment.Uncertain, kindOf(t, err), name)
		require.Equal(t, "unusable_reply", payment.CodeOf(err), name)
	}
}

func TestAnUnsignedNoSuchOrderIsBelievedOnlyWhileNothingSignedSaysOtherwise(t *testing.T) {
	for name, tc := range map[string]struct {
		answer answer
		handle string
		absent bool
	}{
		"no handle":               {refused(404, "ORDER_NOT_EXIST"), "", true},
		"no handle, older":        {refused(404, "ORDERNOTEXIST"), "", true},
		"a handle contradicts":    {refused(404, "ORDER_NOT_EXIST"), "wx201", false},
		"a proxy's missing page":  {answer{status: 404, body: "not found"}, "", false},
		"another code":            {refused(404, "RESOURCE_NOT_EXISTS"), "", false},
		"the code, not as a 404":  {refused(500, "ORDER_NOT_EXIST"), "", false},
		"no permission":           {refused(403, "NO_AUTH"), "", false},
		"bad signature":           {refused(401, "SIGN_ERROR"), "", false},
		"a parameter, with proof": {refused(400, "PARAM_ERROR"), "wx201", false},
	} {
		p := newPeer(t).on(queryCall, tc.answer)
		ch := charge()
		ch.Handle = tc.handle
		got, err := client(t, p).Query(t.Context(), ch)
		if tc.absent {
			require.NoError(t, err, name)
			require.Equal(t, channel.Absent, got.State, name)
			continue
		}
		require.Equal(t, payment.Uncertain, kindOf(t, err), name)
	}
}

func TestClose(t *testing.T) {
	closed, no := answer{status: 204}, refused(400, "PARAM_ERROR")
	for name, tc := range map[string]struct {
		close, query answer
		handle       string
		state        channel.State
		kind         payment.Kind
		code         string
	}{
		"an open order closes":                         {close: closed, query: ok(transaction("CLOSED")), state: channel.Closed},
		"the patient was first":                        {close: refused(400, "ORDERPAID"), query: ok(transaction("SUCCESS")), state: channel.Captured},
		"closed before":                                {close: refused(400, "ORDER_CLOSED"), query: ok(transaction("CLOSED")), state: channel.Closed},
		"a lost reply, closed":                         {close: answer{cut: true}, query: ok(transaction("CLOSED")), state: channel.Closed},
		"an unsigned 204 closed nothing":               {close: answer{status: 204, unsigned: true}, query: ok(transaction("NOTPAY")), kind: payment.Uncertain, code: "unusable_reply"},
		"a close that WeChat Pay is slow to show":      {close: closed, query: ok(transaction("NOTPAY")), state: channel.Open},
		"a refused close of an open order is no end":   {close: no, query: ok(transaction("NOTPAY")), kind: payment.Uncertain, code: "PARAM_ERROR"},
		"a limited close of an open order":             {close: refused(429, "FREQUENCY_LIMITED"), query: ok(transaction("NOTPAY")), kind: payment.Retryable, code: "FREQUENCY_LIMITED"},
		"never placed":                                 {close: refused(404, "ORDER_NOT_EXIST"), query: refused(404, "ORDER_NOT_EXIST"), state: channel.Absent},
		"placed, and denied without a signature":       {close: refused(404, "ORDER_NOT_EXIST"), query: refused(404, "ORDER_NOT_EXIST"), handle: "wx201", kind: payment.Uncertain, code: "ORDER_NOT_EXIST"},
		"closed, but the query fails: nothing is sure": {close: closed, query: refused(500, "SYSTEM_ERROR"), kind: payment.Uncertain, code: "SYSTEM_ERROR"},
		"the close denied, the payment signed as paid": {close: refused(404, "ORDER_NOT_EXIST"), query: ok(transaction("SUCCESS")), state: channel.Captured},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t).on(closeCall, tc.close).on(queryCall, tc.query)
			ch := charge()
			ch.Handle = tc.handle
			got, err := client(t, p).Close(t.Context(), ch)
			require.Equal(t, []string{closeCall, queryCall}, p.called())
			require.Equal(t, map[string]any{"mchid": mchID}, p.body(closeCall))
			if tc.kind != "" {
				require.Equal(t, tc.kind, kindOf(t, err), err)
				require.Equal(t, tc.code, payment.CodeOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.state, got.State)
		})
	}
}
