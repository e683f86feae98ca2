// Package hospital turns the configuration into the clients that each
// hospital's steps use: one account a channel, one gateway to the HIS, the
// identity services, the rates and rules. It is built once when a process
// starts and is read alone afterwards.
package hospital

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/regpay/regpay/internal/breaker"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/channel/insurance"
	"github.com/regpay/regpay/internal/channel/unionpay"
	"github.com/regpay/regpay/internal/channel/wechat"
	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
)

// Hospital is one hospital with its clients.
type Hospital struct {
	ID       string
	Name     map[string]string // by language
	channels map[payment.Channel]channel.Client
	fees     map[payment.Channel]decimal.Decimal
	his      his.Gateway
	sms      identity.SMS
	face     identity.Face
	rules    risk.Rules
	second   money.Money // two people decide above it; zero is never
	secret   []byte
}

// Offers says whether patients can pay through a channel.
func (h *Hospital) Offers(ch payment.Channel) bool { return h.channels[ch] != nil }

// Channel is the hospital's account, nil when it is not offered.
func (h *Hospital) Channel(ch payment.Channel) channel.Client { return h.channels[ch] }

// SMS and Face are the identity services, nil when there are none.
func (h *Hospital) SMS() identity.SMS   { return h.sms }
func (h *Hospital) Face() identity.Face { return h.face }

// Directory is every hospital of the installation. It is safe for concurrent
// use.
type Directory struct {
	hospitals map[string]*Hospital
	calls     *breaker.Metrics
}

// Open builds all clients. It reads every secret, so that a missing one is
// found when a process starts and not when the first patient pays.
func Open(ctx context.Context, c *config.Config) (*Directory, error) {
	d := &Directory{hospitals: map[string]*Hospital{}, calls: breaker.NewMetrics()}
	for _, hc := range c.Hospitals {
		b := builder{ctx: ctx, config: c, hospital: hc, calls: d.calls}
		h := b.build()
		if err := errors.Join(b.errs...); err != nil {
			return nil, fmt.Errorf("hospital %s: %w", hc.ID, err)
		}
		d.hospitals[hc.ID] = h
	}
	return d, nil
}

// Hospital is false for one that is not configured.
func (d *Directory) Hospital(id string) (*Hospital, bool) {
	h, ok := d.hospitals[id]
	return h, ok
}

func (d *Directory) find(id string) (*Hospital, error) {
	if h, ok := d.hospitals[id]; ok {
		return h, nil
	}
	return nil, payment.Problem{Code: payment.CodeHospital, Field: "order.hospital_id", Text: "not a hospital of this installation"}
}

// Channel is a hospital's account at a channel, or a payment.Problem.
func (d *Directory) Channel(id string, ch payment.Channel) (channel.Client, error) {
	h, err := d.find(id)
	if err != nil {
		return nil, err
	}
	if c := h.channels[ch]; c != nil {
		return c, nil
	}
	return nil, payment.Problem{Code: payment.CodeChannel, Field: "choice.method", Text: "the hospital does not offer " + string(ch)}
}

// HIS is a hospital's information system.
func (d *Directory) HIS(id string) (his.Gateway, error) {
	h, err := d.find(id)
	if err != nil {
		return nil, err
	}
	return h.his, nil
}

// Face is a hospital's face check, or a payment.Problem.
func (d *Directory) Face(id string) (identity.Face, error) {
	h, err := d.find(id)
	if err != nil {
		return nil, err
	}
	if h.face == nil {
		return nil, payment.Problem{Code: payment.CodeVerifyKind, Field: "kind", Text: "the hospital has no face check"}
	}
	return h.face, nil
}

// SMS is a hospital's gateway for codes, or a payment.Problem.
func (d *Directory) SMS(id string) (identity.SMS, error) {
	h, err := d.find(id)
	if err != nil {
		return nil, err
	}
	if h.sms == nil {
		return nil, payment.Problem{Code: payment.CodeVerifyKind, Field: "kind", Text: "the hospital sends no codes"}
	}
	return h.sms, nil
}

// FeeRate is what a channel keeps of a capture.
func (d *Directory) FeeRate(id string, ch payment.Channel) (decimal.Decimal, error) {
	h, err := d.find(id)
	if err != nil {
		return decimal.Decimal{}, err
	}
	return h.fees[ch], nil
}

// Rules are a hospital's risk rules.
func (d *Directory) Rules(id string) (risk.Rules, error) {
	h, err := d.find(id)
	if err != nil {
		return risk.Rules{}, err
	}
	return h.rules, nil
}

// SecondPersonAbove is the amount above which two people decide about money;
// zero is never.
func (d *Directory) SecondPersonAbove(id string) (money.Money, error) {
	h, err := d.find(id)
	if err != nil {
		return money.Money{}, err
	}
	return h.second, nil
}

// CallbackSecret signs what a hospital's booking backend is told.
func (d *Directory) CallbackSecret(id string) ([]byte, error) {
	h, err := d.find(id)
	if err != nil {
		return nil, err
	}
	return h.secret, nil
}

type builder struct {
	ctx      context.Context
	config   *config.Config
	hospital config.Hospital
	calls    *breaker.Metrics
	errs     []error
}

func (b *builder) failed(what string, err error) bool {
	if err != nil {
		b.errs = append(b.errs, fmt.Errorf("%s: %w", what, err))
	}
	return err != nil
}

func (b *builder) secret(what, file string) []byte {
	s, err := b.config.Secret(file)
	b.failed(what, err)
	return s
}

// since says whether something went wrong after there were n errors. A secret
// that is missing is told as that alone: what a client says of an empty one
// would only hide it.
func (b *builder) since(n int) bool { return len(b.errs) > n }

