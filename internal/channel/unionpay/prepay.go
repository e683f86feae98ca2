package unionpay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf8"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// The keys of the PayParams that Prepay returns.
//
// Scene front: "method" is POST, "url" the address, "form" a JSON object of the
// form's fields, all of them strings. A browser has to post exactly these
// fields, URL-encoded, from a page of its own (it leaves for UnionPay's
// cashier). One key holds them all so that no field can be taken for a key of
// another meaning.
//
// Scene app: "tn" for the app's payment control.
const (
	PayMethod = "method"
	PayURL    = "url"
	PayForm   = "form"
	PayTN     = "tn"
)

var orderID = regexp.MustCompile(`^[0-9A-Za-z]{8,40}$`)

// Prepay signs the form (scene front, no network: ACP knows nothing of the
// order until the browser posts it) or asks for a tn (scene app).
//
// A repeat for the app queries first. ACP does not give out the tn of an order
// twice, so an order whose tn was lost is refused as Final with code 12 when
// it is not paid: nobody holds its tn, so nobody can pay it any more.
func (c *Client) Prepay(ctx context.Context, ch channel.Charge) (channel.Prepaid, error) {
	const op = "prepay"
	if err := c.checkCharge(ch); err != nil {
		return channel.Prepaid{}, failure(op, payment.Final, "charge", err)
	}
	if !c.cfg.Clock().Before(ch.ExpiresAt) {
		return channel.Prepaid{}, failure(op, payment.Final, "expired", errors.New("the time to pay is over"))
	}
	if ch.Scene == payment.Front && c.cfg.FrontURL == "" {
		return channel.Prepaid{}, failure(op, payment.Final, "front_url", errors.New("no front URL is configured"))
	}
	f := c.consume(ch)
	if ch.Scene == payment.Front {
		return c.front(ch, f)
	}
	return c.app(ctx, ch, f)
}

func (c *Client) checkCharge(ch channel.Charge) error {
	switch {
	case ch.Scene != payment.Front && ch.Scene != payment.App:
		return fmt.Errorf("the scene is %s or %s", payment.Front, payment.App)
	case !orderID.MatchString(ch.MerchantNo):
		return errors.New("orderId is 8 to 40 letters and digits")
	case ch.Amount.Currency() != money.CNY || !ch.Amount.IsPositive():
		return errors.New("the amount is above zero and in CNY")
	case ch.CreatedAt.IsZero() || ch.ExpiresAt.IsZero():
		return errors.New("a charge has the times of its creation and its end")
	}
	return nil
}

func (c *Client) consume(ch channel.Charge) fields {
	f := c.base("01", "01")
	f["orderId"] = ch.MerchantNo
	f["txnTime"] = stamp(ch.CreatedAt)
	f["txnAmt"] = strconv.FormatInt(ch.Amount.Minor(), 10)
	f["currencyCode"] = "156"
	f["payTimeout"] = stamp(ch.ExpiresAt)
	f["backUrl"] = c.cfg.BackURL
	f["orderDesc"] = clip(ch.Description, 32)
	return f
}

func (c *Client) front(ch channel.Charge, f fields) (channel.Prepaid, error) {
	f["frontUrl"] = c.cfg.FrontURL
	for k, v := range f {
		if v == "" {
			delete(f, k) // an empty field is not part of what is signed
		}
	}
	if err := sign(f, c.key); err != nil {
		return channel.Prepaid{}, failure("prepay", payment.Final, "sign", err)
	}
	form, err := json.Marshal(f)
	if err != nil {
		return channel.Prepaid{}, failure("prepay", payment.Final, "form", err)
	}
	return channel.Prepaid{
		Pay: payment.PayParams{
			PayMethod: "POST",
			PayURL:    c.gateway + pathFront,
			PayForm:   string(form),
		},
		Report: channel.Report{MerchantNo: ch.MerchantNo, State: channel.Open},
	}, nil
}

func (c *Client) app(ctx context.Context, ch channel.Charge, f fields) (channel.Prepaid, error) {
	const op = "prepay"
	if ch.Repeat {
		r, err := c.Query(ctx, ch)
		if err != nil {
			return channel.Prepaid{}, stillInDoubt(op, err)
		}
		if r.State != channel.Open {
			return channel.Prepaid{Report: r}, nil
		}
	}
	reply, err := c.call(ctx, op, pathApp, f)
	if err != nil {
		return channel.Prepaid{}, err
	}
	switch code := reply["respCode"]; {
	case code == ok && reply["tn"] != "":
		return channel.Prepaid{
			Pay:    payment.PayParams{PayTN: reply["tn"]},
			Report: channel.Report{MerchantNo: ch.MerchantNo, State: channel.Open, Code: code},
		}, nil
	case code == ok:
		return channel.Prepaid{}, failure(op, payment.Uncertain, "no_tn", errors.New("accepted without a tn"))
	case code == duplicate:
		return c.lostTN(ctx, ch, reply)
	default:
		return channel.Prepaid{}, refused(op, refusalKind(code), reply)
	}
}

func (c *Client) lostTN(ctx context.Context, ch channel.Charge, reply fields) (channel.Prepaid, error) {
	r, err := c.Query(ctx, ch)
	if err != nil {
		return channel.Prepaid{}, stillInDoubt("prepay", err)
	}
	if r.State != channel.Open {
		return channel.Prepaid{Report: r}, nil
	}
	return channel.Prepaid{}, refused("prepay", payment.Final, reply)
}

// clip keeps as many whole characters as fit into n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
