package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// Channels are the steps that ask a channel to charge, and what became of it.
type Channels struct {
	Store     Store
	Hospitals Hospitals
	Clock     Clock
}

// ChargeIn is one attempt to charge a tender. The times are the workflow's, so
// that a repeat sends the very same request (I4).
type ChargeIn struct {
	PaymentID string
	Order     payment.Order
	Choice    payment.Choice
	Tender    payment.Tender
	Attempt   int
	CreatedAt time.Time
	ExpiresAt time.Time
	Next      payment.Status
	// Paid is the status once the tender is in.
	Paid payment.Status
}

// ChargeOut is what the patient needs, and what is known already.
type ChargeOut struct {
	Pay    payment.PayParams `json:"pay,omitempty"`
	Report channel.Report    `json:"report"`
	// Settled is there when the report's money is in the books already.
	Settled *Settled `json:"settled,omitempty"`
}

// Settled is money that was booked with the channel's answer to the charge.
type Settled struct {
	At      time.Time `json:"at"`
	Voucher string    `json:"voucher,omitempty"` // when the payment is fully paid
}

// Charge writes the attempt down and then asks the channel for it (I5). A
// repeat finds the attempt on disk and tells the client that the request may
// have left before, unless all tries are known to have come to nothing: a
// channel that was busy or away may refuse the next one, and is believed. While
// the channel is in maintenance nothing is written and nothing is sent: see
// AsMaintenance. Money that comes with the channel's answer is booked with it.
func (c *Channels) Charge(ctx context.Context, in ChargeIn) (ChargeOut, error) {
	client, err := c.Hospitals.Channel(in.Order.HospitalID, in.Tender.Channel)
	if err != nil {
		return ChargeOut{}, boundary(err)
	}
	if err := c.halted(ctx, in); err != nil {
		return ChargeOut{}, boundary(err)
	}
	attempt, err := c.Store.BeginAttempt(ctx, in.charge(), in.Next)
	if errors.Is(err, store.ErrConflict) {
		// A workflow task that was lost after this step had come to another
		// charge under the number. What it asked for, nobody was shown.
		err = payment.Problem{Code: payment.CodeAttemptTaken, Text: "the attempt's number is another charge's"}
	}
	if err != nil {
		return ChargeOut{}, boundary(err)
	}
	if attempt.Prepaid {
		report := attempt.Capture
		report.State = attempt.State
		return ChargeOut{Pay: attempt.Pay, Report: report}, nil
	}
	charge := attempt.Charge
	if attempt.Existed {
		if charge.Repeat, err = c.Store.AskAgain(ctx, in.PaymentID, in.Attempt); err != nil {
			return ChargeOut{}, boundary(err)
		}
	}
	prepaid, err := client.Prepay(ctx, charge)
	if err != nil {
		if payment.KindOf(err) == payment.Retryable {
			// Where this fails the try stays in doubt, which is the safe side.
			_ = c.Store.CameToNothing(ctx, in.PaymentID, in.Attempt)
		}
		return ChargeOut{}, boundary(err)
	}
	out := ChargeOut{Pay: prepaid.Pay, Report: prepaid.Report, Settled: c.settle(ctx, in, prepaid)}
	if out.Settled == nil {
		if err := c.Store.SavePrepaid(ctx, in.PaymentID, in.Attempt, prepaid, c.Clock()); err != nil {
			return ChargeOut{}, boundary(err)
		}
	}
	return out, nil
}

// settle books a tender's money that came with the channel's answer, as Settle
// does. Another amount, and what does not work out, nil leaves to the workflow.
func (c *Channels) settle(ctx context.Context, in ChargeIn, prepaid channel.Prepaid) *Settled {
	if in.Paid == "" || prepaid.Report.State != channel.Captured || !SameMoney(prepaid.Report, in.Tender.Amount) {
		return nil
	}
	rate, err := c.Hospitals.FeeRate(in.Order.HospitalID, in.Tender.Channel)
	if err != nil {
		return nil
	}
	at := c.Clock().UTC()
	done, err := c.Store.RecordCapture(ctx, store.Capture{
		PaymentID: in.PaymentID, Attempt: in.Attempt, Report: prepaid.Report, FeeRate: rate, At: at, Next: in.Paid, Prepaid: &prepaid,
	})
	if err != nil || done.Repeated {
		return nil
	}
	return &Settled{At: at, Voucher: done.VoucherCode}
}

func (in ChargeIn) charge() channel.Charge {
	o := in.Order
	return channel.Charge{
		HospitalID: o.HospitalID, PaymentID: in.PaymentID, OrderNo: o.OrderNo,
		Attempt: in.Attempt, MerchantNo: payment.MerchantNo(o.OrderNo, in.Attempt),
		Channel: in.Tender.Channel, Scene: in.Tender.Scene,
		Amount: in.Tender.Amount, Total: o.Amount,
		// Neither department nor doctor: a payment app's bill is seen by others.
		Description: "预约挂号",
		CreatedAt:   in.CreatedAt, ExpiresAt: in.ExpiresAt,
		Slot: o.Slot, Fees: o.Fees, Payer: o.Patient,
		PayAuthNo: in.Choice.PayAuthNo, ECToken: in.Choice.ECToken,
	}
}

