package hospital_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/hospital"
	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// letters are the files that counterparties hand out, made for one run.
func letters(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	certificate := func(serial int64, name string, parent *x509.Certificate) ([]byte, *x509.Certificate) {
		c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
		if parent == nil {
			parent = c
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, key)
		require.NoError(t, err)
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), c
	}
	root, rootCert := certificate(1, "root", nil)
	middle, middleCert := certificate(2, "middle", rootCert)
	merchant, _ := certificate(3, "merchant", middleCert)
	gm, err := sm2.GenerateKey(rand.Reader)
	require.NoError(t, err)
	point := append(gm.X.FillBytes(make([]byte, 32)), gm.Y.FillBytes(make([]byte, 32))...)
	for name, content := range map[string][]byte{
		"rsa_key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), "rsa_public": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		"apiv3": []byte(strings.Repeat("a", 32) + "\n"), "root": root, "middle": middle, "merchant": merchant,
		"sm2_key": []byte(hex.EncodeToString(gm.D.FillBytes(make([]byte, 32)))), "sm2_public": []byte(hex.EncodeToString(point)),
		"secret": []byte("callback\n"), "token": []byte("first\n"), "empty": []byte("\n"), "garbage": []byte("garbage"),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	return dir
}

func complete(dir string) config.Hospital {
	file := func(name string) string { return filepath.Join(dir, name) }
	return config.Hospital{
		ID: "ren-he", CallbackSecretFile: file("secret"),
		Channels: config.Channels{
			WeChat: &config.WeChat{AppID: "wx1", MchID: "1900000001", MerchantSerial: "5F", MerchantKeyFile: file("rsa_key"), APIv3KeyFile: file("apiv3"),
				PublicKeyID: "PUB_KEY_ID_1", PublicKeyFile: file("rsa_public"), FeeRate: "0.006"},
			UnionPay: &config.UnionPay{BaseURL: "https://unionpay.example.org/", MerID: "777290058110001", MerchantKeyFile: file("rsa_key"),
				MerchantCertFile: file("merchant"), RootCertFile: file("root"), MiddleCertFile: file("middle"), FeeRate: "0.0038"},
			Insurance: &config.Insurance{BaseURL: "https://insurance.example.org", AppID: strings.Repeat("0", 32), AppSecretFile: file("apiv3"),
				OrgCode: "H11010100001", PrivateKeyFile: file("sm2_key"), PlatformPublicKeyFile: file("sm2_public")},
		},
		HIS:  config.HIS{Kind: "fhir", BaseURL: "https://his.example.org/fhir", TokenFile: file("token")},
		SMS:  config.SMS{BaseURL: "https://sms.example.org", Account: "ren-he", KeyFile: file("secret")},
		Face: config.Face{BaseURL: "https://face.example.org", AccessTokenFile: file("token")},
		Risk: config.Risk{Window: time.Hour, RefuseAfter: 5, ReviewAmountFen: 100_000},
	}
}

func open(t *testing.T, hs ...config.Hospital) (*hospital.Directory, error) {
	t.Helper()
	return hospital.Open(t.Context(), &config.Config{HTTP: config.HTTP{PublicURL: "https://pay.example.org"}, Hospitals: hs})
}

func TestAHospitalHasWhatIsConfigured(t *testing.T) {
	dir := letters(t)
	d, err := open(t, complete(dir))
	require.NoError(t, err)
	for _, ch := range payment.Channels() {
		client, err := d.Channel("ren-he", ch)
		require.NoError(t, err)
		require.NotNil(t, client, ch)
	}
	for ch, want := range map[payment.Channel]string{payment.WeChat: "0.006", payment.UnionPay: "0.0038", payment.Insurance: "0"} {
		rate, err := d.FeeRate("ren-he", ch)
		require.NoError(t, err)
		require.Equal(t, want, rate.String(), ch)
	}
	rules, err := d.Rules("ren-he")
	require.NoError(t, err)
	require.Equal(t, 5, rules.RefuseAfter)
	require.Equal(t, money.Fen(100_000), rules.ReviewAmount)
	secret, err := d.CallbackSecret("ren-he")
	require.NoError(t, err)
	require.Equal(t, "callback", string(secret), "without the line end")
	gateway, err := d.HIS("ren-he")
	require.NoError(t, err)
	require.NotNil(t, gateway)
}

