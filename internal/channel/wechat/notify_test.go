package wechat_test

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
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

var noon = time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)

// notice is a notification as WeChat Pay would send it, to be spoilt by tests.
type notice struct {
	event, original, content string
	key, nonce, algorithm    string
	signer                   *rsa.PrivateKey
	serial                   string
	at                       time.Time
	body                     string // instead of the one made of the above
}

func paid() notice {
	return notice{event: "TRANSACTION.SUCCESS", original: "transaction", content: transaction("SUCCESS"),
		key: apiKey, nonce: "abcdefabcdef", algorithm: "AEAD_AES_256_GCM", signer: keys().wechat, serial: keyID, at: noon}
}

func refunded(event, content string) notice {
	n := paid()
	n.event, n.original, n.content = event, "refund", content
	return n
}

func refundContent(status string) string {
	return fmt.Sprintf(`{"mchid":%q,"transaction_id":"4200000001","out_trade_no":"REG20260102001A01","refund_id":"5000000001",
"out_refund_no":"REG20260102001R01","refund_status":%q,"success_time":"2026-01-02T12:00:00+08:00","user_received_account":"招商银行信用卡0403",
"amount":{"total":3050,"refund":1049,"payer_total":3050,"payer_refund":1049}}`, mchID, status)
}

func (n notice) make(t testing.TB) channel.Notification {
	body := n.body
	if body == "" {
		sealed := ""
		if len(n.nonce) == 12 {
			sealed = seal(t, n.key, n.content, n.nonce, n.original)
		}
		b, err := json.Marshal(map[string]any{
			"id": "EV-1", "create_time": "2026-01-02T12:00:00+08:00", "event_type": n.event, "resource_type": "encrypt-resource", "summary": "支付成功",
			"resource": map[string]any{"algorithm": n.algorithm, "original_type": n.original, "ciphertext": sealed, "associated_data": n.original, "nonce": n.nonce},
		})
		require.NoError(t, err)
		body = string(b)
	}
	stamp := fmt.Sprint(n.at.Unix())
	h := http.Header{}
	h.Set("Wechatpay-Timestamp", stamp)
	h.Set("Wechatpay-Nonce", "noise")
	h.Set("Wechatpay-Serial", n.serial)
	h.Set("Wechatpay-Signature", sign(t, n.signer, stamp+"\nnoise\n"+body+"\n"))
	return channel.Notification{Method: "POST", URL: "/v1/webhooks/wechat/h-renmin", Header: h, Body: []byte(body)}
}

func atNoon(t testing.TB) *wechat.Client {
	cfg := config(t, newPeer(t))
	cfg.Now = func() time.Time { return noon }
	c, err := wechat.New(t.Context(), cfg)
	require.NoError(t, err)
	return c
}

func TestAPaymentsNotificationIsRead(t *testing.T) {
	got, err := atNoon(t).ParseNotification(t.Context(), paid().make(t))
	require.NoError(t, err)
	require.Equal(t, "EV-1", got.ID)
	require.Nil(t, got.Refund)
	require.Equal(t, "REG20260102001A01", got.Charge.MerchantNo)
	require.Equal(t, "4200000001", got.Charge.ChannelNo)
	require.Equal(t, channel.Captured, got.Charge.State)
	require.True(t, got.Charge.Captured.Equal(money.Fen(3049)))
}

func TestARefundsNotificationIsRead(t *testing.T) {
	for status, want := range map[string]channel.RefundState{
		"SUCCESS": channel.RefundSucceeded, "CLOSED": channel.RefundFailed, "ABNORMAL": channel.RefundAbnormal,
	} {
		got, err := atNoon(t).ParseNotification(t.Context(), refunded("REFUND."+status, refundContent(status)).make(t))
		require.NoError(t, err)
		require.Nil(t, got.Charge)
		require.Equal(t, want, got.Refund.State)
		require.Equal(t, "REG20260102001R01", got.Refund.RefundNo)
		require.True(t, got.Refund.Amount.Equal(money.Fen(1049)))
	}
}

