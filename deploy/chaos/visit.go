package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/regpay/regpay/deploy/booking"
	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

const (
	lookEvery = 2500 * time.Millisecond // a patient who waits looks again
	returnKey = "return-1"
)

// visit is one registration while it is played: the booking backend that asks
// for it and the patient who pays. It knows nothing but what the API answers,
// and does everything again until it has an answer.
type visit struct {
	registration
	in    *local.Installation
	told  *booking.Backend
	stats *stats
	start wire.Start

	seen     wire.Payment    // as it was read last
	acted    map[string]bool // charges by number that the patient has dealt with
	consents int             // to the insurance
	switched bool            // the patient has chosen another way
	stopped  bool            // or has asked to cancel

	mu  sync.Mutex
	end ending // read by others while the visit goes on
}

// ending is what became of a visit, as its people know it.
type ending struct {
	Started   time.Time
	PaymentID string
	Refused   string // the API's code, where it did not take the order
	Promised  int64  // to be returned, in fen
	Over      bool
	Err       error // why it was given up
}

func (v *visit) ending() ending {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.end
}

func (v *visit) note(change func(*ending)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(&v.end)
}

// play takes the visit to the payment's end, or to where ctx ends.
func (v *visit) play(ctx context.Context) {
	err := v.live(ctx)
	v.note(func(e *ending) { e.Over, e.Err = err == nil, err })
}

func (v *visit) live(ctx context.Context) error {
	if err := v.prepare(ctx); err != nil {
		return err
	}
	v.note(func(e *ending) { e.Started = time.Now().UTC() })
	answer, err := again(ctx, v.stats, func() (wire.Answer, error) {
		a, _, err := v.in.API.Start(ctx, v.start)
		return a, err
	})
	if code := refusal(err); code != "" {
		v.note(func(e *ending) { e.Refused = code })
		return nil
	}
	if err != nil {
		return err
	}
	v.note(func(e *ending) { e.PaymentID = answer.PaymentID })
	if answer.Tender != nil {
		if err := v.act(ctx, *answer.Tender); err != nil {
			return err
		}
	}
	return v.follow(ctx)
}

// prepare tells the counterparties what is going to happen with the order.
func (v *visit) prepare(ctx context.Context) error {
	v.start = scenario.NewStart(v.Hospital, v.Person, wire.Choice{Method: v.Way.Method, Scene: v.Way.Scene, SelfPay: v.Way.SelfPay})
	o := &v.start.Order
	o.OrderNo, o.Slot.ID, o.AmountFen = v.Order, "slot-"+v.Order, v.Fen
	o.Fees = []wire.Fee{{Code: "110200001", Name: "挂号费", AmountFen: 100}, {Code: "110200002", Name: "诊查费", AmountFen: v.Fen - 100}}
	v.start.CallbackURL = v.told.URL(v.Hospital)
	v.start.PayWithinSeconds = int64(v.Window / time.Second)
	if v.Conduct == slotGone {
		if err := v.in.Sandbox.WithdrawSlot(ctx, o.Slot.ID); err != nil {
			return err
		}
	}
	if v.Conduct == settlesFail || v.Conduct == settlesDoubt {
		do := map[conduct]sandbox.Behaviour{settlesFail: sandbox.Fail, settlesDoubt: sandbox.Abandon}[v.Conduct]
		attempt := 1
		if v.Way.Method == payment.ByMixed {
			attempt = 2
		}
		if err := v.in.Sandbox.Instruct(ctx, sandbox.Instruction{Channel: string(payment.Insurance), Hospital: v.Hospital,
			MerchantNo: payment.MerchantNo(v.Order, attempt), Behaviour: do}); err != nil {
			return err
		}
	}
	return v.consent(ctx, &v.start.Choice)
}

// consent has the patient authorise a choice that uses the insurance.
func (v *visit) consent(ctx context.Context, c *wire.Choice) error {
	if c.Method != payment.ByInsurance && c.Method != payment.ByMixed {
		return nil
	}
	a, err := v.in.Sandbox.Authorise(ctx, v.Hospital, v.Person.PsnNo, v.Person.IDNumber)
	c.PayAuthNo = a.PayAuthNo
	if c.Method == payment.ByMixed {
		c.InsuranceAmountFen = v.Insured
	}
	v.consents++
	return err
}

