package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
)

// A workflow task whose steps ran and which was then lost leaves attempts in the
// books, and at the channel, of which the workflow knows nothing: it may hear
// something else first when it runs again, and take another turn.

// learn takes over the attempts that the books have beyond n. What is in by
// them counts as taken; what can still be paid is closed behind the payment's
// back, and goes back when it is paid all the same (I1).
func (p *registration) learn(ctx workflow.Context, n int) {
	known, err := do(ctx, books, "Look for attempts of a task that was lost", stepBooks.Attempts, activities.AttemptsIn{PaymentID: p.id, After: n})
	mustBooks(err)
	for _, k := range known {
		p.attempt = max(p.attempt, k.N)
		p.channels[k.N] = k.Tender.Channel
		p.tells(ctx, "attempt found in the books", k.Report.MerchantNo)
		switch k.Report.State.Outcome() {
		case payment.Success:
			p.taken = append(p.taken, Taken{Attempt: k.N, Channel: k.Tender.Channel, Amount: k.Report.Captured, Report: k.Report})
		case payment.Unknown:
			p.linger(ctx, &attempt{n: k.N, tender: k.Tender})
		}
	}
	p.hearEarly()
}

// hearEarly hears again what was told of attempts that are known by now.
func (p *registration) hearEarly() {
	early := p.inbox.early
	p.inbox.early = nil
	for _, r := range early {
		p.onEvent(channel.Event{Charge: &r})
	}
}

// early says whether a report is of an attempt that the workflow has not made
// yet, or not again.
func (p *registration) early(r channel.Report) bool {
	_, n, ok := payment.SplitMerchantNo(r.MerchantNo)
	return ok && n > p.attempt && !p.ended
}
