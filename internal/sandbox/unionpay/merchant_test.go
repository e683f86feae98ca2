package unionpay_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/unionpay"
)

// keysDir holds the generated keys of all tests of this package: making RSA
// keys takes longer than everything else here.
var keysDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "unionpay-sandbox-")
	if err != nil {
		panic(err)
	}
	keysDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// start is 10:00 in Shanghai on a working day.
func start() time.Time { return time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC) }

// gateway is a running sandbox with one merchant, written for the tests from
// the protocol's text alone: it shares no code with the package.
type gateway struct {
	t      *testing.T
	clock  *sandbox.ManualClock
	env    *sandbox.Env
	server *unionpay.Server
	http   *httptest.Server
	on     unionpay.Onboarding
	key    *rsa.PrivateKey
	notes  *inbox
}

func open(t *testing.T) *gateway {
	t.Helper()
	clock := sandbox.NewManualClock(start())
	env, err := sandbox.NewEnv(sandbox.EnvOptions{Dir: keysDir, Clock: clock, Seed: 1})
	require.NoError(t, err)
	server := unionpay.New(env)
	part, err := server.Onboard(context.Background(), sandbox.Hospital{ID: "h-renmin"})
	require.NoError(t, err)
	g := &gateway{t: t, clock: clock, env: env, server: server, http: httptest.NewServer(server.Handler()),
		on: part.(unionpay.Onboarding), notes: newInbox(t)}
	g.key = readKey(t, g.on.MerchantKey)
	t.Cleanup(func() { g.http.Close(); env.Close() })
	return g
}

func readKey(t *testing.T, rel string) *rsa.PrivateKey {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(keysDir, rel))
	require.NoError(t, err)
	block, _ := pem.Decode(raw)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	return key.(*rsa.PrivateKey)
}

func readCert(t *testing.T, rel string) *x509.Certificate {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(keysDir, rel))
	require.NoError(t, err)
	block, _ := pem.Decode(raw)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return cert
}

type fields map[string]string

func (f fields) with(changes ...string) fields {
	out := fields{}
	for k, v := range f {
		out[k] = v
	}
	for i := 0; i < len(changes); i += 2 {
		out[changes[i]] = changes[i+1]
	}
	return out
}

func (g *gateway) stamp(after time.Duration) string {
	return g.clock.Now().Add(after).In(time.FixedZone("", 8*3600)).Format("20060102150405")
}

func (g *gateway) base(txnType, subType, orderID string) fields {
	return fields{"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "txnType": txnType, "txnSubType": subType,
		"bizType": "000201", "accessType": "0", "channelType": "07", "currencyCode": "156", "merId": g.on.MerID,
		"certId": g.on.CertID, "orderId": orderID, "txnTime": g.stamp(0), "backUrl": g.notes.url()}
}

func (g *gateway) payment(orderID, amount string) fields {
	return g.base("01", "01", orderID).with("txnAmt", amount, "frontUrl", "http://127.0.0.1:1/front")
}

func (g *gateway) refund(orderID, amount, origQryID string) fields {
	return g.base("04", "00", orderID).with("txnAmt", amount, "origQryId", origQryID)
}

