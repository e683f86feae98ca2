package check

import (
	"fmt"
	"time"
)

// at is a moment of the world that the tests start from, in seconds.
func at(seconds int) time.Time {
	return time.Date(2026, 3, 31, 9, 0, seconds, 0, time.UTC)
}

// builder writes payments down in everybody's books at once.
type builder struct{ World }

// order adds an order with its payment and log.
func (b *builder) order(no, status string, fen int64) *builder {
	k := Key{"h-one", no}
	b.Orders = append(b.Orders, Order{Key: k, Slot: "slot-" + no, AmountFen: fen, PaymentID: "pay_" + no, Tells: true, Told: status})
	b.Payments = append(b.Payments, Payment{Key: k, ID: "pay_" + no, AmountFen: fen, Voucher: "V" + no, VoucherFinal: true})
	return b.log("opened", "status", "pending")
}

// last is the payment that was added last.
func (b *builder) last() *Payment { return &b.Payments[len(b.Payments)-1] }

// log adds a line to the last payment's chain.
func (b *builder) log(action string, pairs ...string) *builder {
	p := b.last()
	r := Record{Subject: p.ID, Seq: p.AuditSeq + 1, Actor: "workflow", Action: action, Prev: p.AuditHead,
		Hash: fmt.Sprintf("%s-%d", p.ID, p.AuditSeq+1), Detail: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Detail[pairs[i]] = pairs[i+1]
	}
	if status, ok := r.Detail["status"]; ok {
		p.Status = status
	}
	p.AuditSeq, p.AuditHead = r.Seq, r.Hash
	b.Audit = append(b.Audit, r)
	return b
}

// paid adds a captured charge of a channel.
func (b *builder) paid(n int, channel string, fen int64) *builder {
	p := b.last()
	no, theirs := fmt.Sprintf("%sA%02d", p.Order, n), fmt.Sprintf("42%s%d", p.Order, n)
	b.Attempts = append(b.Attempts, Attempt{PaymentID: p.ID, Hospital: p.Hospital, Channel: channel, MerchantNo: no, N: n, CapturedFen: fen, At: at(1)})
	b.log("attempt", "attempt", fmt.Sprint(n))
	b.Charges = append(b.Charges, Charge{Hospital: p.Hospital, Channel: channel, MerchantNo: no, ChannelNo: theirs, State: "captured", CapturedFen: fen, At: at(2)})
	b.Captures = append(b.Captures, Capture{PaymentID: p.ID, Hospital: p.Hospital, Channel: channel, ChannelNo: theirs, Attempt: n, AmountFen: fen})
	b.Webhooks = append(b.Webhooks, Webhook{Channel: channel, Hospital: p.Hospital, EventID: "event " + theirs, PaymentID: p.ID, Outcome: "accepted", Bytes: 900})
	b.Thanked = append(b.Thanked, Notice{channel, "event " + theirs, "paid"})
	p.CapturedFen += fen
	b.entries("capture", channel, theirs, fen)
	return b.log("captured", "attempt", fmt.Sprint(n))
}

// returned adds a refund of the last charge.
func (b *builder) returned(n int, fen int64) *builder {
	p, c := b.last(), &b.Charges[len(b.Charges)-1]
	no := fmt.Sprintf("%sR%02d", p.Order, n)
	c.RefundedFen += fen
	p.ReservedFen += fen
	p.RefundedFen += fen
	b.Refunds = append(b.Refunds, Refund{Hospital: p.Hospital, Channel: c.Channel, MerchantNo: c.MerchantNo, RefundNo: no, State: "success", AmountFen: fen})
	b.Returns = append(b.Returns, Return{PaymentID: p.ID, Hospital: p.Hospital, Channel: c.Channel, RefundNo: no, State: "succeeded", N: n, AmountFen: fen})
	b.log("refund_reserved", "refund", fmt.Sprint(n))
	b.entries("refund", c.Channel, no, -fen)
	return b.log("refund_succeeded", "refund", fmt.Sprint(n))
}

func (b *builder) entries(kind, channel, id string, fen int64) {
	p := b.last()
	e := Entry{Transaction: kind + " " + id, PaymentID: p.ID, Hospital: p.Hospital, Kind: kind, Channel: channel, Account: "receivable/" + channel, Currency: "CNY", Fen: fen}
	b.Ledger = append(b.Ledger, e)
	e.Account, e.Fen = "patients", -fen
	b.Ledger = append(b.Ledger, e)
}

// registered adds the HIS's appointment and completes the payment.
func (b *builder) registered() *builder {
	p := b.last()
	b.Appointments = append(b.Appointments, Appointment{Key: p.Key, Slot: "slot-" + p.Order, Status: "booked", PaidFen: p.AmountFen})
	return b.log("completed", "status", "completed")
}

// asked adds a case, decided by somebody, or open when nobody is named.
func (b *builder) asked(operator string) *builder {
	p := b.last()
	c := Case{ID: p.ID + "-C1", PaymentID: p.ID, Reason: "clearing_unknown", Operator: operator, Workflow: "payment/h-one/" + p.Order,
		OpenedAt: at(3), Deadline: at(3).Add(24 * time.Hour), Allowed: 3, Open: operator == ""}
	b.Cases = append(b.Cases, c)
	b.log("case_opened", "case", c.ID, "status", "in_review")
	if c.Open {
		b.Running = append(b.Running, Workflow{c.Workflow, "RegistrationPayment"})
		return b
	}
	return b.log("case_decided", "case", c.ID)
}

// whole is a world in which every rule holds, with an example of each ending.
func whole() World {
	b := &builder{}
	b.order("ORDER1", "completed", 5000).paid(1, "wechat", 5000).registered()
	b.order("ORDER2", "completed", 5000).paid(1, "unionpay", 1500).paid(2, "insurance", 3500).registered()
	b.order("ORDER3", "refunded", 4000).paid(1, "wechat", 4000).returned(1, 4000).log("moved", "status", "refunded")
	b.order("ORDER4", "closed", 3000).log("moved", "status", "closed")
	b.order("ORDER5", "in_review", 3000).asked("")
	b.order("ORDER6", "completed", 6000).asked("chaos-staff").paid(1, "insurance", 6000).registered()
	b.order("ORDER7", "completed", 2000).paid(1, "wechat", 2000).registered().returned(1, 500)
	b.Orders[6].ReturnFen = 500
	// A patient who paid twice: the channel has two entries of one number.
	b.order("ORDER8", "completed", 2000).paid(1, "unionpay", 2000)
	b.Orders[7].PaysTwice = true
	second := b.Charges[len(b.Charges)-1]
	second.ChannelNo = "4299"
	b.Charges = append(b.Charges, second)
	b.Captures = append(b.Captures, Capture{PaymentID: "pay_ORDER8", Hospital: "h-one", Channel: "unionpay", ChannelNo: "4299", Attempt: 1, AmountFen: 2000})
	b.entries("capture", "unionpay", "4299", 2000)
	b.last().CapturedFen += 2000
	b.returned(1, 2000).registered()
	b.Orders = append(b.Orders, Order{Key: Key{"h-one", "ORDER9"}, AmountFen: 100, Refused: "slot_past", Tells: true})
	return b.World
}
