package wechat

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/jsapi"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/outbound"
)

// Query asks for the order by its merchant number.
//
// "No such order" is an unsigned reply. It is believed, as Absent, while
// Charge.Handle is empty: nobody was given the means to pay then, so even a
// false one loses no money. With a Handle it contradicts a signed reply and is
// Uncertain, with the code ORDER_NOT_EXIST.
func (c *Client) Query(ctx context.Context, ch channel.Charge) (channel.Report, error) {
	if err := c.check(opQuery, ch); err != nil {
		return channel.Report{}, err
	}
	if err := c.ready(ctx, opQuery); err != nil {
		return channel.Report{}, err
	}
	t, result, err := c.jsapi.QueryOrderByOutTradeNo(ctx, jsapi.QueryOrderByOutTradeNoRequest{
		OutTradeNo: &ch.MerchantNo, Mchid: &c.cfg.MchID,
	})
	if err != nil {
		if ch.Handle == "" && saysAbsent(err, codeOrderNotExist) {
			return channel.Report{MerchantNo: ch.MerchantNo, State: channel.Absent, Code: codeOrderNotExist}, nil
		}
		return channel.Report{}, fail(opQuery, result, err, ch.Payer.OpenID)
	}
	report, err := c.report(t)
	switch {
	case err != nil:
		return channel.Report{}, unusable(opQuery, err.Error())
	case report.MerchantNo != ch.MerchantNo:
		return channel.Report{}, unusable(opQuery, "the reply is about another order")
	}
	return report, nil
}

// Close closes the order and asks for it. Whatever the close itself was
// answered, the order's own signed state decides; a close that failed on an
// order that is still open is the failure.
func (c *Client) Close(ctx context.Context, ch channel.Charge) (channel.Report, error) {
	if err := c.check(opClose, ch); err != nil {
		return channel.Report{}, err
	}
	if err := c.ready(ctx, opClose); err != nil {
		return channel.Report{}, err
	}
	result, closeErr := c.jsapi.CloseOrder(ctx, jsapi.CloseOrderRequest{OutTradeNo: &ch.MerchantNo, Mchid: &c.cfg.MchID})
	if closeErr != nil && (outbound.Unsent(closeErr) || ctx.Err() != nil) {
		return channel.Report{}, fail(opClose, result, closeErr)
	}
	report, err := c.Query(ctx, ch)
	if err != nil {
		return channel.Report{}, err
	}
	if report.State == channel.Open && closeErr != nil {
		return channel.Report{}, fail(opClose, result, closeErr)
	}
	return report, nil
}

// saysAbsent looks for a 404 in WeChat Pay's own words; a proxy's page about a
// missing path is none.
func saysAbsent(err error, code string) bool {
	var api *core.APIError
	return errors.As(err, &api) && api.StatusCode == http.StatusNotFound && spelling(api.Code) == code
}

// report reads a transaction that was signed by WeChat Pay, from a query or a
// notification. The amount is the order's total as WeChat Pay has it, coupons
// that it pays for included.
func (c *Client) report(t *payments.Transaction) (channel.Report, error) {
	if deref(t.Mchid) != c.cfg.MchID || deref(t.Appid) != c.cfg.AppID {
		return channel.Report{}, errForeign
	}
	r := channel.Report{MerchantNo: deref(t.OutTradeNo), ChannelNo: deref(t.TransactionId), Code: deref(t.TradeState)}
	if !validNumber(r.MerchantNo, 32) {
		return channel.Report{}, errors.New("no order number")
	}
	switch r.Code {
	case "SUCCESS", "REFUND": // REFUND also after a part was returned
		r.State = channel.Captured
	case "NOTPAY", "USERPAYING", "ACCEPT":
		r.State = channel.Open
	case "CLOSED", "REVOKED":
		r.State = channel.Closed
	case "PAYERROR":
		r.State = channel.Declined
	default:
		return channel.Report{}, errors.New("unknown trade_state")
	}
	if r.State != channel.Captured {
		return r, nil
	}
	if r.ChannelNo == "" || t.Amount == nil {
		return channel.Report{}, errors.New("a payment without transaction or amount")
	}
	var err error
	if r.Captured, err = fen(t.Amount.Total, deref(t.Amount.Currency)); err != nil {
		return channel.Report{}, err
	}
	// A time that cannot be read is left out: it decides nothing, the amount does.
	if at, err := time.Parse(time.RFC3339, deref(t.SuccessTime)); err == nil {
		r.CapturedAt = at
	}
	return r, nil
}

// errForeign is a message about another merchant's or app's money.
var errForeign = errors.New("the merchant or the app is another one")

// fen reads an amount of CNY above zero; WeChat Pay may leave the currency out.
func fen(n *int64, currency string) (money.Money, error) {
	if n == nil || *n <= 0 || *n > money.MaxMinor {
		return money.Money{}, errors.New("no amount above zero")
	}
	if currency != "" && currency != string(money.CNY) {
		return money.Money{}, errors.New("the currency is not CNY")
	}
	return money.Fen(*n), nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