func hashOf(f fields) []byte {
	var names []string
	for k, v := range f {
		if k != "signature" && v != "" {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	var parts []string
	for _, k := range names {
		parts = append(parts, k+"="+f[k])
	}
	inner := sha256.Sum256([]byte(strings.Join(parts, "&")))
	outer := sha256.Sum256([]byte(hex.EncodeToString(inner[:])))
	return outer[:]
}

func (g *gateway) signed(f fields) fields {
	raw, err := rsa.SignPKCS1v15(rand.Reader, g.key, crypto.SHA256, hashOf(f))
	require.NoError(g.t, err)
	return f.with("signature", base64.StdEncoding.EncodeToString(raw))
}

// verified checks a message of the gateway as a merchant must: chain, common
// name, signature.
func (g *gateway) verified(f fields) bool {
	block, _ := pem.Decode([]byte(f["signPubKeyCert"]))
	if block == nil {
		return false
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(g.t, err)
	roots, middles := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(readCert(g.t, g.on.RootCert))
	middles.AddCert(readCert(g.t, g.on.MiddleCert))
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: middles, CurrentTime: g.clock.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return false
	}
	if parts := strings.Split(cert.Subject.CommonName, "@"); len(parts) < 3 || parts[2] != "中国银联股份有限公司" {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(f["signature"])
	require.NoError(g.t, err)
	return rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, hashOf(f), raw) == nil
}

func encode(f fields) string {
	v := url.Values{}
	for k, s := range f {
		v.Set(k, s)
	}
	return v.Encode()
}

func decode(t *testing.T, body string) fields {
	t.Helper()
	v, err := url.ParseQuery(body)
	require.NoError(t, err)
	f := fields{}
	for k := range v {
		require.Len(t, v[k], 1)
		f[k] = v.Get(k)
	}
	return f
}

func (g *gateway) post(path, body string) (int, string, error) {
	response, err := http.Post(g.http.URL+path, "application/x-www-form-urlencoded", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, string(raw), err
}

// call sends a signed message and returns the verified reply.
func (g *gateway) call(api string, f fields) fields {
	g.t.Helper()
	return g.callAsIs(api, g.signed(f))
}

func (g *gateway) callAsIs(api string, f fields) fields {
	g.t.Helper()
	status, body, err := g.post("/gateway/api/"+api+".do", encode(f))
	require.NoError(g.t, err)
	require.Equal(g.t, http.StatusOK, status, body)
	reply := decode(g.t, body)
	require.True(g.t, g.verified(reply), "the reply's signature")
	return reply
}

// front posts the payment form as a browser and returns the status and page.
func (g *gateway) front(f fields) (int, string) {
	g.t.Helper()
	status, body, err := g.post("/gateway/api/frontTransReq.do", encode(g.signed(f)))
	require.NoError(g.t, err)
	return status, body
}

func (g *gateway) query(orderID, txnTime string) fields {
	g.t.Helper()
	return g.call("queryTrans", g.base("00", "00", orderID).with("bizType", "000000", "txnTime", txnTime,
		"channelType", "", "backUrl", "", "currencyCode", ""))
}

func token(t *testing.T, page string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `data-token="`)
	require.True(t, ok, page)
	token, _, _ := strings.Cut(rest, `"`)
	require.NotEmpty(t, token, page)
	return token
}

func (g *gateway) patient(orderID string, behaviour sandbox.Behaviour) {
	g.t.Helper()
	require.NoError(g.t, g.env.Patients.Instruct(sandbox.Instruction{Channel: "unionpay", MerchantNo: orderID, Behaviour: behaviour}))
}

// paid opens an order, lets the patient pay and returns the payment's query.
func (g *gateway) paid(orderID, amount string) fields {
	g.t.Helper()
	order := g.payment(orderID, amount)
	status, page := g.front(order)
	require.Equal(g.t, 200, status, page)
	g.patient(orderID, sandbox.Pay)
	g.eventually(func() bool { return g.query(orderID, order["txnTime"])["origRespCode"] == "00" })
	return g.query(orderID, order["txnTime"])
}

func (g *gateway) eventually(f func() bool) {
	g.t.Helper()
	require.Eventually(g.t, f, 10*time.Second, 2*time.Millisecond)
}

func (g *gateway) books() sandbox.BookSnapshot { return g.server.Books().(sandbox.BookSnapshot) }

// inbox is a merchant's backUrl.
type inbox struct {
	t      *testing.T
	server *httptest.Server
	mu     sync.Mutex
	got    []fields
	status []int // of the coming answers; then 200
}

func newInbox(t *testing.T) *inbox {
	b := &inbox{t: t}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded;charset=UTF-8" {
			b.got = append(b.got, decode(t, string(raw)))
		}
		if len(b.status) > 0 {
			w.WriteHeader(b.status[0])
			b.status = b.status[1:]
		}
	}))
	t.Cleanup(b.server.Close)
	return b
}

func (b *inbox) url() string { return b.server.URL + "/notify" }

func (b *inbox) list() []fields {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

func (b *inbox) answer(status ...int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = status
}
