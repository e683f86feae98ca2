package wechat_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/wechat"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wechat-accounts-")
	if err != nil {
		panic(err)
	}
	accounts = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// accounts is a directory of accounts that tests share, since making four RSA
// keys takes longer than any of them.
var accounts string

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("UTC+8", 8*3600))

// world is a running platform, the merchant's side written by hand, and a
// merchant's server that keeps what it is notified of.
type world struct {
	t      *testing.T
	clock  *sandbox.ManualClock
	env    *sandbox.Env
	server *wechat.Server
	api    string
	admin  string
	m      *merchant // h-renmin: public key
	other  *merchant // h-xiehe: certificate
	inbox  *inbox
	nonce  int
}

type merchant struct {
	wechat.Fragment
	key      *rsa.PrivateKey
	apiv3    []byte
	platform *rsa.PublicKey // nil until the certificate is downloaded
	serial   string         // expected Wechatpay-Serial
}

func newWorld(t *testing.T, options ...wechat.Option) *world {
	t.Helper()
	return newWorldIn(t, accounts, options...)
}

func newWorldIn(t *testing.T, dir string, options ...wechat.Option) *world {
	t.Helper()
	w := &world{t: t, clock: sandbox.NewManualClock(noon)}
	env, err := sandbox.NewEnv(sandbox.EnvOptions{Dir: dir, Clock: w.clock})
	require.NoError(t, err)
	t.Cleanup(env.Close)
	w.env = env
	w.server, err = wechat.New(env, options...)
	require.NoError(t, err)
	w.m, w.other = w.onboard("h-renmin", 0), w.onboard("h-xiehe", 1)
	api := httptest.NewServer(w.server.Handler())
	t.Cleanup(api.Close)
	admin := httptest.NewServer(sandbox.Admin(env.Patients, w.server))
	t.Cleanup(admin.Close)
	w.api, w.admin, w.inbox = api.URL, admin.URL, newInbox(t)
	return w
}

func (w *world) onboard(id string, index int) *merchant {
	w.t.Helper()
	fragment, err := w.server.Onboard(w.t.Context(), sandbox.Hospital{ID: id, Index: index})
	require.NoError(w.t, err)
	m := &merchant{Fragment: fragment.(wechat.Fragment)}
	read := func(rel string) []byte {
		content, err := os.ReadFile(filepath.Join(w.env.Files.Dir(), rel))
		require.NoError(w.t, err)
		return content
	}
	block, _ := pem.Decode(read(m.MerchantKey))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(w.t, err)
	m.key, m.apiv3 = key.(*rsa.PrivateKey), read(m.APIv3Key)
	if m.VerifyMode == wechat.PublicKey {
		block, _ = pem.Decode(read(m.PublicKey))
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		require.NoError(w.t, err)
		m.platform, m.serial = public.(*rsa.PublicKey), m.PublicKeyID
	}
	return m
}

func (m *merchant) sign(t *testing.T, message string) string {
	t.Helper()
	digest := sha256.Sum256([]byte(message))
	signature, err := rsa.SignPKCS1v15(rand.Reader, m.key, crypto.SHA256, digest[:])
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(signature)
}

func (m *merchant) verify(h http.Header, body []byte) error {
	message := h.Get("Wechatpay-Timestamp") + "\n" + h.Get("Wechatpay-Nonce") + "\n" + string(body) + "\n"
	digest := sha256.Sum256([]byte(message))
	signature, err := base64.StdEncoding.DecodeString(h.Get("Wechatpay-Signature"))
	if err != nil {
		return err
	}
	if h.Get("Wechatpay-Serial") != m.serial {
		return fmt.Errorf("serial %q, not %q", h.Get("Wechatpay-Serial"), m.serial)
	}
	return rsa.VerifyPKCS1v15(m.platform, crypto.SHA256, digest[:], signature)
}

func (m *merchant) open(t *testing.T, nonce, associated, ciphertext string) []byte {
	t.Helper()
	block, err := aes.NewCipher(m.apiv3)
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	raw, err := base64.StdEncoding.DecodeString(ciphertext)
	require.NoError(t, err)
	plain, err := gcm.Open(nil, []byte(nonce), raw, []byte(associated))
	require.NoError(t, err)
	return plain
}

// request is a signed request; change alters it before it is sent.
func (w *world) request(m *merchant, method, path string, body any) *http.Request {
	w.t.Helper()
	var content []byte
	switch b := body.(type) {
	case nil:
	case string:
		content = []byte(b)
	default:
		var err error
		content, err = json.Marshal(b)
		require.NoError(w.t, err)
	}
	w.nonce++
	return w.signed(m, method, path, content, w.clock.Now().Unix(), fmt.Sprintf("nonce%d", w.nonce))
}

