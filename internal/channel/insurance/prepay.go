package insurance

import (
	"context"
	"errors"
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// Prepay uploads the fees and places the pay order. Its success is InClearing,
// or Captured where the platform settles within the call and 6301 confirms it.
//
// On a repeat (Charge.Repeat, or a Handle from before) 6301 comes first, and
// the pay order is sent only when the platform has none.
//
// Where the upload was answered and the pay order failed, the Prepaid beside
// the error holds the Handle: keeping it saves a repeated upload.
func (c *Client) Prepay(ctx context.Context, ch channel.Charge) (channel.Prepaid, error) {
	const op = "prepay"
	if ch.Repeat || ch.Handle != "" {
		return c.prepayAgain(ctx, ch)
	}
	h, err := c.upload(ctx, op, ch)
	if errors.Is(err, errRefused) && payment.KindOf(err) == payment.Uncertain {
		// Nobody signed the refusal, but it does not matter whether it is true:
		// without a pay order an upload moves no money.
		return channel.Prepaid{}, failure(op, payment.Final, payment.CodeOf(err), err)
	}
	if err != nil {
		return channel.Prepaid{}, err
	}
	return c.pay(ctx, ch, h)
}

func (c *Client) prepayAgain(ctx context.Context, ch channel.Charge) (channel.Prepaid, error) {
	const op = "prepay"
	h, err := c.order(ctx, op, ch)
	if errors.Is(err, errRevoked) {
		return channel.Prepaid{Report: closed(ch, err)}, nil
	}
	if err != nil {
		return channel.Prepaid{}, err
	}
	kept := channel.Prepaid{Handle: h.String()}
	if kept.Report, err = c.result(ctx, op, ch, h); err != nil {
		return kept, stillInDoubt(op, err)
	}
	if kept.Report.Code != saved {
		return kept, nil
	}
	paid, err := c.pay(ctx, ch, h)
	if err == nil || payment.KindOf(err) != payment.Final {
		return paid, err
	}
	// The earlier pay order may have come in after the query, and be the reason
	// for this refusal.
	now, qerr := c.result(ctx, op, ch, h)
	switch {
	case qerr != nil:
		return kept, stillInDoubt(op, qerr)
	case now.Code != saved:
		kept.Report = now
		return kept, nil
	}
	return kept, err
}

// pay sends 6202. Where the reply claims a settlement, 6301 is asked whether
// there is one: its word spares the wait for the notice. Any other reply leaves
// that to the notice or a later look, as clearing usually takes 45 s.
func (c *Client) pay(ctx context.Context, ch channel.Charge, h handle) (channel.Prepaid, error) {
	const op = "prepay"
	p := channel.Prepaid{Handle: h.String()}
	visit := h.MdtrtID
	if visit == "" {
		visit = ch.OrderNo
	}
	o := object{
		"payOrdId":     h.PayOrdID,
		"payToken":     h.PayToken,
		"orgCodg":      c.cfg.OrgCode,
		"orgBizSer":    ch.MerchantNo,
		"chrgBchno":    ch.MerchantNo,
		"feeType":      uploadDefaults()["feeType"],
		"acctUsedFlag": uploadDefaults()["acctUsedFlag"],
		"mdtrtId":      visit,
	}
	for _, k := range []string{"feeType", "acctUsedFlag"} {
		if v := c.cfg.ExtraUpload[k]; v != "" {
			o[k] = v
		}
	}
	authorise(o, ch)
	reply, err := c.call(ctx, op, pathPay, o)
	if err != nil {
		return p, err
	}
	if err := sameOrder(reply, ch, h); err != nil {
		return p, failure(op, payment.Uncertain, "mismatch", err)
	}
	stas := text(reply, "ordStas")
	p.Report = channel.Report{
		MerchantNo: ch.MerchantNo, State: channel.InClearing, ChannelNo: h.PayOrdID, Code: safeCode(stas),
	}
	if claimsSettlement(stas) {
		if r, ok := c.confirm(ctx, op, ch, h); ok {
			p.Report = r
		}
	}
	return p, nil
}

// confirm asks 6301 for the settlement that a reply to 6202 claims. It has no
// error: the pay order was accepted, and an answer that does not confirm it, or
// none, takes nothing back. How the whole is divided is for the caller to judge.
func (c *Client) confirm(ctx context.Context, op string, ch channel.Charge, h handle) (channel.Report, bool) {
	if end, ok := ctx.Deadline(); ok {
		// The other half is the caller's, who has to write down what was accepted
		// also when this query hangs.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
	}
	r, err := c.result(ctx, op, ch, h)
	if err != nil || r.State != channel.Captured {
		return channel.Report{}, false
	}
	whole, err := money.Sum(r.Split.Own, r.Split.Account, r.Split.Fund)
	return r, err == nil && whole.Equal(ch.Total)
}

// sameOrder refuses a reply that names another order than the one asked for.
func sameOrder(reply object, ch channel.Charge, h handle) error {
	if id := text(reply, "payOrdId"); id != "" && id != h.PayOrdID {
		return errors.New("the reply is to another payOrdId")
	}
	if no := text(reply, "medOrgOrd"); no != "" && no != ch.MerchantNo {
		return errors.New("the reply is to another medOrgOrd")
	}
	return nil
}
