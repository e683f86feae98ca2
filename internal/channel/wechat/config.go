package wechat

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"

	"github.com/regpay/regpay/internal/outbound"
)

// DefaultTimeout bounds one request to WeChat Pay where Config says nothing.
const DefaultTimeout = 10 * time.Second

// Config is one merchant account at WeChat Pay (a merchant that is contracted
// directly, 直连商户).
type Config struct {
	HospitalID     string
	AppID          string // the app or official account in which patients pay
	MchID          string
	MerchantSerial string // of the merchant certificate, upper hex
	MerchantKeyPEM []byte // its private key, PKCS #8
	APIv3Key       string // 32 bytes; decrypts notifications and certificates

	// PublicKeyID and PublicKeyPEM are WeChat Pay's public key, which accounts
	// opened since 2024 verify by. Without them the account verifies by
	// platform certificates, which the client downloads when it needs them.
	PublicKeyID  string
	PublicKeyPEM []byte

	BaseURL   string // scheme and host; empty: https://api.mch.weixin.qq.com
	NotifyURL string // where payments and refunds are notified; no query
	Timeout   time.Duration

	// Transport sends the requests; nil: one with a connection pool of its own.
	Transport http.RoundTripper
	// Now is the clock for freshness and for the parameters of the app's call;
	// nil: time.Now. (The library signs and checks by the system's clock.)
	Now func() time.Time
}

// settled is a Config that was found usable.
type settled struct {
	Config
	base        *url.URL
	merchantKey *rsa.PrivateKey
	publicKey   *rsa.PublicKey // nil in certificate mode
}

// settle checks the configuration as a whole and fills the defaults. Its
// errors name fields and never show keys.
func (c Config) settle() (settled, error) {
	s := settled{Config: c}
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, f := range []struct{ name, value string }{
		{"hospital id", c.HospitalID}, {"app id", c.AppID}, {"merchant id", c.MchID}, {"merchant serial", c.MerchantSerial},
	} {
		if f.value == "" {
			wrong("no %s", f.name)
		}
	}
	if len(c.APIv3Key) != 32 {
		wrong("the APIv3 key has %d bytes instead of 32", len(c.APIv3Key))
	}
	var err error
	if s.merchantKey, err = utils.LoadPrivateKey(string(c.MerchantKeyPEM)); err != nil {
		wrong("merchant key: %w", err)
	}
	if (c.PublicKeyID == "") != (len(c.PublicKeyPEM) == 0) {
		wrong("the public key and its id belong together")
	} else if c.PublicKeyID != "" {
		if s.publicKey, err = utils.LoadPublicKey(string(c.PublicKeyPEM)); err != nil {
			wrong("public key: %w", err)
		}
	}
	if s.base, err = baseURL(c.BaseURL); err != nil {
		errs = append(errs, err)
	} else if err := checkNotifyURL(c.NotifyURL, s.base); err != nil {
		errs = append(errs, err)
	}
	if s.Timeout <= 0 {
		s.Timeout = DefaultTimeout
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Transport == nil {
		s.Transport = outbound.Pool()
	}
	return s, errors.Join(errs...)
}

func baseURL(s string) (*url.URL, error) {
	if s == "" {
		s = consts.WechatPayAPIServer
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	// A path would be covered by the signature and not by the rewriting.
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || (u.Path != "" && u.Path != "/") || u.RawQuery != "" {
		return nil, errors.New("the base URL is http(s) with a host alone")
	}
	return u, nil
}

// checkNotifyURL holds WeChat Pay's own rule (https, no query), except that a
// counterparty that is itself reached by plain http may answer in kind.
func checkNotifyURL(s string, base *url.URL) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(s) > 255 {
		return errors.New("the notify URL is absolute and has no query")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || base.Scheme != "http") {
		return errors.New("the notify URL has to be https")
	}
	return nil
}
