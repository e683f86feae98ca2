package wechat

import (
	"net/http"

	"github.com/regpay/regpay/internal/sandbox"
)

// transaction is an order as a query and a notification show it (documented as 商户订单号查询订单).
type transaction struct {
	AppID          string             `json:"appid"`
	MchID          string             `json:"mchid"`
	OutTradeNo     string             `json:"out_trade_no"`
	TransactionID  string             `json:"transaction_id,omitempty"`
	TradeType      tradeType          `json:"trade_type,omitempty"`
	TradeState     string             `json:"trade_state"`
	TradeStateDesc string             `json:"trade_state_desc"`
	BankType       string             `json:"bank_type,omitempty"`
	Attach         string             `json:"attach,omitempty"`
	SuccessTime    string             `json:"success_time,omitempty"`
	Payer          *payer             `json:"payer,omitempty"`
	Amount         *transactionAmount `json:"amount"`
}

type transactionAmount struct {
	Total         int64  `json:"total"`
	PayerTotal    int64  `json:"payer_total,omitempty"`
	Currency      string `json:"currency"`
	PayerCurrency string `json:"payer_currency,omitempty"`
}

// Trade states of orders that are not paid by scanning a payment code.
const (
	tradeSuccess = "SUCCESS"
	tradeRefund  = "REFUND"
	tradeNotPay  = "NOTPAY"
	tradeClosed  = "CLOSED"
)

func (s *Server) queryByOutTradeNo(m *merchant, r *http.Request, _ []byte) (reply, error) {
	if err := sameMerchant(m, "url", r.URL.Query().Get("mchid")); err != nil {
		return reply{}, err
	}
	number := r.PathValue("out_trade_no")
	if !outTradeNoPattern.MatchString(number) {
		return reply{}, badField("url", "out_trade_no", "须为6至32个字符，只能是数字、大小写字母_-|*")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.show(s.trades[bookKey(m.hospital, number)])
}

func (s *Server) queryByTransactionID(m *merchant, r *http.Request, _ []byte) (reply, error) {
	if err := sameMerchant(m, "url", r.URL.Query().Get("mchid")); err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.show(s.byTxn[bookKey(m.MchID, r.PathValue("transaction_id"))])
}

func (s *Server) show(t *trade) (reply, error) {
	if t == nil {
		return reply{}, refuse(codeOrderNotExist, "订单不存在")
	}
	return reply{body: s.describe(t)}, nil
}

// describe shows a trade as it is now; s.mu is held.
func (s *Server) describe(t *trade) transaction {
	charge, _ := s.book.Charge(t.key())
	view := transaction{AppID: t.order.appID, MchID: t.merchant.MchID, OutTradeNo: t.order.outTradeNo, Attach: t.order.attach,
		Amount: &transactionAmount{Total: charge.AmountFen, Currency: "CNY"}}
	switch {
	case charge.State == sandbox.ChargeCaptured:
		view.TradeState, view.TradeStateDesc = tradeSuccess, "支付成功"
		if len(s.book.RefundsOf(t.key())) > 0 {
			view.TradeState, view.TradeStateDesc = tradeRefund, "订单发生过退款，退款详情请查询退款单"
		}
		view.TransactionID, view.TradeType, view.BankType = charge.ChannelNo, t.order.kind, t.bank
		view.SuccessTime = rfc3339(*charge.CapturedAt)
		view.Payer = &payer{OpenID: t.payer}
		view.Amount.PayerTotal, view.Amount.PayerCurrency = charge.CapturedFen, "CNY"
	case charge.State == sandbox.ChargeClosed:
		view.TradeState, view.TradeStateDesc = tradeClosed, "订单已关闭"
	default: // a failed attempt leaves the order to be paid
		view.TradeState, view.TradeStateDesc = tradeNotPay, "订单未支付"
	}
	return view
}
