package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
)

// inbox is what came from outside and has not been dealt with.
type inbox struct {
	wish   *wish
	early  []channel.Report // captures of attempts that are not made yet
	strays []channel.Report // captures of attempts that are not current
}

// wish is what a patient wants: another method, or to end it.
type wish struct {
	choice *payment.Choice // nil: cancel
	reason string
	actor  string
	done   bool
	err    error
}

func (w *wish) cancels() bool { return w != nil && w.choice == nil }

// listen takes everything that can be said to a payment. It is set up before
// the first step, so that nothing said meanwhile is lost.
func (p *registration) listen(ctx workflow.Context) error {
	p.listenToSignals(ctx)
	handlers := []struct {
		name      string
		handler   any
		validator any
	}{
		{UpdateBegin, p.onBegin, nil},
		{UpdateVerify, uncancelled(p.onVerify), p.canVerify},
		{UpdateChangeMethod, uncancelled(p.onChangeMethod), p.canChangeMethod},
		{UpdateCancel, uncancelled(p.onCancel), p.canCancel},
		{UpdateDecideReview, uncancelled(p.onDecide), p.desk.can},
		{UpdateChannelEvent, p.onNotice, nil},
	}
	for _, h := range handlers {
		if err := workflow.SetUpdateHandlerWithOptions(ctx, h.name, h.handler,
			workflow.UpdateHandlerOptions{Validator: h.validator}); err != nil {
			return err
		}
	}
	if err := workflow.SetQueryHandler(ctx, QueryStatus, func() (Standing, error) { return p.standing(), nil }); err != nil {
		return err
	}
	return workflow.SetQueryHandler(ctx, QueryTimeline, func() ([]Moment, error) { return p.story, nil })
}

func (p *registration) listenToSignals(ctx workflow.Context) {
	hear(ctx, SignalChannelEvent, func(_ workflow.Context, e channel.Event) { p.onEvent(e) })
	hear(ctx, SignalManualReview, p.desk.signalled)
	workflow.Go(ctx, p.onOperatorsCancellation)
	workflow.Go(ctx, p.returnStrays)
}

// onOperatorsCancellation takes a cancellation of the workflow as a wish, as
// soon as the one at hand is dealt with and where it still can be fulfilled.
func (p *registration) onOperatorsCancellation(ctx workflow.Context) {
	ctx.Done().Receive(ctx, nil)
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	_ = workflow.Await(ctx, func() bool { return p.inbox.wish == nil || p.ended }) // ctx is never cancelled
	if p.canWish() == nil {
		p.wishFor(&wish{reason: "operator_canceled", actor: "operator"})
	}
}

// uncancelled keeps an operator's cancellation of the workflow from tearing
// down the updates that come after it.
func uncancelled[T any](f func(workflow.Context, T) (Answer, error)) func(workflow.Context, T) (Answer, error) {
	return func(ctx workflow.Context, v T) (Answer, error) {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		return f(ctx, v)
	}
}

// hear calls f for every signal of a name, for as long as the workflow lives.
func hear[T any](ctx workflow.Context, name string, f func(workflow.Context, T)) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		signals := workflow.GetSignalChannel(ctx, name)
		for {
			var v T
			signals.Receive(ctx, &v)
			f(ctx, v)
		}
	})
}

// onNotice hears a notification that came as an update.
func (p *registration) onNotice(_ workflow.Context, e channel.Event) error {
	p.onEvent(e)
	return nil
}

// onEvent hears a verified notification. The first to know wins: what the
// current attempt already knows changes nothing, and money of any other
// attempt is a stray that goes back (I1).
func (p *registration) onEvent(e channel.Event) {
	if e.Charge == nil {
		return // refunds are told to their own workflow
	}
	r := *e.Charge
	in := r.State == channel.Captured
	if in && p.early(r) {
		p.inbox.early = append(p.inbox.early, r)
		return
	}
	if c := p.current; c != nil && payment.MerchantNo(p.order().OrderNo, c.n) == r.MerchantNo {
		if decided(r.State) && (c.report == nil || in && !c.captured()) {
			c.report = &r
			return
		}
		if c.captured() && c.report.ChannelNo == r.ChannelNo {
			return
		}
	}
	if !in {
		return
	}
	for _, t := range p.taken {
		if t.Report.SameCapture(r) {
			return
		}
	}
	for _, s := range p.inbox.strays {
		if s.ChannelNo == r.ChannelNo && s.MerchantNo == r.MerchantNo {
			return
		}
	}
	p.inbox.strays = append(p.inbox.strays, r)
}

// onBegin answers the start, and every repeat of it.
func (p *registration) onBegin(ctx workflow.Context) (Answer, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	return p.answer(ctx)
}

// answer waits until the payment waits for somebody, and says for whom.
func (p *registration) answer(ctx workflow.Context) (Answer, error) {
	if err := workflow.Await(ctx, func() bool { return p.waiting || p.failed != nil }); err != nil {
		return Answer{}, err
	}
	if p.failed != nil {
		return Answer{}, p.failed
	}
	return p.standing().Answer, nil
}

func (p *registration) canVerify(payment.Proof) error {
	if p.status != payment.Verifying || p.ended {
		return temporalProblem(payment.Problem{Code: payment.CodeState, Text: "no verification is asked for now"})
	}
	return nil
}

