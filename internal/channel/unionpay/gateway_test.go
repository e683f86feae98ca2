package unionpay

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

const (
	testMer = "777290058110048"
	upCN    = "041@8310000000083040@中国银联股份有限公司@00016495"
)

// noon is when the tests happen: 2026-03-02 12:00 in China.
var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

// authority issues certificates as UnionPay's root and middle do.
type authority struct {
	t               testing.TB
	rootPEM, midPEM []byte
	midCert         *x509.Certificate
	midKey          *rsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t}
	rootKey := newKey(t)
	root := template("UnionPay Test Root", 1)
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	rootCert, rootPEM := issue(t, root, root, &rootKey.PublicKey, rootKey)
	a.rootPEM = rootPEM
	a.midKey = newKey(t)
	mid := template("UnionPay Test Middle", 2)
	mid.IsCA, mid.BasicConstraintsValid, mid.KeyUsage = true, true, x509.KeyUsageCertSign
	a.midCert, a.midPEM = issue(t, mid, rootCert, &a.midKey.PublicKey, rootKey)
	return a
}

// signer is a key with its certificate, as UnionPay signs with.
type signer struct {
	key     *rsa.PrivateKey
	certPEM string
}

func (a *authority) signer(cn string, from, to time.Time) signer {
	key := newKey(a.t)
	tpl := template(cn, 3)
	tpl.NotBefore, tpl.NotAfter = from, to
	_, p := issue(a.t, tpl, a.midCert, &key.PublicKey, a.midKey)
	return signer{key: key, certPEM: string(p)}
}

func (a *authority) unionpay() signer {
	return a.signer(upCN, noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
}

// keyring has a few keys that are made once, since making one takes long. Keys
// that are asked for within eight calls of one another differ.
type keyring struct {
	mu   sync.Mutex
	keys [8]*rsa.PrivateKey
	next int
}

var testKeys = sync.OnceValue(func() *keyring { return &keyring{} })

func newKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	r := testKeys()
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.next % len(r.keys)
	r.next++
	if r.keys[i] == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		require.NoError(t, err)
		r.keys[i] = key
	}
	return r.keys[i]
}

func template(cn string, serial int64) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: cn},
		NotBefore: noon.AddDate(-5, 0, 0), NotAfter: noon.AddDate(5, 0, 0),
	}
}

func issue(t testing.TB, tpl, parent *x509.Certificate, pub *rsa.PublicKey, key *rsa.PrivateKey) (*x509.Certificate, []byte) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tpl, parent, pub, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// seal signs a message as UnionPay does, written apart from the package's own
// signing so that each checks the other.
func (s signer) seal(m map[string]string) map[string]string {
	out := map[string]string{"signMethod": "01", "version": "5.1.0", "encoding": "UTF-8", "signPubKeyCert": s.certPEM}
	for k, v := range m {
		out[k] = v
	}
	sig, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, wireHash(out))
	if err != nil {
		panic(err)
	}
	out["signature"] = base64.StdEncoding.EncodeToString(sig)
	return out
}

func wireHash(m map[string]string) []byte {
	var parts []string
	for k, v := range m {
		if k != "signature" && v != "" {
			parts = append(parts, k+"="+v)
		}
	}
	sort.Strings(parts) // the tests' names are no prefixes of one another
	h := sha256.Sum256([]byte(strings.Join(parts, "&")))
	hh := sha256.Sum256(fmt.Appendf(nil, "%x", h))
	return hh[:]
}

// plain is the gateway's reply body: nothing escaped.
func plain(m map[string]string) string {
	var parts []string
	for k, v := range m {
		parts = append(parts, k+"="+v)
	}
	sort.Strings(parts)
	return strings.Join(parts, "&")
}

func encoded(m map[string]string) string {
	v := url.Values{}
	for k, s := range m {
		v.Set(k, s)
	}
	return v.Encode()
}