// follow looks until the payment has ended, and does what the patient would at
// each state that shows.
func (v *visit) follow(ctx context.Context) error {
	for {
		p, err := again(ctx, v.stats, func() (wire.Payment, error) {
			return v.in.API.Payment(ctx, v.ending().PaymentID, v.Conduct != paysAndLeaves && v.Conduct != neverPays)
		})
		if err != nil {
			return err
		}
		v.seen = p
		if p.Status.Ended() {
			return v.afterwards(ctx)
		}
		if err := v.respond(ctx); err != nil {
			return err
		}
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// respond is the patient in front of a payment that goes on.
func (v *visit) respond(ctx context.Context) error {
	switch p := v.seen; p.Status {
	case payment.Verifying:
		if v.Conduct == neverPays && v.Way.Method == payment.ByInsurance {
			return nil
		}
		return v.prove(ctx)
	case payment.AwaitingPayment:
		for _, t := range p.Tenders {
			if t.State == channel.Open && len(t.Pay) > 0 && !v.acted[t.MerchantNo] {
				return v.act(ctx, wire.Pay{Channel: t.Channel, Scene: t.Scene, MerchantNo: t.MerchantNo, AmountFen: t.AmountFen, Pay: t.Pay})
			}
		}
		if p.Reason == payment.CodeChannelDeclined {
			return v.otherwise(ctx)
		}
	case payment.Clearing:
		if v.Conduct == settlesDoubt {
			v.doubt(ctx)
		}
	case payment.InReview:
		// What the insurance refuses, the patient pays otherwise, or gives up
		// where a part is paid already.
		if p.Case == nil || p.Case.Reason != payment.ReviewClearingFailed {
			return nil
		}
		if p.CapturedFen > 0 && !v.stopped {
			return v.cancel(ctx)
		}
		return v.otherwise(ctx)
	}
	return nil
}

// prove answers a code; where that gets lost, the face is shown. Trouble is no
// end: the next look finds the patient still to be verified.
func (v *visit) prove(ctx context.Context) error {
	id := v.ending().PaymentID
	out, err := v.in.AnswerSMS(ctx, v.Hospital, id)
	if err != nil {
		v.stats.repeat()
		out, err = v.in.AnswerFace(ctx, id, "success")
	}
	if err == nil && out.Payment != nil && out.Payment.Tender != nil {
		return v.act(ctx, *out.Payment.Tender)
	}
	return ctx.Err()
}

// afterwards is what the backend wants once the payment has ended.
func (v *visit) afterwards(ctx context.Context) error {
	if v.seen.Status != payment.Completed || v.Conduct != returnsAll && v.Conduct != returnsPart {
		return nil
	}
	_, err := again(ctx, v.stats, func() (wire.Refunds, error) {
		return v.in.API.Refund(ctx, v.seen.PaymentID, wire.RefundOrder{Key: returnKey, AmountFen: v.Back, Reason: "patient_request"})
	})
	if code := refusal(err); code != "" {
		return nil
	}
	if err == nil {
		v.note(func(e *ending) { e.Promised = v.Back })
	}
	return err
}

// refusal is the code with which the API refuses, for good, what was asked.
func refusal(err error) string {
	var p *wire.Problem
	if errors.As(err, &p) && p.Status < 500 && p.Status != 429 {
		return p.Code
	}
	return ""
}

// again makes a call that is safe to repeat until it is answered, as the API
// tells its callers to.
func again[T any](ctx context.Context, s *stats, call func() (T, error)) (T, error) {
	for n := 1; ; n++ {
		out, err := call()
		if err == nil || refusal(err) != "" {
			return out, err
		}
		s.repeat()
		if waited := pause(ctx, min(time.Duration(n)*250*time.Millisecond, 2*time.Second)); waited != nil {
			return out, errors.Join(waited, err)
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
