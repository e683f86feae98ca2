package insurance

import (
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/outbound"
)

// Defaults of Config.
const (
	DefaultPathPrefix      = "/org/local/api/hos"
	DefaultVersion         = "2.0.1"
	DefaultTimestampLayout = "20060102150405"
	DefaultUserID          = "1234567812345678"
	DefaultTimeout         = 15 * time.Second
	DefaultFreshness       = 10 * time.Minute
)

// Config is one hospital's access to the platform.
type Config struct {
	HospitalID    string
	AppID         string // at least 16 characters: the SM4 key is made of it
	AppSecret     string
	OrgCode       string // orgCodg, the hospital's code at the insurance
	PrivateKeyHex string // SM2, 32 bytes
	// PlatformPublicKeyHex is the platform's SM2 key: 65 bytes beginning with
	// 04, or 64 without it.
	PlatformPublicKeyHex string
	BaseURL              string // scheme and host
	PathPrefix           string
	Version              string
	TimestampLayout      string // Go layout of the envelope's timestamp, Asia/Shanghai
	UserID               string // SM2 signer's id
	NotifyURL            string // where 6302 comes to; sent as extData.notifyUrl
	// ExtraUpload adds constant fields to the 6201 body, or replaces the
	// constants of this package (medType, feeType, …), as a province asks.
	ExtraUpload map[string]string
	// BusyCodes are reply codes that mean "not now", besides HTTP 429.
	BusyCodes []string
	// RevokedCodes are reply codes of 6201 that mean "this number was revoked".
	// Without them a charge that was closed while its Handle was lost can only
	// be reported as Uncertain when it is asked for once more.
	RevokedCodes []string
	// Freshness is how far a notice's timestamp may be from the clock.
	Freshness time.Duration
	// Timeout bounds one HTTP call; the context may be shorter.
	Timeout   time.Duration
	Transport http.RoundTripper // default: a clone of http.DefaultTransport
	Clock     func() time.Time  // default time.Now
}

// Client is one hospital's access. It keeps no state between calls and is safe
// for concurrent use.
type Client struct {
	cfg      Config
	base     string
	sm4      []byte
	key      *sm2.PrivateKey
	platform *ecdsa.PublicKey
	http     *http.Client
}

var _ channel.Client = (*Client)(nil)

// New checks the configuration and its keys. It makes no network call.
func New(cfg Config) (*Client, error) {
	c, err := build(cfg)
	if err != nil {
		return nil, fmt.Errorf("insurance of hospital %s: %w", cfg.HospitalID, err)
	}
	return c, nil
}

func build(cfg Config) (*Client, error) {
	if cfg.AppSecret == "" || cfg.OrgCode == "" {
		return nil, errors.New("app secret and organisation code are needed")
	}
	base, err := url.Parse(cfg.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return nil, errors.New("base URL: an absolute http(s) address is needed")
	}
	if cfg.Freshness < 0 || cfg.Timeout < 0 {
		return nil, errors.New("freshness and timeout cannot be negative")
	}
	withDefaults(&cfg)
	c := &Client{cfg: cfg, http: outbound.Client(cfg.Transport, 0)}
	c.base = strings.TrimRight(cfg.BaseURL, "/") + "/" + strings.Trim(cfg.PathPrefix, "/")
	if c.sm4, err = sm4Key(cfg.AppID, cfg.AppSecret); err != nil {
		return nil, err
	}
	if c.key, err = privateKey(cfg.PrivateKeyHex); err != nil {
		return nil, err
	}
	if c.platform, err = publicKey(cfg.PlatformPublicKeyHex); err != nil {
		return nil, err
	}
	return c, nil
}

func withDefaults(cfg *Config) {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&cfg.PathPrefix, DefaultPathPrefix},
		{&cfg.Version, DefaultVersion},
		{&cfg.TimestampLayout, DefaultTimestampLayout},
		{&cfg.UserID, DefaultUserID},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Freshness == 0 {
		cfg.Freshness = DefaultFreshness
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	cfg.ExtraUpload = maps.Clone(cfg.ExtraUpload)
	cfg.BusyCodes = slices.Clone(cfg.BusyCodes)
	cfg.RevokedCodes = slices.Clone(cfg.RevokedCodes)
}

func privateKey(s string) (*sm2.PrivateKey, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, errors.New("private key: not hex")
	}
	key, err := sm2.NewPrivateKey(b)
	if err != nil {
		return nil, errors.New("private key: not an SM2 key of 32 bytes")
	}
	return key, nil
}

func publicKey(s string) (*ecdsa.PublicKey, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, errors.New("platform key: not hex")
	}
	if len(b) == 64 {
		b = append([]byte{4}, b...)
	}
	key, err := sm2.NewPublicKey(b)
	if err != nil {
		return nil, errors.New("platform key: not a point of the SM2 curve")
	}
	return key, nil
}
