package unionpay

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/outbound"
)

// Defaults of Config.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultCloseMargin = time.Minute
)

// Config is one hospital's account at UnionPay.
type Config struct {
	HospitalID string
	MerID      string // 15 characters, from the contract
	// CertID is the decimal serial number of the merchant's certificate; empty:
	// it is read from MerchantCertPEM.
	CertID          string
	MerchantKeyPEM  []byte // RSA private key, PKCS#1 or PKCS#8
	MerchantCertPEM []byte // optional when CertID is set
	RootPEM         []byte // UnionPay's root certificate (acp_prod_root.cer)
	MiddlePEM       []byte // its middle certificate (acp_prod_middle.cer)
	// GatewayURL is the address up to and with ".../gateway/api"; the names of
	// the calls (frontTransReq.do, …) are added to it.
	GatewayURL string
	BackURL    string // where UnionPay posts notifications
	FrontURL   string // where the patient's browser returns to; for scene front
	// ChannelType is 07 for a computer's browser, 08 for a phone. Default 08.
	ChannelType string
	// TestCertificates also accepts the certificates of UnionPay's own test
	// gateway, whose CN has 00040000:SIGN in the place of the company's name.
	TestCertificates bool
	// CloseMargin is how long after ExpiresAt an order can still turn out to be
	// paid: both clocks' error and a payment under way. Default one minute.
	CloseMargin time.Duration
	// Timeout bounds one HTTP call; default 10 s. The context may be shorter.
	Timeout   time.Duration
	Transport http.RoundTripper // default: a clone of http.DefaultTransport
	Clock     func() time.Time  // default time.Now
}

// Client is one hospital's account. It keeps no state between calls and is
// safe for concurrent use.
type Client struct {
	cfg     Config
	gateway string
	certID  string
	key     *rsa.PrivateKey
	trust   trust
	http    *http.Client
}

var _ channel.Client = (*Client)(nil)

var merID = regexp.MustCompile(`^[0-9A-Za-z]{15}$`)

// New checks the configuration and its keys. It makes no network call.
func New(cfg Config) (*Client, error) {
	c, err := build(cfg)
	if err != nil {
		return nil, fmt.Errorf("unionpay of hospital %s: %w", cfg.HospitalID, err)
	}
	return c, nil
}

func build(cfg Config) (*Client, error) {
	if !merID.MatchString(cfg.MerID) {
		return nil, errors.New("merchant number: 15 letters and digits are needed")
	}
	if err := checkURLs(cfg); err != nil {
		return nil, err
	}
	switch cfg.ChannelType {
	case "":
		cfg.ChannelType = "08"
	case "07", "08":
	default:
		return nil, errors.New("channel type: 07 or 08")
	}
	if cfg.CloseMargin < 0 || cfg.Timeout < 0 {
		return nil, errors.New("close margin and timeout cannot be negative")
	}
	if cfg.CloseMargin == 0 {
		cfg.CloseMargin = DefaultCloseMargin
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	c := &Client{cfg: cfg, gateway: strings.TrimRight(cfg.GatewayURL, "/"), http: outbound.Client(cfg.Transport, 0)}
	var err error
	if c.key, err = parseKey(cfg.MerchantKeyPEM); err != nil {
		return nil, fmt.Errorf("merchant key: %w", err)
	}
	if c.certID, err = certID(cfg, c.key); err != nil {
		return nil, err
	}
	if c.trust, err = newTrust(cfg.RootPEM, cfg.MiddlePEM, cfg.TestCertificates); err != nil {
		return nil, err
	}
	return c, nil
}

func checkURLs(cfg Config) error {
	for _, u := range []struct {
		name, value string
		optional    bool
	}{
		{"gateway URL", cfg.GatewayURL, false},
		{"back URL", cfg.BackURL, false},
		{"front URL", cfg.FrontURL, true},
	} {
		if u.value == "" && u.optional {
			continue
		}
		p, err := url.Parse(u.value)
		if err != nil || p.Host == "" || (p.Scheme != "https" && p.Scheme != "http") {
			return fmt.Errorf("%s: an absolute http(s) address is needed", u.name)
		}
	}
	return nil
}

// certID is the configured serial, or the certificate's; a certificate that is
// not the key's would have every request refused, so it is refused here.
func certID(cfg Config, key *rsa.PrivateKey) (string, error) {
	if len(cfg.MerchantCertPEM) == 0 {
		if cfg.CertID == "" {
			return "", errors.New("merchant certificate: its serial number or the certificate is needed")
		}
		return cfg.CertID, nil
	}
	cert, err := parseCert(cfg.MerchantCertPEM)
	if err != nil {
		return "", fmt.Errorf("merchant certificate: %w", err)
	}
	if pub, ok := cert.PublicKey.(*rsa.PublicKey); !ok || !pub.Equal(&key.PublicKey) {
		return "", errors.New("merchant certificate: it is not the merchant key's")
	}
	serial := cert.SerialNumber.String()
	if cfg.CertID != "" && cfg.CertID != serial {
		return "", errors.New("merchant certificate: its serial number is not the configured one")
	}
	return serial, nil
}

func newPool(cert *x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(cert)
	return p
}
