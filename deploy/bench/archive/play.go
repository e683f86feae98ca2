package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// player plays one payment through the store's methods, each step somewhat
// later than the one before. The first error ends it: all further steps do
// nothing.
type player struct {
	*books
	ctx     context.Context
	err     error
	now     time.Time
	request payment.Request
	id      string
	attempt int
	charge  channel.Charge
	cases   int
	spent   []time.Duration // by each step that was taken
}

// period is how far back the books go.
const period = 2 * 365 * 24 * time.Hour

// orderNo is the n-th order's number, of the day on which it was made.
func orderNo(at time.Time, n int) string { return fmt.Sprintf("R%s%09d", at.Format("20060102"), n) }

// visit is an order of a patient, with fees that differ.
func visit(hospital, order string, p payment.Patient, n int, at time.Time) payment.Request {
	registration, consultation := int64(500+n%4*500), int64(1000+n%7*1000)
	return payment.Request{
		Order: payment.Order{HospitalID: hospital, OrderNo: order,
			Slot: payment.Slot{ID: "slot-" + order, Department: "心内科门诊", Doctor: "甄医生", StartsAt: at.Add(26 * time.Hour).Truncate(time.Minute)},
			Fees: []payment.Fee{{Code: "REG", Name: "挂号费", Amount: money.Fen(registration)},
				{Code: "CONS", Name: "诊查费", Amount: money.Fen(consultation)}},
			Amount: money.Fen(registration + consultation), Patient: p},
		Choice:      payment.Choice{Method: payment.ByWeChat, Scene: payment.Native},
		CallbackURL: "https://booking.hospital.example/callbacks/payments",
	}
}

// newPlayer begins a payment; nothing is written yet.
func (b *books) newPlayer(ctx context.Context, hospital string, n int, p payment.Patient, at time.Time) *player {
	order := orderNo(at, n)
	return &player{books: b, ctx: ctx, now: at.Add(-time.Second), request: visit(hospital, order, p, n, at), id: payment.ID(hospital, order)}
}

// step does one thing a second after the one before.
func (p *player) step(do func(at time.Time) error) {
	if p.err == nil {
		p.now = p.now.Add(time.Second)
		began := time.Now()
		p.err = do(p.now)
		p.spent = append(p.spent, time.Since(began))
	}
}

func (p *player) wait(d time.Duration) { p.now = p.now.Add(d) }

// open starts the payment; a rule may refuse it or want a person.
func (p *player) open(choice payment.Choice, first payment.Status, o store.Opening) {
	p.request.Choice = choice
	o.Request, o.PaymentID, o.First = p.request, p.id, first
	o.WorkflowID = "payment/" + p.request.Order.HospitalID + "/" + p.request.Order.OrderNo
	p.step(func(at time.Time) error {
		o.At, o.Deadline = at, p.request.Deadline(at)
		_, err := p.OpenPayment(p.ctx, o)
		return err
	})
}

// ask begins a charge at a channel and keeps its answer.
func (p *player) ask(ch payment.Channel, scene payment.Scene, fen int64, next payment.Status) {
	p.attempt++
	o := p.request.Order
	p.charge = channel.Charge{HospitalID: o.HospitalID, PaymentID: p.id, Attempt: p.attempt,
		MerchantNo: payment.MerchantNo(o.OrderNo, p.attempt), OrderNo: o.OrderNo, Channel: ch, Scene: scene, Amount: money.Fen(fen),
		Total: o.Amount, Description: "预约挂号 " + o.OrderNo, CreatedAt: p.now, ExpiresAt: p.now.Add(15 * time.Minute),
		Slot: o.Slot, Fees: o.Fees, Payer: o.Patient}
	p.step(func(at time.Time) error {
		_, err := p.BeginAttempt(p.ctx, p.charge, next)
		return err
	})
	prepaid := channel.Prepaid{Handle: "wx201410272009395522657a690389285100", Pay: payment.PayParams{"code_url": "weixin://wxpay/bizpayurl/up?pr=NwY5Mz9&groupid=00"},
		Report: channel.Report{State: channel.Open}}
	if ch == payment.Insurance {
		prepaid = channel.Prepaid{Handle: `{"payOrdId":"ORD530100202207041130310000001","payToken":"ORD530100202207041130310000002"}`, Report: channel.Report{State: channel.InClearing}}
	}
	p.step(func(at time.Time) error { return p.SavePrepaid(p.ctx, p.id, p.attempt, prepaid, at) })
}

