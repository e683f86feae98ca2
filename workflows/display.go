package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/internal/payment"
)

// Moment is a line of a payment's timeline, without personal data.
type Moment struct {
	At     time.Time      `json:"at"`
	Status payment.Status `json:"status"`
	What   string         `json:"what"`
	Detail string         `json:"detail,omitempty"`
}

// tells adds a line to the timeline and renews what an operator reads.
func (p *registration) tells(ctx workflow.Context, what, detail string) {
	p.story = append(p.story, Moment{At: workflow.Now(ctx), Status: p.status, What: what, Detail: detail})
	workflow.SetCurrentDetails(ctx, p.details())
}

// exhibit brings the status into the search attributes where somebody will be
// waiting for long enough to search for it. The insurance's short clearing in
// a payment without trouble is not worth an event, nor is the proof of a patient
// who has just come; a slow one is.
func (p *registration) exhibit(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, p.details())
	passing := p.status == payment.Clearing || p.status == payment.Paid || p.status == payment.Pending
	waited := p.shown == payment.InReview || p.shown == payment.Suspended
	switch {
	case p.status == p.shown, passing && !p.slow && !waited, p.status == payment.Verifying && p.fresh && !waited:
		return
	}
	p.shown = p.status
	show(ctx, PaymentStatus.ValueSet(string(p.status)))
}

// details is Markdown for Temporal's UI.
func (p *registration) details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** · %s · %s", p.status, p.order().Amount, p.request.Choice.Method)
	if p.reason != "" {
		fmt.Fprintf(&b, " · %s", p.reason)
	}
	fmt.Fprintf(&b, "\n\nNext: %s\n", p.next())
	for _, t := range p.taken {
		fmt.Fprintf(&b, "\n- %s: %s in", t.Channel, t.Amount)
	}
	if c := p.current; c != nil && p.status != payment.Suspended {
		fmt.Fprintf(&b, "\n- %s: %s asked for as `%s`", c.tender.Channel, c.tender.Amount, payment.MerchantNo(p.order().OrderNo, c.n))
	}
	if q := p.desk.open; q != nil {
		b.WriteString("\n\n" + describe(q))
	}
	return b.String()
}

// next is the next step, in words.
func (p *registration) next() string {
	switch p.status {
	case payment.Pending:
		return "the books open it and the risk rules look at it"
	case payment.Verifying:
		return "the patient proves who they are, until " + p.deadline.UTC().Format(time.RFC3339)
	case payment.AwaitingPayment:
		if p.current == nil {
			return "the patient chooses another way to pay"
		}
		return "the patient pays, until " + p.deadline.UTC().Format(time.RFC3339)
	case payment.Clearing:
		return "the insurance platform settles its part"
	case payment.Paid:
		if p.slow {
			return "the HIS is waited for; the patient has a temporary voucher"
		}
		return "the HIS registers it"
	case payment.Registered:
		return "the booking backend is told"
	case payment.InReview:
		return "a person decides"
	case payment.Suspended:
		if m := p.maintenance; m != nil {
			return "the maintenance (" + string(m.System) + ") ends, as announced for " + m.Until.UTC().Format(time.RFC3339) + "; then it goes on by itself"
		}
		return "what the patient wished is done"
	case payment.Refunding:
		return "the money goes back by its original route"
	}
	if len(p.lingering) > 0 {
		return "it has ended; `" + payment.MerchantNo(p.order().OrderNo, p.lingering[0].n) + "` is watched until nobody can pay it any more"
	}
	return "nothing: it has ended"
}

func (p *registration) standing() Standing {
	s := Standing{
		Answer: Answer{
			PaymentID: p.id, Status: p.status, Method: p.request.Choice.Method, Amount: p.order().Amount,
			PayBy: p.deadline, Reason: p.reason, Digest: p.digest,
		},
		Captured: p.taken, Case: p.desk.open, Next: p.next(),
	}
	if m := p.maintenance; m != nil {
		s.Until = m.Until
	}
	if p.status == payment.Verifying {
		s.Verify = []payment.VerifyKind{payment.BySMS, payment.ByFace}
	}
	if c := p.current; c != nil && p.status == payment.AwaitingPayment {
		s.Tender = &payment.NextTender{
			Channel: c.tender.Channel, Scene: c.tender.Scene, Amount: c.tender.Amount,
			MerchantNo: payment.MerchantNo(p.order().OrderNo, c.n), Pay: c.pay,
		}
	}
	return s
}
