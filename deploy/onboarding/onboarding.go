// Package onboarding turns what the sandbox's counterparties handed out into
// the hospitals of a configuration, as the person does who installs regpay with
// the letters of the real ones: account numbers go where they belong, keys stay
// in the files that they came in, and what a province has of its own (its reply
// codes) is written down.
//
// The local stack and the containers' profile "sandbox" both start from it, so
// that what one of them learns of the counterparties the other one knows too.
// It speaks of the manifest alone and imports none of the sandbox's code.
package onboarding

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/payment"
)

// returnURL is where a patient's browser goes after UnionPay's cashier: a page
// of the booking app, of which there is none here.
const returnURL = "https://booking.example.org/paid"

// Terms are what an installation decides itself. The zero value is a working
// one.
type Terms struct {
	// FilesIn is the folder in which regpay finds the files that were handed
	// out; empty: the configuration's own folder.
	FilesIn string
	// FeeRates is what a channel keeps of a capture, "0.006" for 0.6 %. Channels
	// that are not named take WeChat Pay's and UnionPay's usual 0.6 % and 0.5 %,
	// and nothing for the insurance.
	FeeRates map[payment.Channel]string
}

// Hospitals are the manifest's hospitals in the order of their ids, complete
// but for the callback secret, which is regpay's own.
func Hospitals(m stack.Manifest, t Terms) []config.Hospital {
	rates := map[payment.Channel]string{payment.WeChat: "0.006", payment.UnionPay: "0.005", payment.Insurance: "0"}
	maps.Copy(rates, t.FeeRates)
	var all []config.Hospital
	for _, id := range slices.Sorted(maps.Keys(m.Hospitals)) {
		all = append(all, accounts{m, m.Hospitals[id], t.FilesIn, rates}.hospital(id))
	}
	return all
}

// accounts are one hospital's everywhere.
type accounts struct {
	manifest stack.Manifest
	of       stack.HospitalManifest
	filesIn  string
	rates    map[payment.Channel]string
}

// file is a file that was handed out, under its name for regpay.
func (a accounts) file(name string) string {
	if name == "" || a.filesIn == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(a.filesIn, name)
}

func (a accounts) hospital(id string) config.Hospital {
	identity := a.manifest.Endpoints["identity"]
	return config.Hospital{
		ID:       id,
		Name:     map[string]string{"zh-CN": "沙箱医院 " + id, "en": "Sandbox hospital " + id},
		Channels: config.Channels{WeChat: a.wechat(), UnionPay: a.unionpay(), Insurance: a.insurance()},
		HIS:      config.HIS{Kind: "fhir", BaseURL: a.of.HIS.BaseURL, TokenFile: a.file(a.of.HIS.BearerToken)},
		SMS:      config.SMS{BaseURL: identity, Account: a.of.Identity.SMSAccount, KeyFile: a.file(a.of.Identity.SMSKey)},
		Face:     config.Face{BaseURL: identity, AccessTokenFile: a.file(a.of.Identity.AccessToken)},
	}
}

func (a accounts) wechat() *config.WeChat {
	w := &config.WeChat{
		BaseURL: a.manifest.Endpoints["wechat"], AppID: a.of.WeChat.AppID, MchID: a.of.WeChat.MchID,
		MerchantSerial: a.of.WeChat.MerchantSerial, MerchantKeyFile: a.file(a.of.WeChat.MerchantKey),
		APIv3KeyFile: a.file(a.of.WeChat.APIv3Key), FeeRate: a.rates[payment.WeChat],
	}
	// In certificate mode the client fetches WeChat Pay's certificates itself.
	if a.of.WeChat.VerifyMode == "public_key" {
		w.PublicKeyID, w.PublicKeyFile = a.of.WeChat.PublicKeyID, a.file(a.of.WeChat.PublicKey)
	}
	return w
}

func (a accounts) unionpay() *config.UnionPay {
	return &config.UnionPay{
		BaseURL: a.manifest.Endpoints["unionpay"], MerID: a.of.UnionPay.MerID, CertID: a.of.UnionPay.CertID,
		MerchantKeyFile: a.file(a.of.UnionPay.MerchantKey), MerchantCertFile: a.file(a.of.UnionPay.MerchantCert),
		RootCertFile: a.file(a.of.UnionPay.RootCert), MiddleCertFile: a.file(a.of.UnionPay.MiddleCert),
		FrontURL: returnURL, FeeRate: a.rates[payment.UnionPay],
	}
}

func (a accounts) insurance() *config.Insurance {
	return &config.Insurance{
		BaseURL: a.manifest.Endpoints["insurance"], AppID: a.of.Insurance.AppID, AppSecretFile: a.file(a.of.Insurance.AppSecret),
		OrgCode: a.of.Insurance.OrgCode, PrivateKeyFile: a.file(a.of.Insurance.PrivateKey),
		PlatformPublicKeyFile: a.file(a.of.Insurance.PlatformPublicKey), FeeRate: a.rates[payment.Insurance],
		// The sandbox's own words for "not now: ask again" and "this number was
		// revoked", which each province chooses for itself.
		BusyCodes: []string{"9001", "1004"}, RevokedCodes: []string{"3003"},
	}
}