// channelNo is the channel's number of a charge, as long as WeChat Pay's.
func (p *player) channelNo(n int) string {
	return fmt.Sprintf("42000%s%05d", p.request.Order.OrderNo, p.attempt*10+n)
}

// notify keeps a notification, as large as they are.
func (p *player) notify(event, body string) {
	header, _ := json.Marshal(map[string]string{"Wechatpay-Nonce": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS", "Wechatpay-Serial": "PUB_KEY_ID_0000000000000024101100397200000006",
		"Wechatpay-Timestamp": "1772424000", "Wechatpay-Signature": fmt.Sprintf("%0344d", 7)}) // a map of strings
	p.step(func(at time.Time) error {
		_, err := p.KeepWebhook(p.ctx, store.Webhook{Channel: p.charge.Channel, HospitalID: p.request.Order.HospitalID, Header: header,
			Body:       fmt.Appendf(nil, `{"id":%q,"resource_type":"encrypt-resource","summary":%q,"resource":{"ciphertext":"%0900d"}}`, event, body, 7),
			ReceivedAt: at, EventID: event, PaymentID: p.id, Outcome: "accepted"})
		return err
	})
}

var feeRate = decimal.RequireFromString("0.006")

// pay is the channel's word that the charge is paid, and its capture.
func (p *player) pay(n int, next payment.Status) {
	p.notify("EV-"+p.channelNo(n), "支付成功")
	p.capture(n, p.charge.Amount, next)
}

func (p *player) capture(n int, amount money.Money, next payment.Status) {
	p.step(func(at time.Time) error {
		_, err := p.RecordCapture(p.ctx, store.Capture{PaymentID: p.id, Attempt: p.attempt, FeeRate: feeRate, At: at, Actor: "workflow", Next: next,
			Report: channel.Report{MerchantNo: p.charge.MerchantNo, State: channel.Captured, ChannelNo: p.channelNo(n), Captured: amount, CapturedAt: at, Code: "SUCCESS"}})
		return err
	})
}

// register ends it well.
func (p *player) register() {
	p.step(func(at time.Time) error {
		return p.RecordRegistered(p.ctx, p.id, his.Registered{AppointmentID: "apt-" + p.request.Order.OrderNo, NoticeID: "ntc-" + p.request.Order.OrderNo}, payment.Registered, at)
	})
	p.step(func(at time.Time) error { return p.Complete(p.ctx, p.id, at) })
}

func (p *player) move(to payment.Status, reason string) {
	p.step(func(at time.Time) error {
		return p.MoveTo(p.ctx, store.Move{PaymentID: p.id, To: to, Reason: reason, Actor: "workflow", At: at})
	})
}

// end is a charge that nobody paid.
func (p *player) end(state channel.State) {
	p.step(func(at time.Time) error { return p.EndAttempt(p.ctx, p.id, p.attempt, state, "NOTPAY", at) })
}

