package wechat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/regpay/regpay/internal/sandbox"
)

// refundRequest is the body of POST /v3/refund/domestic/refunds.
type refundRequest struct {
	TransactionID string        `json:"transaction_id"`
	OutTradeNo    string        `json:"out_trade_no"`
	OutRefundNo   string        `json:"out_refund_no"`
	Reason        string        `json:"reason"`
	NotifyURL     string        `json:"notify_url"`
	Amount        *refundAmount `json:"amount"`
}

type refundAmount struct {
	Refund   *int64 `json:"refund"` // fen
	Total    *int64 `json:"total"`  // fen, of the order
	Currency string `json:"currency"`
}

// refund is what the platform keeps of a refund besides the book's entry;
// Server.mu guards it.
type refund struct {
	trade     *trade
	number    string
	notifyURL string
	settledAt time.Time
	status    string
}

// Refund statuses, of replies (status) and notifications (refund_status).
const (
	refundSuccess    = "SUCCESS"
	refundClosed     = "CLOSED"
	refundProcessing = "PROCESSING"
	refundAbnormal   = "ABNORMAL"
)

const (
	maxPartialRefunds = 50                   // of one order
	refundWindow      = 365 * 24 * time.Hour // after the payment
)

var outRefundNoPattern = regexp.MustCompile(`^[0-9A-Za-z_\-|*@]{1,64}$`)

// parseRefund reads and checks a refund's body on its own.
func parseRefund(body []byte) (refundRequest, error) {
	var req refundRequest
	if err := decodeBody(body, &req); err != nil {
		return req, err
	}
	if (req.TransactionID == "") == (req.OutTradeNo == "") {
		return req, badField("body", "out_trade_no", "transaction_id和out_trade_no须二选一")
	}
	if !outRefundNoPattern.MatchString(req.OutRefundNo) {
		return req, badField("body", "out_refund_no", "必填，不超过64个字符，只能是数字、大小写字母_-|*@")
	}
	if utf8.RuneCountInString(req.Reason) > 80 {
		return req, badField("body", "reason", "长度不超过80个字符")
	}
	if req.NotifyURL != "" {
		if err := checkNotifyURL(req.NotifyURL); err != nil {
			return req, err
		}
	}
	a := req.Amount
	if a == nil || a.Refund == nil || *a.Refund <= 0 || *a.Refund > maxTotal {
		return req, badField("body", "amount/refund", "须为大于0的整数，单位为分")
	}
	if a.Total == nil || *a.Total <= 0 || *a.Total > maxTotal {
		return req, badField("body", "amount/total", "须为大于0的整数，单位为分")
	}
	if a.Currency != "CNY" {
		return req, badField("body", "amount/currency", "仅支持CNY")
	}
	return req, nil
}

func (s *Server) createRefund(m *merchant, _ *http.Request, body []byte) (reply, error) {
	req, err := parseRefund(body)
	if err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.trades[bookKey(m.hospital, req.OutTradeNo)]
	if req.TransactionID != "" {
		t = s.byTxn[bookKey(m.MchID, req.TransactionID)]
	}
	if t == nil {
		return reply{}, refuse(codeResourceNotFound, "订单不存在")
	}
	key := bookKey(m.hospital, req.OutRefundNo)
	if known := s.refunds[key]; known == nil {
		if err := s.mayRefund(t, req); err != nil {
			return reply{}, err
		}
	}
	now := s.env.Clock.Now()
	entry, created, err := s.book.Refund(sandbox.Refund{Key: key, ChargeKey: t.key(), RefundNo: req.OutRefundNo,
		ChannelRefundNo: s.channelNumber("503", now), AmountFen: *req.Amount.Refund, CreatedAt: now})
	switch {
	case errors.Is(err, sandbox.ErrDiffers):
		return reply{}, refuse(codeInvalidRequest, "商户退款单号重复，请求参数与首次请求时不一致")
	case errors.Is(err, sandbox.ErrState):
		return reply{}, refuse(codeInvalidRequest, "订单未支付，不能退款")
	case errors.Is(err, sandbox.ErrOverRefund):
		return reply{}, refuse(codeInvalidRequest, "申请退款金额超过订单可退金额")
	case err != nil:
		return reply{}, fmt.Errorf("entering a refund: %w", err)
	}
	if created {
		s.refunds[key] = &refund{trade: t, number: req.OutRefundNo, notifyURL: req.NotifyURL, status: refundProcessing}
		t.lastRefund = now
		s.env.Background.Go(func(ctx context.Context) {
			if s.env.Clock.Sleep(ctx, s.refundDelay) == nil {
				s.settleRefund(key)
			}
		})
	} else if *req.Amount.Total != t.order.total {
		return reply{}, refuse(codeInvalidRequest, "商户退款单号重复，请求参数与首次请求时不一致")
	}
	return reply{body: s.describeRefund(s.refunds[key], entry)}, nil
}

