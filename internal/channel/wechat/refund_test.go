package wechat_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func refund() channel.Refund {
	return channel.Refund{No: "REG20260102001R01", Amount: money.Fen(1050), Reason: "号源已取消",
		Original: channel.Report{Captured: money.Fen(3050)}}
}

func refundBody(status string, change ...string) string {
	m := map[string]any{
		"refund_id": "5000000001", "out_refund_no": "REG20260102001R01", "transaction_id": "4200000001", "out_trade_no": "REG20260102001A01",
		"channel": "ORIGINAL", "user_received_account": "招商银行信用卡0403", "create_time": "2026-01-02T09:00:00+08:00", "status": status,
		"success_time": "2026-01-02T09:01:00+08:00",
		"amount":       map[string]any{"total": 3050, "refund": 1049, "payer_total": 3050, "payer_refund": 1049, "settlement_refund": 1049, "settlement_total": 3050, "discount_refund": 0, "currency": "CNY"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		var v any
		_ = json.Unmarshal([]byte(change[i+1]), &v)
		m[change[i]] = v
	}
	b, _ := json.Marshal(m)
	return string(b)
}

func TestRefundReadsEveryStatus(t *testing.T) {
	for status, want := range map[string]channel.RefundState{
		"SUCCESS": channel.RefundSucceeded, "PROCESSING": channel.RefundProcessing, "CLOSED": channel.RefundFailed, "ABNORMAL": channel.RefundAbnormal,
	} {
		p := newPeer(t).on(refundCall, ok(refundBody(status))).on(askCall, ok(refundBody(status)))
		c := client(t, p)
		got, err := c.Refund(t.Context(), charge(), refund())
		require.NoError(t, err)
		again, err := c.QueryRefund(t.Context(), charge(), refund())
		require.NoError(t, err)
		require.Equal(t, got, again)
		require.Equal(t, want, got.State)
		require.Equal(t, "5000000001", got.ChannelNo)
		require.True(t, got.Amount.Equal(money.Fen(1049)), "the channel's amount, not ours")
		require.Equal(t, want == channel.RefundSucceeded, got.At.Equal(time.Date(2026, 1, 2, 1, 1, 0, 0, time.UTC)))
		require.Equal(t, map[string]any{
			"out_trade_no": "REG20260102001A01", "out_refund_no": "REG20260102001R01", "reason": "号源已取消",
			"notify_url": "http://127.0.0.1:1/v1/webhooks/wechat/h-renmin",
			"amount":     map[string]any{"refund": json.Number("1050"), "total": json.Number("3050"), "currency": "CNY"},
		}, p.body(refundCall))
	}
}

func TestARefusedRefundIsFinalOnlyWhenWeChatPayDoesNotKnowIt(t *testing.T) {
	for name, tc := range map[string]struct {
		post, ask answer
		state     channel.RefundState
		kind      payment.Kind
		code      string
	}{
		"unknown there":                     {post: refused(403, "NOT_ENOUGH"), ask: refused(404, "RESOURCE_NOT_EXISTS"), kind: payment.Final, code: "NOT_ENOUGH"},
		"unknown there, older":              {post: refused(403, "NOTENOUGH"), ask: refused(404, "RESOURCE_NOT_EXISTS"), kind: payment.Final, code: "NOT_ENOUGH"},
		"known there after all":             {post: refused(400, "INVALID_REQUEST"), ask: ok(refundBody("SUCCESS")), state: channel.RefundSucceeded},
		"cannot be asked":                   {post: refused(403, "NO_AUTH"), ask: refused(500, "SYSTEM_ERROR"), kind: payment.Uncertain, code: "NO_AUTH"},
		"asking is refused too":             {post: refused(403, "NO_AUTH"), ask: refused(403, "NO_AUTH"), kind: payment.Uncertain, code: "NO_AUTH"},
		"a proxy's missing page is no word": {post: refused(403, "NO_AUTH"), ask: answer{status: 404, body: "no"}, kind: payment.Uncertain, code: "NO_AUTH"},
		"unknown outcome":                   {post: refused(500, "SYSTEM_ERROR"), kind: payment.Uncertain, code: "SYSTEM_ERROR"},
		"a limit is asked about first":      {post: refused(429, "FREQUENCY_LIMITED"), kind: payment.Uncertain, code: "FREQUENCY_LIMITED"},
		"lost reply":                        {post: answer{cut: true}, kind: payment.Uncertain, code: "no_answer"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t).on(refundCall, tc.post).on(askCall, tc.ask)
			got, err := client(t, p).Refund(t.Context(), charge(), refund())
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

func TestQueryRefundOfAnUnknownNumberIsAbsent(t *testing.T) {
	for _, code := range []string{"RESOURCE_NOT_EXISTS", "RESOURCE_NOT_EXIST", "REFUNDNOTEXIST"} {
		p := newPeer(t).on(askCall, refused(404, code))
		got, err := client(t, p).QueryRefund(t.Context(), charge(), refund())
		require.NoError(t, err)
		require.Equal(t, channel.RefundAbsent, got.State)
	}
}

func TestARefundReplyAboutSomethingElseIsUncertain(t *testing.T) {
	for name, body := range map[string]string{
		"another refund": refundBody("SUCCESS", "out_refund_no", `"REG20260102001R02"`),
		"another order":  refundBody("SUCCESS", "out_trade_no", `"REG20260102002A01"`),
		"a new status":   refundBody("MAYBE"),
		"no status":      refundBody("SUCCESS", "status", "null"),
		"no amount":      refundBody("SUCCESS", "amount", "null"),
		"nothing":        "{}",
	} {
		p := newPeer(t).on(refundCall, ok(body))
		_, err := client(t, p).Refund(t.Context(), charge(), refund())
		require.Equal(t, payment.Uncertain, kindOf(t, err), name)
	}
}

func TestARefundWithoutSenseIsNotSent(t *testing.T) {
	p := newPeer(t)
	c := client(t, p)
	for _, change := range []func(*channel.Refund){
		func(r *channel.Refund) { r.Amount = money.Fen(0) },
		func(r *channel.Refund) { r.Amount = money.Fen(-1) },
		func(r *channel.Refund) { r.Amount = money.Minor(5, money.HKD) },
		func(r *channel.Refund) { r.No = "" },
		func(r *channel.Refund) { r.No = strings.Repeat("R", 65) },
	} {
		r := refund()
		change(&r)
		_, err := c.Refund(t.Context(), charge(), r)
		require.Equal(t, payment.Final, kindOf(t, err))
	}
	require.Empty(t, p.called())
}
