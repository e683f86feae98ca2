package wechat_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/wechat"
)

func TestAPaymentFromOrderToBook(t *testing.T) {
	w := newWorld(t)
	w.prepay("R2026030100001", 1500)
	a := w.query("R2026030100001")
	require.Equal(t, "NOTPAY", a.json["trade_state"])
	require.NotContains(t, a.json, "transaction_id")

	require.NoError(t, w.pay("R2026030100001", sandbox.Pay))
	a = w.query("R2026030100001")
	require.Equal(t, "SUCCESS", a.json["trade_state"])
	require.Equal(t, "JSAPI", a.json["trade_type"])
	require.Equal(t, "2026-03-01T12:00:00+08:00", a.json["success_time"])
	require.Equal(t, map[string]any{"openid": "oInvented"}, a.json["payer"])
	require.Equal(t, map[string]any{"total": 1500.0, "payer_total": 1500.0, "currency": "CNY", "payer_currency": "CNY"}, a.json["amount"])
	number := a.json["transaction_id"].(string)
	require.Len(t, number, 28)
	byID := w.call(w.m, "GET", "/v3/pay/transactions/id/"+number+"?mchid="+w.m.MchID, nil)
	require.JSONEq(t, string(a.raw), string(byID.raw))

	books := w.books()
	require.Len(t, books.Charges, 1)
	c := books.Charges[0]
	require.Equal(t, []any{"h-renmin", "R2026030100001", number, int64(1500), sandbox.ChargeCaptured},
		[]any{c.Hospital, c.MerchantNo, c.ChannelNo, c.CapturedFen, c.State})
}

func TestRequestsThatDoNotProveWhoSentThemAreRefused(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
		code   string
	}{
		"no User-Agent":           {func(r *http.Request) { r.Header.Set("User-Agent", "") }, 400, "PARAM_ERROR"},
		"no Accept":               {func(r *http.Request) { r.Header.Del("Accept") }, 400, "PARAM_ERROR"},
		"not JSON":                {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 400, "PARAM_ERROR"},
		"no Authorization":        {func(r *http.Request) { r.Header.Del("Authorization") }, 401, "SIGN_ERROR"},
		"another scheme":          {replaceAuth("WECHATPAY2-SHA256-RSA2048", "Bearer"), 401, "SIGN_ERROR"},
		"another merchant":        {replaceAuth(w.m.MchID, w.other.MchID), 401, "SIGN_ERROR"},
		"an unknown merchant":     {replaceAuth(w.m.MchID, "1900000000"), 401, "SIGN_ERROR"},
		"another certificate":     {replaceAuth(w.m.MerchantSerial, w.other.MerchantSerial), 401, "SIGN_ERROR"},
		"another nonce":           {replaceAuth(`nonce_str="`, `nonce_str="x`), 401, "SIGN_ERROR"},
		"another path":            {func(r *http.Request) { r.URL.RawQuery = "a=b" }, 401, "SIGN_ERROR"},
		"a signature not base64":  {replaceAuth(`signature="`, `signature="!`), 401, "SIGN_ERROR"},
		"a field of it twice":     {replaceAuth(`mchid="`, `mchid="1",mchid="`), 401, "SIGN_ERROR"},
		"a timestamp not numeric": {replaceAuth(`timestamp="`, `timestamp="x`), 401, "SIGN_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.request(w.m, "POST", "/v3/pay/transactions/jsapi", w.order("R2026030100002", 1500))
			c.change(r)
			a := w.do(r)
			require.Equal(t, c.status, a.status, string(a.raw))
			require.Equal(t, c.code, a.code())
			require.Empty(t, a.header.Get("Wechatpay-Signature"), "a refusal carries no signature")
		})
	}
	require.Empty(t, w.books().Charges, "a refused request changes nothing")
}

func replaceAuth(before, after string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), before, after, 1))
	}
}

