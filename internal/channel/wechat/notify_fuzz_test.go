package wechat

import (
	"testing"

	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"

	"github.com/regpay/regpay/internal/channel"
)

// The bytes here have passed the signature: the fuzzer looks for what a body,
// and then a decrypted content, can do to the reader.
func FuzzNotification(f *testing.F) {
	transaction := `{"mchid":"1900000001","appid":"wx0123456789abcdef","out_trade_no":"REG20260102001A01","transaction_id":"42","trade_state":"SUCCESS","success_time":"2026-01-02T12:00:00+08:00","amount":{"total":3050,"currency":"CNY"}}`
	refund := `{"mchid":"1900000001","out_trade_no":"REG20260102001A01","refund_id":"50","out_refund_no":"REG20260102001R01","refund_status":"SUCCESS","amount":{"refund":1}}`
	f.Add([]byte(`{"id":"EV-1","event_type":"TRANSACTION.SUCCESS","resource":{"algorithm":"AEAD_AES_256_GCM","nonce":"abc","ciphertext":""}}`), []byte(transaction), "TRANSACTION.SUCCESS", "transaction")
	f.Add([]byte(`{"id":"EV-1","resource":null}`), []byte(refund), "REFUND.SUCCESS", "refund")
	f.Add([]byte(`null`), []byte(`{"amount":{"total":99999999999999999999}}`), "", "")
	f.Add([]byte(`[]`), []byte(`null`), "REFUND.", "refund")
	f.Add([]byte(`{"id":"EV-1","resource":{"algorithm":"AEAD_AES_256_GCM","nonce":"abcdefabcdef","ciphertext":"AAAA"}}`), []byte(`{}`), "TRANSACTION.SUCCESS", "transaction")
	c := &Client{cfg: settled{Config: Config{MchID: "1900000001", AppID: "wx0123456789abcdef", APIv3Key: "0123456789abcdef0123456789abcdef"}}}
	f.Fuzz(func(t *testing.T, body, content []byte, event, original string) {
		if _, err := c.read(body); err == nil {
			t.Fatal("believed without the APIv3 key")
		}
		e, err := c.readContent(envelope{ID: "EV-1", EventType: event, Resource: &notify.EncryptedResource{OriginalType: original}}, content)
		if err != nil {
			return
		}
		if (e.Charge == nil) == (e.Refund == nil) || e.ID == "" {
			t.Fatalf("an event is of a charge or of a refund: %+v", e)
		}
		if e.Charge != nil && (e.Charge.State != channel.Captured || !e.Charge.Captured.IsPositive() || e.Charge.MerchantNo == "" || e.Charge.ChannelNo == "") {
			t.Fatalf("a payment without substance: %+v", *e.Charge)
		}
		if e.Refund != nil && (!e.Refund.Amount.IsPositive() || e.Refund.RefundNo == "") {
			t.Fatalf("a refund without substance: %+v", *e.Refund)
		}
	})
}
