package unionpay

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func TestFrontPrepaySignsAFormWithoutANetworkCall(t *testing.T) {
	w := newWorld(t)
	got, err := w.client.Prepay(context.Background(), charge(payment.Front))
	require.NoError(t, err)
	require.Empty(t, w.calls())
	require.Equal(t, channel.Report{MerchantNo: "ORD20260302A01", State: channel.Open}, got.Report)
	require.Equal(t, "POST", got.Pay["method"])
	require.Equal(t, w.cfg.GatewayURL+"/frontTransReq.do", got.Pay["url"])

	form := map[string]string{}
	require.NoError(t, json.Unmarshal([]byte(got.Pay["form"]), &form))
	sig, err := base64.StdEncoding.DecodeString(form["signature"])
	require.NoError(t, err)
	require.NoError(t, rsa.VerifyPKCS1v15(w.merchant, crypto.SHA256, wireHash(form), sig))
	delete(form, "signature")
	require.Equal(t, map[string]string{
		"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "certId": "68759585097",
		"txnType": "01", "txnSubType": "01", "bizType": "000201", "channelType": "08", "accessType": "0",
		"merId": testMer, "orderId": "ORD20260302A01", "currencyCode": "156", "txnAmt": "2550",
		"txnTime": "20260302120000", "payTimeout": "20260302121500", "orderDesc": "门诊挂号费",
		"backUrl": w.cfg.BackURL, "frontUrl": w.cfg.FrontURL,
	}, form)

	again, err := w.client.Prepay(context.Background(), charge(payment.Front))
	require.NoError(t, err)
	require.Equal(t, got, again, "a repeat is the same form")
}

func TestAppPrepayReturnsTheTN(t *testing.T) {
	for _, urlEnc := range []bool{false, true} {
		w := newWorld(t)
		w.urlEnc = urlEnc
		w.says(map[string]string{"respCode": "00", "respMsg": "成功[0000000]", "tn": "823456789012345678901"})
		got, err := w.client.Prepay(context.Background(), charge(payment.App))
		require.NoError(t, err)
		require.Equal(t, payment.PayParams{"tn": "823456789012345678901"}, got.Pay)
		require.Equal(t, channel.Open, got.Report.State)
		path, req := w.last()
		require.Equal(t, "/appTransReq.do", path)
		require.Equal(t, "2550", req["txnAmt"])
		require.NotContains(t, req, "frontUrl")
	}
}

func TestARepeatedAppPrepayLooksBeforeItSends(t *testing.T) {
	paid := map[string]string{"respCode": "00", "origRespCode": "00", "txnAmt": "2550", "queryId": "q1", "traceTime": "0302120130"}
	for _, tc := range []struct {
		rule  string
		query map[string]string
		send  map[string]string
		calls []string
		state channel.State
		kind  payment.Kind
	}{
		{"a paid order is not asked for again", paid, nil, []string{"/queryTrans.do"}, channel.Captured, ""},
		{"an unknown one is", map[string]string{"respCode": "34"}, map[string]string{"respCode": "00", "tn": "8"},
			[]string{"/queryTrans.do", "/appTransReq.do"}, channel.Open, ""},
		{"an order whose tn is lost can be paid by nobody", map[string]string{"respCode": "34"}, map[string]string{"respCode": "12"},
			[]string{"/queryTrans.do", "/appTransReq.do", "/queryTrans.do"}, "", payment.Final},
		{"a refused query leaves the first try in doubt", map[string]string{"respCode": "31"}, nil,
			[]string{"/queryTrans.do"}, "", payment.Uncertain},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			w.answers(func(path string, _ map[string]string) map[string]string {
				if path == pathQuery {
					return tc.query
				}
				return tc.send
			})
			ch := charge(payment.App)
			ch.Repeat = true
			got, err := w.client.Prepay(context.Background(), ch)
			require.Equal(t, tc.calls, w.calls())
			if tc.kind != "" {
				require.Equal(t, tc.kind, kindOf(t, err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.state, got.Report.State)
		})
	}
}