// onVerify checks a proof while the patient waits.
func (p *registration) onVerify(ctx workflow.Context, proof payment.Proof) (Answer, error) {
	_, err := do(ctx, proofs, "Check the patient's proof", stepProofs.Check, activities.CheckIn{
		PaymentID: p.id, Patient: p.order().Patient, Proof: proof, At: workflow.Now(ctx),
	})
	if err != nil {
		p.tells(ctx, "proof refused", string(proof.Kind))
		return Answer{}, err
	}
	p.tells(ctx, "verified", string(proof.Kind))
	if p.status == payment.Verifying && !p.verified {
		p.waiting = false // it goes on now; a repeat, or a late proof, stops nobody
	}
	p.verified = true
	return p.answer(ctx)
}

func (p *registration) canChangeMethod(c payment.Choice) error {
	if err := c.Check(p.order()); err != nil {
		return temporalProblem(err)
	}
	switch {
	case len(p.taken) > 0 && len(p.left()) == 0:
		return temporalProblem(payment.Problem{Code: payment.CodeState, Text: "it is paid already"})
	case p.converted && c.UsesInsurance():
		return temporalProblem(payment.Problem{Code: payment.CodeMethod, Field: "method", Text: "the rest is paid by wechat or unionpay"})
	case len(p.taken) > 0 && !p.converted && !p.samePlan(c):
		return temporalProblem(payment.Problem{Code: payment.CodeState, Text: "a part is paid already; cancel to have it returned"})
	case p.desk.open != nil && p.desk.open.Reason == payment.ReviewRisk:
		return temporalProblem(payment.Problem{Code: payment.CodeState, Text: "the payment waits for a person"})
	case p.attempt >= payment.MaxAttempts:
		return temporalProblem(payment.Problem{Code: payment.CodeTooMany, Text: "the method was changed too often"})
	}
	return p.canWish()
}

// samePlan says whether a choice asks for the same tenders as the present one.
// It then brings a fresh authorisation of the insurance, which is used once,
// and does not touch what is paid already.
func (p *registration) samePlan(c payment.Choice) bool {
	total := p.order().Amount
	return slices.EqualFunc(c.Tenders(total), p.request.Choice.Tenders(total), func(a, b payment.Tender) bool {
		return a.Channel == b.Channel && a.Scene == b.Scene && a.Amount.Equal(b.Amount)
	})
}

func (p *registration) canCancel(payment.Cancellation) error { return p.canWish() }

// canWish says whether a patient could want something now and have it.
func (p *registration) canWish() error {
	switch {
	case p.ended || p.status.Ended() || p.status == payment.Refunding || p.status == payment.Registered:
		return temporalProblem(payment.Problem{Code: payment.CodeState, Text: "the payment is " + string(p.status)})
	case p.inbox.wish != nil:
		return temporalProblem(payment.Problem{Code: payment.CodeState, Text: "an earlier change is being made"})
	}
	return nil
}

func (p *registration) onChangeMethod(ctx workflow.Context, c payment.Choice) (Answer, error) {
	return p.fulfil(ctx, &wish{choice: &c, reason: "method_changed", actor: "patient"})
}

func (p *registration) onCancel(ctx workflow.Context, c payment.Cancellation) (Answer, error) {
	return p.fulfil(ctx, &wish{reason: "cancelled", actor: "patient"})
}

func (p *registration) fulfil(ctx workflow.Context, w *wish) (Answer, error) {
	p.wishFor(w)
	if err := workflow.Await(ctx, func() bool { return w.done }); err != nil {
		return Answer{}, err
	}
	if w.err != nil {
		return Answer{}, w.err
	}
	return p.answer(ctx)
}

func (p *registration) wishFor(w *wish) {
	if p.inbox.wish == nil && !p.ended {
		p.inbox.wish = w
		p.waiting = false
	}
}

// granted ends the wish at hand; the payment is as the patient wanted it.
func (p *registration) granted() {
	if w := p.inbox.wish; w != nil {
		w.done, p.inbox.wish = true, nil
	}
}

// refuseWish ends the wish at hand without having fulfilled it.
func (p *registration) refuseWish(why string) {
	if w := p.inbox.wish; w != nil {
		w.err = temporalProblem(payment.Problem{Code: payment.CodeState, Text: why})
		w.done, p.inbox.wish = true, nil
	}
}

// grant does what the patient wishes, once nothing can be paid any more by the
// old method. Without a wish it does nothing.
func (p *registration) grant(ctx workflow.Context) *ending {
	w := p.inbox.wish
	switch {
	case w == nil:
		return nil
	case w.cancels():
		p.tells(ctx, "cancelled", w.actor)
		return &ending{payment.Closed, w.reason}
	}
	changed := p.request
	changed.Choice = *w.choice
	_, err := do(ctx, books, "Record the change of method", stepBooks.Choose, activities.ChooseIn{
		PaymentID: p.id, Request: changed, At: workflow.Now(ctx),
	})
	if err != nil {
		w.err, w.done, p.inbox.wish = err, true, nil
		return nil
	}
	p.request = changed
	p.reason = ""
	p.tells(ctx, "method changed", string(changed.Choice.Method))
	show(ctx, PaymentChannel.ValueSet(string(changed.Choice.Method)))
	if p.attempt > 0 && !workflow.Now(ctx).Before(p.deadline) {
		p.renewDeadline(ctx) // the insurance took the patient's time
	}
	p.granted()
	return nil
}