// mayRefund holds the rules for a refund number that is new; s.mu is held.
func (s *Server) mayRefund(t *trade, req refundRequest) error {
	charge, _ := s.book.Charge(t.key())
	now := s.env.Clock.Now()
	earlier := s.book.RefundsOf(t.key())
	switch {
	case charge.State != sandbox.ChargeCaptured:
		return refuse(codeInvalidRequest, "订单未支付，不能退款")
	case *req.Amount.Total != t.order.total:
		return refuse(codeInvalidRequest, "订单金额不一致，请核实amount.total")
	case now.Sub(*charge.CapturedAt) > refundWindow:
		return refuse(codeInvalidRequest, "订单已超过可退款的期限（一年）")
	case len(earlier) >= maxPartialRefunds:
		return refuse(codeInvalidRequest, "一笔订单最多支持50次部分退款")
	case len(earlier) > 0 && now.Sub(t.lastRefund) < s.refundInterval:
		return refuse(codeFrequency, "退款请求频率超限，请间隔1分钟后再试")
	}
	return nil
}

// settleRefund ends a refund as was decided for it, else as a success.
func (s *Server) settleRefund(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.refunds[key]
	status := s.outcomes[r.number]
	if status == "" {
		status = refundSuccess
	}
	if err := s.endRefund(key, r, status); err != nil {
		s.env.Log.Error("wechat: ending a refund", "err", err)
	}
}

// endRefund brings a refund to a status and tells the merchant; s.mu is held.
func (s *Server) endRefund(key string, r *refund, status string) error {
	states := map[string]sandbox.RefundState{refundSuccess: sandbox.RefundSuccess, refundClosed: sandbox.RefundFailed,
		refundAbnormal: sandbox.RefundAbnormal}
	if r.status == status {
		return nil
	}
	entry, err := s.book.SettleRefund(key, states[status])
	if err != nil {
		return fmt.Errorf("ending a refund: %w", err)
	}
	r.status, r.settledAt = status, s.env.Clock.Now()
	if r.notifyURL != "" {
		s.notifyRefund(r, entry)
	}
	return nil
}

func (s *Server) queryRefund(m *merchant, r *http.Request, _ []byte) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := bookKey(m.hospital, r.PathValue("out_refund_no"))
	found := s.refunds[key]
	if found == nil {
		return reply{}, refuse(codeResourceNotFound, "退款单不存在")
	}
	entry, _ := s.book.RefundByKey(key)
	return reply{body: s.describeRefund(found, entry)}, nil
}

// channelNumber is a platform's number of 28 digits that begins as its kind does.
// No two are the same: it ends with a count that begins anywhere, so that neither
// does one that a restart within the second makes. s.mu is held.
func (s *Server) channelNumber(prefix string, now time.Time) string {
	s.numbers++
	return prefix + "0000" + now.In(beijing).Format("20060102150405") + fmt.Sprintf("%07d", s.numbers%mostNumbers)
}

const mostNumbers = 10_000_000
