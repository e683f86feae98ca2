package workflows

import (
	"cmp"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/payment"
)

// register tells the HIS of the paid registration, exactly once. While it
// cannot be reached the patient has a temporary voucher and the payment waits;
// when it refuses, the money goes back.
func (p *registration) register(ctx workflow.Context) *ending {
	out, called, err := p.askHIS(ctx)
	p.delayed = false
	if called {
		return p.grant(ctx)
	}
	if overtaken(err) {
		return &ending{payment.Refunded, reasonOvertaken}
	}
	refusal, refused := activities.AsRefusal(err)
	if !refused {
		mustBooks(err)
		p.his, p.status, p.slow, p.waiting = out.AppointmentID, payment.Registered, false, false
		p.complete = out.Completed
		p.tells(ctx, "registered in the HIS", "")
		if p.inbox.wish.cancels() {
			return p.grant(ctx)
		}
		return nil
	}
	p.waiting, p.refused = false, true
	_, err = do(ctx, books, "Record the HIS's refusal", stepBooks.RegistrationRefused,
		activities.RefusedIn{PaymentID: p.id, Code: refusal.Code, At: workflow.Now(ctx)})
	mustBooks(err)
	p.tells(ctx, "refused by the HIS", refusal.Code)
	return &ending{payment.Refunded, refusal.Code}
}

func (p *registration) registration() activities.RegisterIn {
	return activities.RegisterIn{PaymentID: p.id, Order: p.order(), PaidAt: p.paidAt, Voucher: p.voucher,
		Completes: p.request.CallbackURL == ""}
}

// tellMeanwhile lets the backend know where the payment stands, which goes on.
func (p *registration) tellMeanwhile(ctx workflow.Context, what string) {
	p.telling++
	workflow.Go(ctx, func(ctx workflow.Context) {
		_, _ = do(ctx, backend, "Tell the backend: "+what, stepBackend.Tell, p.message()) // the end is told in any case
		p.telling--
	})
}

// hisPatience is how long the HIS may be out of reach before somebody looks.
const hisPatience = 2 * time.Hour

// flagDelay opens a case when the HIS is out of reach for long: staff can wait
// on, or give the money back. It closes itself when the HIS answers.
func (p *registration) flagDelay(ctx workflow.Context) {
	p.flagging = true
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { p.flagging = false }()
		delayed, cancel := workflow.WithCancel(ctx)
		defer cancel()
		// Fails only when ctx is cancelled, and nothing cancels it.
		if back, _ := workflow.AwaitWithOptions(delayed, workflow.AwaitOptions{
			Timeout: hisPatience, TimerOptions: workflow.TimerOptions{Summary: "The HIS is out of reach"},
		}, func() bool { return !p.delayed }); back {
			return
		}
		q := question{Case: payment.Case{ID: p.nextCase(), Reason: payment.ReviewHISDelayed,
			Allowed: payment.ReviewHISDelayed.AllowedIn(payment.Situation{MoneyIn: true})}}
		q.over = func() *payment.Decision {
			if p.delayed {
				return nil
			}
			return &payment.Decision{CaseID: q.ID, Verdict: payment.Resolved, Operator: payment.ByHIS}
		}
		show(ctx, Attention.ValueSet(AttentionHISDelayed))
		p.tells(ctx, "the HIS is out of reach for long", "")
		if d := p.desk.ask(ctx, q); d.Verdict == payment.RefundAll {
			p.tells(ctx, "decided: "+string(d.Verdict), d.Operator)
			p.wishFor(&wish{reason: string(payment.ReviewHISDelayed), actor: d.Operator})
		}
		show(ctx, Attention.ValueUnset())
	})
}

func (p *registration) message() activities.TellIn {
	return activities.TellIn{PaymentID: p.id, HospitalID: p.order().HospitalID, URL: p.request.CallbackURL,
		Settled: p.status != payment.Registered || p.complete}
}

