package integration

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// insider writes notifications with the counterparties' own keys, as the
// sandbox keeps them: what it sends is signed rightly, so that everything else
// about a notification can be wrong, one thing at a time.
type insider struct {
	t   *testing.T
	w   *world
	dir string
}

func (w *world) insider(t *testing.T) insider {
	return insider{t, w, w.in.Stack.Manifest().Dir}
}

func (i insider) read(name ...string) []byte {
	i.t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{i.dir}, name...)...))
	require.NoError(i.t, err)
	return b
}

func (i insider) key(name ...string) *rsa.PrivateKey {
	i.t.Helper()
	block, _ := pem.Decode(i.read(name...))
	require.NotNil(i.t, block)
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(i.t, err)
	return key.(*rsa.PrivateKey)
}

// stranger is a key that nobody knows.
func (i insider) stranger() *rsa.PrivateKey {
	i.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(i.t, err)
	return key
}

func (i insider) sign(key *rsa.PrivateKey, message string) string {
	i.t.Helper()
	digest := sha256.Sum256([]byte(message))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	require.NoError(i.t, err)
	return base64.StdEncoding.EncodeToString(signature)
}

// deliver posts a notification and returns the status of the answer.
func (i insider) deliver(channel, hospital, contentType string, body []byte, headers http.Header) int {
	i.t.Helper()
	flat := []string{"Content-Type", contentType}
	for name := range headers {
		flat = append(flat, name, headers.Get(name))
	}
	reply, _ := i.w.request(i.t, http.MethodPost, i.w.in.APIBase+"/v1/webhooks/"+channel+"/"+hospital, "", body, flat...)
	return reply.StatusCode
}

// wechatPaid is WeChat Pay's word that an order was paid.
type wechatPaid struct {
	hospital   string // whose keys are used
	to         string // whose webhook it is sent to
	mchid      string
	merchantNo string
	channelNo  string
	fen        int64
	at         time.Time
	key        *rsa.PrivateKey
	tamper     bool // with the body after it was signed
}

// wechat is the notification of a visit's payment as it should be.
func (i insider) wechat(v *visit) wechatPaid {
	i.t.Helper()
	m := i.w.in.Stack.Manifest().Hospitals[v.hospital()].WeChat
	return wechatPaid{
		hospital: v.hospital(), to: v.hospital(), mchid: m.MchID, merchantNo: v.answer.Tender.MerchantNo,
		channelNo: "4200000000000000000000000001", fen: v.answer.Tender.AmountFen, at: time.Now(),
		key: i.key(v.hospital(), "wechat", "platform_key.pem"),
	}
}

func (i insider) sendWeChat(n wechatPaid) int {
	i.t.Helper()
	m := i.w.in.Stack.Manifest().Hospitals[n.hospital].WeChat
	plain := i.json(map[string]any{
		"mchid": n.mchid, "appid": m.AppID, "out_trade_no": n.merchantNo, "transaction_id": n.channelNo,
		"trade_type": "NATIVE", "trade_state": "SUCCESS", "success_time": n.at.Format(time.RFC3339),
		"amount": map[string]any{"total": n.fen, "payer_total": n.fen, "currency": "CNY", "payer_currency": "CNY"},
	})
	block, err := aes.NewCipher([]byte(strings.TrimSpace(string(i.read(n.hospital, "wechat", "apiv3_key.txt")))))
	require.NoError(i.t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(i.t, err)
	nonce := i.random(6)
	body := i.json(map[string]any{
		"id": i.random(16), "create_time": n.at.Format(time.RFC3339), "resource_type": "encrypt-resource",
		"event_type": "TRANSACTION.SUCCESS", "summary": "支付成功",
		"resource": map[string]string{"algorithm": "AEAD_AES_256_GCM", "original_type": "transaction", "associated_data": "transaction",
			"nonce": nonce, "ciphertext": base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(nonce), plain, []byte("transaction")))},
	})
	var account struct {
		PublicKeyID    string `json:"public_key_id"`
		PlatformSerial string `json:"platform_serial"`
	}
	require.NoError(i.t, json.Unmarshal(i.read(n.hospital, "wechat", "account.json"), &account))
	serial := account.PublicKeyID
	if m.VerifyMode == "certificate" {
		serial = account.PlatformSerial
	}
	stamp := strconv.FormatInt(n.at.Unix(), 10)
	headers := http.Header{}
	headers.Set("Wechatpay-Timestamp", stamp)
	headers.Set("Wechatpay-Nonce", nonce)
	headers.Set("Wechatpay-Serial", serial)
	headers.Set("Wechatpay-Signature", i.sign(n.key, stamp+"\n"+nonce+"\n"+string(body)+"\n"))
	if n.tamper {
		body = append(body, ' ')
	}
	return i.deliver("wechat", n.to, "application/json", body, headers)
}

// sendUnionPay sends UnionPay's word that an order was paid; change has the
// last word before it is signed, and after says what is done to it then.
func (i insider) sendUnionPay(v *visit, to string, key *rsa.PrivateKey, change, after func(map[string]string)) int {
	i.t.Helper()
	now := time.Now().In(time.FixedZone("Asia/Shanghai", 8*60*60))
	f := map[string]string{
		"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "txnType": "01", "txnSubType": "01", "bizType": "000201",
		"accessType": "0", "merId": i.w.in.Stack.Manifest().Hospitals[v.hospital()].UnionPay.MerID,
		"orderId": v.answer.Tender.MerchantNo, "txnTime": now.Format("20060102150405"), "txnAmt": strconv.FormatInt(v.answer.Tender.AmountFen, 10),
		"currencyCode": "156", "queryId": "202601010000000000001", "respCode": "00", "respMsg": "成功", "traceNo": "000001",
		"traceTime": now.Format("0102150405"), "settleAmt": strconv.FormatInt(v.answer.Tender.AmountFen, 10),
		"settleCurrencyCode": "156", "settleDate": now.Format("0102"),
		"signPubKeyCert": strings.ReplaceAll(strings.TrimSpace(string(i.read("unionpay", "signer.pem"))), "\n", "\r\n"),
	}
	change(f)
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		pairs = append(pairs, name+"="+f[name])
	}
	inner := sha256.Sum256([]byte(strings.Join(pairs, "&")))
	f["signature"] = i.sign(key, hex.EncodeToString(inner[:]))
	after(f)
	form := url.Values{}
	for name, value := range f {
		form.Set(name, value)
	}
	return i.deliver("unionpay", to, "application/x-www-form-urlencoded", []byte(form.Encode()), nil)
}

func (i insider) json(v any) []byte {
	i.t.Helper()
	b, err := json.Marshal(v)
	require.NoError(i.t, err)
	return b
}

func (i insider) random(n int) string {
	i.t.Helper()
	b := make([]byte, n)
	_, err := rand.Read(b)
	require.NoError(i.t, err)
	return hex.EncodeToString(b)
}
