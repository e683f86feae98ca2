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

// ReserveIn asks for captured money of one attempt to go back. Key makes it
// idempotent.
type ReserveIn struct {
	PaymentID string
	Key       string
	Attempt   int
	ChannelNo string // which capture, where the attempt has several
	Amount    money.Money
	Rest      bool // less than Amount will do, where another refund was first
	Reason    string
	Actor     string
	At        time.Time
}

// ReserveOut numbers the refund; N is zero when nothing is left to return.
type ReserveOut struct {
	N      int         `json:"n"`
	Amount money.Money `json:"amount,omitzero"`
}

// ReserveRefund sets the money of a refund aside, so that no two refunds
// together exceed the capture (I6), before anything is sent (I5).
func (b *Books) ReserveRefund(ctx context.Context, in ReserveIn) (ReserveOut, error) {
	order := store.RefundOrder{
		PaymentID: in.PaymentID, Key: in.Key, Attempt: in.Attempt, ChannelNo: in.ChannelNo, Amount: in.Amount,
		Reason: in.Reason, Actor: in.Actor, At: in.At,
	}
	row, err := b.Store.ReserveRefund(ctx, order)
	if in.ChannelNo != "" && payment.HasCode(err, payment.CodeRefundExceeds) {
		row, err = b.onItsWay(ctx, order, err)
	}
	if in.Rest && (payment.HasCode(err, payment.CodeRefundExceeds) || payment.HasCode(err, payment.CodeRefundConflict)) {
		row, err = b.reserveRest(ctx, order)
	}
	return ReserveOut{N: row.N, Amount: row.Refund.Amount}, boundary(err)
}

// onItsWay finds the refund for which a whole capture was set aside before: a
// workflow task that was lost had taken another turn, by which this money went
// back, and nobody would send it. Should somebody all the same, both send the
// one refund under its one number (I4). Without such a refund it is refused.
func (b *Books) onItsWay(ctx context.Context, o store.RefundOrder, refused error) (store.RefundRow, error) {
	for n := 1; n <= payment.MaxAttempts; n++ {
		row, err := b.Store.Refund(ctx, o.PaymentID, n)
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil || row.Attempt == o.Attempt && row.Refund.Original.ChannelNo == o.ChannelNo && row.Refund.Amount.Equal(o.Amount) {
			return row, err
		}
	}
	return store.RefundRow{}, refused
}

// reserveRest sets aside what other refunds have left of a tender, or finds
// what it set aside before.
func (b *Books) reserveRest(ctx context.Context, o store.RefundOrder) (store.RefundRow, error) {
	for n := 1; n <= payment.MaxAttempts; n++ {
		row, err := b.Store.Refund(ctx, o.PaymentID, n)
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil || row.Key == o.Key {
			return row, err
		}
	}
	v, err := b.Store.Payment(ctx, o.PaymentID)
	if err != nil {
		return store.RefundRow{}, err
	}
	for _, t := range v.Tenders {
		if t.Attempt != o.Attempt {
			continue
		}
		if o.Amount, err = t.Captured.Sub(t.Refunded); err != nil || !o.Amount.IsPositive() {
			return store.RefundRow{}, err
		}
		return b.Store.ReserveRefund(ctx, o)
	}
	return store.RefundRow{}, nil
}

// RefundIn names a reserved refund.
type RefundIn struct {
	PaymentID string
	N         int
	Again     bool // it was sent before, and a person wants it tried once more
	Retry     int  // how often a person wanted that so far
}

// RefundOut is where a refund stands, and by when its money is expected.
type RefundOut struct {
	channel.RefundReport
	ExpectedBy time.Time `json:"expected_by,omitzero"`
}

// Refunds are the steps that return money by the original route.
type Refunds struct {
	Store     Store
	Hospitals Hospitals
	Clock     Clock
}

// SendRefund asks the channel to return the money. A repeat asks first whether the
// channel has it already (I3).
func (f *Refunds) SendRefund(ctx context.Context, in RefundIn) (RefundOut, error) {
	client, charge, row, err := f.load(ctx, in)
	if err == nil && in.Retry > 0 && !final(row.State) {
		row, err = f.Store.RetryRefund(ctx, in.PaymentID, in.N, in.Retry, f.Clock())
	}
	if err != nil {
		return RefundOut{}, boundary(err)
	}
	r, err := f.send(ctx, in, client, charge, row)
	return RefundOut{RefundReport: r, ExpectedBy: row.ExpectedBy}, err
}