func TestAnAlteredBodyIsRefused(t *testing.T) {
	w := newWorld(t)
	body, err := json.Marshal(w.order("R2026030100002", 1500))
	require.NoError(t, err)
	signed := w.request(w.m, "POST", "/v3/pay/transactions/jsapi", string(body))
	altered := w.request(w.m, "POST", "/v3/pay/transactions/jsapi", strings.Replace(string(body), "1500", "1", 1))
	altered.Header.Set("Authorization", signed.Header.Get("Authorization"))
	require.Equal(t, 401, w.do(altered).status)
	require.Empty(t, w.books().Charges)
}

func TestTimestampsOutsideFiveMinutesAreRefused(t *testing.T) {
	w := newWorld(t)
	for seconds, status := range map[int64]int{-301: 401, 301: 401, -300: 404, 300: 404} {
		path := "/v3/pay/transactions/out-trade-no/R2026030100001?mchid=" + w.m.MchID
		a := w.do(w.signed(w.m, "GET", path, nil, noon.Unix()+seconds, "n"+time.Duration(seconds).String()))
		require.Equal(t, status, a.status, "%d s", seconds)
	}
}

func TestANonceIsUsedOnce(t *testing.T) {
	w := newWorld(t)
	body, err := json.Marshal(w.order("R2026030100001", 1500))
	require.NoError(t, err)
	ts := noon.Unix()
	send := func(method, path string, content []byte) int {
		return w.do(w.signed(w.m, method, path, content, ts, "the-same")).status
	}
	require.Equal(t, 200, send("POST", "/v3/pay/transactions/jsapi", body))
	require.Equal(t, 401, send("POST", "/v3/pay/transactions/jsapi", body), "a replay")

	path := "/v3/pay/transactions/out-trade-no/R2026030100001?mchid=" + w.m.MchID
	get := w.signed(w.m, "GET", path, nil, ts, "another")
	require.Equal(t, 200, w.do(get).status)
	require.Equal(t, 200, w.do(get.Clone(t.Context())).status, "transports repeat a GET by themselves")
	require.Equal(t, 401, w.do(w.signed(w.m, "GET", path, nil, ts+1, "another")).status, "another message, the same nonce")
}

func TestOrderFieldsAreChecked(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		field string
		value any
		code  string
	}{
		"another merchant's number":     {"mchid", w.other.MchID, "INVALID_REQUEST"},
		"another appid":                 {"appid", w.other.AppID, "APPID_MCHID_NOT_MATCH"},
		"no description":                {"description", "", "PARAM_ERROR"},
		"a description of 128":          {"description", strings.Repeat("号", 128), "PARAM_ERROR"},
		"a number of 5 characters":      {"out_trade_no", "12345", "PARAM_ERROR"},
		"a number of 33 characters":     {"out_trade_no", strings.Repeat("1", 33), "PARAM_ERROR"},
		"a number with a slash":         {"out_trade_no", "R2026/0001", "PARAM_ERROR"},
		"an attach of 129":              {"attach", strings.Repeat("a", 129), "PARAM_ERROR"},
		"no notify_url":                 {"notify_url", "", "PARAM_ERROR"},
		"http to another machine":       {"notify_url", "http://192.0.2.1/n", "PARAM_ERROR"},
		"a notify_url with a query":     {"notify_url", "https://hospital.example/n?a=1", "PARAM_ERROR"},
		"an amount of zero":             {"amount", map[string]any{"total": 0, "currency": "CNY"}, "PARAM_ERROR"},
		"a negative amount":             {"amount", map[string]any{"total": -1, "currency": "CNY"}, "PARAM_ERROR"},
		"a fraction of a fen":           {"amount", map[string]any{"total": 1.5, "currency": "CNY"}, "PARAM_ERROR"},
		"an amount as text":             {"amount", map[string]any{"total": "15", "currency": "CNY"}, "PARAM_ERROR"},
		"an absurd amount":              {"amount", map[string]any{"total": int64(1) << 40, "currency": "CNY"}, "PARAM_ERROR"},
		"dollars":                       {"amount", map[string]any{"total": 1, "currency": "USD"}, "PARAM_ERROR"},
		"no payer":                      {"payer", nil, "PARAM_ERROR"},
		"no openid":                     {"payer", map[string]any{"openid": ""}, "PARAM_ERROR"},
		"a time_expire not RFC 3339":    {"time_expire", "20260301120000", "PARAM_ERROR"},
		"a time_expire that has passed": {"time_expire", "2026-03-01T11:59:59+08:00", "PARAM_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			o := w.order("R2026030100003", 1500)
			o[c.field] = c.value
			a := w.call(w.m, "POST", "/v3/pay/transactions/jsapi", o)
			require.Equal(t, 400, a.status, string(a.raw))
			require.Equal(t, c.code, a.code())
		})
	}
	a := w.call(w.m, "POST", "/v3/pay/transactions/jsapi", `{"appid":`)
	require.Equal(t, "PARAM_ERROR", a.code())
	require.Empty(t, w.books().Charges)

	o := w.order("R-_|*2026030100003", 1500)
	o["description"], o["notify_url"] = strings.Repeat("号", 127), "https://hospital.example/n"
	require.Equal(t, 200, w.call(w.m, "POST", "/v3/pay/transactions/jsapi", o).status)
}