// AttemptIn names an attempt.
type AttemptIn struct {
	PaymentID string
	Attempt   int
}

func (c *Channels) load(ctx context.Context, in AttemptIn) (channel.Client, store.Attempt, error) {
	a, err := c.Store.Attempt(ctx, in.PaymentID, in.Attempt)
	if err != nil {
		return nil, store.Attempt{}, err
	}
	client, err := c.Hospitals.Channel(a.Charge.HospitalID, a.Charge.Channel)
	return client, a, err
}

// refused says whether the channel refused to take the charge on, so that it
// has nothing to be asked about: asking would be to place it once more.
func refused(a store.Attempt) (channel.Report, bool) {
	over := a.State.Outcome() == payment.Failed && !a.Prepaid
	return channel.Report{MerchantNo: a.Charge.MerchantNo, State: a.State}, over
}

// absent is what is known of an attempt that never got onto disk: it was never
// asked for (I5).
var absent = channel.Report{State: channel.Absent}

// Look asks the channel once what became of an attempt.
func (c *Channels) Look(ctx context.Context, in AttemptIn) (channel.Report, error) {
	client, a, err := c.load(ctx, in)
	if errors.Is(err, store.ErrNotFound) {
		return absent, nil
	}
	if err != nil {
		return channel.Report{}, boundary(err)
	}
	if r, over := refused(a); over {
		return r, nil
	}
	r, err := client.Query(ctx, a.Charge)
	return r, boundary(err)
}

// Watch asks until the attempt has come to an end, or to a point where only a
// person can help. It runs on the channel's own queue; between two looks no
// worker holds it: "not yet" is an error with the time of the next look, so
// that waiting for hours leaves no trace in the payment's history.
func (c *Channels) Watch(ctx context.Context, in AttemptIn) (channel.Report, error) {
	client, a, err := c.load(ctx, in)
	if err != nil {
		return channel.Report{}, boundary(err)
	}
	r, err := client.Query(ctx, a.Charge)
	if err != nil {
		return channel.Report{}, boundary(err)
	}
	switch r.State {
	case channel.Captured, channel.Closed, channel.Declined, channel.Doubtful:
		return r, nil
	}
	return channel.Report{}, undecided("charge", string(r.State), nextWatch(a.Charge, activity.GetInfo(ctx).Attempt, c.Clock()))
}

// Close makes sure that an attempt cannot be paid any more, and learns whether
// it was. It repeats until the channel gives one of the two answers.
func (c *Channels) Close(ctx context.Context, in AttemptIn) (channel.Report, error) {
	client, a, err := c.load(ctx, in)
	if errors.Is(err, store.ErrNotFound) {
		return absent, nil
	}
	if err != nil {
		return channel.Report{}, boundary(err)
	}
	if r, over := refused(a); over {
		return r, nil
	}
	r, err := client.Close(ctx, a.Charge)
	if err != nil {
		return channel.Report{}, boundary(err)
	}
	switch r.State.Outcome() {
	case payment.Success:
		return r, nil
	case payment.Failed:
		return r, boundary(c.Store.EndAttempt(ctx, in.PaymentID, in.Attempt, r.State, r.Code, c.Clock()))
	}
	return channel.Report{}, undecided("close", string(r.State), nextLook(a.Charge, activity.GetInfo(ctx).Attempt, c.Clock()))
}

// nextWatch is how long to wait before the next look at a charge that nobody
// has told of. A patient who pays is told of by the channel, which repeats a
// notification that was not taken, or asks by the API; without either the close
// at the end of the patient's time finds the money. So what lies in between is
// for the few payments that both missed, while every payment that waits for its
// patient pays for it: with slots just opened, that is tens of thousands.
func nextWatch(c channel.Charge, attempt int32, now time.Time) time.Duration {
	wait := nextLook(c, attempt, now)
	if c.Channel == payment.Insurance {
		return wait
	}
	return max(wait, min(time.Duration(attempt)*watchEvery, watchMost))
}

const (
	watchEvery = 4 * time.Minute
	watchMost  = 30 * time.Minute
)

// nextLook is how long to wait before the next query of a charge: WeChat Pay's
// and UnionPay's own recommendations, and for the insurance its usual 45 s
// with a slower second hour. A charge that the patient pays is decided soon
// after its time is over, so the wait does not reach far beyond that.
func nextLook(c channel.Charge, attempt int32, now time.Time) time.Duration {
	patient := []time.Duration{5 * time.Second, 30 * time.Second, time.Minute, 3 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute}
	steps := map[payment.Channel][]time.Duration{
		payment.WeChat: patient, payment.UnionPay: patient,
		payment.Insurance: {2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute},
	}[c.Channel]
	wait := steps[min(max(int(attempt)-1, 0), len(steps)-1)]
	if c.Channel == payment.Insurance || c.ExpiresAt.IsZero() || now.After(c.ExpiresAt.Add(hurry)) {
		return wait
	}
	return min(wait, max(c.ExpiresAt.Sub(now), 0)+hurry/4)
}

// hurry is how long after a charge's time its end is asked for often.
const hurry = 2 * time.Minute

// SameMoney says whether a report's capture is what the tender asked for.
func SameMoney(r channel.Report, want money.Money) bool { return r.Captured.Equal(want) }
