// Package journey plays one payment after the other from the outside, as a
// booking backend and its patients: start by the HTTP API, prove who one is
// where the insurance wants it, pay at the channel, and wait for the signed
// callback that tells of the end. It knows nothing of the engine behind the
// API, so every arm of the comparison is driven by the same code.
package journey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/regpay/regpay/deploy/booking"
	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// Times of one payment.
type Times struct {
	// Sent is when its first request left, Answered when the API had answered
	// it, Over when the booking backend knew of the end.
	Sent, Answered, Over time.Time
}

// Payer plays payments at an installation. It is safe for concurrent use.
type Payer struct {
	in        *local.Installation
	told      *booking.Backend
	hospitals []string
	mixed     bool
	count     atomic.Int64
}

// Listen opens the booking backend; Close it. Payments are by WeChat Pay, or
// mixed with the insurance.
func Listen(in *local.Installation, hospitals []string, mixed bool) (*Payer, error) {
	told, err := booking.Listen(hospitals, in.CallbackSecret)
	if err != nil {
		return nil, err
	}
	return &Payer{in: in, told: told, hospitals: hospitals, mixed: mixed}, nil
}

// Close ends the booking backend.
func (p *Payer) Close() { p.told.Close() }

// Told counts the callbacks that verified, those that came again, and those
// that did not verify.
func (p *Payer) Told() (messages, repeats, refused int) { return p.told.Deliveries() }

// Order is a prepared payment: what the patient's own time is spent on, before
// the clock runs.
type Order struct {
	start wire.Start
}

// No is the order's number, Hospital where it is.
func (o Order) No() string       { return o.start.Order.OrderNo }
func (o Order) Hospital() string { return o.start.Order.HospitalID }

// PayWithin gives the patient another time to pay.
func (o Order) PayWithin(d time.Duration) Order {
	o.start.PayWithinSeconds = int64(d.Seconds())
	return o
}

// Prepare invents a patient and their order.
func (p *Payer) Prepare(ctx context.Context) (Order, error) {
	hospital := p.hospitals[int(p.count.Add(1))%len(p.hospitals)]
	person := scenario.NewPerson()
	choice := scenario.WeChat(payment.Native)
	if p.mixed {
		var err error
		if choice, err = scenario.Mixed(ctx, p.in, hospital, person, payment.WeChat, payment.Native); err != nil {
			return Order{}, err
		}
	}
	start := scenario.NewStart(hospital, person, choice)
	start.CallbackURL = p.told.URL(hospital)
	return Order{start}, nil
}

// mostStarts bounds how often a start is sent.
const mostStarts = 4

// Begin starts the payment and returns what the patient is to pay. A start that
// the API cannot answer in time is sent again as it is, as booking backends
// have to.
func (p *Payer) Begin(ctx context.Context, o Order) (answer wire.Answer, err error) {
	for range mostStarts {
		answer, _, err = p.in.API.Start(ctx, o.start)
		var told *wire.Problem
		if !errors.As(err, &told) || told.Status != http.StatusServiceUnavailable {
			break
		}
	}
	return answer, err
}

// Finish pays what Begin answered, and waits for the end.
func (p *Payer) Finish(ctx context.Context, answer wire.Answer) error {
	var err error
	if answer.Status == payment.Verifying {
		if answer, err = scenario.Prove(ctx, p.in, answer); err != nil {
			return err
		}
	}
	told, more := p.told.Of(answer.PaymentID)
	if err := scenario.Pay(ctx, p.in, answer, sandbox.Pay); err != nil {
		return err
	}
	for len(told) == 0 {
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("wait for the end of %s: %w", answer.PaymentID, context.Cause(ctx))
		}
		told, more = p.told.Of(answer.PaymentID)
	}
	if end := told[len(told)-1].Data.Status; end != payment.Completed {
		return fmt.Errorf("%s ended as %s", answer.PaymentID, end)
	}
	return nil
}

// Play takes a payment from its start to its end.
func (p *Payer) Play(ctx context.Context, o Order) (Times, error) {
	t := Times{Sent: time.Now()}
	answer, err := p.Begin(ctx, o)
	t.Answered = time.Now()
	if err != nil {
		return t, fmt.Errorf("start %s: %w", o.No(), err)
	}
	if answer.Tender == nil && answer.Status != payment.Verifying {
		return t, fmt.Errorf("start %s: %w", o.No(), errors.New("nothing to pay"))
	}
	err = p.Finish(ctx, answer)
	t.Over = time.Now()
	return t, err
}