func TestPrepayRefusesWhatTheGatewayWould(t *testing.T) {
	for rule, change := range map[string]func(*channel.Charge){
		"another channel's scene": func(c *channel.Charge) { c.Scene = payment.JSAPI },
		"a dash in the number":    func(c *channel.Charge) { c.MerchantNo = "ORD-20260302" },
		"a short number":          func(c *channel.Charge) { c.MerchantNo = "ORD2026" },
		"another currency":        func(c *channel.Charge) { c.Amount = money.Minor(100, money.HKD) },
		"nothing to pay":          func(c *channel.Charge) { c.Amount = money.Fen(0) },
		"a time that is over":     func(c *channel.Charge) { c.ExpiresAt = noon },
		"no time of creation":     func(c *channel.Charge) { c.CreatedAt = time.Time{} },
	} {
		t.Run(rule, func(t *testing.T) {
			w := newWorld(t)
			ch := charge(payment.Front)
			change(&ch)
			_, err := w.client.Prepay(context.Background(), ch)
			require.Equal(t, payment.Final, kindOf(t, err))
			require.Empty(t, w.calls())
		})
	}
}

func TestEveryFailureIsSorted(t *testing.T) {
	type raw = func(w http.ResponseWriter, path string, req map[string]string) bool
	status := func(code int) raw {
		return func(w http.ResponseWriter, _ string, _ map[string]string) bool { w.WriteHeader(code); return true }
	}
	for _, tc := range []struct {
		rule string
		code string
		raw  raw
		want payment.Kind
	}{
		{"a refusal is final", "31", nil, payment.Final},
		{"a bad signature is final", "11", nil, payment.Final},
		{"busy can be asked again", "06", nil, payment.Retryable},
		{"too often can be asked again", "37", nil, payment.Retryable},
		{"a time-out at the gateway is unknown", "03", nil, payment.Uncertain},
		{"accepted without a tn is unknown", "00", nil, payment.Uncertain},
		{"a rate limit can be asked again", "", status(429), payment.Retryable},
		{"a broken gateway is unknown", "", status(502), payment.Uncertain},
		{"a redirect is not followed", "", func(w http.ResponseWriter, path string, _ map[string]string) bool {
			w.Header().Set("Location", path)
			w.WriteHeader(307)
			return true
		}, payment.Uncertain},
		{"an unsigned reply is unknown", "", func(w http.ResponseWriter, _ string, req map[string]string) bool {
			_, _ = w.Write([]byte("respCode=31&respMsg=x y&merId=" + req["merId"]))
			return true
		}, payment.Uncertain},
		{"a page is unknown", "", func(w http.ResponseWriter, _ string, _ map[string]string) bool {
			_, _ = w.Write([]byte("<html>busy</html>"))
			return true
		}, payment.Uncertain},
		{"a lost reply is unknown", "", func(http.ResponseWriter, string, map[string]string) bool { panic(http.ErrAbortHandler) }, payment.Uncertain},
		{"an endless reply is unknown", "", func(w http.ResponseWriter, _ string, _ map[string]string) bool {
			_, _ = w.Write([]byte(strings.Repeat("a=成&", maxBody)))
			return true
		}, payment.Uncertain},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			w.says(map[string]string{"respCode": tc.code})
			w.raw = tc.raw
			_, err := w.client.Prepay(context.Background(), charge(payment.App))
			require.Equal(t, tc.want, kindOf(t, err), "%v", err)
			require.Equal(t, tc.want, payment.KindOf(err))
		})
	}
	t.Run("a refused connection can be asked again", func(t *testing.T) {
		w := newWorld(t)
		w.srv.Close()
		_, err := w.client.Prepay(context.Background(), charge(payment.App))
		require.Equal(t, payment.Retryable, kindOf(t, err))
	})
	t.Run("a context that is over before the call sends nothing", func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := w.client.Prepay(ctx, charge(payment.App))
		require.Equal(t, payment.Retryable, kindOf(t, err))
		require.Empty(t, w.calls())
	})
	t.Run("a reply that does not come in time is unknown", func(t *testing.T) {
		release := make(chan struct{})
		w := newWorld(t, func(c *Config) { c.Timeout = 50 * time.Millisecond })
		w.raw = func(http.ResponseWriter, string, map[string]string) bool { <-release; return true }
		t.Cleanup(func() { close(release) })
		_, err := w.client.Prepay(context.Background(), charge(payment.App))
		require.Equal(t, payment.Uncertain, kindOf(t, err))
		require.Equal(t, "timeout", payment.CodeOf(err))
	})
}

