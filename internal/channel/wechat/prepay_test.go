package wechat_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/channel/wechat"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func TestPrepayJSAPIReturnsASignedCallForTheApp(t *testing.T) {
	p := newPeer(t).on(prepayCall, ok(`{"prepay_id":"wx201"}`))
	got, err := client(t, p).Prepay(t.Context(), charge())
	require.NoError(t, err)
	require.Equal(t, "wx201", got.Handle)
	require.Equal(t, channel.Open, got.Report.State)
	pay := got.Pay
	require.Equal(t, appID, pay["appId"])
	require.Equal(t, "prepay_id=wx201", pay["package"])
	require.Equal(t, "RSA", pay["signType"])
	require.Equal(t, "wx201", pay["prepay_id"])
	text := pay["appId"] + "\n" + pay["timeStamp"] + "\n" + pay["nonceStr"] + "\n" + pay["package"] + "\n"
	require.True(t, holds(&keys().merchant.PublicKey, text, pay["paySign"]), "paySign is the merchant's")

	body := p.body(prepayCall)
	require.Equal(t, map[string]any{
		"appid": appID, "mchid": mchID, "description": "门诊挂号", "out_trade_no": "REG20260102001A01", "attach": "pay_abc",
		"notify_url": "http://127.0.0.1:1/v1/webhooks/wechat/h-renmin", "time_expire": "2026-01-02T08:15:00+08:00",
		"amount": map[string]any{"total": json.Number("3050"), "currency": "CNY"}, "payer": map[string]any{"openid": openID},
	}, body)
}

func TestPrepayNativeReturnsTheCodeURL(t *testing.T) {
	p := newPeer(t).on(nativeCall, ok(`{"code_url":"weixin://wxpay/bizpayurl?pr=1"}`))
	ch := charge()
	ch.Scene, ch.Payer.OpenID = payment.Native, ""
	got, err := client(t, p).Prepay(t.Context(), ch)
	require.NoError(t, err)
	require.Equal(t, payment.PayParams{"code_url": "weixin://wxpay/bizpayurl?pr=1"}, got.Pay)
	require.Equal(t, "weixin://wxpay/bizpayurl?pr=1", got.Handle)
}

func TestPrepayThatMayConcernAnExistingOrderLooksAtTheOrder(t *testing.T) {
	absent := refused(404, "ORDER_NOT_EXIST")
	for name, tc := range map[string]struct {
		refusal answer
		order   answer
		repeat  bool
		handle  string
		state   channel.State
		code    string
		kind    payment.Kind
		calls   int
	}{
		"number used and paid is captured":             {refusal: refused(403, "OUT_TRADE_NO_USED"), order: ok(transaction("SUCCESS")), state: channel.Captured, calls: 2},
		"paid, in the older spelling, is captured":     {refusal: refused(400, "ORDERPAID"), order: ok(transaction("SUCCESS")), state: channel.Captured, calls: 2},
		"closed order is final":                        {refusal: refused(400, "ORDER_CLOSED"), order: ok(transaction("CLOSED")), code: "ORDER_CLOSED", kind: payment.Final, calls: 2},
		"open order with a handle is what it was":      {refusal: refused(400, "INVALID_REQUEST"), order: ok(transaction("NOTPAY")), handle: "wx201", state: channel.Open, calls: 2},
		"open order that nobody can pay is final":      {refusal: refused(403, "OUT_TRADE_NO_USED"), order: ok(transaction("NOTPAY")), code: "OUT_TRADE_NO_USED", kind: payment.Final, calls: 2},
		"refused repeat of a paid order is captured":   {refusal: refused(400, "PARAM_ERROR"), repeat: true, order: ok(transaction("SUCCESS")), state: channel.Captured, calls: 2},
		"refused repeat of an unknown order is final":  {refusal: refused(400, "PARAM_ERROR"), repeat: true, order: absent, code: "PARAM_ERROR", kind: payment.Final, calls: 2},
		"refused first try is final without a look":    {refusal: refused(400, "PARAM_ERROR"), code: "PARAM_ERROR", kind: payment.Final, calls: 1},
		"refusal that cannot be looked into is open":   {refusal: refused(403, "OUT_TRADE_NO_USED"), order: refused(500, "SYSTEM_ERROR"), code: "SYSTEM_ERROR", kind: payment.Uncertain, calls: 2},
		"refusal against a signed handle is uncertain": {refusal: refused(403, "NO_AUTH"), handle: "wx201", order: absent, code: "ORDER_NOT_EXIST", kind: payment.Uncertain, calls: 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t).on(prepayCall, tc.refusal).on(queryCall, tc.order)
			ch := charge()
			ch.Repeat, ch.Handle = tc.repeat, tc.handle
			got, err := client(t, p).Prepay(t.Context(), ch)
			require.Len(t, p.called(), tc.calls)
			if tc.state == "" {
				require.Equal(t, tc.kind, kindOf(t, err))
				require.Equal(t, tc.code, payment.CodeOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.state, got.Report.State)
			if tc.state == channel.Open {
				require.Equal(t, "prepay_id=wx201", got.Pay["package"])
			}
		})
	}
}

