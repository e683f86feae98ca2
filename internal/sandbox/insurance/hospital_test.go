package insurance_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm4"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/insurance"
)

type object = map[string]any

const (
	patientID   = "11010519491231002X"
	patientName = "测试甲"
	psnNo       = "11000010000000001"
)

// platform is a running sandbox with one hospital. What the hospital does is
// written for the tests from the protocol's text: it shares no code with the
// package.
type platform struct {
	t      *testing.T
	clock  *sandbox.ManualClock
	env    *sandbox.Env
	server *insurance.Server
	http   *httptest.Server
	admin  *httptest.Server
	on     insurance.Onboarding
	secret string
	key    *sm2.PrivateKey
	public *ecdsa.PublicKey
	notes  *inbox
}

func open(t *testing.T) *platform {
	t.Helper()
	clock := sandbox.NewManualClock(time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC))
	env, err := sandbox.NewEnv(sandbox.EnvOptions{Dir: t.TempDir(), Clock: clock, Seed: 1})
	require.NoError(t, err)
	server := insurance.New(env)
	p := &platform{t: t, clock: clock, env: env, server: server, http: httptest.NewServer(server.Handler()),
		admin: httptest.NewServer(sandbox.Admin(env.Patients, server))}
	t.Cleanup(func() { p.http.Close(); p.admin.Close(); env.Close() })
	p.onboard("h-renmin")
	p.notes = newInbox(t)
	return p
}

func (p *platform) onboard(hospital string) {
	p.t.Helper()
	part, err := p.server.Onboard(p.t.Context(), sandbox.Hospital{ID: hospital})
	require.NoError(p.t, err)
	p.on = part.(insurance.Onboarding)
	p.secret = p.file(p.on.AppSecret)
	raw, err := hex.DecodeString(p.file(p.on.PrivateKey))
	require.NoError(p.t, err)
	p.key, err = sm2.NewPrivateKey(raw)
	require.NoError(p.t, err)
	point, err := hex.DecodeString(p.file(p.on.PlatformPublicKey))
	require.NoError(p.t, err)
	require.Len(p.t, point, 65)
	p.public, err = sm2.NewPublicKey(point)
	require.NoError(p.t, err)
}

func (p *platform) file(rel string) string {
	p.t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.env.Files.Dir(), rel))
	require.NoError(p.t, err)
	return string(raw)
}

// as is the same platform seen by another hospital.
func (p *platform) as(hospital string) *platform {
	other := *p
	other.onboard(hospital)
	return &other
}

func crypt(t *testing.T, key, in []byte, encrypt bool) []byte {
	t.Helper()
	block, err := sm4.NewCipher(key)
	require.NoError(t, err)
	if encrypt {
		pad := 16 - len(in)%16
		in = append(slices.Clone(in), bytes.Repeat([]byte{byte(pad)}, pad)...)
	}
	out := make([]byte, len(in))
	for i := 0; i < len(in); i += 16 {
		if encrypt {
			block.Encrypt(out[i:], in[i:i+16])
		} else {
			block.Decrypt(out[i:], in[i:i+16])
		}
	}
	if !encrypt {
		out = out[:len(out)-int(out[len(out)-1])]
	}
	return out
}

func (p *platform) dataKey() []byte {
	return []byte(strings.ToUpper(hex.EncodeToString(crypt(p.t, []byte(p.on.AppID[:16]), []byte(p.secret), true)))[:16])
}