// notifyURL is where a channel tells what happened.
func (b *builder) notifyURL(ch payment.Channel) string {
	return b.config.HTTP.PublicURL + "/v1/webhooks/" + string(ch) + "/" + b.hospital.ID
}

func (b *builder) rate(h *Hospital, ch payment.Channel, rate string) {
	h.fees[ch] = decimal.Zero
	if rate == "" {
		return
	}
	r, err := decimal.NewFromString(rate)
	if err == nil && (r.IsNegative() || r.GreaterThan(decimal.New(1, -1))) {
		err = errors.New("has to lie between 0 and 0.1")
	}
	if !b.failed("channels."+string(ch)+".fee_rate", err) {
		h.fees[ch] = r
	}
}

func (b *builder) build() *Hospital {
	hc := b.hospital
	h := &Hospital{
		ID: hc.ID, Name: hc.Name,
		channels: map[payment.Channel]channel.Client{}, fees: map[payment.Channel]decimal.Decimal{},
		rules: risk.Rules{
			RefuseAfter: hc.Risk.RefuseAfter, ReviewAfter: hc.Risk.ReviewAfter, Window: hc.Risk.Window,
			ReviewAmount: money.Fen(hc.Risk.ReviewAmountFen), ReviewNoShows: hc.Risk.ReviewNoShows,
			RefuseNoShows: hc.Risk.RefuseNoShows, NoShowWindow: hc.Risk.NoShowWindow,
		},
		second: money.Fen(hc.Review.SecondPersonAboveFen),
		secret: b.secret("callback_secret_file", hc.CallbackSecretFile),
	}
	if c := hc.Channels.WeChat; c != nil {
		b.rate(h, payment.WeChat, c.FeeRate)
		b.wechat(h, *c)
	}
	if c := hc.Channels.UnionPay; c != nil {
		b.rate(h, payment.UnionPay, c.FeeRate)
		b.unionpay(h, *c)
	}
	if c := hc.Channels.Insurance; c != nil {
		b.rate(h, payment.Insurance, c.FeeRate)
		b.insurance(h, *c)
	}
	b.systems(h)
	return h
}

func (b *builder) wechat(h *Hospital, c config.WeChat) {
	before := len(b.errs)
	cfg := wechat.Config{
		HospitalID: h.ID, AppID: c.AppID, MchID: c.MchID, MerchantSerial: c.MerchantSerial,
		MerchantKeyPEM: b.secret("channels.wechat.merchant_key_file", c.MerchantKeyFile),
		APIv3Key:       string(b.secret("channels.wechat.apiv3_key_file", c.APIv3KeyFile)),
		PublicKeyID:    c.PublicKeyID, BaseURL: c.BaseURL, NotifyURL: b.notifyURL(payment.WeChat), Timeout: c.Timeout,
	}
	if c.PublicKeyFile != "" {
		cfg.PublicKeyPEM = b.secret("channels.wechat.public_key_file", c.PublicKeyFile)
	}
	if b.since(before) {
		return
	}
	client, err := wechat.New(b.ctx, cfg)
	if !b.failed("channels.wechat", err) {
		h.channels[payment.WeChat] = b.guard("wechat", c.Guard).Channel(client)
	}
}

func (b *builder) unionpay(h *Hospital, c config.UnionPay) {
	before := len(b.errs)
	cfg := unionpay.Config{
		HospitalID: h.ID, MerID: c.MerID, CertID: c.CertID,
		MerchantKeyPEM: b.secret("channels.unionpay.merchant_key_file", c.MerchantKeyFile),
		RootPEM:        b.secret("channels.unionpay.root_cert_file", c.RootCertFile),
		MiddlePEM:      b.secret("channels.unionpay.middle_cert_file", c.MiddleCertFile),
		GatewayURL:     strings.TrimRight(c.BaseURL, "/") + "/gateway/api", BackURL: b.notifyURL(payment.UnionPay), FrontURL: c.FrontURL, Timeout: c.Timeout,
		ChannelType: c.ChannelType, CloseMargin: c.CloseMargin, TestCertificates: c.TestCertificates,
	}
	if c.MerchantCertFile != "" || c.CertID == "" {
		cfg.MerchantCertPEM = b.secret("channels.unionpay.merchant_cert_file", c.MerchantCertFile)
	}
	if b.since(before) {
		return
	}
	client, err := unionpay.New(cfg)
	if !b.failed("channels.unionpay", err) {
		h.channels[payment.UnionPay] = b.guard("unionpay", c.Guard).Channel(client)
	}
}

func (b *builder) insurance(h *Hospital, c config.Insurance) {
	before := len(b.errs)
	cfg := insurance.Config{
		HospitalID: h.ID, AppID: c.AppID, OrgCode: c.OrgCode, BaseURL: c.BaseURL,
		AppSecret:            string(b.secret("channels.insurance.app_secret_file", c.AppSecretFile)),
		PrivateKeyHex:        string(b.secret("channels.insurance.private_key_file", c.PrivateKeyFile)),
		PlatformPublicKeyHex: string(b.secret("channels.insurance.platform_public_key_file", c.PlatformPublicKeyFile)),
		PathPrefix:           c.PathPrefix, Version: c.Version, TimestampLayout: c.TimestampLayout,
		NotifyURL: b.notifyURL(payment.Insurance), Timeout: c.Timeout,
		UserID: c.UserID, Freshness: c.Freshness, BusyCodes: c.BusyCodes, RevokedCodes: c.RevokedCodes, ExtraUpload: c.ExtraUpload,
	}
	if b.since(before) {
		return
	}
	client, err := insurance.New(cfg)
	if !b.failed("channels.insurance", err) {
		h.channels[payment.Insurance] = b.guard("insurance", c.Guard).Channel(client)
	}
}