func TestRefusalsNameTheFieldAndNotItsValue(t *testing.T) {
	w := newWorld(t)
	o := w.order("R2026030100003", 1500)
	o["payer"] = map[string]any{"openid": strings.Repeat("oSecret", 20)}
	a := w.call(w.m, "POST", "/v3/pay/transactions/jsapi", o)
	require.Equal(t, "payer/openid", a.json["detail"].(map[string]any)["field"])
	require.NotContains(t, string(a.raw), "oSecret")
}

func TestTheSameOrderAgain(t *testing.T) {
	w := newWorld(t)
	first := w.prepay("R2026030100001", 1500)
	require.Equal(t, first, w.prepay("R2026030100001", 1500), "same parameters, same prepay_id")

	changed := w.order("R2026030100001", 1501)
	a := w.call(w.m, "POST", "/v3/pay/transactions/jsapi", changed)
	require.Equal(t, 400, a.status)
	require.Equal(t, "INVALID_REQUEST", a.code())
	nativeOrder := w.order("R2026030100001", 1500)
	require.Equal(t, "INVALID_REQUEST", w.call(w.m, "POST", "/v3/pay/transactions/native", nativeOrder).code())

	w.clock.Advance(2 * time.Hour)
	second := w.prepay("R2026030100001", 1500)
	require.NotEqual(t, first, second, "a prepay_id lives two hours")
	pays := func(token string) error {
		return w.server.PatientPays(t.Context(), sandbox.Order{Hospital: "h-renmin", MerchantNo: "R2026030100001", Token: token}, sandbox.Pay)
	}
	require.Error(t, pays(first))
	require.NoError(t, pays(second))
	require.Len(t, w.books().Charges, 1)

	a = w.call(w.m, "POST", "/v3/pay/transactions/jsapi", w.order("R2026030100001", 1500))
	require.Equal(t, 403, a.status)
	require.Equal(t, "OUT_TRADE_NO_USED", a.code())
}

