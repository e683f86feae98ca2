package wechat

import (
	"fmt"
	"net/http"

	"github.com/regpay/regpay/internal/sandbox"
)

// refundView is a refund as a reply shows it (documented as 退款申请).
type refundView struct {
	RefundID            string           `json:"refund_id"`
	OutRefundNo         string           `json:"out_refund_no"`
	TransactionID       string           `json:"transaction_id"`
	OutTradeNo          string           `json:"out_trade_no"`
	Channel             string           `json:"channel"`
	UserReceivedAccount string           `json:"user_received_account"`
	SuccessTime         string           `json:"success_time,omitempty"`
	CreateTime          string           `json:"create_time"`
	Status              string           `json:"status"`
	FundsAccount        string           `json:"funds_account"`
	Amount              refundViewAmount `json:"amount"`
}

type refundViewAmount struct {
	Total            int64  `json:"total"`
	Refund           int64  `json:"refund"`
	PayerTotal       int64  `json:"payer_total"`
	PayerRefund      int64  `json:"payer_refund"`
	SettlementRefund int64  `json:"settlement_refund"`
	SettlementTotal  int64  `json:"settlement_total"`
	DiscountRefund   int64  `json:"discount_refund"`
	Currency         string `json:"currency"`
}

const receivedAccount = "支付用户零钱"

// describeRefund shows a refund as it is now; s.mu is held.
func (s *Server) describeRefund(r *refund, entry sandbox.Refund) refundView {
	charge, _ := s.book.Charge(r.trade.key())
	view := refundView{RefundID: entry.ChannelRefundNo, OutRefundNo: entry.RefundNo, TransactionID: charge.ChannelNo,
		OutTradeNo: charge.MerchantNo, Channel: "ORIGINAL", UserReceivedAccount: receivedAccount,
		CreateTime: rfc3339(entry.CreatedAt), Status: r.status, FundsAccount: "AVAILABLE",
		Amount: refundViewAmount{Total: charge.AmountFen, Refund: entry.AmountFen, PayerTotal: charge.CapturedFen,
			PayerRefund: entry.AmountFen, SettlementRefund: entry.AmountFen, SettlementTotal: charge.AmountFen, Currency: "CNY"}}
	if r.status == refundSuccess {
		view.SuccessTime = rfc3339(r.settledAt)
	}
	return view
}

// decideRefund is the admin's PUT /wechat/refunds/{out_refund_no}
// {"status":"SUCCESS|ABNORMAL|CLOSED"}: how a refund ends, whether it exists
// already or is still to come. An abnormal one may be ended once more.
func (s *Server) decideRefund(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Status string `json:"status"`
	}
	if err := sandbox.ReadJSON(r, &in); err != nil {
		sandbox.WriteProblem(w, http.StatusBadRequest, err)
		return
	}
	switch in.Status {
	case refundSuccess, refundAbnormal, refundClosed:
	default:
		sandbox.WriteProblem(w, http.StatusBadRequest, fmt.Errorf("status %q is not SUCCESS, ABNORMAL or CLOSED", in.Status))
		return
	}
	number := r.PathValue("out_refund_no")
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, known := range s.refunds {
		if known.number != number || known.status == refundProcessing { // the latter ends by itself
			continue
		}
		if err := s.endRefund(key, known, in.Status); err != nil {
			sandbox.WriteProblem(w, http.StatusConflict, err)
			return
		}
	}
	s.outcomes[number] = in.Status
	sandbox.WriteJSON(w, http.StatusOK, map[string]string{"status": in.Status})
}