func TestWhatIsLeftOutIsNotOffered(t *testing.T) {
	h := complete(letters(t))
	h.Channels.UnionPay, h.Channels.Insurance, h.SMS, h.Face = nil, nil, config.SMS{}, config.Face{}
	d, err := open(t, h)
	require.NoError(t, err)
	known, ok := d.Hospital("ren-he")
	require.True(t, ok)
	require.True(t, known.Offers(payment.WeChat))
	require.False(t, known.Offers(payment.UnionPay))

	_, err = d.Channel("ren-he", payment.Insurance)
	require.True(t, payment.HasCode(err, payment.CodeChannel))
	_, err = d.SMS("ren-he")
	require.True(t, payment.HasCode(err, payment.CodeVerifyKind))
	_, err = d.Face("ren-he")
	require.True(t, payment.HasCode(err, payment.CodeVerifyKind))
}

func TestAHospitalThatIsNotConfiguredIsAProblemOfTheRequest(t *testing.T) {
	d, err := open(t, complete(letters(t)))
	require.NoError(t, err)
	_, ok := d.Hospital("nowhere")
	require.False(t, ok)
	for name, ask := range map[string]func() error{
		"channel": func() error { _, err := d.Channel("nowhere", payment.WeChat); return err },
		"his":     func() error { _, err := d.HIS("nowhere"); return err },
		"face":    func() error { _, err := d.Face("nowhere"); return err },
		"sms":     func() error { _, err := d.SMS("nowhere"); return err },
		"rate":    func() error { _, err := d.FeeRate("nowhere", payment.WeChat); return err },
		"rules":   func() error { _, err := d.Rules("nowhere"); return err },
		"secret":  func() error { _, err := d.CallbackSecret("nowhere"); return err },
	} {
		require.True(t, payment.HasCode(ask(), payment.CodeHospital), name)
	}
}

