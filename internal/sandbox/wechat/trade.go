package wechat

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// trade is an order that the platform has accepted. Server.mu guards it; its
// amounts and states are in the book.
type trade struct {
	merchant *merchant
	order    order
	tokens   map[string]time.Time // when each prepay_id or code_url was given out
	latest   string
	payer    string // who paid, from payment on
	bank     string
	// lastRefund is when the latest refund was accepted.
	lastRefund time.Time
}

// tokenLife is how long a prepay_id or a code_url can be used.
const tokenLife = 2 * time.Hour

func bookKey(hospital, number string) string { return hospital + "/" + number }

func (t *trade) key() string { return bookKey(t.merchant.hospital, t.order.outTradeNo) }

func (t *trade) expired(now time.Time) bool {
	return t.order.expires != 0 && now.Unix() >= t.order.expires
}

// prepay accepts an order and gives out what the patient pays with.
func (s *Server) prepay(kind tradeType) endpoint {
	return func(m *merchant, _ *http.Request, body []byte) (reply, error) {
		o, req, err := parseOrder(kind, body)
		if err != nil {
			return reply{}, err
		}
		if req.MchID != m.MchID {
			return reply{}, refuse(codeInvalidRequest, "商户号与签名的商户号不一致")
		}
		if req.AppID != m.AppID {
			return reply{}, refuse(codeAppIDMismatch, "appid和mch_id不匹配，请检查后再试")
		}
		token, opened, err := s.accept(m, o)
		if err != nil {
			return reply{}, err
		}
		if opened {
			s.env.Patients.Opened(sandbox.Order{Channel: Name, Hospital: m.hospital, MerchantNo: o.outTradeNo, Token: token})
		}
		if kind == native {
			return reply{body: map[string]string{"code_url": token}}, nil
		}
		return reply{body: map[string]string{"prepay_id": token}}, nil
	}
}

// accept enters an order or finds the one that is there. opened says that the
// token is a new one.
func (s *Server) accept(m *merchant, o order) (token string, opened bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.env.Clock.Now()
	key := bookKey(m.hospital, o.outTradeNo)
	t := s.trades[key]
	if t != nil {
		charge, _ := s.book.Charge(key)
		switch {
		case charge.State == sandbox.ChargeCaptured:
			return "", false, refuse(codeOutTradeNoUsed, "商户订单号重复，该订单已支付")
		case charge.State == sandbox.ChargeClosed:
			return "", false, refuse(codeOrderClosed, "订单已关闭")
		case t.order != o:
			return "", false, refuse(codeInvalidRequest, "请求重入时，参数与首次请求时不一致")
		}
	}
	if o.expires != 0 && now.Unix() >= o.expires {
		return "", false, badField("body", "time_expire", "支付结束时间早于当前时间")
	}
	if t == nil {
		t = &trade{merchant: m, order: o, tokens: map[string]time.Time{}}
		charge := sandbox.Charge{Key: key, Hospital: m.hospital, MerchantNo: o.outTradeNo, AmountFen: o.total, CreatedAt: now}
		if _, _, err := s.book.Open(charge); err != nil {
			return "", false, fmt.Errorf("entering an order: %w", err)
		}
		s.trades[key] = t
	}
	if given, ok := t.tokens[t.latest]; ok && now.Sub(given) < tokenLife {
		return t.latest, false, nil
	}
	token = newToken(o.kind, now)
	t.tokens[token], t.latest = now, token
	s.byToken[token] = t
	return token, true, nil
}

// newToken makes a prepay_id or a code_url in the platform's forms.
func newToken(kind tradeType, now time.Time) string {
	if kind == native {
		return "weixin://wxpay/bizpayurl?pr=" + randomHex(6) + "zz"
	}
	return "wx" + now.In(beijing).Format("02150405") + randomHex(13)
}

// closeOrder ends an order that was not paid; it may be repeated.
func (s *Server) closeOrder(m *merchant, r *http.Request, body []byte) (reply, error) {
	var req struct {
		MchID string `json:"mchid"`
	}
	if err := decodeBody(body, &req); err != nil {
		return reply{}, err
	}
	if err := sameMerchant(m, "body", req.MchID); err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.trades[bookKey(m.hospital, r.PathValue("out_trade_no"))]
	if t == nil {
		return reply{}, refuse(codeOrderNotExist, "订单不存在")
	}
	if _, err := s.book.Close(t.key()); errors.Is(err, sandbox.ErrState) {
		return reply{}, refuse(codeOrderPaid, "该订单已支付")
	} else if err != nil {
		return reply{}, fmt.Errorf("closing an order: %w", err)
	}
	return reply{}, nil
}

func sameMerchant(m *merchant, location, mchid string) error {
	switch mchid {
	case m.MchID:
		return nil
	case "":
		return badField(location, "mchid", "必填")
	default:
		return refuse(codeInvalidRequest, "商户号与签名的商户号不一致")
	}
}
