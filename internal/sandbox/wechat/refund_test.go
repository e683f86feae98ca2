package wechat_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/wechat"
)

func TestARefundIsAcceptedAndThenSucceeds(t *testing.T) {
	w := newWorld(t)
	w.paid("R2026030100001", 1500)
	a := w.refund("R2026030100001", "F1", 500, 1500)
	require.Equal(t, 200, a.status, string(a.raw))
	require.Equal(t, "PROCESSING", a.json["status"])
	require.Equal(t, "REFUND", w.query("R2026030100001").json["trade_state"], "a partial refund shows too")
	require.Zero(t, w.books().Charges[0].RefundedFen)

	w.settle()
	q := w.call(w.m, "GET", "/v3/refund/domestic/refunds/F1", nil)
	require.Equal(t, "SUCCESS", q.json["status"])
	require.Equal(t, a.json["refund_id"], q.json["refund_id"])
	require.EqualValues(t, 500, q.json["amount"].(map[string]any)["refund"])
	require.EqualValues(t, 500, w.books().Charges[0].RefundedFen)
	require.Equal(t, sandbox.RefundSuccess, w.books().Refunds[0].State)
	require.Equal(t, "F1", w.books().Refunds[0].RefundNo)

	again := w.refund("R2026030100001", "F1", 500, 1500)
	require.Equal(t, "SUCCESS", again.json["status"], "the same number is the same refund")
	require.Len(t, w.books().Refunds, 1)
}

func TestRefundsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.paid("R2026030100001", 1500)
	w.prepay("R2026030100002", 1500)
	require.Equal(t, 200, w.refund("R2026030100001", "F1", 500, 1500).status)
	for name, c := range map[string]struct {
		order, number string
		fen, total    int64
		code          string
	}{
		"an unknown order":                    {"R2026030100009", "F2", 500, 1500, "RESOURCE_NOT_EXISTS"},
		"an order that is not paid":           {"R2026030100002", "F2", 500, 1500, "INVALID_REQUEST"},
		"the same number with another amount": {"R2026030100001", "F1", 501, 1500, "INVALID_REQUEST"},
		"the same number with another total":  {"R2026030100001", "F1", 500, 1501, "INVALID_REQUEST"},
		"a total that is not the order's":     {"R2026030100001", "F2", 500, 1501, "INVALID_REQUEST"},
		"more than was paid":                  {"R2026030100001", "F2", 1501, 1500, "INVALID_REQUEST"},
		"more than is left":                   {"R2026030100001", "F2", 1001, 1500, "INVALID_REQUEST"},
		"zero":                                {"R2026030100001", "F2", 0, 1500, "PARAM_ERROR"},
		"less than zero":                      {"R2026030100001", "F2", -1, 1500, "PARAM_ERROR"},
		"no number":                           {"R2026030100001", "", 500, 1500, "PARAM_ERROR"},
		"a number of 65 characters":           {"R2026030100001", strings.Repeat("F", 65), 500, 1500, "PARAM_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.code, w.refund(c.order, c.number, c.fen, c.total).code())
		})
	}
	require.Len(t, w.books().Refunds, 1)
	require.Equal(t, 404, w.call(w.m, "GET", "/v3/refund/domestic/refunds/F2", nil).status)
	require.Equal(t, 404, w.call(w.other, "GET", "/v3/refund/domestic/refunds/F1", nil).status)

	w.clock.Advance(366 * 24 * time.Hour)
	require.Equal(t, "INVALID_REQUEST", w.refund("R2026030100001", "F2", 500, 1500).code(), "a year is the limit")
}

func TestRefundByTransactionID(t *testing.T) {
	w := newWorld(t)
	w.paid("R2026030100001", 1500)
	body := map[string]any{"transaction_id": w.books().Charges[0].ChannelNo, "out_refund_no": "F1",
		"amount": map[string]any{"refund": 1500, "total": 1500, "currency": "CNY"}}
	require.Equal(t, 404, w.call(w.other, "POST", "/v3/refund/domestic/refunds", body).status)
	require.Equal(t, 200, w.call(w.m, "POST", "/v3/refund/domestic/refunds", body).status)
	body["out_trade_no"] = "R2026030100001"
	require.Equal(t, "PARAM_ERROR", w.call(w.m, "POST", "/v3/refund/domestic/refunds", body).code(), "one of the two")
}

func TestFiftyPartialRefundsAtMost(t *testing.T) {
	w := newWorld(t)
	w.paid("R2026030100001", 1500)
	for i := range 50 {
		require.Equal(t, 200, w.refund("R2026030100001", fmt.Sprint("F", i), 1, 1500).status)
	}
	require.Equal(t, "INVALID_REQUEST", w.refund("R2026030100001", "F50", 1, 1500).code())
}

func TestRefundsInQuickSuccessionMayBeRefused(t *testing.T) {
	w := newWorld(t, wechat.WithRefundInterval(time.Minute))
	w.paid("R2026030100001", 1500)
	require.Equal(t, 200, w.refund("R2026030100001", "F1", 1, 1500).status)
	a := w.refund("R2026030100001", "F2", 1, 1500)
	require.Equal(t, 429, a.status)
	require.Equal(t, "FREQUENCY_LIMITED", a.code())
	require.Equal(t, 200, w.refund("R2026030100001", "F1", 1, 1500).status, "asking again is no new refund")
	w.clock.Advance(time.Minute)
	require.Equal(t, 200, w.refund("R2026030100001", "F2", 1, 1500).status)
}

func TestRefundsThatDoNotSucceed(t *testing.T) {
	w := newWorld(t)
	w.paid("R2026030100001", 1500)
	decide := func(no, status string) int {
		code, _ := w.adminCall("PUT", "/wechat/refunds/"+no, map[string]string{"status": status})
		return code
	}
	require.Equal(t, 400, decide("F1", "MAYBE"))
	require.Equal(t, 200, decide("F1", "CLOSED"))
	require.Equal(t, 200, decide("F2", "ABNORMAL"))
	require.Equal(t, 200, w.refund("R2026030100001", "F1", 1500, 1500).status)
	w.settle()
	require.Equal(t, "CLOSED", w.call(w.m, "GET", "/v3/refund/domestic/refunds/F1", nil).json["status"])
	require.Equal(t, 200, w.refund("R2026030100001", "F2", 1500, 1500).status, "a closed refund gives its amount back")
	w.settle()
	require.Equal(t, sandbox.RefundAbnormal, w.books().Refunds[1].State)
	require.Equal(t, "INVALID_REQUEST", w.refund("R2026030100001", "F3", 1, 1500).code(), "an abnormal one does not")
	require.Equal(t, 200, decide("F2", "SUCCESS"))
	require.EqualValues(t, 1500, w.books().Charges[0].RefundedFen)
	require.Equal(t, 409, decide("F2", "ABNORMAL"), "a success is final")

	w.eventually(func() bool { return len(w.inbox.all()) == 4 })
	kinds := map[string]int{}
	for _, m := range w.inbox.all() {
		var e struct {
			EventType string `json:"event_type"`
		}
		require.NoError(t, json.Unmarshal(m.body, &e))
		kinds[e.EventType]++
	}
	require.Equal(t, map[string]int{"TRANSACTION.SUCCESS": 1, "REFUND.CLOSED": 1, "REFUND.ABNORMAL": 1, "REFUND.SUCCESS": 1}, kinds)
}
