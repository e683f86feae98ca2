package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
)

// A step that needs a system in maintenance comes back without having sent
// anything. The payment is then suspended: everybody sees it and until when, one
// patient activity waits, however long, and the step is taken once more.

// suspension is what a payment waits for in maintenance.
type suspension struct {
	payment.Maintenance
	systems []payment.System // that the step needs
	back    payment.Status   // where the payment goes on
	late    time.Time        // when going on is of no use any more; zero: never
	stop    func() bool      // what ends the wait before the maintenance does
}

// suspend waits the maintenance out and takes the payment back to its place. It
// returns false when the payment is still suspended: something else came first,
// or it is too late. An error is of books that are ahead.
func (p *registration) suspend(ctx workflow.Context, s suspension) (bool, error) {
	if err := p.shift(ctx, payment.Suspended, payment.ReasonMaintenance); err != nil {
		return false, err
	}
	p.maintenance, p.waiting = &s.Maintenance, true
	p.tells(ctx, "suspended: "+string(s.System)+" in maintenance", "until "+s.Until.UTC().Format(time.RFC3339))
	p.exhibit(ctx)
	inner, cancel := workflow.WithCancel(ctx)
	defer cancel()
	over := patiently(inner, books, "Wait for the end of maintenance", stepWindows.Over,
		activities.OverIn{HospitalID: p.order().HospitalID, Systems: s.systems})
	goes := func() bool { return over.IsReady() || s.stop() }
	if s.late.IsZero() {
		_ = workflow.Await(ctx, goes) // ctx is never cancelled
	} else {
		p.sleepUntil(ctx, s.late, "Too late to go on after the maintenance", goes)
	}
	p.maintenance, p.waiting = nil, false
	if !over.IsReady() || s.stop() || !s.late.IsZero() && !workflow.Now(ctx).Before(s.late) {
		return false, nil
	}
	if err := p.shift(ctx, s.back, ""); err != nil {
		return false, err
	}
	p.tells(ctx, "resumed after maintenance", "")
	return true, nil
}

// shift is move for a step that the books may be ahead of: see overtaken.
func (p *registration) shift(ctx workflow.Context, to payment.Status, reason string) error {
	if p.status == to && p.reason == reason {
		return nil
	}
	_, err := do(ctx, books, "Record "+string(to), stepBooks.Move, activities.MoveIn{
		PaymentID: p.id, To: to, Reason: reason, Actor: "workflow", At: workflow.Now(ctx),
	})
	if overtaken(err) {
		return err
	}
	mustBooks(err)
	p.status, p.reason = to, reason
	return nil
}

// askOpen asks under the attempt's present number, once nothing that it needs
// is in maintenance. The patient has the time that was lost by it afterwards.
// The error of a payment that is still suspended is the maintenance's.
func (p *registration) askOpen(ctx workflow.Context, c *attempt, within time.Duration, next payment.Status) (activities.ChargeOut, bool, error) {
	for {
		out, called, err := p.askAs(ctx, c, within, next)
		m, closed := activities.AsMaintenance(err)
		if !closed {
			return out, called, err
		}
		wishes := func() bool { return p.inbox.wish != nil }
		since := workflow.Now(ctx)
		on, ahead := p.suspend(ctx, suspension{
			Maintenance: m.Maintenance, systems: []payment.System{payment.SystemOf(c.tender.Channel), payment.SystemHospital},
			back: next, late: p.order().Slot.StartsAt,
			// A try from before the maintenance may have got through after all.
			stop: func() bool { return wishes() || c.report != nil },
		})
		p.extendDeadline(ctx, workflow.Now(ctx).Sub(since))
		switch {
		case ahead != nil:
			return activities.ChargeOut{}, false, ahead
		case wishes():
			return activities.ChargeOut{}, true, err
		case c.report != nil:
			return activities.ChargeOut{Report: channel.Report{State: channel.Open}}, false, p.shift(ctx, next, "")
		case !on:
			return activities.ChargeOut{}, false, err
		}
		if next != payment.AwaitingPayment {
			continue
		}
		if m.Begun {
			// It was to be paid by a time that has passed: it makes place for another.
			if r := p.close(ctx, c); r.State == channel.Captured {
				return activities.ChargeOut{Report: r}, false, nil
			}
			c.n, c.report = p.nextNumber(c.tender.Channel), nil
		}
		if within = p.deadline.Sub(workflow.Now(ctx)); within <= 0 || c.n > payment.MaxAttempts {
			return activities.ChargeOut{}, false, err
		}
	}
}

// extendDeadline gives the patient lost time back, as far as the slot allows.
func (p *registration) extendDeadline(ctx workflow.Context, lost time.Duration) {
	if lost <= 0 {
		return
	}
	p.deadline = p.deadline.Add(lost)
	if slot := p.order().Slot.StartsAt; p.deadline.After(slot) {
		p.deadline = slot
	}
	show(ctx, PayDeadline.ValueSet(p.deadline))
}

// askHIS registers the payment. While the HIS cannot be reached, or is in
// maintenance, the patient has a temporary voucher, and the backend knows of it.
// The middle result tells that the patient cancelled.
func (p *registration) askHIS(ctx workflow.Context) (activities.RegisterOut, bool, error) {
	cancelled := func() bool { return p.inbox.wish.cancels() }
	for {
		out, called, err := doUnless(ctx, hospital, "Register in the HIS", stepHIS.Register, p.registration(), cancelled,
			func() { p.withoutHIS(ctx, false) })
		m, closed := activities.AsMaintenance(err)
		if !closed {
			return out, called, err
		}
		p.withoutHIS(ctx, true)
		_, ahead := p.suspend(ctx, suspension{
			Maintenance: m.Maintenance, systems: []payment.System{payment.SystemHIS, payment.SystemHospital},
			back: payment.Paid, stop: cancelled,
		})
		switch {
		case ahead != nil:
			return out, false, ahead
		case cancelled():
			return out, true, err
		}
	}
}

// withoutHIS lets everybody know that the HIS is waited for; the backend is told
// once. Maintenance that was announced needs nobody's look, however long.
func (p *registration) withoutHIS(ctx workflow.Context, announced bool) {
	first, why := !p.slow, "HIS cannot be reached, temporary voucher"
	if announced {
		why = "HIS in maintenance, temporary voucher"
	}
	p.slow, p.waiting = true, true
	p.tells(ctx, why, "")
	p.exhibit(ctx)
	if first {
		p.tellMeanwhile(ctx, "paid, temporary voucher")
	}
	if !announced && !p.flagging {
		p.delayed = true
		p.flagDelay(ctx)
	}
}
