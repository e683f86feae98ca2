package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
)

const (
	rowTimeout  = 150 * time.Second // one registration from start to end
	pollEvery   = 4 * time.Second   // a patient who waits looks again
	pollSettled = 100 * time.Millisecond
	refundKey   = "return-1"
)

// outcome is what became of one registration.
type outcome struct {
	registration registration
	order        string
	paymentID    string
	started      time.Time
	answered     time.Duration // the API's answer to the start
	final        wire.Payment
	err          error // why it could not be played to its end
}

// status is how it ended; empty when it never came into being.
func (o outcome) status() payment.Status { return o.final.Status }

// asExpected says whether it ended as the file says.
func (o outcome) asExpected() bool {
	if o.err != nil {
		return false
	}
	for _, s := range o.registration.Expected {
		if s == o.status() {
			return true
		}
	}
	return false
}

// play is one registration while it is played.
type play struct {
	*day
	registration
	order string
	out   *outcome
	acted bool // the patient has something to look for
}

// play takes a registration through its life. opened is called once the API
// has answered, or will not.
func (d *day) play(ctx context.Context, r registration, opened func()) outcome {
	ctx, cancel := context.WithTimeoutCause(ctx, rowTimeout, errors.New("its time in the demo is over"))
	defer cancel()
	out := outcome{registration: r, order: r.orderNo(d.opened)}
	p := &play{day: d, registration: r, order: out.order, out: &out}
	out.err = p.live(ctx, opened)
	if out.err != nil && out.paymentID != "" {
		// How far it came, for the report.
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if v, err := d.in.API.Payment(late, out.paymentID, false); err == nil {
			out.final = v
		}
	}
	return out
}

func (p *play) live(ctx context.Context, opened func()) error {
	answer, err := p.begin(ctx)
	opened()
	if err != nil {
		return err
	}
	if answer, err = p.passReview(ctx, answer); err != nil {
		return err
	}
	if !answer.Status.Ended() {
		if err := p.act(ctx, answer); err != nil {
			return err
		}
	}
	if err := p.awaitEnd(ctx); err != nil {
		return err
	}
	if p.Refund > 0 && p.out.status() == payment.Completed {
		return p.returnMoney(ctx)
	}
	return nil
}

// begin prepares the counterparties and starts the payment.
func (p *play) begin(ctx context.Context) (wire.Answer, error) {
	if err := p.prepare(ctx); err != nil {
		return wire.Answer{}, fmt.Errorf("prepare: %w", err)
	}
	callback := "" // for what nobody listens to
	if p.backend != nil {
		callback = p.backend.URL(p.Hospital)
	}
	s := p.registration.start(p.opened, callback)
	if err := p.authorise(ctx, &s.Choice); err != nil {
		return wire.Answer{}, fmt.Errorf("authorise: %w", err)
	}
	p.out.started = time.Now()
	answer, err := again(ctx, p.day, func() (wire.Answer, error) {
		a, _, err := p.in.API.Start(ctx, s)
		return a, err
	})
	p.out.answered = time.Since(p.out.started)
	if err != nil {
		return answer, fmt.Errorf("start: %w", err)
	}
	p.out.paymentID = answer.PaymentID
	return answer, nil
}

// passReview waits for staff when the risk rules want a person to look.
func (p *play) passReview(ctx context.Context, a wire.Answer) (wire.Answer, error) {
	for a.Status == payment.InReview {
		if err := p.staff.stuck(p.order); err != nil {
			return a, err
		}
		if err := pause(ctx, lookEvery/2); err != nil {
			return a, err
		}
		v, err := p.read(ctx, false)
		if err != nil {
			return a, err
		}
		a.Status = v.Status
		if a.Tender = openTender(v); a.Status == payment.AwaitingPayment && a.Tender == nil {
			a.Status = payment.InReview // the channel is being asked
		}
		if v.Status == payment.Pending {
			a.Status = payment.InReview // approved, and going on
		}
	}
	return a, nil
}

