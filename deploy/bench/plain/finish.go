package plain

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
)

// Bounds of what goes on behind the answers.
const (
	// workers wait for counterparties most of the time. At 200 ms an answer,
	// three answers a payment, so many carry 200 payments a second.
	workers = 128
	// queued bounds memory. What does not fit waits in the table.
	queued = 4096
	// oneTry bounds a try of one payment, all counterparties together.
	oneTry = 30 * time.Second
	// sweepEvery is when the table is searched, leftAfter how long nobody has
	// touched a payment that counts as left behind.
	sweepEvery = 30 * time.Second
	leftAfter  = time.Minute
)

// waits are before the second and the third try. After it, the sweeper comes.
func waits() []time.Duration { return []time.Duration{500 * time.Millisecond, 2 * time.Second} }

// leave hands a payment to the pool, or, when that is full, to the sweeper.
func (a *arm) leave(p paid) {
	if !a.queue.add(p) {
		a.Log.Warn("the queue is full", zap.Int("length", queued))
	}
}

// work finishes payments until ctx ends. The one in hand is finished.
func (a *arm) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-a.queue.next:
			a.carry(ctx, p)
			a.queue.done(p)
		}
	}
}

// carry tries to finish a payment a few times.
func (a *arm) carry(ctx context.Context, p paid) {
	pauses := waits()
	for n := 0; ; n++ {
		err := a.finish(context.WithoutCancel(ctx), p)
		if err == nil {
			return
		}
		a.Log.Warn("a payment is not finished", zap.String("payment", payment.ID(p.hospital, p.order)),
			zap.Int("try", n+1), zap.Error(err))
		if n == len(pauses) || !pause(ctx, pauses[n]) {
			return
		}
	}
}

// pause waits; it is false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// finish registers a paid payment with the HIS, tells the backend, and then
// writes the end down. Each step is the same at every repeat.
func (a *arm) finish(ctx context.Context, p paid) error {
	ctx, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	req, err := a.books.unseal(p)
	if err != nil {
		return err
	}
	gateway, err := a.Hospitals.HIS(p.hospital)
	if err != nil {
		return err
	}
	o := req.Order
	done, err := gateway.Register(ctx, his.Registration{
		HospitalID: p.hospital, PaymentID: payment.ID(p.hospital, p.order), OrderNo: p.order,
		Slot: o.Slot, Patient: o.Patient, Amount: o.Amount, PaidAt: p.at, Voucher: p.voucher,
	})
	if payment.KindOf(err) == payment.Final && err != nil {
		a.Log.Error("the HIS refuses a paid registration", zap.String("payment", payment.ID(p.hospital, p.order)),
			zap.String("code", payment.CodeOf(err)))
		return a.books.stop(ctx, p, payment.CodeOf(err))
	}
	if err != nil {
		return err
	}
	if err := a.tell(ctx, p, req, done); err != nil {
		return err
	}
	return a.books.end(ctx, p, done, stamp(time.Now()))
}

// sweep carries on what was left behind. At the start nobody else is at work,
// so whatever is paid and not over counts.
func (a *arm) sweep(ctx context.Context) {
	every := time.NewTicker(sweepEvery)
	defer every.Stop()
	for age := time.Duration(0); ; age = leftAfter {
		now := stamp(time.Now())
		left, err := a.books.left(ctx, now.Add(-age), now, queued/2)
		if err != nil && ctx.Err() == nil {
			a.Log.Warn("the sweep failed", zap.Error(err))
		}
		for _, p := range left {
			a.leave(p)
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}
