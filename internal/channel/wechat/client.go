// Package wechat charges and refunds by WeChat Pay, API v3, as a merchant that
// is contracted directly: jsapi (inside WeChat) and native (a QR code).
//
// Every 2xx reply and every notification is verified, either by WeChat Pay's
// public key or by its platform certificates. Replies that refuse carry no
// signature, so this client never ends anything that concerns money on their
// word alone: a refused prepay or refund is looked up once more where money
// may have moved, an order is Absent only while nothing signed says that it
// exists, and a refused query or close is Uncertain.
//
// Protocol facts are from pay.weixin.qq.com/doc/v3/merchant and from the
// library's own models; amounts on this wire are whole fen.
package wechat

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/jsapi"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/native"
	"github.com/wechatpay-apiv3/wechatpay-go/services/refunddomestic"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/outbound"
	"github.com/regpay/regpay/internal/payment"
)

// Client is one hospital's merchant account. It is safe for concurrent use
// and needs no closing: it starts no goroutine of its own.
type Client struct {
	cfg      settled
	api      *core.Client
	verifier auth.Verifier
	certs    *certificates // nil in public-key mode
	jsapi    jsapi.JsapiApiService
	native   native.NativeApiService
	refunds  refunddomestic.RefundsApiService
}

var _ channel.Client = (*Client)(nil)

// New checks the configuration and makes the client. It sends nothing:
// platform certificates, where the account needs them, are downloaded by the
// first call, so that a start does not depend on WeChat Pay being up. Its
// error lists everything that is wrong.
func New(ctx context.Context, cfg Config) (*Client, error) {
	s, err := cfg.settle()
	if err != nil {
		return nil, fmt.Errorf("wechat account of %q: %w", cfg.HospitalID, err)
	}
	c := &Client{cfg: s}
	merchant := option.WithMerchantCredential(s.MchID, s.MerchantSerial, s.merchantKey)
	web := option.WithHTTPClient(outbound.Client(rehost{base: s.base, next: s.Transport}, s.Timeout))
	if s.publicKey != nil {
		c.verifier = verifiers.NewSHA256WithRSAPubkeyVerifier(s.PublicKeyID, *s.publicKey)
	} else {
		unverified, err := core.NewClient(ctx, merchant, web, option.WithoutValidator())
		if err != nil {
			return nil, fmt.Errorf("wechat account of %q: %w", cfg.HospitalID, err)
		}
		c.certs = newCertificates(unverified, s.APIv3Key, s.Now)
		c.verifier = verifiers.NewSHA256WithRSAVerifier(c.certs)
	}
	if c.api, err = core.NewClient(ctx, merchant, web, option.WithVerifier(c.verifier)); err != nil {
		return nil, fmt.Errorf("wechat account of %q: %w", cfg.HospitalID, err)
	}
	c.jsapi.Client, c.native.Client, c.refunds.Client = c.api, c.api, c.api
	return c, nil
}

// Prepay places the order. WeChat Pay takes the same order again and answers
// with the same or a fresh prepay_id, so a repeat is sent like a first try.
// The Handle is the prepay_id (jsapi) or the code_url (native); both live two
// hours.
//
// When the order is refused although it may exist (a repeat, or a refusal that
// is about its number), the order itself is asked: paid is a Prepaid whose
// Report is Captured; open with a known Handle is what it was; anything else
// is the refusal, Final.
func (c *Client) Prepay(ctx context.Context, ch channel.Charge) (channel.Prepaid, error) {
	if err := c.check(opPrepay, ch); err != nil {
		return channel.Prepaid{}, err
	}
	if err := c.ready(ctx, opPrepay); err != nil {
		return channel.Prepaid{}, err
	}
	handle, refused := c.place(ctx, ch)
	switch {
	case refused == nil:
		return c.prepaid(ctx, ch, handle)
	case refused.Kind != payment.Final || !(ch.Repeat || ch.Handle != "" || aboutTheNumber(refused.Code)):
		return channel.Prepaid{}, refused
	}
	report, err := c.Query(ctx, ch)
	switch {
	case err != nil:
		return channel.Prepaid{}, fmt.Errorf("after a prepay that was refused with %s: %w", refused.Code, err)
	case report.State == channel.Captured:
		return channel.Prepaid{Handle: ch.Handle, Report: report}, nil
	case report.State == channel.Open && ch.Handle != "":
		return c.prepaid(ctx, ch, ch.Handle)
	case report.State == channel.Closed:
		refused.Code = codeOrderClosed
	}
	// Open without a Handle: nobody was ever given the means to pay it.
	return channel.Prepaid{}, refused
}

// aboutTheNumber says whether a refusal is about an order that exists.
// INVALID_REQUEST is what a repeat with other parameters gets, among others.
func aboutTheNumber(code string) bool {
	switch code {
	case "OUT_TRADE_NO_USED", "ORDER_PAID", codeOrderClosed, "INVALID_REQUEST", "TRADE_ERROR":
		return true
	}
	return false
}