// openTender is what the patient can pay now.
func openTender(v wire.Payment) *wire.Pay {
	for i := len(v.Tenders) - 1; i >= 0; i-- {
		if t := v.Tenders[i]; t.State == channel.Open && len(t.Pay) > 0 {
			return &wire.Pay{Channel: t.Channel, Scene: t.Scene, MerchantNo: t.MerchantNo, AmountFen: t.AmountFen, Pay: t.Pay}
		}
	}
	return nil
}

// awaitEnd waits until the payment has ended: for the callback, and looking
// every few seconds as a patient would.
func (p *play) awaitEnd(ctx context.Context) error {
	for {
		told, more := p.backend.Of(p.out.paymentID)
		v, err := p.read(ctx, p.acted)
		if err != nil {
			return err
		}
		if v.Status.Ended() {
			return nil
		}
		if err := p.staff.stuck(p.order); err != nil && v.Status == payment.InReview {
			return err
		}
		wait := pollEvery
		if n := len(told); n > 0 && told[n-1].Data.Status.Ended() {
			wait = pollSettled // told, and about to be written down
		}
		if err := p.backend.Wait(ctx, more, wait); err != nil {
			return fmt.Errorf("it stays %s: %w", v.Status, err)
		}
	}
}

// returnMoney asks for a refund of a completed payment, twice as an anxious
// backend would, and waits until it is there.
func (p *play) returnMoney(ctx context.Context) error {
	o := wire.RefundOrder{Key: refundKey, AmountFen: p.Refund, Reason: "patient_request"}
	for range 2 {
		_, err := again(ctx, p.day, func() (wire.Refunds, error) { return p.in.API.Refund(ctx, p.out.paymentID, o) })
		if err != nil {
			return fmt.Errorf("refund: %w", err)
		}
	}
	whole := p.Refund == p.amount()
	for {
		v, err := p.read(ctx, false)
		if err != nil {
			return err
		}
		done, err := p.refunded(ctx)
		if err != nil {
			return err
		}
		if done && v.RefundedFen == p.Refund && (!whole || v.Status == payment.Refunded) {
			return nil
		}
		if err := pause(ctx, lookEvery/2); err != nil {
			return fmt.Errorf("the refund is not there: %w", err)
		}
	}
}

// refunded says whether every part of the refund is with the patient.
func (p *play) refunded(ctx context.Context) (bool, error) {
	list, err := again(ctx, p.day, func() (wire.Refunds, error) { return p.in.API.Refunds(ctx, p.out.paymentID) })
	if err != nil {
		return false, fmt.Errorf("read refunds: %w", err)
	}
	var sum int64
	for _, r := range list.Items {
		if r.Key == refundKey && r.State == channel.RefundSucceeded {
			sum += r.AmountFen
		}
	}
	if sum > p.Refund {
		return false, fmt.Errorf("refund: %d fen went back instead of %d", sum, p.Refund)
	}
	return sum == p.Refund, nil
}

// read reads the payment and keeps what it read.
func (p *play) read(ctx context.Context, refresh bool) (wire.Payment, error) {
	v, err := again(ctx, p.day, func() (wire.Payment, error) { return p.in.API.Payment(ctx, p.out.paymentID, refresh) })
	if err != nil {
		return v, fmt.Errorf("read: %w", err)
	}
	p.out.final = v
	return v, nil
}

// again makes a call that is safe to repeat, and repeats it when nobody knows
// what became of it, as the API tells its callers to.
func again[T any](ctx context.Context, d *day, call func() (T, error)) (T, error) {
	const tries = 4
	for n := 1; ; n++ {
		out, err := call()
		var refused *wire.Problem
		if err == nil || n == tries || ctx.Err() != nil || errors.As(err, &refused) && refused.Status < 500 {
			return out, err
		}
		d.repeated.Add(1)
		if err := pause(ctx, time.Duration(n)*200*time.Millisecond); err != nil {
			return out, err
		}
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
