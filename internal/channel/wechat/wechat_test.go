package wechat_test

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/channel/wechat"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

const (
	mchID  = "1900000001"
	appID  = "wx0123456789abcdef"
	keyID  = "PUB_KEY_ID_0119000000012024"
	apiKey = "0123456789abcdef0123456789abcdef"
	openID = "oInventedOpenID000000000001"
)

// keys are made once for the whole package: 2048-bit keys are slow to find.
var keys = sync.OnceValue(func() (k struct{ merchant, wechat, stranger *rsa.PrivateKey }) {
	for _, p := range []**rsa.PrivateKey{&k.merchant, &k.wechat, &k.stranger} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		*p = key
	}
	return k
})

func privatePEM(t testing.TB, k *rsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func publicPEM(t testing.TB, k *rsa.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(k)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func sign(t testing.TB, k *rsa.PrivateKey, text string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(sig)
}

func holds(k *rsa.PublicKey, text, signature string) bool {
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(text))
	return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], sig) == nil
}

func seal(t testing.TB, key, plain, nonce, data string) string {
	t.Helper()
	block, err := aes.NewCipher([]byte(key))
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(nonce), []byte(plain), []byte(data)))
}

// answer is what the other side says to one request.
type answer struct {
	status   int
	body     string
	signer   *rsa.PrivateKey // nil: WeChat Pay's
	serial   string          // empty: the public key's id
	unsigned bool            // also when 2xx
	age      time.Duration   // of the signature
	cut      bool            // the connection ends without a reply
	header   http.Header
}

// peer is the other side: it checks every request's signature and answers
// "METHOD path" in turn; the last answer is repeated.
type peer struct {
	t       testing.TB
	srv     *httptest.Server
	mu      sync.Mutex
	answers map[string][]answer
	calls   []string
	bodies  map[string]string
}

var authorization = regexp.MustCompile(`^WECHATPAY2-SHA256-RSA2048 mchid="([^"]*)",nonce_str="([^"]*)",timestamp="(\d+)",serial_no="([^"]*)",signature="([^"]*)"$`)

func newPeer(t testing.TB) *peer {
	p := &peer{t: t, answers: map[string][]answer{}, bodies: map[string]string{}}
	p.srv = httptest.NewServer(p)
	t.Cleanup(p.srv.Close)
	return p
}

func (p *peer) on(call string, as ...answer) *peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[call] = as
	return p
}

func (p *peer) called() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.calls...)
}

func (p *peer) body(call string) (m map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := json.NewDecoder(strings.NewReader(p.bodies[call]))
	d.UseNumber()
	require.NoError(p.t, d.Decode(&m))
	return m
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	text := ""
	if m != nil {
		text = fmt.Sprintf("%s\n%s\n%s\n%s\n%s\n", r.Method, r.URL.RequestURI(), m[3], m[2], body)
	}
	call := r.Method + " " + r.URL.Path
	p.mu.Lock()
	p.calls = append(p.calls, call)
	p.bodies[call] = string(body)
	var a answer
	switch as := p.answers[call]; {
	case m == nil || m[1] != mchID || m[4] != "MERCHANTSERIAL01" || !holds(&keys().merchant.PublicKey, text, m[5]):
		a = answer{status: 401, body: `{"code":"SIGN_ERROR","message":"bad signature in the test"}`}
	case len(as) == 0:
		a = answer{status: 500, body: `{"code":"SYSTEM_ERROR","message":"no answer was prepared"}`}
	default:
		a = as[0]
		if len(as) > 1 {
			p.answers[call] = as[1:]
		}
	}
	p.mu.Unlock()
	p.send(w, a)
}