func TestTwoHospitalsMayUseTheSameNumber(t *testing.T) {
	w := newWorld(t)
	w.paid("R2026030100001", 1500)
	a := w.call(w.other, "GET", "/v3/pay/transactions/out-trade-no/R2026030100001?mchid="+w.other.MchID, nil)
	require.Equal(t, 404, a.status)
	require.Equal(t, "ORDER_NOT_EXIST", a.code())
	a = w.call(w.other, "GET", "/v3/pay/transactions/out-trade-no/R2026030100001?mchid="+w.m.MchID, nil)
	require.Equal(t, "INVALID_REQUEST", a.code(), "nobody asks in another's name")
	number := w.books().Charges[0].ChannelNo
	require.Equal(t, 404, w.call(w.other, "GET", "/v3/pay/transactions/id/"+number+"?mchid="+w.other.MchID, nil).status)

	o := w.order("R2026030100001", 900)
	o["mchid"], o["appid"] = w.other.MchID, w.other.AppID
	require.Equal(t, 200, w.call(w.other, "POST", "/v3/pay/transactions/jsapi", o).status)
	require.Len(t, w.books().Charges, 2)
}

func TestClosing(t *testing.T) {
	w := newWorld(t)
	closeIt := func(no string) answer {
		return w.call(w.m, "POST", "/v3/pay/transactions/out-trade-no/"+no+"/close", map[string]string{"mchid": w.m.MchID})
	}
	require.Equal(t, "ORDER_NOT_EXIST", closeIt("R2026030100001").code())
	w.prepay("R2026030100001", 1500)
	for range 2 {
		a := closeIt("R2026030100001")
		require.Equal(t, 204, a.status)
		require.Empty(t, a.raw)
	}
	require.Equal(t, "CLOSED", w.query("R2026030100001").json["trade_state"])
	require.Error(t, w.pay("R2026030100001", sandbox.PayLate), "nobody can pay a closed order")
	a := w.call(w.m, "POST", "/v3/pay/transactions/jsapi", w.order("R2026030100001", 1500))
	require.Equal(t, 400, a.status)
	require.Equal(t, "ORDER_CLOSED", a.code())

	w.paid("R2026030100002", 1500)
	a = closeIt("R2026030100002")
	require.Equal(t, 400, a.status)
	require.Equal(t, "ORDERPAID", a.code())
	require.Equal(t, "SUCCESS", w.query("R2026030100002").json["trade_state"])
}

func TestTimeExpireStopsThePatientAndDoesNotCloseTheOrder(t *testing.T) {
	w := newWorld(t)
	o := w.order("R2026030100001", 1500)
	o["time_expire"] = "2026-03-01T12:10:00+08:00"
	require.Equal(t, 200, w.call(w.m, "POST", "/v3/pay/transactions/jsapi", o).status)
	w.clock.Advance(10 * time.Minute)
	require.Error(t, w.pay("R2026030100001", sandbox.Pay))
	require.Equal(t, "NOTPAY", w.query("R2026030100001").json["trade_state"])
	require.NoError(t, w.pay("R2026030100001", sandbox.PayLate))
	require.Equal(t, "SUCCESS", w.query("R2026030100001").json["trade_state"])
}

func TestFailedAndSecondAttempts(t *testing.T) {
	w := newWorld(t)
	w.prepay("R2026030100001", 1500)
	require.NoError(t, w.pay("R2026030100001", sandbox.Fail))
	require.Equal(t, "NOTPAY", w.query("R2026030100001").json["trade_state"], "a failed attempt leaves the order unpaid")
	require.Error(t, w.pay("R2026030100001", sandbox.PayTwice), "the second payment is refused")
	require.EqualValues(t, 1500, w.books().Charges[0].CapturedFen)
	require.Len(t, w.books().Charges, 1)
}

func TestNativeOrdersArePaidByTheirCode(t *testing.T) {
	w := newWorld(t)
	o := w.order("R2026030100001", 1500)
	delete(o, "payer")
	a := w.call(w.m, "POST", "/v3/pay/transactions/native", o)
	code := a.json["code_url"].(string)
	require.True(t, strings.HasPrefix(code, "weixin://wxpay/bizpayurl?pr="))
	status, _ := w.adminCall("POST", "/patients/pay", map[string]any{"channel": "wechat", "token": code, "behaviour": "pay"})
	require.Equal(t, 202, status)
	w.eventually(func() bool { return w.query("R2026030100001").json["trade_state"] == "SUCCESS" })
	require.NotEmpty(t, w.query("R2026030100001").json["payer"].(map[string]any)["openid"])
}

