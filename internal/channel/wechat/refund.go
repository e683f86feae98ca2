package wechat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/services/refunddomestic"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// Refund asks for money to be returned. The same number is the same refund at
// WeChat Pay, however often it is sent. Limits of its own: within a year, 50
// parts an order, a minute between parts.
//
// A refusal is unsigned, and a person would pay by hand on its word, so the
// refund is asked for first: only when WeChat Pay does not know it is the
// refusal returned, Final. NOT_ENOUGH (the merchant's balance) is Final too;
// once the balance is filled the same number may be sent again.
func (c *Client) Refund(ctx context.Context, ch channel.Charge, r channel.Refund) (channel.RefundReport, error) {
	if err := c.checkRefund(opRefund, ch, r); err != nil {
		return channel.RefundReport{}, err
	}
	if err := c.ready(ctx, opRefund); err != nil {
		return channel.RefundReport{}, err
	}
	// WeChat Pay compares total with what the order was for.
	total := ch.Amount
	if r.Original.Captured.IsPositive() {
		total = r.Original.Captured
	}
	req := refunddomestic.CreateRequest{
		OutTradeNo: &ch.MerchantNo, OutRefundNo: &r.No, NotifyUrl: &c.cfg.NotifyURL,
		Amount: &refunddomestic.AmountReq{
			Refund: core.Int64(r.Amount.Minor()), Total: core.Int64(total.Minor()), Currency: core.String(string(money.CNY)),
		},
	}
	if reason := cut(r.Reason, 80); reason != "" {
		req.Reason = &reason
	}
	resp, result, err := c.refunds.Create(ctx, req)
	if err == nil {
		return c.refundReply(opRefund, ch, r, resp)
	}
	refused := fail(opRefund, result, err, ch.Payer.OpenID)
	if refused.Kind != payment.Final {
		return channel.RefundReport{}, refused
	}
	report, err := c.QueryRefund(ctx, ch, r)
	switch {
	case err != nil:
		uncertain := &payment.Failure{Kind: payment.Uncertain, System: system, Op: opRefund, Code: refused.Code}
		uncertain.Err = fmt.Errorf("the refund was refused and could not be asked for: %w", err)
		return channel.RefundReport{}, uncertain
	case report.State == channel.RefundAbsent:
		return channel.RefundReport{}, refused
	}
	return report, nil
}

// QueryRefund asks for the refund by its number. RefundAbsent is an unsigned
// reply: a reason to send the same number again, which is harmless even when
// the reply was wrong, and never to send another.
func (c *Client) QueryRefund(ctx context.Context, ch channel.Charge, r channel.Refund) (channel.RefundReport, error) {
	if err := c.checkRefund(opQueryRefund, ch, r); err != nil {
		return channel.RefundReport{}, err
	}
	if err := c.ready(ctx, opQueryRefund); err != nil {
		return channel.RefundReport{}, err
	}
	resp, result, err := c.refunds.QueryByOutRefundNo(ctx, refunddomestic.QueryByOutRefundNoRequest{OutRefundNo: &r.No})
	if err != nil {
		if saysAbsent(err, codeResourceNotExist) {
			return channel.RefundReport{RefundNo: r.No, State: channel.RefundAbsent, Code: codeResourceNotExist}, nil
		}
		return channel.RefundReport{}, fail(opQueryRefund, result, err, ch.Payer.OpenID)
	}
	return c.refundReply(opQueryRefund, ch, r, resp)
}

func (c *Client) checkRefund(op string, ch channel.Charge, r channel.Refund) error {
	switch {
	case !validNumber(r.No, 64):
		return refuse(op, "invalid_refund", "the refund number is not one that WeChat Pay takes")
	case op == opRefund && (r.Amount.Currency() != money.CNY || !r.Amount.IsPositive()):
		return refuse(op, "invalid_refund", "the amount is above zero and in CNY")
	}
	return c.check(op, ch)
}

// refundReply reads a signed reply of either call.
func (c *Client) refundReply(op string, ch channel.Charge, r channel.Refund, resp *refunddomestic.Refund) (channel.RefundReport, error) {
	if deref(resp.OutRefundNo) != r.No || deref(resp.OutTradeNo) != ch.MerchantNo {
		return channel.RefundReport{}, unusable(op, "the reply is about another refund")
	}
	if resp.Status == nil || resp.Amount == nil {
		return channel.RefundReport{}, unusable(op, "no status or amount")
	}
	amount, err := fen(resp.Amount.Refund, deref(resp.Amount.Currency))
	if err != nil {
		return channel.RefundReport{}, unusable(op, err.Error())
	}
	report := channel.RefundReport{RefundNo: r.No, ChannelNo: deref(resp.RefundId), Amount: amount, Code: string(*resp.Status)}
	if report.State, err = refundState(report.Code); err != nil {
		return channel.RefundReport{}, unusable(op, err.Error())
	}
	if resp.SuccessTime != nil && report.State == channel.RefundSucceeded {
		report.At = *resp.SuccessTime
	}
	return report, nil
}

// refundState reads status (replies) and refund_status (notifications).
func refundState(status string) (channel.RefundState, error) {
	switch status {
	case "SUCCESS":
		return channel.RefundSucceeded, nil
	case "PROCESSING":
		return channel.RefundProcessing, nil
	case "CLOSED":
		return channel.RefundFailed, nil
	case "ABNORMAL":
		return channel.RefundAbnormal, nil
	}
	return "", errors.New("unknown refund status")
}

// refundNotice is the content of a refund's notification.
type refundNotice struct {
	Mchid         string `json:"mchid"`
	OutTradeNo    string `json:"out_trade_no"`
	TransactionID string `json:"transaction_id"`
	OutRefundNo   string `json:"out_refund_no"`
	RefundID      string `json:"refund_id"`
	RefundStatus  string `json:"refund_status"`
	SuccessTime   string `json:"success_time"`
	Amount        struct {
		Refund *int64 `json:"refund"`
	} `json:"amount"`
}

func (c *Client) refundEvent(n refundNotice) (channel.RefundReport, error) {
	if n.Mchid != c.cfg.MchID {
		return channel.RefundReport{}, errForeign
	}
	if !validNumber(n.OutRefundNo, 64) {
		return channel.RefundReport{}, errors.New("no refund number")
	}
	state, err := refundState(n.RefundStatus)
	if err != nil {
		return channel.RefundReport{}, err
	}
	amount, err := fen(n.Amount.Refund, "")
	if err != nil {
		return channel.RefundReport{}, err
	}
	r := channel.RefundReport{RefundNo: n.OutRefundNo, State: state, ChannelNo: n.RefundID, Amount: amount, Code: n.RefundStatus}
	if at, err := time.Parse(time.RFC3339, n.SuccessTime); err == nil && state == channel.RefundSucceeded {
		r.At = at
	}
	return r, nil
}
