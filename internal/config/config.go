// Package config reads the one file that an installation is configured by.
// deploy/regpay.yaml documents every key. Secrets are not in it: a key that
// ends in _file names a file whose content is the secret, and ${NAME} in any
// value is taken from the environment.
package config

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Config is an installation.
type Config struct {
	Temporal   Temporal   `yaml:"temporal"`
	Database   Database   `yaml:"database"`
	HTTP       HTTP       `yaml:"http"`
	Encryption Encryption `yaml:"encryption"`
	Workers    Workers    `yaml:"workers"`
	Console    Console    `yaml:"console"`
	Hospitals  []Hospital `yaml:"hospitals"`
	// HolidaysFile adds the public holidays of years that this version does not
	// know, in the form that calendar.Read takes.
	HolidaysFile string `yaml:"holidays_file"`

	dir string // of the file: relative paths start here
}

// Temporal says where the engine is.
type Temporal struct {
	Address   string `yaml:"address"`
	Namespace string `yaml:"namespace"`
	// TLS with a client certificate; empty for a plain connection.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	CAFile   string `yaml:"ca_file"`
}

// Database says where the books are: a lib/pq connection string.
type Database struct {
	DSN      string `yaml:"dsn"`
	DSNFile  string `yaml:"dsn_file"`
	MaxConns int    `yaml:"max_conns"`
}

// HTTP is the API's face.
type HTTP struct {
	Listen string `yaml:"listen"`
	// PublicURL is how channels and patients reach Listen, without a slash at
	// the end: notification URLs are made of it.
	PublicURL string `yaml:"public_url"`
	// CodecToken opens the endpoint that decrypts payloads for operators.
	CodecTokenFile string `yaml:"codec_token_file"`
	// UIOrigin is the origin of Temporal's UI, allowed to call that endpoint.
	UIOrigin string `yaml:"ui_origin"`
}

// Encryption has the SM4 keys of what is kept encrypted: 32 hex digits each.
// Old keys stay as long as something is left that they wrote.
type Encryption struct {
	Active string          `yaml:"active"`
	Keys   []EncryptionKey `yaml:"keys"`
	// IndexKeyFile keys the blind indexes; it is never rotated.
	IndexKeyFile string `yaml:"index_key_file"`
}

// EncryptionKey is a named key.
type EncryptionKey struct {
	ID   string `yaml:"id"`
	File string `yaml:"file"`
}

// Hospital is one hospital's accounts everywhere.
type Hospital struct {
	ID       string            `yaml:"id"`
	Name     map[string]string `yaml:"name"` // by language: zh-CN, en
	Channels Channels          `yaml:"channels"`
	HIS      HIS               `yaml:"his"`
	SMS      SMS               `yaml:"sms"`
	Face     Face              `yaml:"face"`
	Risk     Risk              `yaml:"risk"`
	Review   Review            `yaml:"review"`
	// CallbackSecretFile signs what the booking backend is told.
	CallbackSecretFile string `yaml:"callback_secret_file"`
}

// Channels are the ways to pay; a missing one is not offered.
type Channels struct {
	WeChat    *WeChat    `yaml:"wechat"`
	UnionPay  *UnionPay  `yaml:"unionpay"`
	Insurance *Insurance `yaml:"insurance"`
}

// WeChat is a WeChat Pay merchant. With public_key_id and public_key_file
// replies are verified by WeChat Pay's public key, without them by its
// platform certificates.
type WeChat struct {
	BaseURL         string        `yaml:"base_url"`
	AppID           string        `yaml:"appid"`
	MchID           string        `yaml:"mchid"`
	MerchantSerial  string        `yaml:"merchant_serial"`
	MerchantKeyFile string        `yaml:"merchant_key_file"`
	APIv3KeyFile    string        `yaml:"apiv3_key_file"`
	PublicKeyID     string        `yaml:"public_key_id"`
	PublicKeyFile   string        `yaml:"public_key_file"`
	FeeRate         string        `yaml:"fee_rate"`
	Timeout         time.Duration `yaml:"timeout"`
	Guard           Guard         `yaml:"guard"`
}

// UnionPay is a UnionPay merchant.
type UnionPay struct {
	BaseURL          string `yaml:"base_url"`
	MerID            string `yaml:"mer_id"`
	CertID           string `yaml:"cert_id"`
	MerchantKeyFile  string `yaml:"merchant_key_file"`
	MerchantCertFile string `yaml:"merchant_cert_file"`
	RootCertFile     string `yaml:"root_cert_file"`
	MiddleCertFile   string `yaml:"middle_cert_file"`
	// FrontURL is where the browser returns to; the front scene needs it.
	FrontURL    string `yaml:"front_url"`
	ChannelType string `yaml:"channel_type"` // 07 or 08, the default
	// TestCertificates also accepts the signer of UnionPay's own test gateway.
	TestCertificates bool          `yaml:"test_certificates"`
	FeeRate          string        `yaml:"fee_rate"`
	Timeout          time.Duration `yaml:"timeout"`
	// CloseMargin is how long after its time an order may still turn out to be
	// paid; UnionPay has no call that closes one.
	CloseMargin time.Duration `yaml:"close_margin"`
	Guard       Guard         `yaml:"guard"`
}