func TestPrepayErrorsAreSorted(t *testing.T) {
	for name, tc := range map[string]struct {
		answer answer
		kind   payment.Kind
		code   string
	}{
		"bad parameter":                 {refused(400, "PARAM_ERROR"), payment.Final, "PARAM_ERROR"},
		"app and merchant do not match": {refused(400, "APPID_MCHID_NOT_MATCH"), payment.Final, "APPID_MCHID_NOT_MATCH"},
		"bad signature":                 {refused(401, "SIGN_ERROR"), payment.Final, "SIGN_ERROR"},
		"no permission":                 {refused(403, "NO_AUTH"), payment.Final, "NO_AUTH"},
		"no permission, older":          {refused(403, "NOAUTH"), payment.Final, "NO_AUTH"},
		"rule limit, older":             {refused(403, "RULELIMIT"), payment.Final, "RULE_LIMIT"},
		"a code nobody told us of":      {refused(403, "SOMETHING_NEW"), payment.Final, "SOMETHING_NEW"},
		"too often":                     {refused(429, "FREQUENCY_LIMITED"), payment.Retryable, "FREQUENCY_LIMITED"},
		"too often, other page":         {refused(429, "RATELIMIT_EXCEEDED"), payment.Retryable, "FREQUENCY_LIMITED"},
		"too often, a gateway":          {answer{status: 429, body: "slow down"}, payment.Retryable, "http_429"},
		"system error":                  {refused(500, "SYSTEM_ERROR"), payment.Uncertain, "SYSTEM_ERROR"},
		"system error, older":           {refused(400, "SYSTEMERROR"), payment.Uncertain, "SYSTEM_ERROR"},
		"bank error, older":             {refused(400, "BANKERROR"), payment.Uncertain, "BANK_ERROR"},
		"user is paying":                {refused(400, "USERPAYING"), payment.Uncertain, "USERPAYING"},
		"unavailable":                   {refused(503, "SERVICE_UNAVAILABLE"), payment.Uncertain, "SERVICE_UNAVAILABLE"},
		"5xx whatever it says":          {refused(502, "PARAM_ERROR"), payment.Uncertain, "PARAM_ERROR"},
		"a firewall's page":             {answer{status: 403, body: "<html>no</html>"}, payment.Uncertain, "http_403"},
		"a firewall's JSON":             {answer{status: 403, body: `{"code":"` + strings.Repeat("A", 200) + `"}`}, payment.Uncertain, "http_403"},
		"a redirect":                    {answer{status: 307, header: http.Header{"Location": {"/elsewhere"}}}, payment.Uncertain, "http_307"},
		"accepted, to be repeated":      {answer{status: 202, body: `{"code":"SYSTEM_ERROR"}`}, payment.Uncertain, "unusable_reply"},
		"2xx without signature":         {answer{status: 200, body: `{"prepay_id":"wx"}`, unsigned: true}, payment.Uncertain, "unusable_reply"},
		"2xx signed by another":         {answer{status: 200, body: `{"prepay_id":"wx"}`, signer: keys().stranger}, payment.Uncertain, "unusable_reply"},
		"2xx with another key's id":     {answer{status: 200, body: `{"prepay_id":"wx"}`, serial: "PUB_KEY_ID_9"}, payment.Uncertain, "unusable_reply"},
		"2xx signed long ago":           {answer{status: 200, body: `{"prepay_id":"wx"}`, age: time.Hour}, payment.Uncertain, "unusable_reply"},
		"2xx without a prepay_id":       {ok(`{}`), payment.Uncertain, "unusable_reply"},
		"2xx that is no JSON":           {ok(`{`), payment.Uncertain, "unusable_reply"},
		"2xx without end":               {ok(`{"prepay_id":"` + strings.Repeat("x", 2<<20) + `"}`), payment.Uncertain, "unusable_reply"},
		"connection cut after sending":  {answer{cut: true}, payment.Uncertain, "no_answer"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t).on(prepayCall, tc.answer)
			_, err := client(t, p).Prepay(t.Context(), charge())
			require.Error(t, err)
			require.Equal(t, tc.kind, kindOf(t, err), err)
			require.Equal(t, tc.code, payment.CodeOf(err), err)
			require.NotContains(t, err.Error(), openID)
			require.NotContains(t, err.Error(), "api.mch.weixin.qq.com", "where it was not sent")
			require.Len(t, p.called(), 1, "a try is one request")
		})
	}
}