func TestANotificationIsNotBelieved(t *testing.T) {
	for name, tc := range map[string]struct {
		code  string
		spoil func(*notice)
	}{
		"signed by a stranger":            {"signature", func(n *notice) { n.signer = keys().stranger }},
		"signed under another key's name": {"signature", func(n *notice) { n.serial = "PUB_KEY_ID_9" }},
		"five minutes old":                {"stale", func(n *notice) { n.at = noon.Add(-5 * time.Minute) }},
		"five minutes ahead":              {"stale", func(n *notice) { n.at = noon.Add(5 * time.Minute) }},
		"sealed with another key":         {"malformed", func(n *notice) { n.key = strings.Repeat("x", 32) }},
		"another algorithm":               {"malformed", func(n *notice) { n.algorithm = "AEAD_AES_128_GCM" }},
		"a nonce of another length":       {"malformed", func(n *notice) { n.nonce = "abc" }},
		"another merchant":                {"foreign_merchant", func(n *notice) { n.content = transaction("SUCCESS", "mchid", `"1900000002"`) }},
		"another app":                     {"foreign_merchant", func(n *notice) { n.content = transaction("SUCCESS", "appid", `"wxother"`) }},
		"another merchant's refund": {"foreign_merchant", func(n *notice) {
			*n = refunded("REFUND.SUCCESS", strings.Replace(refundContent("SUCCESS"), mchID, "1900000002", 1))
		}},
		"announced as paid, but open":        {"malformed", func(n *notice) { n.content = transaction("NOTPAY") }},
		"paid without an amount":             {"malformed", func(n *notice) { n.content = transaction("SUCCESS", "amount", "null") }},
		"an event of something else":         {"malformed", func(n *notice) { n.event = "COUPON.USE" }},
		"a payment that calls itself refund": {"malformed", func(n *notice) { n.original = "refund" }},
		"event and status of a refund":       {"malformed", func(n *notice) { *n = refunded("REFUND.SUCCESS", refundContent("ABNORMAL")) }},
		"a refund's processing is no event":  {"malformed", func(n *notice) { *n = refunded("REFUND.", refundContent("")) }},
		"content that is no JSON":            {"malformed", func(n *notice) { n.content = "{" }},
		"no resource":                        {"malformed", func(n *notice) { n.body = `{"id":"EV-1","event_type":"TRANSACTION.SUCCESS"}` }},
		"no id":                              {"malformed", func(n *notice) { n.body = `{"resource":{}}` }},
		"a body that is no JSON":             {"malformed", func(n *notice) { n.body = "hello" }},
	} {
		t.Run(name, func(t *testing.T) {
			n := paid()
			tc.spoil(&n)
			_, err := atNoon(t).ParseNotification(t.Context(), n.make(t))
			require.Equal(t, payment.Final, kindOf(t, err))
			require.Equal(t, tc.code, payment.CodeOf(err), err)
			require.NotContains(t, err.Error(), openID)
		})
	}
}

func TestANotificationIsNotBelievedAfterAnyChange(t *testing.T) {
	c := atNoon(t)
	for name, change := range map[string]func(*channel.Notification){
		"a byte of the body": func(n *channel.Notification) { n.Body[10] ^= 1 },
		"the nonce":          func(n *channel.Notification) { n.Header.Set("Wechatpay-Nonce", "other") },
		"the time":           func(n *channel.Notification) { n.Header.Set("Wechatpay-Timestamp", fmt.Sprint(noon.Unix()+1)) },
		"no time":            func(n *channel.Notification) { n.Header.Del("Wechatpay-Timestamp") },
		"a time of words":    func(n *channel.Notification) { n.Header.Set("Wechatpay-Timestamp", "now") },
		"no signature":       func(n *channel.Notification) { n.Header.Del("Wechatpay-Signature") },
		"a probe": func(n *channel.Notification) {
			n.Header.Set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/"+n.Header.Get("Wechatpay-Signature"))
		},
		"another signature type": func(n *channel.Notification) { n.Header.Set("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3") },
		"a GET":                  func(n *channel.Notification) { n.Method = "GET" },
		"no body":                func(n *channel.Notification) { n.Body = nil },
		"a body without end":     func(n *channel.Notification) { n.Body = append(n.Body, make([]byte, 1<<20)...) },
	} {
		n := paid().make(t)
		change(&n)
		_, err := c.ParseNotification(t.Context(), n)
		require.Equal(t, payment.Final, kindOf(t, err), name)
	}
}

func TestANotificationJustInsideTheWindowIsBelieved(t *testing.T) {
	for _, d := range []time.Duration{-wechat.Freshness + time.Second, wechat.Freshness - time.Second} {
		n := paid()
		n.at = noon.Add(d)
		_, err := atNoon(t).ParseNotification(t.Context(), n.make(t))
		require.NoError(t, err)
	}
}

func TestAcknowledge(t *testing.T) {
	c := atNoon(t)
	require.Equal(t, channel.Reply{Status: 204}, c.Acknowledge(nil))
	for err, status := range map[error]int{
		errors.New("the books are down"):                   500,
		&payment.Failure{Kind: payment.Retryable}:          500,
		&payment.Failure{Kind: payment.Final, Code: "sig"}: 401,
	} {
		r := c.Acknowledge(err)
		require.Equal(t, status, r.Status)
		var said struct{ Code, Message string }
		require.NoError(t, json.Unmarshal(r.Body, &said))
		require.Equal(t, "FAIL", said.Code)
		require.NotContains(t, said.Message, "books")
	}
}
