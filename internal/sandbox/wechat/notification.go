package wechat

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// repeats is the platform's schedule for a notification that is not
// acknowledged: 15s/15s/30s/3m/10m/20m/30m/30m/30m/60m/3h/3h/3h/6h/6h.
func repeats() []time.Duration {
	const s, m, h = time.Second, time.Minute, time.Hour
	return []time.Duration{15 * s, 15 * s, 30 * s, 3 * m, 10 * m, 20 * m, 30 * m, 30 * m, 30 * m, 60 * m,
		3 * h, 3 * h, 3 * h, 6 * h, 6 * h}
}

// event is a notification's body (documented as 支付成功回调通知).
type event struct {
	ID           string `json:"id"`
	CreateTime   string `json:"create_time"`
	ResourceType string `json:"resource_type"`
	EventType    string `json:"event_type"`
	Summary      string `json:"summary"`
	Resource     sealed `json:"resource"`
}

// refundNotice is a refund as its notification tells it: refund_status where a
// reply says status.
type refundNotice struct {
	MchID               string             `json:"mchid"`
	OutTradeNo          string             `json:"out_trade_no"`
	TransactionID       string             `json:"transaction_id"`
	OutRefundNo         string             `json:"out_refund_no"`
	RefundID            string             `json:"refund_id"`
	RefundStatus        string             `json:"refund_status"`
	SuccessTime         string             `json:"success_time,omitempty"`
	UserReceivedAccount string             `json:"user_received_account"`
	Amount              refundNoticeAmount `json:"amount"`
}

type refundNoticeAmount struct {
	Total       int64 `json:"total"`
	Refund      int64 `json:"refund"`
	PayerTotal  int64 `json:"payer_total"`
	PayerRefund int64 `json:"payer_refund"`
}

// notifyPayment tells the merchant that an order was paid; s.mu is held.
func (s *Server) notifyPayment(t *trade) {
	s.notify(t.merchant, t.order.notifyURL, "TRANSACTION.SUCCESS", "支付成功", "transaction", "transaction", s.describe(t))
}

// notifyRefund tells the merchant how a refund ended; s.mu is held.
func (s *Server) notifyRefund(r *refund, entry sandbox.Refund) {
	view := s.describeRefund(r, entry)
	summary := map[string]string{refundSuccess: "退款成功", refundAbnormal: "退款异常", refundClosed: "退款关闭"}[r.status]
	s.notify(r.trade.merchant, r.notifyURL, "REFUND."+r.status, summary, "refund", "refund", refundNotice{
		MchID: r.trade.merchant.MchID, OutTradeNo: view.OutTradeNo, TransactionID: view.TransactionID,
		OutRefundNo: view.OutRefundNo, RefundID: view.RefundID, RefundStatus: view.Status, SuccessTime: view.SuccessTime,
		UserReceivedAccount: view.UserReceivedAccount,
		Amount: refundNoticeAmount{Total: view.Amount.Total, Refund: view.Amount.Refund, PayerTotal: view.Amount.PayerTotal,
			PayerRefund: view.Amount.PayerRefund},
	})
}

func (s *Server) notify(m *merchant, url, eventType, summary, originalType, associated string, resource any) {
	body, id, err := s.eventBody(m, eventType, summary, originalType, associated, resource)
	if err != nil {
		s.env.Log.Error("wechat: making a notification", "event", eventType, "err", err)
		return
	}
	s.env.Notifier.Send(sandbox.Notification{
		Counterparty: Name, Kind: eventType, ID: id, Schedule: repeats(), Timeout: 5 * time.Second, Faults: s.faults,
		Accepted: func(status int, _ []byte) bool { return status == http.StatusOK || status == http.StatusNoContent },
		Build: func(ctx context.Context, forged bool) (*http.Request, error) {
			return s.notificationRequest(ctx, m, url, body, forged)
		},
	})
}

func (s *Server) eventBody(m *merchant, eventType, summary, originalType, associated string, resource any) (body []byte, id string, err error) {
	plain, err := marshal(resource)
	if err != nil {
		return nil, "", fmt.Errorf("writing the resource: %w", err)
	}
	resourceSealed, err := seal(m, originalType, associated, plain)
	if err != nil {
		return nil, "", err
	}
	id = randomUUID()
	body, err = marshal(event{ID: id, CreateTime: rfc3339(s.env.Clock.Now()), ResourceType: "encrypt-resource",
		EventType: eventType, Summary: summary, Resource: resourceSealed})
	return body, id, err
}

// notificationRequest makes one attempt. A forgery carries the genuine body, so
// that nothing but its signature gives it away: either random bytes, or the
// prefix with which the platform probes whether merchants verify at all
// (documented as 应对签名探测流量).
func (s *Server) notificationRequest(ctx context.Context, m *merchant, url string, body []byte, forged bool) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("notification to the merchant: %w", err)
	}
	headers, err := signatureHeaders(m, s.env.Clock.Now(), body)
	if err != nil {
		return nil, err
	}
	if forged {
		random := make([]byte, m.platformKey.Size())
		rand.Read(random) //nolint:errcheck // crypto/rand.Read never returns an error
		signature := base64.StdEncoding.EncodeToString(random)
		if mathrand.IntN(2) == 0 {
			signature = "WECHATPAY/SIGNTEST/" + signature[19:]
		}
		headers.Set("Wechatpay-Signature", signature)
	}
	maps.Copy(request.Header, headers)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "*/*")
	request.Header.Set("User-Agent", "Mozilla/4.0")
	return request, nil
}