func TestOfARefusalsTextOnlyTheCodeIsKept(t *testing.T) {
	w := newWorld(t)
	w.says(map[string]string{"respCode": "66", "respMsg": "持卡人张三身份信息不正确[6103066]"})
	_, err := w.client.Prepay(context.Background(), charge(payment.App))
	require.ErrorContains(t, err, "66: 6103066")
	require.NotContains(t, err.Error(), "张三")
}

func TestOnlyUnionPaysOwnSignatureCounts(t *testing.T) {
	reply := map[string]string{"respCode": "00", "tn": "8"}
	for _, tc := range []struct {
		rule   string
		signer func(*world) signer
		test   bool
		good   bool
	}{
		{"UnionPay's certificate", func(w *world) signer { return w.ca.unionpay() }, false, true},
		{"another company's certificate of the same root", func(w *world) signer {
			return w.ca.signer("041@1@某某商户@1", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
		}, false, false},
		{"the name in another part of the CN", func(w *world) signer {
			return w.ca.signer("中国银联股份有限公司@1@x@1", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
		}, false, false},
		{"a certificate of another root", func(w *world) signer { return newAuthority(w.t).unionpay() }, false, false},
		{"an expired certificate", func(w *world) signer {
			return w.ca.signer(upCN, noon.AddDate(-2, 0, 0), noon.Add(-time.Second))
		}, false, false},
		{"one that is not valid yet", func(w *world) signer {
			return w.ca.signer(upCN, noon.Add(time.Second), noon.AddDate(2, 0, 0))
		}, false, false},
		{"a test certificate in production", func(w *world) signer {
			return w.ca.signer("041@1@00040000:SIGN@1", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
		}, false, false},
		{"a test certificate where it is allowed", func(w *world) signer {
			return w.ca.signer("041@1@00040000:SIGN@1", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
		}, true, true},
		{"UnionPay's certificate with another key", func(w *world) signer {
			return signer{key: newKey(w.t), certPEM: w.ca.unionpay().certPEM}
		}, false, false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t, func(c *Config) { c.TestCertificates = tc.test })
			w.up = tc.signer(w)
			w.says(reply)
			_, err := w.client.Prepay(context.Background(), charge(payment.App))
			if tc.good {
				require.NoError(t, err)
				return
			}
			require.Equal(t, payment.Uncertain, kindOf(t, err))
			require.Equal(t, "bad_signature", payment.CodeOf(err))
		})
	}
}

func TestASignedReplyToAnotherRequestIsNotBelieved(t *testing.T) {
	for _, k := range []string{"orderId", "txnTime", "merId"} {
		w := newWorld(t)
		w.says(map[string]string{"respCode": "00", "tn": "8", k: "20260302115959"})
		_, err := w.client.Prepay(context.Background(), charge(payment.App))
		require.Equal(t, payment.Uncertain, kindOf(t, err))
		require.Equal(t, "mismatch", payment.CodeOf(err))
	}
}

func TestNewRefusesAKeyThatIsNotTheCertificates(t *testing.T) {
	w := newWorld(t)
	for rule, change := range map[string]func(*Config){
		"another key":         func(c *Config) { c.MerchantCertPEM = w.ca.rootPEM },
		"another serial":      func(c *Config) { c.CertID = "1" },
		"no certificate":      func(c *Config) { c.MerchantCertPEM = nil },
		"no key":              func(c *Config) { c.MerchantKeyPEM = nil },
		"no root":             func(c *Config) { c.RootPEM = nil },
		"no middle":           func(c *Config) { c.MiddlePEM = []byte("x") },
		"a short merchant":    func(c *Config) { c.MerID = "1" },
		"a relative gateway":  func(c *Config) { c.GatewayURL = "/gateway/api" },
		"no back URL":         func(c *Config) { c.BackURL = "" },
		"a channel type of 9": func(c *Config) { c.ChannelType = "9" },
	} {
		t.Run(rule, func(t *testing.T) {
			cfg := w.cfg
			change(&cfg)
			_, err := New(cfg)
			require.ErrorContains(t, err, "unionpay of hospital h1")
		})
	}
	cfg := w.cfg
	cfg.MerchantCertPEM, cfg.CertID = nil, "42"
	_, err := New(cfg)
	require.NoError(t, err, "the serial alone is enough")
}