// A process that could not serve a hospital does not start, and says in one
// line which key of the configuration is wrong, without showing a secret.
func TestAMistakeIsToldByTheNameOfItsKey(t *testing.T) {
	dir := letters(t)
	missing, empty, garbage := filepath.Join(dir, "missing"), filepath.Join(dir, "empty"), filepath.Join(dir, "garbage")
	for name, tc := range map[string]struct {
		change func(*config.Hospital)
		want   string
	}{
		"callback secret":       {func(h *config.Hospital) { h.CallbackSecretFile = missing }, "callback_secret_file: read secret"},
		"empty callback secret": {func(h *config.Hospital) { h.CallbackSecretFile = empty }, "callback_secret_file: read secret"},
		"wechat key":            {func(h *config.Hospital) { h.Channels.WeChat.MerchantKeyFile = missing }, "channels.wechat.merchant_key_file: read secret"},
		"wechat apiv3 key":      {func(h *config.Hospital) { h.Channels.WeChat.APIv3KeyFile = "" }, "channels.wechat.apiv3_key_file: a secret's file is not configured"},
		"wechat apiv3 length":   {func(h *config.Hospital) { h.Channels.WeChat.APIv3KeyFile = garbage }, "channels.wechat: "},
		"wechat public key":     {func(h *config.Hospital) { h.Channels.WeChat.PublicKeyFile = missing }, "channels.wechat.public_key_file: read secret"},
		"wechat half a key":     {func(h *config.Hospital) { h.Channels.WeChat.PublicKeyID = "" }, "the public key and its id belong together"},
		"wechat merchant":       {func(h *config.Hospital) { h.Channels.WeChat.MchID = "" }, "channels.wechat: "},
		"fee rate no number":    {func(h *config.Hospital) { h.Channels.WeChat.FeeRate = "0,6" }, "channels.wechat.fee_rate: "},
		"fee rate in percent":   {func(h *config.Hospital) { h.Channels.WeChat.FeeRate = "0.6" }, "channels.wechat.fee_rate: has to lie between 0 and 0.1"},
		"fee rate negative":     {func(h *config.Hospital) { h.Channels.Insurance.FeeRate = "-0.01" }, "channels.insurance.fee_rate: has to lie between 0 and 0.1"},
		"unionpay certificate":  {func(h *config.Hospital) { h.Channels.UnionPay.MerchantCertFile = "" }, "channels.unionpay.merchant_cert_file: a secret's file is not configured"},
		"unionpay root":         {func(h *config.Hospital) { h.Channels.UnionPay.RootCertFile = missing }, "channels.unionpay.root_cert_file: read secret"},
		"unionpay address":      {func(h *config.Hospital) { h.Channels.UnionPay.BaseURL = "" }, "channels.unionpay: "},
		"insurance secret":      {func(h *config.Hospital) { h.Channels.Insurance.AppSecretFile = missing }, "channels.insurance.app_secret_file: read secret"},
		"insurance key":         {func(h *config.Hospital) { h.Channels.Insurance.PrivateKeyFile = garbage }, "channels.insurance: "},
		"his token":             {func(h *config.Hospital) { h.HIS.TokenFile = "" }, "his.token_file: a secret's file is not configured"},
		"his address":           {func(h *config.Hospital) { h.HIS.BaseURL = "his" }, "his: the base URL is absolute"},
		"sms key":               {func(h *config.Hospital) { h.SMS.KeyFile = missing }, "sms.key_file: read secret"},
		"sms account":           {func(h *config.Hospital) { h.SMS.Account = "" }, "sms: "},
		"face token":            {func(h *config.Hospital) { h.Face.AccessTokenFile = missing }, "face.access_token_file: read secret"},
		"face address":          {func(h *config.Hospital) { h.Face.BaseURL = "ftp://x" }, "face: "},
	} {
		t.Run(name, func(t *testing.T) {
			h := complete(dir)
			tc.change(&h)
			d, err := open(t, h)
			require.Nil(t, d)
			require.ErrorContains(t, err, "hospital ren-he: ")
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "\n", "one mistake, one line")
		})
	}
}

func TestTheMerchantCertificateMayBeReplacedByItsNumber(t *testing.T) {
	h := complete(letters(t))
	h.Channels.UnionPay.MerchantCertFile, h.Channels.UnionPay.CertID = "", "3"
	_, err := open(t, h)
	require.NoError(t, err)
}

func TestTheFaceChecksTokenIsReadAtEveryCall(t *testing.T) {
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Query().Get("access_token"))
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(server.Close)
	dir := letters(t)
	h := complete(dir)
	h.Face.BaseURL = server.URL
	d, err := open(t, h)
	require.NoError(t, err)
	face, err := d.Face("ren-he")
	require.NoError(t, err)
	person := identity.FaceStart{OutSeqNo: "ver_1234567", Name: "张小明", IDNumber: "11010519491231002X", OpenID: "openid"}
	_, _ = face.Start(t.Context(), person) // the answer is of no use; only the question counts
	require.NoError(t, os.WriteFile(filepath.Join(dir, "token"), []byte("second\n"), 0o600))
	_, _ = face.Start(t.Context(), person)
	require.Equal(t, []string{"first", "second"}, seen)
}

func TestTheTextIsTheOneThatTheHospitalAgreedOn(t *testing.T) {
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
	}))
	t.Cleanup(server.Close)
	h := complete(letters(t))
	h.SMS.BaseURL, h.SMS.Template = server.URL, "agreed"
	d, err := open(t, h)
	require.NoError(t, err)
	sms, err := d.SMS("ren-he")
	require.NoError(t, err)
	_ = sms.Send(t.Context(), identity.Message{Phone: "13800000000", Template: "ours", Code: "012345", Ref: "ref"})
	require.Contains(t, string(body), `"template":"agreed"`)
}
