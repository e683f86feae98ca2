package integration

import (
	"bytes"
	"database/sql"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/payment"
)

// kept counts the notifications that the installation keeps, of a hospital and
// with an outcome.
func (w *world) kept(t *testing.T, channel, hospital, outcome string) int {
	t.Helper()
	return w.count(t, `SELECT count(*) FROM webhooks WHERE channel = $1 AND hospital_id = $2 AND outcome = $3`, channel, hospital, outcome)
}

// told counts those about a payment.
func (w *world) told(t *testing.T, v *visit) int {
	t.Helper()
	return w.count(t, `SELECT count(*) FROM webhooks WHERE payment_id = $1`, v.id())
}

func (w *world) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	db, err := sql.Open("postgres", w.in.Stack.Endpoints().DatabaseURL)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

// TestANotificationThatDoesNotMatchCountsForNothing (I9): it is refused, kept
// as evidence, and the payment is as it was.
func TestANotificationThatDoesNotMatchCountsForNothing(t *testing.T) {
	w := hold(t)
	const unverified, amount, number = "not_verified", "amount_differs", "unknown_number"
	t.Run("wechat", func(t *testing.T) {
		for _, hospital := range []string{renmin, xiehe} {
			v := w.begin(t, hospital, wechatNative)
			i := w.insider(t)
			other := map[string]string{renmin: xiehe, xiehe: renmin}[hospital]
			for rule, c := range map[string]struct {
				change  func(*wechatPaid)
				outcome string
			}{
				"signed by somebody else":      {func(n *wechatPaid) { n.key = i.stranger() }, unverified},
				"changed after signing":        {func(n *wechatPaid) { n.tamper = true }, unverified},
				"stale":                        {func(n *wechatPaid) { n.at = n.at.Add(-6 * time.Minute) }, unverified},
				"from the future":              {func(n *wechatPaid) { n.at = n.at.Add(6 * time.Minute) }, unverified},
				"of a foreign merchant":        {func(n *wechatPaid) { n.mchid = "1900000000" }, unverified},
				"of another amount":            {func(n *wechatPaid) { n.fen-- }, amount},
				"of an unknown number":         {func(n *wechatPaid) { n.merchantNo = "T0000000000A01" }, number},
				"of an attempt never made":     {func(n *wechatPaid) { n.merchantNo = payment.MerchantNo(v.order(), 7) }, number},
				"sent to another hospital":     {func(n *wechatPaid) { n.to = other }, unverified},
				"of an amount of nothing":      {func(n *wechatPaid) { n.fen = 0 }, unverified},
				"without the channel's number": {func(n *wechatPaid) { n.channelNo = "" }, unverified},
			} {
				n := i.wechat(v)
				c.change(&n)
				before := w.kept(t, "wechat", n.to, c.outcome)
				assert.GreaterOrEqual(t, i.sendWeChat(n), 400, rule)
				assert.Greater(t, w.kept(t, "wechat", n.to, c.outcome), before, "%s: kept", rule)
			}
			v.isUntouched()
			v.pay()
			v.until(payment.Completed)
		}
	})
	t.Run("unionpay", func(t *testing.T) {
		v := w.begin(t, renmin, unionpayApp)
		i := w.insider(t)
		key := i.key("unionpay", "signer_key.pem")
		nothing := func(map[string]string) {}
		set := func(name, value string) func(map[string]string) {
			return func(f map[string]string) { f[name] = value }
		}
		old := time.Now().Add(-25 * time.Hour).In(time.FixedZone("Asia/Shanghai", 8*60*60))
		for rule, c := range map[string]struct {
			stranger      bool
			to            string
			change, after func(map[string]string)
			outcome       string
		}{
			"signed by somebody else": {true, renmin, nothing, nothing, unverified},
			"changed after signing":   {false, renmin, nothing, set("txnAmt", "1"), unverified},
			"of a foreign merchant":   {false, renmin, set("merId", "777290058000000"), nothing, unverified},
			"too old": {false, renmin, func(f map[string]string) {
				f["txnTime"], f["traceTime"] = old.Format("20060102150405"), old.Format("0102150405")
			}, nothing, unverified},
			"of another amount":        {false, renmin, func(f map[string]string) { f["txnAmt"], f["settleAmt"] = "1", "1" }, nothing, amount},
			"of an unknown number":     {false, renmin, set("orderId", "T0000000000A01"), nothing, number},
			"sent to another hospital": {false, xiehe, nothing, nothing, unverified},
			"in another currency":      {false, renmin, set("currencyCode", "840"), nothing, unverified},
		} {
			signer := key
			if c.stranger {
				signer = i.stranger()
			}
			before := w.kept(t, "unionpay", c.to, c.outcome)
			assert.GreaterOrEqual(t, i.sendUnionPay(v, c.to, signer, c.change, c.after), 400, rule)
			assert.Greater(t, w.kept(t, "unionpay", c.to, c.outcome), before, "%s: kept", rule)
		}
		v.isUntouched()
		v.pay()
		v.until(payment.Completed)
	})
	t.Run("insurance", func(t *testing.T) {
		i := w.insider(t)
		for _, body := range []string{"", "{}", `{"encData":"00","signData":"00"}`, "not json", "\x00\xff"} {
			assert.GreaterOrEqual(t, i.deliver("insurance", renmin, "application/json", []byte(body), nil), 400, "%q", body)
		}
	})
	t.Run("not a place for notifications", func(t *testing.T) {
		i := w.insider(t)
		for _, place := range [][2]string{{"wechat", "h-nowhere"}, {"alipay", renmin}, {"wechat", "..%2f"}} {
			assert.Equal(t, http.StatusNotFound, i.deliver(place[0], place[1], "application/json", []byte("{}"), nil), "%v", place)
		}
		assert.Equal(t, http.StatusRequestEntityTooLarge,
			i.deliver("wechat", renmin, "application/json", bytes.Repeat([]byte("x"), api.MaxBody+1), nil))
	})
}

// isUntouched: the payment waits as before, and nothing is in.
func (v *visit) isUntouched() {
	v.t.Helper()
	p := v.look()
	assert.Equal(v.t, payment.AwaitingPayment, p.Status)
	assert.Zero(v.t, p.CapturedFen)
	assert.NotContains(v.t, v.happened(), "captured")
}

// TestARepeatedNotificationChangesNothing: the same word again, signed anew,
// after everything is over, is thanked for and changes nothing.
func TestARepeatedNotificationChangesNothing(t *testing.T) {
	w := hold(t)
	v := w.begin(t, renmin, wechatNative)
	i := w.insider(t)
	n := i.wechat(v)
	v.pay()
	p := v.until(payment.Completed)
	line := v.happened()
	n.channelNo = p.Tenders[0].ChannelNo
	for range 3 {
		assert.Less(t, i.sendWeChat(n), 300)
	}
	assert.Equal(t, p, v.look())
	assert.Equal(t, line, v.happened())
	assert.Empty(t, v.refunds(payment.WeChat))
}
