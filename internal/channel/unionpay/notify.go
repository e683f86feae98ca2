package unionpay

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/regpay/regpay/internal/channel"
)

// A notification is believed for a day after the transaction that it tells of:
// its repeats end some twelve minutes after the first, and a clearing day is
// the longest outage that UnionPay makes up for by sending again. Anything
// older is a replay, and a query finds it out anyway. Ahead of the clock it may
// be by the usual error of two clocks.
const (
	notifyAge   = 24 * time.Hour
	notifyAhead = 10 * time.Minute
)

// ParseNotification reads a back-end notification of a payment (01), a refund
// (04) or a revoke (31), after its signature, merchant and age were found
// right. UnionPay notifies of success alone; a payment that is told to have
// failed is reported as Open, since only a query after its time can end it.
func (c *Client) ParseNotification(_ context.Context, n channel.Notification) (channel.Event, error) {
	f, err := c.readNotification(n)
	if err != nil {
		return channel.Event{}, fmt.Errorf("unionpay notification: %w", err)
	}
	ev := channel.Event{ID: f["queryId"] + "-" + f["txnType"] + "-" + f["respCode"]}
	at := processedAt(f)
	switch f["txnType"] {
	case "01":
		r := channel.Report{
			MerchantNo: f["orderId"], State: chargeState(f["respCode"], false),
			ChannelNo: f["queryId"], Code: f["respCode"],
		}
		if r.State == channel.Captured {
			r.CapturedAt = at
			if r.Captured, err = captured(f, r.Code); err != nil {
				return channel.Event{}, fmt.Errorf("unionpay notification: %w", err)
			}
		}
		ev.Charge = &r
	case "04", "31":
		amount, err := fen(f["txnAmt"])
		if err != nil {
			return channel.Event{}, fmt.Errorf("unionpay notification: txnAmt: %w", err)
		}
		ev.Refund = &channel.RefundReport{
			RefundNo: f["orderId"], State: refundState(f["respCode"]), ChannelNo: f["queryId"],
			Amount: amount, At: at, Code: f["respCode"],
		}
	default:
		return channel.Event{}, errors.New("unionpay notification: of another kind of transaction")
	}
	return ev, nil
}

func (c *Client) readNotification(n channel.Notification) (fields, error) {
	if n.Method != http.MethodPost {
		return nil, errors.New("not a POST")
	}
	if ct, _, err := mime.ParseMediaType(n.Header.Get("Content-Type")); err != nil || ct != "application/x-www-form-urlencoded" {
		return nil, errors.New("not a form")
	}
	f, err := parseEncoded(string(n.Body))
	if err != nil {
		return nil, err
	}
	if err := c.verify(f); err != nil {
		return nil, err
	}
	if f["merId"] != c.cfg.MerID {
		return nil, errors.New("for another merchant")
	}
	for _, k := range []string{"orderId", "queryId", "respCode"} {
		if f[k] == "" {
			return nil, fmt.Errorf("without %s", k)
		}
	}
	if cur := f["currencyCode"]; cur != "" && cur != "156" {
		return nil, errors.New("in another currency")
	}
	return f, c.checkAge(f)
}

// checkAge goes by traceTime, when UnionPay processed the transaction. txnTime
// is when it was asked for, which for a payment is up to two hours earlier and
// for a refund any time; it only must not lie ahead.
func (c *Client) checkAge(f fields) error {
	now := c.cfg.Clock()
	asked, err := parseStamp(f["txnTime"])
	if err != nil {
		return errors.New("without a txnTime")
	}
	if asked.Sub(now) > notifyAhead {
		return errors.New("of a transaction in the future")
	}
	switch age := now.Sub(processedAt(f)); {
	case age > notifyAge:
		return errors.New("too old")
	case -age > notifyAhead:
		return errors.New("of a transaction in the future")
	}
	return nil
}

// processedAt is traceTime, its missing year taken from txnTime: going by the
// clock instead would make last year's notification look like today's. It is
// txnTime where there is no traceTime.
func processedAt(f fields) time.Time {
	asked, err := parseStamp(f["txnTime"])
	if err != nil {
		return time.Time{}
	}
	if at := parseTrace(f["traceTime"], asked); !at.IsZero() {
		return at
	}
	return asked
}

// Acknowledge answers 200 to a kept notification; anything else makes UnionPay
// repeat it. The refusal does not say why.
func (c *Client) Acknowledge(err error) channel.Reply {
	r := channel.Reply{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte("ok")}
	if err != nil {
		r.Status, r.Body = http.StatusBadRequest, []byte("fail")
	}
	return r
}
