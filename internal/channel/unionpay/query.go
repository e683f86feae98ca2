package unionpay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// Query asks what became of the charge. An order that the gateway does not
// know is Open until its time is over (see the package's comment), Absent then.
// Of an order that was paid twice the gateway shows the first payment; the
// other one is found by Charge.ChannelNo, its queryId.
func (c *Client) Query(ctx context.Context, ch channel.Charge) (channel.Report, error) {
	const op = "query"
	// Read before the call: a reply that left before the end of the order's time
	// must not be judged as one from after it.
	over := c.over(ch)
	look := func() (fields, string, error) { return c.lookUp(ctx, op, ch.MerchantNo, ch.CreatedAt) }
	if ch.ChannelNo != "" {
		look = func() (fields, string, error) { return c.lookUpNumber(ctx, op, ch.MerchantNo, ch.ChannelNo) }
	}
	reply, code, err := look()
	if err != nil {
		return channel.Report{}, err
	}
	r := channel.Report{MerchantNo: ch.MerchantNo, State: chargeState(code, over), ChannelNo: reply["queryId"], Code: code}
	if r.State != channel.Captured {
		return r, nil
	}
	if r.Captured, err = captured(reply, code); err != nil {
		return channel.Report{}, failure(op, payment.Uncertain, "amount", err)
	}
	if r.ChannelNo == "" {
		return channel.Report{}, failure(op, payment.Uncertain, "no_query_id", errors.New("paid without a queryId"))
	}
	r.CapturedAt = parseTrace(reply["traceTime"], ch.CreatedAt)
	return r, nil
}

// Close reports how the order stands. ACP has no call that closes; an order
// closes itself at payTimeout, so an unpaid one is Open until then and Closed
// after a query that was made later than that.
func (c *Client) Close(ctx context.Context, ch channel.Charge) (channel.Report, error) {
	r, err := c.Query(ctx, ch)
	if err == nil && r.State == channel.Absent {
		r.State = channel.Closed
	}
	return r, err
}

// over says that the order cannot be paid any more.
func (c *Client) over(ch channel.Charge) bool {
	return !c.cfg.Clock().Before(ch.ExpiresAt.Add(c.cfg.CloseMargin))
}

// lookUp asks for a transaction by the merchant's number and time, and returns
// the reply with the transaction's own code: origRespCode, or 34 when the
// gateway does not know it.
func (c *Client) lookUp(ctx context.Context, op, no string, at time.Time) (fields, string, error) {
	f := c.base("00", "00")
	f["orderId"] = no
	f["txnTime"] = stamp(at)
	return c.queried(ctx, op, f)
}

// lookUpNumber does the same by the gateway's own number (txnSubType 02), for a
// transaction that has to be one of the order no.
func (c *Client) lookUpNumber(ctx context.Context, op, no, queryID string) (fields, string, error) {
	f := c.base("00", "02")
	f["queryId"] = queryID
	reply, code, err := c.queried(ctx, op, f)
	if err == nil && code != unknown && reply["orderId"] != no {
		return nil, "", failure(op, payment.Final, "other_order", errors.New("the number is not one of this order"))
	}
	return reply, code, err
}

// queried makes a query and reads what it says of the transaction.
func (c *Client) queried(ctx context.Context, op string, f fields) (fields, string, error) {
	reply, err := c.call(ctx, op, pathQuery, f)
	if err != nil {
		return nil, "", err
	}
	switch code := reply["respCode"]; {
	case code == ok && reply["origRespCode"] != "":
		return reply, reply["origRespCode"], nil
	case code == ok:
		return nil, "", failure(op, payment.Uncertain, "bad_reply", errors.New("no origRespCode"))
	case code == unknown:
		return reply, unknown, nil
	case notNow(code), code == timedOut, code == unclear, code == accepted:
		return nil, "", refused(op, payment.Retryable, reply) // the query itself failed
	default:
		return nil, "", refused(op, payment.Final, reply)
	}
}

// captured is how much was paid. For a plain success that is the transaction's
// amount, which is also what can be refunded; a payment that succeeded in part
// is worth what is settled.
func captured(f fields, code string) (money.Money, error) {
	names := []string{"txnAmt", "settleAmt"}
	if code == partly {
		names = []string{"settleAmt"}
	}
	for _, name := range names {
		if f[name] == "" {
			continue
		}
		m, err := fen(f[name])
		if err != nil || !m.IsPositive() {
			return money.Money{}, fmt.Errorf("%s is not an amount", name)
		}
		return m, nil
	}
	return money.Money{}, errors.New("paid without an amount")
}

// fen reads an amount in whole fen.
func fen(s string) (money.Money, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || len(s) > 15 {
		return money.Money{}, errors.New("not an amount in fen")
	}
	return money.Fen(int64(n)), nil
}