func TestPatientsStartByAbandoning(t *testing.T) {
	w := newWorld(t)
	w.prepay("R2026030100001", 1500)
	require.Zero(t, w.clock.Sleepers())
	require.Equal(t, "NOTPAY", w.query("R2026030100001").json["trade_state"])
}

func TestTheAppVerifiesWhatThePageWasGiven(t *testing.T) {
	w := newWorld(t)
	prepayID := w.prepay("R2026030100001", 1500)
	params := func(signer *merchant) map[string]any {
		message := w.m.AppID + "\n1772337600\nnonce\nprepay_id=" + prepayID + "\n"
		return map[string]any{"appId": w.m.AppID, "timeStamp": "1772337600", "nonceStr": "nonce", "package": "prepay_id=" + prepayID,
			"signType": "RSA", "paySign": signer.sign(t, message), "behaviour": "pay", "after_ms": 0}
	}
	for name, change := range map[string]func(map[string]any){
		"another merchant's signature": func(p map[string]any) { p["paySign"] = params(w.other)["paySign"] },
		"another nonce":                func(p map[string]any) { p["nonceStr"] = "x" },
		"another app":                  func(p map[string]any) { p["appId"] = w.other.AppID },
		"another sign type":            func(p map[string]any) { p["signType"] = "MD5" },
		"an unknown prepay_id":         func(p map[string]any) { p["package"] = "prepay_id=wx00" },
		"a bare prepay_id":             func(p map[string]any) { p["package"] = prepayID },
	} {
		p := params(w.m)
		change(p)
		status, reply := w.adminCall("POST", "/patients/jsapi", p)
		require.Equal(t, 400, status, "%s: %s", name, reply)
	}
	require.Equal(t, "NOTPAY", w.query("R2026030100001").json["trade_state"])
	status, reply := w.adminCall("POST", "/patients/jsapi", params(w.m))
	require.Equal(t, 202, status, reply)
	w.eventually(func() bool { return w.query("R2026030100001").json["trade_state"] == "SUCCESS" })
}

func TestCertificatesAreForMerchantsInCertificateMode(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, 404, w.call(w.m, "GET", "/v3/certificates", nil).status)

	a := w.call(w.other, "GET", "/v3/certificates", nil)
	require.Equal(t, 200, a.status)
	var reply struct {
		Data []struct {
			SerialNo           string `json:"serial_no"`
			EncryptCertificate struct {
				Algorithm, Nonce, Ciphertext string
				AssociatedData               string `json:"associated_data"`
			} `json:"encrypt_certificate"`
		}
	}
	require.NoError(t, json.Unmarshal(a.raw, &reply))
	require.Len(t, reply.Data, 1)
	e := reply.Data[0].EncryptCertificate
	require.Equal(t, "AEAD_AES_256_GCM", e.Algorithm)
	block, _ := pem.Decode(w.other.open(t, e.Nonce, e.AssociatedData, e.Ciphertext))
	certificate, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	require.Equal(t, reply.Data[0].SerialNo, strings.ToUpper(certificate.SerialNumber.Text(16)))
	w.other.platform, w.other.serial = certificate.PublicKey.(*rsa.PublicKey), reply.Data[0].SerialNo
	require.NoError(t, w.other.verify(a.header, a.raw), "the reply is signed with the certificate that it carries")
}

func TestAccountsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	first := newWorldIn(t, dir)
	second := newWorldIn(t, dir)
	require.Equal(t, first.m.Fragment, second.m.Fragment)
	require.Equal(t, first.m.key, second.m.key)
	forced := newWorldIn(t, dir, wechat.WithMode(wechat.Certificate))
	require.Equal(t, wechat.Certificate, forced.m.VerifyMode)
	require.Empty(t, forced.m.PublicKeyID)
}