// tell lets the booking backend know how the payment ended. A backend that
// cannot be reached for days does not keep the payment open: it can ask.
func (p *registration) tell(ctx workflow.Context) {
	p.waiting = true
	// One message after the other, so that the last one is the last state.
	_ = workflow.Await(ctx, func() bool { return p.telling == 0 })
	never := func() bool { return false }
	_, _, err := doUnless(ctx, backend, "Tell the backend", stepBackend.Tell, p.message(), never, func() { p.exhibit(ctx) })
	if err != nil {
		p.tells(ctx, "backend not told", "")
		if p.status == payment.Registered {
			_, err := do(ctx, books, "Complete", stepBooks.Complete, activities.CompleteIn{PaymentID: p.id, At: workflow.Now(ctx)})
			mustBooks(err)
		}
	}
	if p.status == payment.Registered {
		p.status = payment.Completed
	}
}

// unwind takes back what was done, the last first, and ends the payment. Each
// tender's money goes back by its original route, in a workflow of its own.
func (p *registration) unwind(ctx workflow.Context, end ending) {
	p.current = nil
	had := len(p.taken)
	p.learn(ctx, p.attempt)
	if len(p.taken) == 0 {
		if end.status == payment.Refunded {
			end.status = payment.Closed // nothing came in, so nothing was returned
		}
		p.move(ctx, end.status, end.reason)
		p.tells(ctx, string(end.status), end.reason)
		p.granted()
		return
	}
	p.move(ctx, payment.Refunding, end.reason)
	p.tells(ctx, "money goes back", end.reason)
	p.granted()
	p.waiting = true
	p.exhibit(ctx)
	// Also when the HIS was not asked, as far as is known here: a workflow task
	// that was lost may have registered it. What is not there needs nothing.
	if (p.voucher != "" || len(p.taken) > had) && !p.refused {
		p.leave(ctx)
	}
	for i := len(p.taken) - 1; i >= 0; i-- {
		p.giveBack(ctx, i, end.reason)
	}
	if end.status != payment.Rejected {
		end.status = payment.Refunded
	}
	p.move(ctx, end.status, end.reason)
	p.voucher = "" // void from now on
	p.tells(ctx, string(end.status), end.reason)
}

// leave takes the registration back. A HIS that cannot be reached does not keep
// the patient's money: it is asked on while the money goes back.
func (p *registration) leave(ctx workflow.Context) {
	const what = "Take the registration back"
	in := p.registration()
	refused := func(err error) {
		if err != nil {
			p.tells(ctx, "HIS refuses to take the registration back", "")
		}
	}
	_, err := tryFast(ctx, hospital, what, stepHIS.Unregister, in)
	if err == nil || activities.IsFinal(err) {
		refused(err)
		return
	}
	p.leaving = true
	workflow.Go(ctx, func(ctx workflow.Context) {
		refused(patiently(ctx, hospital, what, stepHIS.Unregister, in).Get(ctx, nil))
		p.leaving = false
	})
}

// onSite is a decision by which the tenders that were in by then were returned
// on site.
type onSite struct {
	payment.Decision
	tenders int
}

// giveBack returns all that is left of a tender and waits until it is there.
func (p *registration) giveBack(ctx workflow.Context, i int, reason string) {
	t := p.taken[i]
	reserved, err := do(ctx, books, "Set the refund aside", stepBooks.ReserveRefund, activities.ReserveIn{
		PaymentID: p.id, Key: "unwind/" + payment.MerchantNo(p.order().OrderNo, t.Attempt), Attempt: t.Attempt,
		Amount: t.Amount, Rest: true, Reason: reason, Actor: "workflow", At: workflow.Now(ctx),
	})
	mustBooks(err)
	if p.offline != nil && i < p.offline.tenders && reserved.N > 0 {
		_, err := do(ctx, books, "Record the refund on site", stepRefunds.RecordOfflineRefund, activities.OfflineIn{
			PaymentID: p.id, N: reserved.N, Operator: cmp.Or(p.offline.HandedBy, p.offline.Operator), Receipt: p.offline.Reference, At: workflow.Now(ctx),
		})
		mustBooks(err)
		p.tells(ctx, "returned on site", string(t.Channel))
		return
	}
	returnMoney(ctx, RefundInput{
		PaymentID: p.id, HospitalID: p.order().HospitalID, OrderNo: p.order().OrderNo,
		N: reserved.N, Channel: t.Channel, Amount: reserved.Amount,
	})
	p.tells(ctx, "returned", string(t.Channel))
}