func (f *Refunds) send(ctx context.Context, in RefundIn, client channel.Client, charge channel.Charge, row store.RefundRow) (channel.RefundReport, error) {
	if final(row.State) {
		return channel.RefundReport{RefundNo: row.Refund.No, State: row.State, ChannelNo: row.ChannelNo, Amount: row.Refund.Amount, Code: row.Code}, nil
	}
	if err := f.halted(ctx, charge.HospitalID, charge.Channel); err != nil {
		return channel.RefundReport{}, boundary(err)
	}
	info := activity.GetInfo(ctx)
	left := row.State != channel.RefundProcessing || row.ChannelNo != "" || !row.SentAt.IsZero()
	if in.Again || left || !info.IsLocalActivity || info.Attempt > 1 {
		r, err := client.QueryRefund(ctx, charge, row.Refund)
		if err != nil {
			return r, boundary(err)
		}
		if r.State != channel.RefundAbsent && r.State != channel.RefundFailed {
			return f.record(ctx, in, r)
		}
	}
	if _, err := f.Store.RefundSent(ctx, in.PaymentID, in.N, f.Clock()); err != nil {
		return channel.RefundReport{}, boundary(err) // on disk before the request leaves (I5)
	}
	r, err := client.Refund(ctx, charge, row.Refund)
	if err != nil && payment.KindOf(err) == payment.Final {
		// The refusal is on record, so that the next try knows of this one.
		r, err = channel.RefundReport{RefundNo: row.Refund.No, State: channel.RefundFailed, Code: payment.CodeOf(err)}, nil
	}
	if err != nil {
		return r, boundary(err)
	}
	return f.record(ctx, in, r)
}

// WatchRefund asks until the refund has come to an end. A refund takes up to seven
// working days; between two looks no worker holds the step.
func (f *Refunds) WatchRefund(ctx context.Context, in RefundIn) (channel.RefundReport, error) {
	client, charge, row, err := f.load(ctx, in)
	if err != nil {
		return channel.RefundReport{}, boundary(err)
	}
	r, err := client.QueryRefund(ctx, charge, row.Refund)
	if err != nil {
		return r, boundary(err)
	}
	if r.State == channel.RefundProcessing {
		return r, undecided("refund", string(r.State), nextRefundLook(activity.GetInfo(ctx).Attempt))
	}
	return f.record(ctx, in, r)
}

// LookAtRefund asks once what became of a refund, and records that it is back.
func (f *Refunds) LookAtRefund(ctx context.Context, in RefundIn) (channel.RefundReport, error) {
	client, charge, row, err := f.load(ctx, in)
	if err != nil {
		return channel.RefundReport{}, boundary(err)
	}
	r, err := client.QueryRefund(ctx, charge, row.Refund)
	if err != nil || !final(r.State) {
		return r, boundary(err)
	}
	return f.record(ctx, in, r)
}

// ReportIn is a refund's end as a notification told it.
type ReportIn struct {
	PaymentID string
	N         int
	Report    channel.RefundReport
}

// RecordRefund writes down what a notification told of a refund.
func (f *Refunds) RecordRefund(ctx context.Context, in ReportIn) (channel.RefundReport, error) {
	return f.record(ctx, RefundIn{PaymentID: in.PaymentID, N: in.N}, in.Report)
}

// OfflineIn records money handed over on site instead.
type OfflineIn struct {
	PaymentID string
	N         int
	Operator  string
	Receipt   string
	At        time.Time
}

// RecordOfflineRefund records it.
func (f *Refunds) RecordOfflineRefund(ctx context.Context, in OfflineIn) (None, error) {
	return None{}, boundary(f.Store.RecordOfflineRefund(ctx, in.PaymentID, in.N, in.Operator, in.Receipt, in.At))
}

func (f *Refunds) record(ctx context.Context, in RefundIn, r channel.RefundReport) (channel.RefundReport, error) {
	row, err := f.Store.RecordRefund(ctx, in.PaymentID, in.N, r, "workflow", f.Clock())
	if err == nil && final(row.State) {
		r.State, r.Code = row.State, row.Code // the books have the money back, whatever a late word says
	}
	return r, boundary(err)
}

func (f *Refunds) load(ctx context.Context, in RefundIn) (channel.Client, channel.Charge, store.RefundRow, error) {
	row, err := f.Store.Refund(ctx, in.PaymentID, in.N)
	if err != nil {
		return nil, channel.Charge{}, row, err
	}
	a, err := f.Store.Attempt(ctx, in.PaymentID, row.Attempt)
	if err != nil {
		return nil, channel.Charge{}, row, err
	}
	client, err := f.Hospitals.Channel(a.Charge.HospitalID, a.Charge.Channel)
	return client, a.Charge, row, err
}

func final(s channel.RefundState) bool { return s == channel.RefundSucceeded }

func nextRefundLook(attempt int32) time.Duration {
	switch {
	case attempt <= 3:
		return 10 * time.Second
	case attempt <= 10:
		return 5 * time.Minute
	}
	return 2 * time.Hour
}