// clean is the second writing of the dropping of empty values.
func clean(v any) any {
	switch x := v.(type) {
	case string:
		if x == "" {
			return nil
		}
	case object:
		out := object{}
		for k, item := range x {
			if item = clean(item); item != nil {
				out[k] = item
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		var out []any
		for _, item := range x {
			if item = clean(item); item != nil {
				out = append(out, item)
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	return v
}

func compact(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // encoding/json sorts the names of a map
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

func toSign(envelope object, secret string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(envelope)) {
		v := clean(envelope[k])
		if k == "signData" || k == "encData" || v == nil {
			continue
		}
		if s, ok := v.(string); ok {
			parts = append(parts, k+"="+s)
		} else {
			parts = append(parts, k+"="+compact(v))
		}
	}
	return strings.Join(append(parts, "key="+secret), "&")
}

func (p *platform) seal(data object) object {
	p.t.Helper()
	envelope := object{"appId": p.on.AppID, "encType": "SM4", "signType": "SM2", "version": "2.0.1",
		"timestamp": p.stamp(), "data": data}
	hash, err := sm2.CalculateSM2Hash(&p.key.PublicKey, []byte(toSign(envelope, p.secret)), []byte("1234567812345678"))
	require.NoError(p.t, err)
	r, s, err := sm2.Sign(rand.Reader, &p.key.PrivateKey, hash)
	require.NoError(p.t, err)
	raw := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	envelope["signData"] = base64.StdEncoding.EncodeToString(raw)
	delete(envelope, "data")
	envelope["encData"] = strings.ToUpper(hex.EncodeToString(crypt(p.t, p.dataKey(), []byte(compact(data)), true)))
	return envelope
}

// unseal opens an envelope of the platform; ok is whether its signature holds.
func (p *platform) unseal(body []byte) (envelope, data object, ok bool) {
	p.t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	require.NoError(p.t, d.Decode(&envelope), string(body))
	if enc, _ := envelope["encData"].(string); enc != "" {
		require.Equal(p.t, strings.ToUpper(enc), enc)
		sealed, err := hex.DecodeString(enc)
		require.NoError(p.t, err)
		d := json.NewDecoder(bytes.NewReader(crypt(p.t, p.dataKey(), sealed, false)))
		d.UseNumber()
		require.NoError(p.t, d.Decode(&data))
	}
	envelope["data"] = data
	text, _ := envelope["signData"].(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != 64 {
		return envelope, data, false
	}
	hash, err := sm2.CalculateSM2Hash(p.public, []byte(toSign(envelope, p.secret)), []byte("1234567812345678"))
	require.NoError(p.t, err)
	return envelope, data, sm2.Verify(p.public, hash, new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:]))
}

func (p *platform) stamp() string {
	return p.clock.Now().In(time.FixedZone("", 8*3600)).Format("20060102150405")
}

func (p *platform) send(route string, envelope any) ([]byte, error) {
	raw, err := json.Marshal(envelope)
	require.NoError(p.t, err)
	return p.sendRaw(route, raw)
}

func (p *platform) sendRaw(route string, raw []byte) ([]byte, error) {
	response, err := http.Post(p.http.URL+"/org/local/api/hos/"+route, "application/json", bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// code sends data and returns the reply's code with its verified data.
func (p *platform) code(route string, data object) (string, object) {
	p.t.Helper()
	body, err := p.send(route, p.seal(data))
	require.NoError(p.t, err)
	envelope, out, ok := p.unseal(body)
	require.True(p.t, ok, "the reply's signature")
	code := string(envelope["code"].(json.Number))
	require.Equal(p.t, code == "0", envelope["success"])
	return code, out
}

// call is code for what must succeed.
func (p *platform) call(route string, data object) object {
	p.t.Helper()
	code, out := p.code(route, data)
	require.Equal(p.t, "0", code)
	return out
}

func (p *platform) adminDo(method, path string, body any) (int, object) {
	p.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(p.t, err)
	request, err := http.NewRequest(method, p.admin.URL+path, bytes.NewReader(raw))
	require.NoError(p.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(p.t, err)
	defer response.Body.Close()
	var out object
	require.NoError(p.t, json.NewDecoder(response.Body).Decode(&out))
	return response.StatusCode, out
}

// authorised lets the patient authorise and returns the payAuthNo.
func (p *platform) authorised(hospital string) string {
	p.t.Helper()
	status, out := p.adminDo("POST", "/insurance/auth", object{"hospital": hospital, "psn_no": psnNo})
	require.Equal(p.t, 201, status, out)
	return out["payAuthNo"].(string)
}

func with(o object, changes ...any) object {
	out := maps.Clone(o)
	for i := 0; i < len(changes); i += 2 {
		out[changes[i].(string)] = changes[i+1]
	}
	return out
}

// fee is an upload of 50.00: 8.00 not covered, 2.00 borne first, 40.00 covered.
func (p *platform) fee(medOrgOrd, payAuthNo string) object {
	return object{"orgCodg": p.on.OrgCode, "medOrgOrd": medOrgOrd, "payAuthNo": payAuthNo, "psnNo": psnNo, "idNo": patientID,
		"userName": patientName, "idType": "01", "medfeeSumamt": "50.00", "fulamtOwnpayAmt": "8.00", "preselfpayAmt": "2.00",
		"inscpScpAmt": "40.00", "acctUsedFlag": "1", "diseinfoList": []any{},
		"feedetailList": []any{object{"detItemFeeSumamt": "42.00"}, object{"detItemFeeSumamt": "8.00"}},
		"extData":       object{"notifyUrl": p.notes.server.URL}}
}

// uploaded uploads a fee and returns the credentials of its order, as 6202 and
// 6203 need them.
func (p *platform) uploaded(medOrgOrd string) object {
	p.t.Helper()
	auth := p.authorised("h-renmin")
	out := p.call("uldFeeInfo", p.fee(medOrgOrd, auth))
	return object{"payOrdId": out["payOrdId"], "payToken": out["payToken"], "payAuthNo": auth, "orgBizSer": "B1",
		"chrgBchno": "C1", "mdtrtId": "M1", "orgCodg": p.on.OrgCode}
}

func (p *platform) identified(order object) object {
	return object{"payOrdId": order["payOrdId"], "payToken": order["payToken"], "orgCodg": p.on.OrgCode, "idNo": patientID,
		"userName": patientName, "idType": "01"}
}

func (p *platform) status(order object) string {
	p.t.Helper()
	return p.call("query_order_info", p.identified(order))["ordStas"].(string)
}

// clear lets the clearing time of whatever is clearing pass.
func (p *platform) clear() {
	p.t.Helper()
	p.eventually(func() bool { return p.clock.Sleepers() > 0 })
	p.clock.Advance(time.Minute)
}

// settled is an order that was paid and has cleared.
func (p *platform) settled(medOrgOrd string) object {
	p.t.Helper()
	order := p.uploaded(medOrgOrd)
	p.call("pay_order", order)
	p.clear()
	p.eventually(func() bool { return p.status(order) == "6" })
	return order
}

func (p *platform) instruct(medOrgOrd string, behaviour sandbox.Behaviour) {
	p.t.Helper()
	require.NoError(p.t, p.env.Patients.Instruct(sandbox.Instruction{Channel: "insurance", MerchantNo: medOrgOrd, Behaviour: behaviour}))
}

// settlesInCall has 6202 answer with an order's end.
func (p *platform) settlesInCall(f sandbox.InsuranceFault) {
	p.t.Helper()
	f.SettlesInCall = true
	require.NoError(p.t, p.server.Faults().Set(sandbox.FaultSpec{Insurance: f}))
}

func (p *platform) eventually(f func() bool) {
	p.t.Helper()
	require.Eventually(p.t, f, 10*time.Second, 2*time.Millisecond)
}

func (p *platform) books() sandbox.BookSnapshot { return p.server.Books().(sandbox.BookSnapshot) }

// inbox is the URL to which notices go.
type inbox struct {
	server  *httptest.Server
	mu      sync.Mutex
	got     [][]byte
	answers []string // of the coming answers; then success
}

func newInbox(t *testing.T) *inbox {
	b := &inbox{}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.got = append(b.got, raw)
		answer := `{"success":true,"message":"ok"}`
		if len(b.answers) > 0 {
			answer, b.answers = b.answers[0], b.answers[1:]
		}
		io.WriteString(w, answer)
	}))
	t.Cleanup(b.server.Close)
	return b
}

func (b *inbox) list() [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}
