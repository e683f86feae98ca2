package wechat

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzParseAuthorization(f *testing.F) {
	f.Add(`WECHATPAY2-SHA256-RSA2048 mchid="1900000001",nonce_str="n",signature="c2ln",timestamp="1772337600",serial_no="5F00"`)
	f.Add(`WECHATPAY2-SHA256-RSA2048 mchid="1",,`)
	f.Add(`WECHATPAY2-SHA256-RSA2048 mchid="a\"b"`)
	f.Fuzz(func(t *testing.T, header string) {
		a, err := parseAuthorization(header)
		if err != nil {
			return
		}
		if a.mchid == "" || a.nonce == "" || a.signature == "" || a.serial == "" {
			t.Fatalf("accepted with an empty field: %+v", a)
		}
		if strings.ContainsAny(a.mchid+a.nonce+a.signature+a.serial, `",\`) {
			t.Fatalf("a separator got into a value: %+v", a)
		}
	})
}

func FuzzParseOrder(f *testing.F) {
	f.Add([]byte(`{"appid":"wx1","mchid":"19","description":"d","out_trade_no":"123456","notify_url":"https://h.example/n","amount":{"total":1},"payer":{"openid":"o"}}`))
	f.Add([]byte(`{"amount":{"total":1e400}}`))
	f.Add([]byte(`[] {}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, kind := range []tradeType{jsapi, native} {
			o, req, err := parseOrder(kind, body)
			if err != nil {
				continue
			}
			if o.total <= 0 || o.total > maxTotal || !outTradeNoPattern.MatchString(o.outTradeNo) || req.MchID == "" ||
				utf8.RuneCountInString(o.description) > 127 || kind == jsapi && o.openID == "" {
				t.Fatalf("accepted %+v", o)
			}
		}
	})
}

func FuzzParseRefund(f *testing.F) {
	f.Add([]byte(`{"out_trade_no":"123456","out_refund_no":"F1","amount":{"refund":1,"total":2,"currency":"CNY"}}`))
	f.Add([]byte(`{"transaction_id":"1","out_trade_no":"2"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := parseRefund(body)
		if err != nil {
			return
		}
		if *req.Amount.Refund <= 0 || *req.Amount.Total <= 0 || (req.TransactionID == "") == (req.OutTradeNo == "") {
			t.Fatalf("accepted %+v", req)
		}
	})
}
