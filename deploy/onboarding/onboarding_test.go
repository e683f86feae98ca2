package onboarding_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/onboarding"
	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/payment"
)

// handedOut is a manifest of two hospitals, of which the second one verifies
// WeChat Pay by certificates.
func handedOut() stack.Manifest {
	m := stack.Manifest{Dir: "/run/sandbox", Hospitals: map[string]stack.HospitalManifest{}, Endpoints: map[string]string{
		"wechat": "http://127.0.0.1:1", "unionpay": "http://127.0.0.1:2", "insurance": "http://127.0.0.1:3", "identity": "http://127.0.0.1:5"}}
	for i, id := range []string{"h-two", "h-one"} {
		var h stack.HospitalManifest
		n := string(rune('1' + i))
		h.WeChat.MchID, h.WeChat.MerchantKey, h.WeChat.VerifyMode = "190000000"+n, id+"/merchant_key.pem", "certificate"
		h.WeChat.PublicKeyID, h.WeChat.PublicKey = "PUB_KEY_ID_1", id+"/wechat.pem"
		if id == "h-one" {
			h.WeChat.VerifyMode = "public_key"
		}
		h.UnionPay.MerID, h.UnionPay.RootCert = "77729005811000"+n, "/etc/unionpay/root.pem"
		h.Insurance.OrgCode = "H1101001000" + n
		h.HIS.BaseURL, h.HIS.BearerToken = "http://127.0.0.1:4/fhir", id+"/his_token"
		h.Identity.SMSAccount, h.Identity.AccessToken = "sms-"+id, id+"/face_token"
		m.Hospitals[id] = h
	}
	return m
}

func TestHospitalsComeInTheOrderOfTheirIDs(t *testing.T) {
	all := onboarding.Hospitals(handedOut(), onboarding.Terms{})
	require.Len(t, all, 2)
	require.Equal(t, "h-one", all[0].ID)
	require.Equal(t, "sms-h-one", all[0].SMS.Account)
	require.Equal(t, "h-two", all[1].ID)
	require.Equal(t, "1900000001", all[1].Channels.WeChat.MchID)
}

func TestFilesAreNamedAsRegpayFindsThem(t *testing.T) {
	for name, tc := range map[string]struct{ filesIn, key, face string }{
		"in the configuration's own folder": {"", "h-one/merchant_key.pem", "h-one/face_token"},
		"in a folder of their own":          {"/run/sandbox", "/run/sandbox/h-one/merchant_key.pem", "/run/sandbox/h-one/face_token"},
	} {
		t.Run(name, func(t *testing.T) {
			h := onboarding.Hospitals(handedOut(), onboarding.Terms{FilesIn: tc.filesIn})[0]
			require.Equal(t, tc.key, h.Channels.WeChat.MerchantKeyFile)
			require.Equal(t, tc.face, h.Face.AccessTokenFile)
			require.Equal(t, "/etc/unionpay/root.pem", h.Channels.UnionPay.RootCertFile, "an absolute name stays")
			require.Empty(t, h.Channels.Insurance.AppSecretFile, "what was not handed out is not a folder")
		})
	}
}

func TestCertificateModeHasNoPublicKey(t *testing.T) {
	all := onboarding.Hospitals(handedOut(), onboarding.Terms{})
	require.Equal(t, "PUB_KEY_ID_1", all[0].Channels.WeChat.PublicKeyID)
	require.Equal(t, "h-one/wechat.pem", all[0].Channels.WeChat.PublicKeyFile)
	require.Empty(t, all[1].Channels.WeChat.PublicKeyID)
	require.Empty(t, all[1].Channels.WeChat.PublicKeyFile)
}

func TestTheInsurancesOwnCodesAreWrittenDown(t *testing.T) {
	i := onboarding.Hospitals(handedOut(), onboarding.Terms{})[0].Channels.Insurance
	require.NotEmpty(t, i.BusyCodes)
	require.NotEmpty(t, i.RevokedCodes)
}

func TestARateThatIsNotNamedIsTheUsualOne(t *testing.T) {
	h := onboarding.Hospitals(handedOut(), onboarding.Terms{FeeRates: map[payment.Channel]string{payment.WeChat: "0.01"}})[0]
	require.Equal(t, "0.01", h.Channels.WeChat.FeeRate)
	require.Equal(t, "0.005", h.Channels.UnionPay.FeeRate)
	require.Equal(t, "0", h.Channels.Insurance.FeeRate)
}

func TestOnlyAConfigurationThatCanBeReadIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "regpay.yaml")
	c := config.Config{
		Database: config.Database{DSNFile: "dsn"}, HTTP: config.HTTP{PublicURL: "http://127.0.0.1:10"},
		Encryption: config.Encryption{Active: "k1", Keys: []config.EncryptionKey{{ID: "k1", File: "k1"}}, IndexKeyFile: "index"},
		Hospitals:  onboarding.Hospitals(handedOut(), onboarding.Terms{}),
	}
	require.ErrorContains(t, onboarding.Write(c, path), "callback_secret_file")
	require.NoFileExists(t, path)

	for i := range c.Hospitals {
		c.Hospitals[i].CallbackSecretFile = "callback." + c.Hospitals[i].ID
	}
	require.NoError(t, onboarding.Write(c, path))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.NoFileExists(t, path+".new")
	_, err = config.Load(path)
	require.NoError(t, err)
}