// refund sets money aside and sends it back; state is what the channel says.
func (p *player) refund(key string, n int, amount money.Money, state channel.RefundState) int {
	var row store.RefundRow
	p.step(func(at time.Time) (err error) {
		row, err = p.ReserveRefund(p.ctx, store.RefundOrder{PaymentID: p.id, Key: key, Attempt: p.attempt, ChannelNo: p.channelNo(n),
			Amount: amount, Reason: "患者取消预约", Actor: "booking", At: at})
		return err
	})
	p.step(func(at time.Time) error {
		_, err := p.RefundSent(p.ctx, p.id, row.N, at)
		return err
	})
	for _, s := range []channel.RefundState{channel.RefundProcessing, state} {
		p.step(func(at time.Time) error {
			_, err := p.RecordRefund(p.ctx, p.id, row.N, channel.RefundReport{RefundNo: row.Refund.No, State: s, Amount: amount,
				ChannelNo: "50" + row.Refund.No}, "", at)
			return err
		})
		p.wait(time.Minute)
	}
	if state == channel.RefundSucceeded {
		p.notify("EV-"+row.Refund.No, "退款成功")
	}
	return row.N
}

// review opens a case of a payment, or with a prefix one of its refund.
func (p *player) review(prefix string, reason payment.Reason, next payment.Status) string {
	p.cases++
	id := fmt.Sprintf("%s%s-C%d", p.id, prefix, p.cases)
	p.step(func(at time.Time) error {
		return p.OpenCase(p.ctx, p.id, payment.Case{ID: id, Reason: reason, Detail: "ordStas=9", Attempt: p.attempt, OpenedAt: at,
			Deadline: at.Add(payment.ReviewWindow), Allowed: reason.AllowedIn(payment.Situation{MoneyIn: true}),
			Workflow: "payment/" + p.request.Order.HospitalID + "/" + p.request.Order.OrderNo}, next, at)
	})
	return id
}

// decide is a person's word, some hours later.
func (p *player) decide(id string, v payment.Verdict) {
	p.wait(3 * time.Hour)
	p.step(func(at time.Time) error {
		return p.DecideCase(p.ctx, p.id, payment.Decision{CaseID: id, Verdict: v, Operator: "op-li", Note: "已与患者电话核实", Reference: "SETL-" + p.request.Order.OrderNo}, at)
	})
}

// verify asks for an SMS code and has it answered.
func (p *player) verify() {
	id := "chl-" + p.request.Order.OrderNo
	p.step(func(at time.Time) error {
		return p.StartChallenge(p.ctx, store.Challenge{ID: id, PaymentID: p.id, HospitalID: p.request.Order.HospitalID, Kind: payment.BySMS,
			Phone: p.request.Order.Patient.Phone, Code: "123456", At: at, ExpiresAt: at.Add(5 * time.Minute)})
	})
	p.step(func(at time.Time) error { return p.AnswerSMS(p.ctx, p.id, id, "123456", at) })
}

// play plays each kind at the first hospital, up to Options.Played times and
// never more often than there are to be payments of it.
func (b *books) play(ctx context.Context, counts []int) ([]*template, error) {
	var out []*template
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for k, kind := range kinds() {
		for i := range min(b.o.Played, counts[k]) {
			n := len(out)
			at := b.start.Add(-period).Add(time.Duration(n) * time.Second)
			if kind.recent > 0 {
				at = b.recently(kind, float64(i)/float64(b.o.Played))
			}
			// Its patients are none of the copies'.
			p := b.newPlayer(ctx, hospitalID(0), n, patient(patientsOfOne-1-n), at)
			made := &template{kind: k, at: at, id: p.id, request: p.request}
			out = append(out, made)
			g.Go(func() error {
				kind.play(p)
				made.request.Choice = p.request.Choice
				if p.err != nil {
					return fmt.Errorf("%s: %w", kind.name, p.err)
				}
				return nil
			})
		}
	}
	return out, g.Wait()
}

// recently is a moment of a kind that began not long ago: share runs from 0,
// the earliest, to 1.
func (b *books) recently(k kind, share float64) time.Time {
	const margin = 5 * time.Minute // for what follows its beginning
	return b.start.Add(-k.recent - margin + time.Duration(share*float64(k.recent))).Truncate(time.Microsecond)
}
