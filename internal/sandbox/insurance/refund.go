package insurance

import (
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// Values of refStatus.
const (
	refundDone    = "SUCC"
	refundFailed  = "FAIL"
	refundUnclear = "EXP"
)

// refund is one refund that was carried out.
type refund struct {
	order    *order
	refdType string
	amounts  splits
	reply    map[string]any
}

// refund is 6203.
func (s *Server) refund(app *application, data map[string]any, now time.Time) (map[string]any, *refusal) {
	for _, name := range []string{"payOrdId", "appRefdSn", "appRefdTime", "refdType"} {
		if text(data, name) == "" {
			return nil, refuse(codeField, "缺少字段："+name)
		}
	}
	if _, ok := parseTime(text(data, "appRefdTime")); !ok {
		return nil, refuse(codeField, "appRefdTime 格式错误")
	}
	if len(text(data, "appRefdSn")) > 64 {
		return nil, refuse(codeField, "appRefdSn 超长")
	}
	if (text(data, "payAuthNo") == "") == (text(data, "ecToken") == "") {
		return nil, refuse(codeField, "ecToken 与 payAuthNo 须且仅须填一项")
	}
	amounts, refused := readRefund(data)
	if refused != nil {
		return nil, refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.byPayOrdID[text(data, "payOrdId")]
	if o == nil || o.app.hospital != app.hospital {
		return nil, refuse(codeNoOrder, "订单不存在")
	}
	key := orderKey(app.hospital, text(data, "appRefdSn"))
	if known := s.refunds[key]; known != nil {
		if known.order != o || known.refdType != text(data, "refdType") || known.amounts != amounts {
			return nil, refuse(codeDiffers, "appRefdSn 已用于其他退款")
		}
		return known.reply, nil
	}
	a, refused := s.authorise(o, data, now)
	if refused != nil {
		return nil, refused
	}
	r := &refund{order: o, refdType: text(data, "refdType"), amounts: amounts}
	if refused := o.refundable(r); refused != nil {
		return nil, refused
	}
	number, _, err := newNumbers(now)
	if err != nil {
		return nil, refuse(codeBusy, "系统异常")
	}
	if _, _, err := s.book.Refund(sandbox.Refund{Key: key, ChargeKey: o.key, RefundNo: text(data, "appRefdSn"),
		ChannelRefundNo: "REF" + number[3:], AmountFen: amounts.total, State: sandbox.RefundSuccess, CreatedAt: now}); err != nil {
		s.env.Log.Error("booking a refund", "order", o.key, "err", err)
		return nil, refuse(codeRefund, "退款金额超限")
	}
	a.order = o
	o.give(amounts)
	r.reply = map[string]any{"payOrdId": o.payOrdID, "appRefdSn": text(data, "appRefdSn"), "refStatus": refundDone,
		"refdSn": "REF" + number[3:], "refdTime": now.In(shanghai()).Format(timeLayout), "totlRefdAmt": yuan(amounts.total),
		"psnAcctRefdAmt": yuan(amounts.account), "fundRefdAmt": yuan(amounts.fund), "cashRefdAmt": yuan(amounts.own)}
	s.refunds[key] = r
	return r.reply, nil
}

// readRefund reads the four amounts, which must add up and match the type.
func readRefund(data map[string]any) (splits, *refusal) {
	var out splits
	for name, into := range map[string]*int64{"psnAcctRefdAmt": &out.account, "fundRefdAmt": &out.fund, "cashRefdAmt": &out.own} {
		fen, err := amount(data, name, true)
		if err != nil {
			return splits{}, refuse(codeField, err.Error())
		}
		*into = fen
	}
	var err error
	if out.total, err = amount(data, "totlRefdAmt", false); err != nil {
		return splits{}, refuse(codeField, err.Error())
	}
	if out.total == 0 || out.own+out.account+out.fund != out.total {
		return splits{}, refuse(codeAmounts, "退款金额合计不符")
	}
	switch text(data, "refdType") {
	case "ALL":
	case "CASH":
		if out.insured() != 0 {
			return splits{}, refuse(codeAmounts, "CASH 退款不得含医保金额")
		}
	case "HI":
		if out.own != 0 {
			return splits{}, refuse(codeAmounts, "HI 退款不得含现金金额")
		}
	default:
		return splits{}, refuse(codeField, "refdType 只能为 ALL、CASH、HI")
	}
	return out, nil
}

// refundable holds a refund against the settlement and the refunds before it;
// Server.mu is held.
func (o *order) refundable(r *refund) *refusal {
	if o.settledAt.IsZero() {
		return refuse(codeState, "订单未结算")
	}
	switch r.refdType {
	case "ALL":
		if o.back != (splits{}) {
			return refuse(codeRefund, "订单已有退款，不能全部退款")
		}
		if r.amounts != o.splits {
			return refuse(codeRefund, "ALL 退款金额须与原结算一致")
		}
	case "HI":
		if o.back.insured() > 0 {
			return refuse(codeRefund, "医保部分已退款")
		}
		if r.amounts.account != o.splits.account || r.amounts.fund != o.splits.fund {
			return refuse(codeRefund, "HI 退款金额须与原结算一致")
		}
	case "CASH":
		if r.amounts.own > o.splits.own-o.back.own {
			return refuse(codeRefund, "退款金额超过可退现金")
		}
	}
	return nil
}

// give notes what went back and moves the order to the state that says so;
// Server.mu is held.
func (o *order) give(r splits) {
	o.back.total += r.total
	o.back.own += r.own
	o.back.account += r.account
	o.back.fund += r.fund
	insurance := o.back.insured() > 0
	switch {
	case o.back.total == o.splits.total:
		o.stas = stasRefunded
	case insurance && o.back.own > 0:
		o.stas = stasHIAndPartly
	case insurance:
		o.stas = stasHIRefunded
	case o.back.own == o.splits.own:
		o.stas = stasCashRefunded
	default:
		o.stas = stasCashPartly
	}
}
