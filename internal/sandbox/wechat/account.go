package wechat

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"path"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// account is what is kept of a merchant besides its key files.
type account struct {
	MchID          string `json:"mchid"`
	AppID          string `json:"appid"`
	MerchantSerial string `json:"merchant_serial"`
	PublicKeyID    string `json:"public_key_id"`
	PlatformSerial string `json:"platform_serial"`
}

// merchant is one hospital's account as the platform knows it.
type merchant struct {
	account
	hospital string
	mode     Mode
	// publicKey checks what the merchant signs; its private half is in the
	// merchant's hands alone.
	publicKey *rsa.PublicKey
	// platformKey signs what the merchant is told.
	platformKey *rsa.PrivateKey
	certificate []byte // PEM, in certificate mode
	validFrom   time.Time
	validTo     time.Time
	apiV3Key    []byte // 32 bytes, AES-256
}

const merchantKeyBits = 2048 // what the platform issues

func openAccount(files *sandbox.Files, hospital string, mode Mode, now time.Time) (*merchant, error) {
	dir := path.Join(hospital, Name)
	m := &merchant{hospital: hospital, mode: mode}
	err := files.JSON(path.Join(dir, "account.json"), &m.account, func() (err error) {
		m.account, err = newAccount(now)
		return err
	})
	if err != nil {
		return nil, err
	}
	merchantKey, err := files.RSAKey(path.Join(dir, "merchant_key.pem"), merchantKeyBits)
	if err != nil {
		return nil, err
	}
	m.publicKey = &merchantKey.PublicKey
	if m.platformKey, err = files.RSAKey(path.Join(dir, "platform_key.pem"), merchantKeyBits); err != nil {
		return nil, err
	}
	key, err := files.Secret(path.Join(dir, "apiv3_key.txt"), 16) // 32 characters, used as they are
	if err != nil {
		return nil, err
	}
	m.apiV3Key = []byte(key)
	if _, err = files.LoadOrCreate(path.Join(dir, "wechatpay_public_key.pem"), m.publicKeyPEM); err != nil {
		return nil, err
	}
	if mode == Certificate {
		err = m.loadCertificate(files, path.Join(dir, "platform_cert.pem"), now)
	}
	return m, err
}

func newAccount(now time.Time) (account, error) {
	var random [48]byte
	if _, err := rand.Read(random[:]); err != nil {
		return account{}, err
	}
	// Merchant numbers are 10 digits; those issued to direct merchants begin with 19 or 16.
	number := new(big.Int).SetBytes(random[:8])
	mchid := fmt.Sprintf("19%08d", number.Mod(number, big.NewInt(100_000_000)))
	return account{
		MchID:          mchid,
		AppID:          "wx" + hex.EncodeToString(random[8:16]),
		MerchantSerial: serialHex(random[16:32]),
		PublicKeyID:    "PUB_KEY_ID_01" + mchid + now.In(beijing).Format("20060102150405") + "00",
		PlatformSerial: serialHex(random[32:48]),
	}, nil
}

// serialHex is a certificate serial as the platform writes it: 40 upper-case
// hex digits.
func serialHex(random []byte) string {
	return "5F" + strings.ToUpper(hex.EncodeToString(random)) + "0A1B2C"
}

func (m *merchant) publicKeyPEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(&m.platformKey.PublicKey)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

func (m *merchant) loadCertificate(files *sandbox.Files, rel string, now time.Time) error {
	content, err := files.LoadOrCreate(rel, func() ([]byte, error) {
		serial, ok := new(big.Int).SetString(m.PlatformSerial, 16)
		if !ok {
			return nil, fmt.Errorf("serial %q", m.PlatformSerial)
		}
		template := &x509.Certificate{
			SerialNumber: serial,
			Subject: pkix.Name{CommonName: "Tenpay.com sign", Organization: []string{"Tenpay.com"},
				Country: []string{"CN"}},
			NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(5, 0, 0),
			KeyUsage: x509.KeyUsageDigitalSignature,
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &m.platformKey.PublicKey, m.platformKey)
		if err != nil {
			return nil, err
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
	})
	if err != nil {
		return err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return fmt.Errorf("reading %s: no PEM block", rel)
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("reading %s: %w", rel, err)
	}
	m.certificate, m.validFrom, m.validTo = content, parsed.NotBefore, parsed.NotAfter
	return nil
}

// platformSerial is the Wechatpay-Serial of what the platform signs.
func (m *merchant) platformSerial() string {
	if m.mode == Certificate {
		return m.PlatformSerial
	}
	return m.PublicKeyID
}

// Fragment is a hospital's part of the onboarding manifest. Paths are relative
// to the sandbox's directory.
type Fragment struct {
	MchID          string `json:"mchid"`
	AppID          string `json:"appid"`
	MerchantSerial string `json:"merchant_serial"`
	MerchantKey    string `json:"merchant_key"`
	APIv3Key       string `json:"apiv3_key"`
	VerifyMode     Mode   `json:"verify_mode"`
	// PublicKeyID and PublicKey are empty in certificate mode, as for a real
	// merchant that has no WeChat Pay public key.
	PublicKeyID string `json:"public_key_id,omitempty"`
	PublicKey   string `json:"public_key,omitempty"`
}

func (m *merchant) fragment() Fragment {
	dir := path.Join(m.hospital, Name)
	f := Fragment{MchID: m.MchID, AppID: m.AppID, MerchantSerial: m.MerchantSerial, VerifyMode: m.mode,
		MerchantKey: path.Join(dir, "merchant_key.pem"), APIv3Key: path.Join(dir, "apiv3_key.txt")}
	if m.mode == PublicKey {
		f.PublicKeyID, f.PublicKey = m.PublicKeyID, path.Join(dir, "wechatpay_public_key.pem")
	}
	return f
}
