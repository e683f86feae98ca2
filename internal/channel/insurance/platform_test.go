package insurance

import (
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm4"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

const (
	testApp    = "43AF047BBA47FC8A1AE8EFB232BDBBCB"
	testSecret = "4117E877F5FA0A0188891283E4B617D5"
	testID     = "110101199003077475" // invented
)

// noon is when the tests happen: 2026-03-02 12:00 in China.
var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

// platform plays the other side. Its envelope is written apart from the
// package's, with a text of its own making to sign, so that each checks the
// other.
type platform struct {
	t   testing.TB
	key *sm2.PrivateKey
	hos *ecdsa.PublicKey
	srv *httptest.Server
	now func() time.Time

	mu      sync.Mutex
	answers map[string][]any // path → replies in turn, the last one for ever
	seen    []call
	wrap    func(env map[string]any) // changes a reply's envelope after signing
}

type call struct {
	path string
	data map[string]any
}

// What an answer can be besides data (a map) to be sent with code 0.
type (
	refusal    string // a signed reply with that code
	unsignedNo string // the same without a signature
	status     int    // an HTTP status and a page
	lost       string // handled, and the connection dies
)

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	path := r.URL.Path[strings.LastIndex(r.URL.Path, "/"):]
	data := p.unwrap(body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, call{path, data})
	turn := p.answers[path]
	require.NotEmpty(p.t, turn, "no answer for %s", path)
	if len(turn) > 1 {
		p.answers[path] = turn[1:]
	}
	switch a := turn[0].(type) {
	case refusal:
		p.reply(w, map[string]any{"code": string(a), "success": false, "message": "患者张三的授权已过期"}, nil)
	case unsignedNo:
		_ = json.NewEncoder(w).Encode(map[string]any{"code": string(a), "success": false, "message": "张三"})
	case status:
		w.WriteHeader(int(a))
		_, _ = io.WriteString(w, "<html>")
	case lost:
		panic(http.ErrAbortHandler)
	case map[string]any:
		p.reply(w, map[string]any{"code": 0, "success": true, "message": "成功"}, a)
	default:
		p.t.Errorf("an answer of type %T", a)
	}
}

func (p *platform) reply(w http.ResponseWriter, head, data map[string]any) {
	env := p.envelope(head, data, false)
	if p.wrap != nil {
		p.wrap(env)
	}
	_ = json.NewEncoder(w).Encode(env)
}

// envelope signs and encrypts; quoted makes strings of numbers before signing,
// as the development kit does.
func (p *platform) envelope(head, data map[string]any, quoted bool) map[string]any {
	env := map[string]any{
		"appId": testApp, "encType": "SM4", "signType": "SM2", "version": "2.0.1",
		"timestamp": p.now().Add(8 * time.Hour).UTC().Format("20060102150405"),
	}
	for k, v := range head {
		env[k] = v
	}
	var parts []string
	for _, k := range []string{"appId", "code", "data", "encType", "message", "signType", "success", "timestamp", "version"} {
		switch v := env[k]; {
		case k == "data" && data != nil:
			parts = append(parts, "data="+plainJSON(p.t, data, quoted))
		case v != nil:
			parts = append(parts, k+"="+bare(p.t, v))
		}
	}
	der, err := p.key.SignWithSM2(rand.Reader, []byte("1234567812345678"), []byte(strings.Join(parts, "&")+"&key="+testSecret))
	require.NoError(p.t, err)
	var sig struct{ R, S *big.Int }
	_, err = asn1.Unmarshal(der, &sig)
	require.NoError(p.t, err)
	raw := append(sig.R.FillBytes(make([]byte, 32)), sig.S.FillBytes(make([]byte, 32))...)
	env["signData"] = base64.StdEncoding.EncodeToString(raw)
	if data != nil {
		env["encData"] = ecb(p.t, plainJSON(p.t, data, false))
	}
	return env
}

func bare(t testing.TB, v any) string {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return strings.Trim(string(b), `"`)
}

func plainJSON(t testing.TB, data map[string]any, quoted bool) string {
	out := map[string]any{}
	for k, v := range data {
		if n, ok := v.(json.Number); ok && quoted {
			v = n.String()
		}
		out[k] = v
	}
	b, err := json.Marshal(out) // the tests' data need no escaping
	require.NoError(t, err)
	return string(b)
}

// ecb is SM4-ECB under the check value's key, block by block.
func ecb(t testing.TB, text string) string {
	block, err := sm4.NewCipher([]byte("863B5F40C70B71EA"))
	require.NoError(t, err)
	n := 16 - len(text)%16
	b := append([]byte(text), []byte(strings.Repeat(string(rune(n)), n))...)
	for i := 0; i < len(b); i += 16 {
		block.Encrypt(b[i:i+16], b[i:i+16])
	}
	return strings.ToUpper(hex.EncodeToString(b))
}

