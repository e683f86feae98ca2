package unionpay

import (
	"context"
	"errors"
	"strconv"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// Refund sends a refund (04) of a whole or a part. "Accepted" is
// RefundProcessing; a query or the notification tells the end. A refusal that
// an earlier try's success can explain is passed on only after a query.
func (c *Client) Refund(ctx context.Context, ch channel.Charge, r channel.Refund) (channel.RefundReport, error) {
	const op = "refund"
	if err := checkRefund(r); err != nil {
		return channel.RefundReport{}, failure(op, payment.Final, "refund", err)
	}
	if r.Original.ChannelNo == "" {
		orig, err := c.Query(ctx, ch)
		if err != nil {
			return channel.RefundReport{}, stillInDoubt(op, err)
		}
		if orig.State != channel.Captured {
			return channel.RefundReport{}, failure(op, payment.Final, "not_captured", errors.New("there is nothing to return"))
		}
		r.Original = orig
	}
	f := c.base("04", "00")
	f["orderId"] = r.No
	f["txnTime"] = stamp(r.RequestedAt)
	f["txnAmt"] = strconv.FormatInt(r.Amount.Minor(), 10)
	f["currencyCode"] = "156"
	f["origQryId"] = r.Original.ChannelNo
	f["backUrl"] = c.cfg.BackURL
	reply, err := c.call(ctx, op, pathBack, f)
	if err != nil {
		return channel.RefundReport{}, err
	}
	switch code := reply["respCode"]; {
	case code == ok, code == accepted:
		return channel.RefundReport{
			RefundNo: r.No, State: channel.RefundProcessing, ChannelNo: reply["queryId"],
			Amount: r.Amount, Code: code,
		}, nil
	case mayBeOwnSuccess(code):
		return c.afterRefusal(ctx, ch, r, reply)
	default:
		return channel.RefundReport{}, refused(op, refusalKind(code), reply)
	}
}

// afterRefusal looks whether an earlier try with the same number got through,
// which must not be read as a failure.
func (c *Client) afterRefusal(ctx context.Context, ch channel.Charge, r channel.Refund, reply fields) (channel.RefundReport, error) {
	const op = "refund"
	rep, err := c.QueryRefund(ctx, ch, r)
	if err != nil {
		return channel.RefundReport{}, stillInDoubt(op, err)
	}
	if rep.State == channel.RefundAbsent {
		return channel.RefundReport{}, refused(op, refusalKind(reply["respCode"]), reply)
	}
	return rep, nil
}

// QueryRefund asks what became of a refund, by its number and time.
func (c *Client) QueryRefund(ctx context.Context, _ channel.Charge, r channel.Refund) (channel.RefundReport, error) {
	const op = "query_refund"
	if err := checkRefund(r); err != nil {
		return channel.RefundReport{}, failure(op, payment.Final, "refund", err)
	}
	reply, code, err := c.lookUp(ctx, op, r.No, r.RequestedAt)
	if err != nil {
		return channel.RefundReport{}, err
	}
	rep := channel.RefundReport{
		RefundNo: r.No, State: refundState(code), ChannelNo: reply["queryId"], Code: code,
		At: parseTrace(reply["traceTime"], r.RequestedAt),
	}
	if reply["txnAmt"] != "" {
		if rep.Amount, err = fen(reply["txnAmt"]); err != nil {
			return channel.RefundReport{}, failure(op, payment.Uncertain, "amount", err)
		}
	}
	if rep.State == channel.RefundSucceeded && rep.Amount.IsZero() {
		rep.Amount = r.Amount
	}
	return rep, nil
}

func checkRefund(r channel.Refund) error {
	switch {
	case !orderID.MatchString(r.No):
		return errors.New("orderId is 8 to 40 letters and digits")
	case r.Amount.Currency() != money.CNY || !r.Amount.IsPositive():
		return errors.New("the amount is above zero and in CNY")
	case r.RequestedAt.IsZero():
		return errors.New("a refund has the time of its request")
	}
	return nil
}