func (p *peer) send(w http.ResponseWriter, a answer) {
	if a.cut {
		panic(http.ErrAbortHandler)
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.status < 300 && !a.unsigned {
		key, serial := a.signer, a.serial
		if key == nil {
			key = keys().wechat
		}
		if serial == "" {
			serial = keyID
		}
		stamp := fmt.Sprint(time.Now().Add(-a.age).Unix())
		w.Header().Set("Wechatpay-Timestamp", stamp)
		w.Header().Set("Wechatpay-Nonce", "nonce")
		w.Header().Set("Wechatpay-Serial", serial)
		w.Header().Set("Wechatpay-Signature", sign(p.t, key, stamp+"\nnonce\n"+a.body+"\n"))
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func config(t testing.TB, p *peer) wechat.Config {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return wechat.Config{
		HospitalID: "h-renmin", AppID: appID, MchID: mchID, MerchantSerial: "MERCHANTSERIAL01",
		MerchantKeyPEM: privatePEM(t, keys().merchant), APIv3Key: apiKey,
		PublicKeyID: keyID, PublicKeyPEM: publicPEM(t, &keys().wechat.PublicKey),
		BaseURL: p.srv.URL, NotifyURL: "http://127.0.0.1:1/v1/webhooks/wechat/h-renmin", Timeout: 5 * time.Second, Transport: tr,
	}
}

func client(t testing.TB, p *peer) *wechat.Client {
	c, err := wechat.New(t.Context(), config(t, p))
	require.NoError(t, err)
	return c
}

func charge() channel.Charge {
	return channel.Charge{
		HospitalID: "h-renmin", PaymentID: "pay_abc", Attempt: 1, MerchantNo: "REG20260102001A01", OrderNo: "REG20260102001",
		Channel: payment.WeChat, Scene: payment.JSAPI, Amount: money.Fen(3050), Total: money.Fen(3050), Description: "门诊挂号",
		ExpiresAt: time.Date(2026, 1, 2, 0, 15, 0, 0, time.UTC), Payer: payment.Patient{OpenID: openID},
	}
}

const (
	prepayCall = "POST /v3/pay/transactions/jsapi"
	nativeCall = "POST /v3/pay/transactions/native"
	queryCall  = "GET /v3/pay/transactions/out-trade-no/REG20260102001A01"
	closeCall  = "POST /v3/pay/transactions/out-trade-no/REG20260102001A01/close"
	refundCall = "POST /v3/refund/domestic/refunds"
	askCall    = "GET /v3/refund/domestic/refunds/REG20260102001R01"
)

func ok(body string) answer { return answer{status: 200, body: body} }

func refused(status int, code string) answer {
	return answer{status: status, body: fmt.Sprintf(`{"code":%q,"message":"said of %s"}`, code, openID)}
}

func transaction(state string, change ...string) string {
	t := map[string]any{
		"mchid": mchID, "appid": appID, "out_trade_no": "REG20260102001A01", "trade_state": state,
		"payer": map[string]any{"openid": openID},
	}
	if state == "SUCCESS" || state == "REFUND" {
		t["transaction_id"] = "4200000001"
		t["success_time"] = "2026-01-02T08:10:00+08:00"
		t["amount"] = map[string]any{"total": 3049, "payer_total": 3000, "currency": "CNY"}
	}
	for i := 0; i+1 < len(change); i += 2 {
		var v any
		_ = json.Unmarshal([]byte(change[i+1]), &v)
		t[change[i]] = v
	}
	b, _ := json.Marshal(t)
	return string(b)
}

// certificate is a platform certificate for key, as GET /v3/certificates lists it.
func certificate(t testing.TB, key *rsa.PrivateKey, serial int64, until time.Time) (serialNo, listed string) {
	t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "Tenpay.com test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	serialNo = fmt.Sprintf("%X", tmpl.SerialNumber.Bytes())
	return serialNo, fmt.Sprintf(`{"serial_no":%q,"effective_time":%q,"expire_time":%q,"encrypt_certificate":{"algorithm":"AEAD_AES_256_GCM","nonce":"abcdefabcdef","associated_data":"certificate","ciphertext":%q}}`,
		serialNo, tmpl.NotBefore.Format(time.RFC3339), until.Format(time.RFC3339), seal(t, apiKey, text, "abcdefabcdef", "certificate"))
}

// kindOf is the kind of an error that there has to be: payment.KindOf calls
// the absence of one Uncertain.
func kindOf(t testing.TB, err error) payment.Kind {
	t.Helper()
	require.Error(t, err)
	return payment.KindOf(err)
}
