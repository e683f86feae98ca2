package insurance

import (
	"context"
	"errors"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// Refund gives the insurance's tender back (6203) in the split that the capture
// reported: refdType ALL where that is the whole settlement, HI where the
// patient paid a part by another tender, which goes back by its own route. A
// part of the tender is refused as Final with code partial.
func (c *Client) Refund(ctx context.Context, ch channel.Charge, r channel.Refund) (channel.RefundReport, error) {
	const op = "refund"
	if r.No == "" || r.RequestedAt.IsZero() {
		return channel.RefundReport{}, failure(op, payment.Final, "refund", errors.New("a refund has a number and the time of its request"))
	}
	if r.Original.Split == nil || r.Original.ChannelNo == "" {
		orig, err := c.Query(ctx, ch)
		if err != nil {
			return channel.RefundReport{}, stillInDoubt(op, err)
		}
		if orig.State == channel.Closed {
			return report(r, channel.RefundSucceeded, orig.ChannelNo, orig.Code), nil
		}
		if orig.State != channel.Captured {
			return channel.RefundReport{}, failure(op, payment.Final, "not_captured", errors.New("there is nothing to return"))
		}
		r.Original = orig
	}
	body, err := refundBody(ch, r)
	if err != nil {
		return channel.RefundReport{}, err
	}
	reply, err := c.call(ctx, op, pathRefund, body)
	if err != nil && payment.KindOf(err) == payment.Final {
		return c.afterRefusal(ctx, ch, r, err)
	}
	if err != nil {
		return channel.RefundReport{}, err
	}
	if id := text(reply, "payOrdId"); id != "" && id != r.Original.ChannelNo {
		return channel.RefundReport{}, failure(op, payment.Uncertain, "mismatch", errors.New("the reply is to another payOrdId"))
	}
	switch status := text(reply, "refStatus"); status {
	case "SUCC":
		return report(r, channel.RefundSucceeded, text(reply, "refdSn"), status), nil
	case "FAIL":
		return report(r, channel.RefundFailed, "", status), nil
	case "EXP":
		return report(r, channel.RefundAbnormal, "", status), nil
	}
	return channel.RefundReport{}, failure(op, payment.Uncertain, "bad_reply", errors.New("no refStatus"))
}

// afterRefusal looks whether the money is back all the same: the success of an
// earlier try is a reason to refuse this one.
func (c *Client) afterRefusal(ctx context.Context, ch channel.Charge, r channel.Refund, refusal error) (channel.RefundReport, error) {
	rep, err := c.QueryRefund(ctx, ch, r)
	switch {
	case err != nil:
		return channel.RefundReport{}, stillInDoubt("refund", err)
	case rep.State == channel.RefundSucceeded, rep.State == channel.RefundProcessing:
		return rep, nil
	}
	return channel.RefundReport{}, refusal
}

// QueryRefund reads the order's state by 6301; see the package's comment.
//
// An order goes back once, so a state that says it did counts for any number.
func (c *Client) QueryRefund(ctx context.Context, ch channel.Charge, r channel.Refund) (channel.RefundReport, error) {
	const op = "query_refund"
	h, err := c.order(ctx, op, ch)
	if errors.Is(err, errRevoked) {
		return report(r, channel.RefundFailed, "", payment.CodeOf(err)), nil // it was never settled
	}
	if err != nil {
		return channel.RefundReport{}, err
	}
	orig, err := c.result(ctx, op, ch, h)
	if err != nil {
		return channel.RefundReport{}, err
	}
	return report(r, refundState(orig.Code), h.PayOrdID, orig.Code), nil
}

func report(r channel.Refund, s channel.RefundState, no, code string) channel.RefundReport {
	return channel.RefundReport{RefundNo: r.No, State: s, ChannelNo: no, Amount: r.Amount, Code: code}
}

func refundBody(ch channel.Charge, r channel.Refund) (object, error) {
	s := r.Original.Split
	tender, err := s.Account.Add(s.Fund)
	if err != nil || !tender.Equal(r.Amount) {
		return nil, failure("refund", payment.Final, "partial", errors.New("a settlement goes back as a whole"))
	}
	kind := "ALL"
	if s.Own.IsPositive() {
		kind = "HI"
	}
	o := object{
		"payOrdId":       r.Original.ChannelNo,
		"appRefdSn":      r.No,
		"appRefdTime":    r.RequestedAt.In(china).Format(stampLayout),
		"totlRefdAmt":    tender.Yuan(),
		"cashRefdAmt":    yuanOrZero(money.Money{}),
		"psnAcctRefdAmt": yuanOrZero(s.Account),
		"fundRefdAmt":    yuanOrZero(s.Fund),
		"refdType":       kind,
	}
	authorise(o, ch)
	return o, nil
}

// yuanOrZero also writes the zero value, which has no currency, with decimals.
func yuanOrZero(m money.Money) string { return m.Decimal().StringFixed(2) }