// place sends the order and returns its prepay_id or code_url.
func (c *Client) place(ctx context.Context, ch channel.Charge) (string, *payment.Failure) {
	var handle *string
	var result *core.APIResult
	var err error
	expires := inChina(ch.ExpiresAt)
	fen := ch.Amount.Minor()
	if ch.Scene == payment.JSAPI {
		var resp *jsapi.PrepayResponse
		resp, result, err = c.jsapi.Prepay(ctx, jsapi.PrepayRequest{
			Appid: &c.cfg.AppID, Mchid: &c.cfg.MchID, OutTradeNo: &ch.MerchantNo, NotifyUrl: &c.cfg.NotifyURL,
			Description: core.String(cut(ch.Description, 127)), Attach: core.String(cut(ch.PaymentID, 128)), TimeExpire: &expires,
			Amount: &jsapi.Amount{Total: &fen, Currency: core.String(string(money.CNY))},
			Payer:  &jsapi.Payer{Openid: &ch.Payer.OpenID},
		})
		if resp != nil {
			handle = resp.PrepayId
		}
	} else {
		var resp *native.PrepayResponse
		resp, result, err = c.native.Prepay(ctx, native.PrepayRequest{
			Appid: &c.cfg.AppID, Mchid: &c.cfg.MchID, OutTradeNo: &ch.MerchantNo, NotifyUrl: &c.cfg.NotifyURL,
			Description: core.String(cut(ch.Description, 127)), Attach: core.String(cut(ch.PaymentID, 128)), TimeExpire: &expires,
			Amount: &native.Amount{Total: &fen, Currency: core.String(string(money.CNY))},
		})
		if resp != nil {
			handle = resp.CodeUrl
		}
	}
	if err != nil {
		return "", fail(opPrepay, result, err, ch.Payer.OpenID)
	}
	if handle == nil || *handle == "" {
		return "", unusable(opPrepay, "neither prepay_id nor code_url") // a 202, say
	}
	return *handle, nil
}

// prepaid is the answer for the patient. The app's call is signed anew each
// time; its signature is over appId, timeStamp, nonceStr and package.
func (c *Client) prepaid(ctx context.Context, ch channel.Charge, handle string) (channel.Prepaid, error) {
	p := channel.Prepaid{Handle: handle, Report: channel.Report{MerchantNo: ch.MerchantNo, State: channel.Open}}
	if ch.Scene == payment.Native {
		p.Pay = payment.PayParams{"code_url": handle}
		return p, nil
	}
	nonce, err := utils.GenerateNonce()
	if err != nil {
		return channel.Prepaid{}, &payment.Failure{Kind: payment.Retryable, System: system, Op: opPrepay, Code: "random", Err: err}
	}
	stamp, pack := strconv.FormatInt(c.cfg.Now().Unix(), 10), "prepay_id="+handle
	sig, err := c.api.Sign(ctx, strings.Join([]string{c.cfg.AppID, stamp, nonce, pack, ""}, "\n"))
	if err != nil {
		return channel.Prepaid{}, &payment.Failure{Kind: payment.Retryable, System: system, Op: opPrepay, Code: "sign", Err: err}
	}
	p.Pay = payment.PayParams{
		"appId": c.cfg.AppID, "timeStamp": stamp, "nonceStr": nonce, "package": pack,
		"signType": "RSA", "paySign": sig.Signature, "prepay_id": handle,
	}
	return p, nil
}

// check refuses a charge that is not this account's to make.
func (c *Client) check(op string, ch channel.Charge) error {
	switch {
	case ch.HospitalID != c.cfg.HospitalID:
		return refuse(op, "foreign_hospital", "the charge is another hospital's")
	case !validNumber(ch.MerchantNo, 32):
		return refuse(op, "invalid_charge", "the merchant number is not one that WeChat Pay takes")
	case op != opPrepay:
		return nil
	case ch.Scene != payment.JSAPI && ch.Scene != payment.Native:
		return refuse(op, "invalid_charge", "the scene is jsapi or native")
	case ch.Scene == payment.JSAPI && ch.Payer.OpenID == "":
		return refuse(op, "invalid_charge", "jsapi needs the payer's openid")
	case ch.Amount.Currency() != money.CNY || !ch.Amount.IsPositive():
		return refuse(op, "invalid_charge", "the amount is above zero and in CNY")
	}
	return nil
}

// validNumber holds WeChat Pay's rule for numbers of orders (6–32) and refunds
// (up to 64).
func validNumber(no string, longest int) bool {
	if len(no) < 6 || len(no) > longest {
		return false
	}
	for _, r := range no {
		if !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-|*", r) {
			return false
		}
	}
	return true
}

// ready gets what replies are verified by. Nothing was sent when it fails, so
// that is Retryable whatever the reason.
func (c *Client) ready(ctx context.Context, op string) error {
	if c.certs == nil {
		return nil
	}
	if err := c.certs.ready(ctx); err != nil {
		f := fail(opCertificates, nil, err)
		f.Kind, f.Op = payment.Retryable, op
		f.Err = errors.Join(errors.New("no platform certificates"), f.Err)
		return f
	}
	return nil
}

// inChina is the zone of WeChat Pay's own examples; the offset matters to
// nobody, but a repeat has to say the same.
func inChina(t time.Time) time.Time { return t.In(time.FixedZone("UTC+8", 8*3600)) }

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