// unwrap checks a request's envelope: encrypted under the right key, signed by
// the hospital over exactly the text that the protocol describes.
func (p *platform) unwrap(body []byte) map[string]any {
	var env map[string]string
	require.NoError(p.t, json.Unmarshal(body, &env))
	b, err := hex.DecodeString(env["encData"])
	require.NoError(p.t, err)
	require.Equal(p.t, strings.ToUpper(env["encData"]), env["encData"])
	block, err := sm4.NewCipher([]byte("863B5F40C70B71EA"))
	require.NoError(p.t, err)
	for i := 0; i < len(b); i += 16 {
		block.Decrypt(b[i:i+16], b[i:i+16])
	}
	plain := string(b[:len(b)-int(b[len(b)-1])])
	text := "appId=" + testApp + "&data=" + plain + "&encType=SM4&signType=SM2&timestamp=" + env["timestamp"] +
		"&version=2.0.1&key=" + testSecret
	raw, err := base64.StdEncoding.DecodeString(env["signData"])
	require.NoError(p.t, err)
	require.Len(p.t, raw, 64)
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
	require.NoError(p.t, err)
	require.True(p.t, sm2.VerifyASN1WithSM2(p.hos, []byte("1234567812345678"), []byte(text), der), "the hospital's signature")
	var data map[string]any
	require.NoError(p.t, json.Unmarshal([]byte(plain), &data))
	return data
}

func (p *platform) on(path string, replies ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[path] = replies
}

func (p *platform) paths() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, c := range p.seen {
		out = append(out, c.path)
	}
	return out
}

// data is what the n-th call sent, counted from the end where n is negative.
func (p *platform) data(n int) map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < 0 {
		n += len(p.seen)
	}
	return p.seen[n].data
}

// world is a platform with a client of it and a clock.
type world struct {
	*platform
	client *Client
	cfg    Config
	clock  time.Time
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	theirs, err := sm2.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ours, err := sm2.GenerateKey(rand.Reader)
	require.NoError(t, err)
	w := &world{clock: noon}
	w.platform = &platform{t: t, key: theirs, hos: &ours.PublicKey, now: func() time.Time { return w.clock }, answers: map[string][]any{
		pathUpload: {uploaded()}, pathPay: {ordered()}, pathQuery: {settledReply("6")},
	}}
	w.srv = httptest.NewServer(w.platform)
	t.Cleanup(w.srv.Close)
	w.cfg = Config{
		HospitalID: "h1", AppID: testApp, AppSecret: testSecret, OrgCode: "H11010100001",
		PrivateKeyHex:        hex.EncodeToString(ours.D.FillBytes(make([]byte, 32))),
		PlatformPublicKeyHex: publicHex(t, &theirs.PublicKey),
		BaseURL:              w.srv.URL, NotifyURL: "https://pay.example.com/v1/webhooks/insurance/h1",
		Clock: func() time.Time { return w.clock },
	}
	for _, f := range change {
		f(&w.cfg)
	}
	w.client, err = New(w.cfg)
	require.NoError(t, err)
	return w
}

func publicHex(t testing.TB, k *ecdsa.PublicKey) string {
	e, err := sm2.PublicKeyToECDH(k)
	require.NoError(t, err)
	return hex.EncodeToString(e.Bytes())
}

func uploaded() map[string]any {
	return map[string]any{"payOrdId": "ORD110000202603021200001", "payToken": "TK1", "extData": map[string]any{"mdtrtId": "V9"}}
}

func ordered() map[string]any {
	return map[string]any{"payOrdId": "ORD110000202603021200001", "ordStas": "2"}
}

// settledReply is 6301's for the order of charge: own 5.50, account 8, fund 12.
func settledReply(stas string) map[string]any {
	return map[string]any{
		"payOrdId": "ORD110000202603021200001", "medOrgOrd": "ORD20260302A02", "callType": "02", "ordStas": stas,
		"feeSumamt": "25.50", "ownPayAmt": "5.50", "psnAcctPay": "8.00", "fundPay": "12.00", "setlType": "ALL",
		"traceTime": "20260302120130",
	}
}

func charge() channel.Charge {
	return channel.Charge{
		HospitalID: "h1", MerchantNo: "ORD20260302A02", OrderNo: "ORD20260302", Channel: payment.Insurance,
		Amount: money.Fen(2000), Total: money.Fen(2550), Description: "门诊挂号费", CreatedAt: noon, ExpiresAt: noon.Add(15 * time.Minute),
		Slot:      payment.Slot{ID: "s1", Department: "心内科", Doctor: "李医生", StartsAt: noon.Add(24 * time.Hour)},
		Fees:      []payment.Fee{{Code: "110200001", Name: "普通门诊诊察费", Amount: money.Fen(2500)}, {Code: "110100001", Name: "挂号费", Amount: money.Fen(50)}},
		Payer:     payment.Patient{Name: "张三", IDType: payment.IDCard, IDNumber: testID, Phone: "13800138000", PsnNo: "P1", City: "110100"},
		PayAuthNo: "AUTH1",
	}
}

func kept(ch channel.Charge) channel.Charge {
	ch.Handle = `{"payOrdId":"ORD110000202603021200001","payToken":"TK1","mdtrtId":"V9"}`
	return ch
}

func kindOf(t testing.TB, err error) payment.Kind {
	t.Helper()
	var f *payment.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, "insurance", f.System)
	for _, private := range []string{"张三", testID, "13800138000", "AUTH1", "过期"} {
		require.NotContains(t, err.Error(), private)
	}
	return f.Kind
}
