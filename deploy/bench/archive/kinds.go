package archive

import (
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
	"github.com/regpay/regpay/internal/store"
)

// kind is a life that payments have.
type kind struct {
	name string
	// share is how many of a thousand payments have it, and caseShare how many
	// of a thousand open cases. One kind has one of them.
	share, caseShare int
	// recent is how long ago they began at most; zero is any time.
	recent time.Duration
	play   func(*player)
}

// The ways to pay.
var (
	byWeChat   = payment.Choice{Method: payment.ByWeChat, Scene: payment.Native}
	byUnionPay = payment.Choice{Method: payment.ByUnionPay, Scene: payment.App}
)

// insuredFen is what the insurance pays of a mixed payment.
const insuredFen = 600

func mixed() payment.Choice {
	return payment.Choice{Method: payment.ByMixed, Scene: payment.Native, SelfPay: payment.WeChat,
		InsuranceAmount: money.Fen(insuredFen), PayAuthNo: "AUTH530100202207041130310000003"}
}

func (p *player) total() int64 { return p.request.Order.Amount.Minor() }

// wechat takes it to where the patient has to pay.
func (p *player) wechat() {
	p.open(byWeChat, "", store.Opening{})
	p.ask(payment.WeChat, payment.Native, p.total(), payment.AwaitingPayment)
}

func (p *player) paid() {
	p.wechat()
	p.wait(40 * time.Second)
	p.pay(1, payment.Paid)
}

func (p *player) completed() {
	p.paid()
	p.register()
}

// clearing takes a mixed payment to where the insurance settles.
func (p *player) clearing() {
	p.open(mixed(), payment.Verifying, store.Opening{})
	p.verify()
	p.ask(payment.WeChat, payment.Native, p.total()-insuredFen, payment.AwaitingPayment)
	p.wait(40 * time.Second)
	p.pay(1, payment.Clearing)
	p.ask(payment.Insurance, "", insuredFen, payment.Clearing)
}

func kinds() []kind {
	const day = 24 * time.Hour
	return []kind{
		{name: "WeChat Pay, completed", share: 700, play: (*player).completed},
		{name: "mixed, completed", share: 110, play: func(p *player) {
			p.clearing()
			p.pay(1, payment.Paid)
			p.register()
		}},
		{name: "UnionPay, completed", share: 50, play: func(p *player) {
			p.open(byUnionPay, "", store.Opening{})
			p.ask(payment.UnionPay, payment.App, p.total(), payment.AwaitingPayment)
			p.pay(1, payment.Paid)
			p.register()
		}},
		{name: "nobody paid", share: 60, play: func(p *player) {
			p.wechat()
			p.wait(15 * time.Minute)
			p.end(channel.Closed)
			p.move(payment.Closed, "expired")
		}},
		{name: "refused by the risk rules", share: 3, play: func(p *player) {
			o := p.request.Order
			p.step(func(at time.Time) error {
				return p.Block(p.ctx, o.HospitalID, o.Patient.IDNumber, "scalper", "op-li", at)
			})
			p.open(byWeChat, "", store.Opening{})
		}},
		{name: "refunded whole", share: 40, play: func(p *player) {
			p.completed()
			p.wait(20 * time.Hour)
			p.refund("cancel", 1, p.request.Order.Amount, channel.RefundSucceeded)
			p.move(payment.Refunding, "")
			p.move(payment.Refunded, "patient_cancelled")
		}},
		{name: "refunded in part", share: 6, play: func(p *player) {
			p.completed()
			p.wait(20 * time.Hour)
			p.refund("part", 1, money.Fen(500), channel.RefundSucceeded)
		}},
		{name: "paid twice", share: 2, play: func(p *player) {
			p.paid()
			p.capture(2, p.request.Order.Amount, "")
			p.refund("stray", 2, p.request.Order.Amount, channel.RefundSucceeded)
			p.register()
		}},
		{name: "settled by a person's word", share: 8, play: func(p *player) {
			p.clearing()
			id := p.review("", payment.ReviewClearingUnknown, payment.InReview)
			p.decide(id, payment.ConfirmSettled)
			p.pay(1, payment.Paid)
			p.register()
		}},
		{name: "refused by the HIS", share: 8, play: func(p *player) {
			p.paid()
			p.step(func(at time.Time) error { return p.RecordRegistrationRefused(p.ctx, p.id, "slot_gone", at) })
			p.move(payment.Refunding, "slot_gone")
			p.refund("refused", 1, p.request.Order.Amount, channel.RefundSucceeded)
			p.move(payment.Refunded, "slot_gone")
		}},
		{name: "a refund that failed once", share: 3, play: func(p *player) {
			p.completed()
			n := p.refund("late", 1, p.request.Order.Amount, channel.RefundFailed)
			id := p.review("-R01", payment.ReviewRefundFailed, "")
			p.decide(id, payment.RefundOffline)
			p.step(func(at time.Time) error {
				return p.RecordOfflineRefund(p.ctx, p.id, n, "op-li", "SETL-"+p.request.Order.OrderNo, at)
			})
		}},
		{name: "waits for the patient", share: 1, recent: 15 * time.Minute, play: (*player).wechat},
		{name: "waits for the HIS", share: 1, recent: 2 * time.Hour, play: (*player).paid},
		{name: "waits for the insurance", share: 1, recent: time.Hour, play: (*player).clearing},
		{name: "waits for a refund", share: 3, recent: 3 * day, play: func(p *player) {
			p.completed()
			p.refund("cancel", 1, p.request.Order.Amount, channel.RefundProcessing)
			p.move(payment.Refunding, "patient_cancelled")
		}},
		{name: "a case on the risk", caseShare: 200, recent: 30 * day, play: func(p *player) {
			p.open(byWeChat, "", store.Opening{Rules: risk.Rules{ReviewAmount: money.Fen(1)}})
			p.review("", payment.ReviewRisk, payment.InReview)
		}},
		{name: "a case on the clearing", caseShare: 400, recent: 30 * day, play: func(p *player) {
			p.clearing()
			p.review("", payment.ReviewClearingUnknown, payment.InReview)
		}},
		{name: "a case on a refund", caseShare: 300, recent: 30 * day, play: func(p *player) {
			p.completed()
			p.refund("late", 1, p.request.Order.Amount, channel.RefundAbnormal)
			p.review("-R01", payment.ReviewRefundFailed, "")
		}},
		{name: "a case on the HIS", caseShare: 100, recent: 3 * day, play: func(p *player) {
			p.paid()
			p.review("", payment.ReviewHISDelayed, "")
		}},
	}
}