// Insurance is a hospital at its province's insurance platform.
type Insurance struct {
	BaseURL               string `yaml:"base_url"`
	PathPrefix            string `yaml:"path_prefix"`
	Version               string `yaml:"version"`
	TimestampLayout       string `yaml:"timestamp_layout"`
	AppID                 string `yaml:"app_id"`
	AppSecretFile         string `yaml:"app_secret_file"`
	OrgCode               string `yaml:"org_code"`
	PrivateKeyFile        string `yaml:"private_key_file"`
	PlatformPublicKeyFile string `yaml:"platform_public_key_file"`
	UserID                string `yaml:"user_id"`
	// Freshness is how far a notice's timestamp may be from the clock.
	Freshness time.Duration `yaml:"freshness"`
	// BusyCodes and RevokedCodes are a province's reply codes for "not now" and
	// "this number was revoked"; ExtraUpload its constant fields of 6201.
	BusyCodes    []string          `yaml:"busy_codes"`
	RevokedCodes []string          `yaml:"revoked_codes"`
	ExtraUpload  map[string]string `yaml:"extra_upload"`
	FeeRate      string            `yaml:"fee_rate"`
	Timeout      time.Duration     `yaml:"timeout"`
	Guard        Guard             `yaml:"guard"`
}

// HIS is the hospital information system; kind is fhir.
type HIS struct {
	Kind      string        `yaml:"kind"`
	BaseURL   string        `yaml:"base_url"`
	TokenFile string        `yaml:"token_file"`
	Timeout   time.Duration `yaml:"timeout"`
	Guard     Guard         `yaml:"guard"`
}

// SMS is the gateway that sends verification codes.
type SMS struct {
	BaseURL  string        `yaml:"base_url"`
	Account  string        `yaml:"account"`
	KeyFile  string        `yaml:"key_file"`
	Template string        `yaml:"template"`
	Timeout  time.Duration `yaml:"timeout"`
}

// Face is WeChat's face check.
type Face struct {
	BaseURL         string        `yaml:"base_url"`
	AccessTokenFile string        `yaml:"access_token_file"`
	Timeout         time.Duration `yaml:"timeout"`
}

// Risk are the limits of the risk rules; zero is no limit.
type Risk struct {
	Window          time.Duration `yaml:"window"`
	ReviewAfter     int           `yaml:"review_after"`
	RefuseAfter     int           `yaml:"refuse_after"`
	ReviewAmountFen int64         `yaml:"review_amount_fen"`
	NoShowWindow    time.Duration `yaml:"no_show_window"`
	ReviewNoShows   int           `yaml:"review_no_shows"`
	RefuseNoShows   int           `yaml:"refuse_no_shows"`
}

// Review are a hospital's rules for the decisions of its staff.
type Review struct {
	// SecondPersonAboveFen is the amount in fen above which two people decide;
	// zero is never.
	SecondPersonAboveFen int64 `yaml:"second_person_above_fen"`
}

// Load reads and checks a configuration file.
func Load(path string) (*Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c, err := Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	c.dir = filepath.Dir(path)
	return c, nil
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// Parse reads and checks a configuration; unknown keys and missing variables
// are errors, since a misspelt key that is silently ignored costs a night. An
// error has one line for each thing that is wrong, and the line names the key.
func Parse(raw []byte) (*Config, error) {
	var missing []string
	raw = variable.ReplaceAllFunc(raw, func(m []byte) []byte {
		v, ok := os.LookupEnv(string(m[2 : len(m)-1]))
		if !ok {
			missing = append(missing, string(m))
		}
		return []byte(v)
	})
	if len(missing) > 0 {
		return nil, fmt.Errorf("not in the environment: %s", strings.Join(missing, ", "))
	}
	c := &Config{dir: "."}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return nil, explain(raw, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands after the end of the configuration: it is one YAML document")
	}
	c.defaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Config) defaults() {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	set(&c.Temporal.Address, "127.0.0.1:7233")
	set(&c.Temporal.Namespace, "regpay")
	set(&c.HTTP.Listen, "127.0.0.1:8080")
	if c.Database.MaxConns == 0 {
		c.Database.MaxConns = 20
	}
	if c.Console.SessionHours == 0 {
		c.Console.SessionHours = defaultSessionHours
	}
	set(&c.Console.TemporalUI, c.HTTP.UIOrigin)
}

// Path makes a path of the file absolute.
func (c *Config) Path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.dir, p)
}

// Secret reads a secret's file without the line end that editors leave. A file
// without content is an error: an empty key would be one that everybody knows.
func (c *Config) Secret(path string) ([]byte, error) {
	if path == "" {
		return nil, errors.New("a secret's file is not configured")
	}
	b, err := os.ReadFile(c.Path(path))
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	if b = bytes.TrimRight(b, "\r\n"); len(b) == 0 {
		return nil, fmt.Errorf("read secret: %s is empty", c.Path(path))
	}
	return b, nil
}

// DatabaseDSN is the connection string of the books.
func (c *Config) DatabaseDSN() (string, error) {
	if c.Database.DSNFile == "" {
		return c.Database.DSN, nil
	}
	b, err := c.Secret(c.Database.DSNFile)
	if err != nil {
		return "", fmt.Errorf("database.dsn_file: %w", err)
	}
	return string(b), nil
}

// Key reads an encryption key of 32 hex digits.
func (c *Config) Key(path string) ([]byte, error) {
	b, err := c.Secret(path)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(string(b))
	if err != nil || len(key) != 16 {
		return nil, fmt.Errorf("%s: a key is 32 hex digits", path)
	}
	return key, nil
}
