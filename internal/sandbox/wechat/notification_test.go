package wechat_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
)

type notified struct {
	ID           string
	ResourceType string `json:"resource_type"`
	EventType    string `json:"event_type"`
	Resource     struct {
		Algorithm, Ciphertext, Nonce string
		OriginalType                 string `json:"original_type"`
		AssociatedData               string `json:"associated_data"`
	}
}

// read verifies and decrypts the n-th notification.
func (w *world) read(n int) (notified, map[string]any) {
	w.t.Helper()
	w.eventually(func() bool { return len(w.inbox.all()) > n })
	m := w.inbox.all()[n]
	require.NoError(w.t, w.m.verify(m.header, m.body))
	var e notified
	require.NoError(w.t, json.Unmarshal(m.body, &e))
	require.Equal(w.t, "AEAD_AES_256_GCM", e.Resource.Algorithm)
	var resource map[string]any
	require.NoError(w.t, json.Unmarshal(w.m.open(w.t, e.Resource.Nonce, e.Resource.AssociatedData, e.Resource.Ciphertext), &resource))
	return e, resource
}

func TestPaymentsAndRefundsAreNotified(t *testing.T) {
	w := newWorld(t)
	w.paid("R2026030100001", 1500)
	e, resource := w.read(0)
	require.Equal(t, []string{"TRANSACTION.SUCCESS", "encrypt-resource", "transaction"}, []string{e.EventType, e.ResourceType, e.Resource.OriginalType})
	require.Equal(t, w.query("R2026030100001").json, resource, "a notification says what a query would")

	require.Equal(t, 200, w.refund("R2026030100001", "F1", 500, 1500).status)
	w.settle()
	e, resource = w.read(1)
	require.Equal(t, "REFUND.SUCCESS", e.EventType)
	require.Equal(t, "refund", e.Resource.OriginalType)
	require.Equal(t, "SUCCESS", resource["refund_status"])
	require.NotContains(t, resource, "status")
	require.Equal(t, "F1", resource["out_refund_no"])
	require.Equal(t, map[string]any{"total": 1500.0, "refund": 500.0, "payer_total": 1500.0, "payer_refund": 500.0}, resource["amount"])
}

func TestARepeatedNotificationIsTheSameEventSignedAnew(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.server.Faults().Set(sandbox.FaultSpec{Notification: sandbox.NotificationFault{Repeat: 2}}))
	w.paid("R2026030100001", 1500)
	first, _ := w.read(0)
	second, _ := w.read(1)
	require.Equal(t, first, second)
	require.NotEqual(t, w.inbox.all()[0].header.Get("Wechatpay-Nonce"), w.inbox.all()[1].header.Get("Wechatpay-Nonce"))
}

func TestAForgeryDoesNotVerify(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.server.Faults().Set(sandbox.FaultSpec{Notification: sandbox.NotificationFault{ForgedRate: 1}}))
	w.paid("R2026030100001", 1500)
	w.read(1) // the genuine one follows
	forged := w.inbox.all()[0]
	require.Error(t, w.m.verify(forged.header, forged.body))
	require.NotEmpty(t, forged.header.Get("Wechatpay-Signature"))
}

func TestFaultsSpeakThePlatformsWords(t *testing.T) {
	w := newWorld(t)
	set := func(spec sandbox.FaultSpec) { require.NoError(t, w.server.Faults().Set(spec)) }
	for code, status := range map[string]int{"SYSTEM_ERROR": 500, "FREQUENCY_LIMITED": 429, "NO_AUTH": 403, "ORDERNOTEXIST": 404,
		"SERVICE_UNAVAILABLE": 503, "USERPAYING": 202, "SOMETHING_NEW": 500} {
		set(sandbox.FaultSpec{Error: sandbox.ErrorFault{Rate: 1, Code: code, Operations: []string{"prepay"}}})
		a := w.call(w.m, "POST", "/v3/pay/transactions/jsapi", w.order("R2026030100001", 1500))
		require.Equal(t, status, a.status, code)
		require.Equal(t, code, a.code())
		require.Equal(t, 404, w.query("R2026030100001").status, "a query is no prepay, and nothing was executed")
	}

	set(sandbox.FaultSpec{ReplyLost: sandbox.ReplyLostFault{Rate: 1, Operations: []string{"prepay", "refund", "close"}}})
	_, err := w.try(w.request(w.m, "POST", "/v3/pay/transactions/jsapi", w.order("R2026030100001", 1500)))
	require.Error(t, err)
	require.Equal(t, "NOTPAY", w.query("R2026030100001").json["trade_state"], "executed, though the reply was lost")
	require.NoError(t, w.pay("R2026030100001", sandbox.Pay))
	_, err = w.try(w.request(w.m, "POST", "/v3/refund/domestic/refunds", map[string]any{"out_trade_no": "R2026030100001",
		"out_refund_no": "F1", "amount": map[string]any{"refund": 1, "total": 1500, "currency": "CNY"}}))
	require.Error(t, err)
	require.Equal(t, 200, w.call(w.m, "GET", "/v3/refund/domestic/refunds/F1", nil).status)

	set(sandbox.FaultSpec{Outage: true})
	_, err = w.try(w.request(w.m, "GET", "/v3/certificates", nil))
	require.Error(t, err)
}

func TestUnknownPathsAreAnsweredAfterTheSignature(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, 404, w.call(w.m, "GET", "/v3/nothing", nil).status)
	r := w.request(w.m, "GET", "/v3/nothing", nil)
	r.Header.Del("Authorization")
	require.Equal(t, 401, w.do(r).status)
}