func (w *world) signed(m *merchant, method, path string, content []byte, timestamp int64, nonce string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.api+path, bytes.NewReader(content))
	require.NoError(w.t, err)
	ts := strconv.FormatInt(timestamp, 10)
	signature := m.sign(w.t, method+"\n"+path+"\n"+ts+"\n"+nonce+"\n"+string(content)+"\n")
	r.Header.Set("Authorization", fmt.Sprintf(`WECHATPAY2-SHA256-RSA2048 mchid="%s",nonce_str="%s",signature="%s",timestamp="%s",serial_no="%s"`,
		m.MchID, nonce, signature, ts, m.MerchantSerial))
	r.Header.Set("User-Agent", "hand-written/1")
	r.Header.Set("Accept", "application/json")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// answer is what the platform said.
type answer struct {
	status int
	header http.Header
	raw    []byte
	json   map[string]any
}

func (a answer) code() any { return a.json["code"] }

func (w *world) do(r *http.Request) answer {
	w.t.Helper()
	a, err := w.try(r)
	require.NoError(w.t, err)
	return a
}

func (w *world) try(r *http.Request) (answer, error) {
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	if a.raw, err = io.ReadAll(response.Body); err != nil {
		return a, err
	}
	if len(a.raw) > 0 {
		err = json.Unmarshal(a.raw, &a.json)
	}
	return a, err
}

// call sends a request and checks the signature rule: 2xx signed, others not.
func (w *world) call(m *merchant, method, path string, body any) answer {
	w.t.Helper()
	a := w.do(w.request(m, method, path, body))
	if a.status < 300 {
		if m.platform != nil {
			require.NoError(w.t, m.verify(a.header, a.raw))
		}
	} else {
		require.Empty(w.t, a.header.Get("Wechatpay-Signature"))
		require.NotEmpty(w.t, a.json["code"])
		require.NotEmpty(w.t, a.json["message"])
	}
	require.NotEmpty(w.t, a.header.Get("Request-ID"))
	return a
}

func (w *world) order(no string, fen int64) map[string]any {
	return map[string]any{"appid": w.m.AppID, "mchid": w.m.MchID, "description": "挂号费", "out_trade_no": no,
		"notify_url": w.inbox.url, "amount": map[string]any{"total": fen, "currency": "CNY"}, "payer": map[string]any{"openid": "oInvented"}}
}

func (w *world) prepay(no string, fen int64) (prepayID string) {
	w.t.Helper()
	a := w.call(w.m, "POST", "/v3/pay/transactions/jsapi", w.order(no, fen))
	require.Equal(w.t, 200, a.status, string(a.raw))
	return a.json["prepay_id"].(string)
}

func (w *world) query(no string) answer {
	w.t.Helper()
	return w.call(w.m, "GET", "/v3/pay/transactions/out-trade-no/"+no+"?mchid="+w.m.MchID, nil)
}

func (w *world) pay(no string, b sandbox.Behaviour) error {
	return w.server.PatientPays(w.t.Context(), sandbox.Order{Channel: "wechat", Hospital: "h-renmin", MerchantNo: no}, b)
}

func (w *world) paid(no string, fen int64) {
	w.t.Helper()
	w.prepay(no, fen)
	require.NoError(w.t, w.pay(no, sandbox.Pay))
}

func (w *world) refund(no, refundNo string, fen, total int64) answer {
	w.t.Helper()
	return w.call(w.m, "POST", "/v3/refund/domestic/refunds", map[string]any{"out_trade_no": no, "out_refund_no": refundNo,
		"notify_url": w.inbox.url, "amount": map[string]any{"refund": fen, "total": total, "currency": "CNY"}})
}

// settle lets the refunds that are being processed end.
func (w *world) settle() {
	w.t.Helper()
	w.eventually(func() bool {
		w.clock.Advance(time.Second)
		for _, r := range w.books().Refunds {
			if r.State == sandbox.RefundProcessing {
				return false
			}
		}
		return true
	})
}

func (w *world) books() sandbox.BookSnapshot { return w.server.Books().(sandbox.BookSnapshot) }

func (w *world) eventually(condition func() bool) {
	w.t.Helper()
	require.Eventually(w.t, condition, 10*time.Second, time.Millisecond)
}

func (w *world) adminCall(method, path string, body any) (int, string) {
	w.t.Helper()
	content, err := json.Marshal(body)
	require.NoError(w.t, err)
	r, err := http.NewRequestWithContext(context.Background(), method, w.admin+path, bytes.NewReader(content))
	require.NoError(w.t, err)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	require.NoError(w.t, err)
	defer response.Body.Close()
	reply, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return response.StatusCode, string(reply)
}

// inbox is the merchant's notification address.
type inbox struct {
	mu       sync.Mutex
	messages []message
	url      string
}

type message struct {
	header http.Header
	body   []byte
}

func newInbox(t *testing.T) *inbox {
	i := &inbox{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		i.mu.Lock()
		defer i.mu.Unlock()
		i.messages = append(i.messages, message{r.Header, body})
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	i.url = server.URL + "/v1/webhooks/wechat/h-renmin"
	return i
}

func (i *inbox) all() []message {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]message(nil), i.messages...)
}
