package tutorial

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// actions are the activities of one side effect that regpay has only as a part
// of a larger step. They are safe to repeat, and for concurrent use.
type actions struct {
	books   writes
	systems systems
	clock   activities.Clock
}

// writes is what the actions need of the books.
type writes interface {
	BeginAttempt(ctx context.Context, c channel.Charge, next payment.Status) (store.Attempt, error)
	SavePrepaid(ctx context.Context, paymentID string, attempt int, p channel.Prepaid, at time.Time) error
	RecordRegistered(ctx context.Context, paymentID string, r his.Registered, next payment.Status, at time.Time) error
}

// systems are the hospitals' clients.
type systems interface {
	Channel(hospital string, ch payment.Channel) (channel.Client, error)
	HIS(hospital string) (his.Gateway, error)
}

// AttemptIn is a charge that is about to be asked for.
type AttemptIn struct {
	Charge channel.Charge `json:"charge"`
	Next   payment.Status `json:"next"`
}

// WriteAttempt writes the attempt down. A repeat finds it there.
func (a *actions) WriteAttempt(ctx context.Context, in AttemptIn) error {
	_, err := a.books.BeginAttempt(ctx, in.Charge, in.Next)
	if errors.Is(err, store.ErrConflict) {
		err = payment.Problem{Code: payment.CodeAttemptTaken, Text: "the attempt's number is another charge's"}
	}
	return boundary(err)
}

// Prepay asks the channel for the charge. Whether the request may have left
// before is known from the activity's own attempt: unlike a local activity's,
// its first one is on record before it runs.
func (a *actions) Prepay(ctx context.Context, c channel.Charge) (channel.Prepaid, error) {
	client, err := a.systems.Channel(c.HospitalID, c.Channel)
	if err != nil {
		return channel.Prepaid{}, boundary(err)
	}
	c.Repeat = activity.GetInfo(ctx).Attempt > 1
	prepaid, err := client.Prepay(ctx, c)
	return prepaid, boundary(err)
}

// PrepaidIn is the channel's answer to an attempt.
type PrepaidIn struct {
	PaymentID string          `json:"payment_id"`
	Attempt   int             `json:"attempt"`
	Prepaid   channel.Prepaid `json:"prepaid"`
}

// SavePrepaid keeps the channel's answer.
func (a *actions) SavePrepaid(ctx context.Context, in PrepaidIn) error {
	return boundary(a.books.SavePrepaid(ctx, in.PaymentID, in.Attempt, in.Prepaid, a.clock()))
}

// RegisterInHIS tells the HIS of the paid registration, which is idempotent by
// the order number.
func (a *actions) RegisterInHIS(ctx context.Context, r his.Registration) (his.Registered, error) {
	gateway, err := a.systems.HIS(r.HospitalID)
	if err != nil {
		return his.Registered{}, boundary(err)
	}
	done, err := gateway.Register(ctx, r)
	return done, boundary(err)
}

// RegisteredIn is the HIS's record of a payment's registration.
type RegisteredIn struct {
	PaymentID  string         `json:"payment_id"`
	Registered his.Registered `json:"registered"`
	Next       payment.Status `json:"next"`
}

// RecordRegistered writes down that the HIS knows; the voucher stops being
// temporary in the same transaction, in which a payment that no backend has to
// hear of is complete.
func (a *actions) RecordRegistered(ctx context.Context, in RegisteredIn) error {
	return boundary(a.books.RecordRegistered(ctx, in.PaymentID, in.Registered, in.Next, a.clock()))
}
