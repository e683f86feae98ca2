package console

import (
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// hisExchange is what was said with the hospital's information system, as far as
// the books know: since when it is asked to register the payment, its answer,
// and when staff were told that there is none. Single tries are in Temporal
// alone. ok is false for a payment that the HIS does not know of.
func hisExchange(p *page, f store.File) (e exchange, ok bool) {
	v := f.Payment
	if v.PaidAt.IsZero() {
		return e, false
	}
	e = exchange{HIS: "said_his_waits", State: channel.InClearing}
	sent, answered := facts{lang: p.lang}, facts{lang: p.lang}
	sent.add("sent_his_since", when(v.PaidAt), false)
	sent.add("order_no", v.OrderNo, true)
	sent.add("slot_at", when(v.SlotAt), false)
	sent.add("sent_his_paid", yuan(v.Captured), false)
	for _, h := range f.Timeline {
		switch h.Action {
		case "registered":
			e.HIS, e.State = "said_his_registered", channel.Captured
			answered.add("answer_his_registered", when(h.At), false)
			answered.add("appointment", h.Detail["appointment"], true)
			answered.add("answer_his_notice", h.Detail["notice"], true)
		case "registration_refused":
			e.HIS, e.State = "said_his_refused", channel.Declined
			answered.add("answer_his_refused", when(h.At), false)
			answered.add("answer_code", theirWord(p.lang, hisSide, h.Detail["code"]), false)
		}
	}
	if len(answered.all) == 0 {
		if v.Status.Ended() || v.Status == payment.Refunding {
			e.HIS, e.State = "said_his_over", channel.Closed
		} else {
			sent.add("sent_his_again", say(p.lang, "sent_his_again_value"), false)
			answered.add("answer_his_none", lasted(p.lang, p.now.Sub(v.PaidAt)), false)
		}
	}
	for _, c := range f.Cases {
		if c.Reason == payment.ReviewHISDelayed {
			answered.add("answer_his_reported", when(c.OpenedAt), false)
		}
	}
	e.Sent, e.Answered = sent.all, answered.all
	return e, true
}

// hisSide is the HIS among the sides whose codes have words.
const hisSide payment.Channel = payment.Channel(payment.SystemHIS)