func TestATimeoutIsUncertainAndARefusedConnectionIsRetryable(t *testing.T) {
	release := make(chan struct{})
	slow := &peer{t: t}
	slow.srv = newServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := client(t, slow).Prepay(ctx, charge())
	require.Equal(t, payment.Uncertain, kindOf(t, err))
	require.Equal(t, "timeout", payment.CodeOf(err))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	cfg := config(t, slow)
	cfg.BaseURL = "http://" + l.Addr().String()
	require.NoError(t, l.Close())
	c, err := wechat.New(t.Context(), cfg)
	require.NoError(t, err)
	for op, call := range map[string]func() error{
		"prepay": func() error { _, err := c.Prepay(t.Context(), charge()); return err },
		"query":  func() error { _, err := c.Query(t.Context(), charge()); return err },
		"close":  func() error { _, err := c.Close(t.Context(), charge()); return err },
		"refund": func() error { _, err := c.Refund(t.Context(), charge(), refund()); return err },
	} {
		require.Equal(t, payment.Retryable, kindOf(t, call()), op)
	}
}

func TestAChargeOfAnotherHospitalOrWithoutSenseIsNotSent(t *testing.T) {
	p := newPeer(t)
	c := client(t, p)
	for name, change := range map[string]func(*channel.Charge){
		"another hospital":     func(c *channel.Charge) { c.HospitalID = "h-other" },
		"no scene":             func(c *channel.Charge) { c.Scene = "" },
		"a front page":         func(c *channel.Charge) { c.Scene = payment.Front },
		"jsapi without openid": func(c *channel.Charge) { c.Payer.OpenID = "" },
		"nothing to pay":       func(c *channel.Charge) { c.Amount = money.Fen(0) },
		"another currency":     func(c *channel.Charge) { c.Amount = money.Minor(100, money.USD) },
		"a number too long":    func(c *channel.Charge) { c.MerchantNo = strings.Repeat("A", 33) },
		"a number with a path": func(c *channel.Charge) { c.MerchantNo = "REG../../x" },
	} {
		ch := charge()
		change(&ch)
		_, err := c.Prepay(t.Context(), ch)
		require.Equal(t, payment.Final, kindOf(t, err), name)
	}
	require.Empty(t, p.called())
}

func TestADescriptionIsCutBetweenCharacters(t *testing.T) {
	p := newPeer(t).on(prepayCall, ok(`{"prepay_id":"wx201"}`))
	ch := charge()
	ch.Description = strings.Repeat("挂", 60)
	_, err := client(t, p).Prepay(t.Context(), ch)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("挂", 42), p.body(prepayCall)["description"])
}
