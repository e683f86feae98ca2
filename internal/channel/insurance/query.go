package insurance

import (
	"context"
	"errors"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// Query asks 6301 for the settlement. Without a Handle the upload is repeated
// to learn it; an order that only this made known is InClearing with code 0.
// A settlement whose split does not add up is Uncertain, with code split.
func (c *Client) Query(ctx context.Context, ch channel.Charge) (channel.Report, error) {
	const op = "query"
	h, err := c.order(ctx, op, ch)
	if errors.Is(err, errRevoked) {
		return closed(ch, err), nil
	}
	if err != nil {
		return channel.Report{}, err
	}
	return c.result(ctx, op, ch, h)
}

// Close revokes the upload (6401) unless the order has ended, and reports what
// 6301 says after that: Captured when the platform settled first, InClearing
// when it would not let go.
func (c *Client) Close(ctx context.Context, ch channel.Charge) (channel.Report, error) {
	const op = "close"
	h, err := c.order(ctx, op, ch)
	if errors.Is(err, errRevoked) {
		return closed(ch, err), nil
	}
	if err != nil {
		return channel.Report{}, err
	}
	r, err := c.result(ctx, op, ch, h)
	if err != nil || r.State != channel.InClearing {
		return r, err
	}
	_, revoked := c.call(ctx, op, pathRevoke, c.identify(ch, h))
	r, err = c.result(ctx, op, ch, h)
	if err == nil && r.State == channel.InClearing && revoked != nil && payment.KindOf(revoked) != payment.Final {
		return channel.Report{}, revoked // not asked for, or not known: to be tried again
	}
	return r, err
}

// identify is the body of 6301 and of 6401.
func (c *Client) identify(ch channel.Charge, h handle) object {
	return object{
		"payOrdId": h.PayOrdID,
		"payToken": h.PayToken,
		"orgCodg":  c.cfg.OrgCode,
		"idType":   "01",
		"idNo":     ch.Payer.IDNumber,
		"userName": ch.Payer.Name,
	}
}

func (c *Client) result(ctx context.Context, op string, ch channel.Charge, h handle) (channel.Report, error) {
	reply, err := c.call(ctx, op, pathQuery, c.identify(ch, h))
	if err != nil {
		return channel.Report{}, err
	}
	if err := sameOrder(reply, ch, h); err != nil {
		return channel.Report{}, failure(op, payment.Uncertain, "mismatch", err)
	}
	stas := text(reply, "ordStas")
	if stas == "" {
		return channel.Report{}, failure(op, payment.Uncertain, "bad_reply", errors.New("no ordStas"))
	}
	r := channel.Report{
		MerchantNo: ch.MerchantNo, State: chargeState(stas), ChannelNo: h.PayOrdID, Code: safeCode(stas),
	}
	if r.State != channel.Captured {
		return r, nil
	}
	if err := settlement(&r, reply); err != nil {
		return channel.Report{}, failure(op, payment.Uncertain, "split", err)
	}
	return r, nil
}

// settlement fills in what was captured: the split, which has to add up to the
// whole fee, and of it the insurance's two parts.
func settlement(r *channel.Report, o object) error {
	sum, err := yuan(o, "feeSumamt")
	if err != nil {
		return err
	}
	var s channel.Split
	if s.Own, err = yuan(o, "ownPayAmt", "ownpayAmt"); err != nil {
		return err
	}
	if s.Account, err = yuan(o, "psnAcctPay"); err != nil {
		return err
	}
	if s.Fund, err = yuan(o, "fundPay"); err != nil {
		return err
	}
	whole, err := money.Sum(s.Own, s.Account, s.Fund)
	if err != nil || !whole.Equal(sum) {
		return errors.New("own part, account and fund do not add up to the fee")
	}
	if r.Captured, err = s.Account.Add(s.Fund); err != nil {
		return err
	}
	r.Split = &s
	r.CapturedAt = stamp(text(o, "traceTime"))
	return nil
}