// gateway is an ACP gateway that answers what a test tells it to, and refuses
// a request whose merchant signature is wrong.
type gateway struct {
	t        testing.TB
	up       signer
	merchant *rsa.PublicKey
	srv      *httptest.Server

	mu     sync.Mutex
	answer func(path string, req map[string]string) map[string]string
	raw    func(w http.ResponseWriter, path string, req map[string]string) bool
	urlEnc bool
	seen   []map[string]string
	paths  []string
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	v, err := url.ParseQuery(string(body))
	if err != nil {
		panic(err)
	}
	req := map[string]string{}
	for k := range v {
		req[k] = v.Get(k)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen, g.paths = append(g.seen, req), append(g.paths, strings.TrimPrefix(r.URL.Path, "/gateway/api"))
	if g.raw != nil && g.raw(w, r.URL.Path, req) {
		return
	}
	reply := map[string]string{"merId": req["merId"], "orderId": req["orderId"], "txnTime": req["txnTime"], "txnType": req["txnType"]}
	sig, _ := base64.StdEncoding.DecodeString(req["signature"])
	if rsa.VerifyPKCS1v15(g.merchant, crypto.SHA256, wireHash(req), sig) != nil {
		reply["respCode"], reply["respMsg"] = "11", "验证签名失败[9100004]"
	} else {
		for k, s := range g.answer(strings.TrimPrefix(r.URL.Path, "/gateway/api"), req) {
			reply[k] = s
		}
	}
	reply = g.up.seal(reply)
	if g.urlEnc {
		fmt.Fprint(w, encoded(reply))
		return
	}
	fmt.Fprint(w, plain(reply))
}

func (g *gateway) answers(f func(path string, req map[string]string) map[string]string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer = f
}

// says makes every call answer the same.
func (g *gateway) says(m map[string]string) {
	g.answers(func(string, map[string]string) map[string]string { return m })
}

func (g *gateway) last() (string, map[string]string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	require.NotEmpty(g.t, g.seen)
	return g.paths[len(g.paths)-1], g.seen[len(g.seen)-1]
}

func (g *gateway) calls() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.paths...)
}

// world is a gateway with a client of it and a clock.
type world struct {
	*gateway
	ca     *authority
	client *Client
	cfg    Config
	now    time.Time
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	ca := newAuthority(t)
	key := newKey(t)
	cert := template("041@Z2026@hospital@1", 68759585097)
	_, certPEM := issue(t, cert, cert, &key.PublicKey, key)
	w := &world{ca: ca, now: noon, gateway: &gateway{t: t, up: ca.unionpay(), merchant: &key.PublicKey}}
	w.srv = httptest.NewServer(w.gateway)
	t.Cleanup(w.srv.Close)
	w.cfg = Config{
		HospitalID: "h1", MerID: testMer,
		MerchantKeyPEM:  pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		MerchantCertPEM: certPEM, RootPEM: ca.rootPEM, MiddlePEM: ca.midPEM,
		GatewayURL: w.srv.URL + "/gateway/api",
		BackURL:    "https://pay.example.com/v1/webhooks/unionpay/h1", FrontURL: "https://pay.example.com/done",
		Clock: func() time.Time { return w.now },
	}
	for _, f := range change {
		f(&w.cfg)
	}
	var err error
	w.client, err = New(w.cfg)
	require.NoError(t, err)
	return w
}

func charge(scene payment.Scene) channel.Charge {
	return channel.Charge{
		HospitalID: "h1", MerchantNo: "ORD20260302A01", OrderNo: "ORD20260302", Channel: payment.UnionPay,
		Scene: scene, Amount: money.Fen(2550), Total: money.Fen(2550), Description: "门诊挂号费",
		CreatedAt: noon, ExpiresAt: noon.Add(15 * time.Minute),
	}
}

func refund(fen int64) channel.Refund {
	return channel.Refund{
		No: "ORD20260302R01", Amount: money.Fen(fen), RequestedAt: noon.Add(time.Hour),
		Original: channel.Report{ChannelNo: "242603021200001", State: channel.Captured, Captured: money.Fen(2550)},
	}
}

func kindOf(t testing.TB, err error) payment.Kind {
	t.Helper()
	var f *payment.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, "unionpay", f.System)
	return f.Kind
}
