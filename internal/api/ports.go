package api

import (
	"context"
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/internal/verification"
)

// Ref names a payment towards the engine.
type Ref = store.Ref

// Engine drives payments. It returns payment.Problem or payment.Problems where
// a rule forbids the step; every other error means that it is not known
// whether the step was taken, and that the same call can be repeated.
// It is safe for concurrent use.
type Engine interface {
	// Begin starts a payment, or joins the one that runs. replayed says that it
	// was there before; the answer's Digest is of the request it began with.
	Begin(ctx context.Context, r payment.Request) (a payment.Answer, replayed bool, err error)
	// Verify answers a verification.
	Verify(ctx context.Context, ref Ref, p payment.Proof) (payment.Answer, error)
	// ChangeMethod closes what was asked of the earlier channel first.
	ChangeMethod(ctx context.Context, ref Ref, c payment.Choice) (payment.Answer, error)
	// Cancel ends the payment; what was captured goes back.
	Cancel(ctx context.Context, ref Ref, c payment.Cancellation) (payment.Answer, error)
	// Decide gives a person's decision to the workflow that waits for it.
	Decide(ctx context.Context, ref Ref, d payment.Decision) error
	// Refund carries out a refund that the books have reserved. Repeating it
	// for the same row starts nothing new.
	Refund(ctx context.Context, ref Ref, r store.RefundRow) error
	// Notify tells what a channel said of a charge or a refund, verified.
	Notify(ctx context.Context, ref Ref, e channel.Event) error
	// Ping says whether the engine can be reached.
	Ping(ctx context.Context) error
}

// Books is what the API reads from the database, and the few things that it
// writes there itself. *store.Store is one.
type Books interface {
	Payment(ctx context.Context, id string) (store.View, error)
	Ref(ctx context.Context, id string) (Ref, error)
	Payments(ctx context.Context, f store.Filter) ([]store.View, error)
	Timeline(ctx context.Context, id string) ([]store.Happening, error)
	Cases(ctx context.Context, f store.CaseFilter) ([]store.CaseView, error)
	Case(ctx context.Context, caseID string) (store.CaseView, error)

	Attempt(ctx context.Context, paymentID string, attempt int) (store.Attempt, error)
	AttemptByNumber(ctx context.Context, hospital string, ch payment.Channel, merchantNo string) (store.Asked, error)
	KeepWebhook(ctx context.Context, w store.Webhook) (repeated bool, err error)

	ReserveRefunds(ctx context.Context, parts []store.RefundOrder) ([]store.RefundRow, error)
	Refunds(ctx context.Context, paymentID string) ([]store.RefundRow, error)
	RefundByNumber(ctx context.Context, hospital string, ch payment.Channel, refundNo string) (store.RefundRow, error)

	AnnounceWindow(ctx context.Context, key string, w payment.Window, at time.Time) (done payment.Window, existed bool, err error)
	EndWindow(ctx context.Context, id, by string, at time.Time) (payment.Window, error)
	Window(ctx context.Context, id string) (payment.Window, error)
	Windows(ctx context.Context, f store.WindowFilter) (payment.Windows, error)
	ActiveWindows(ctx context.Context, hospital string, at time.Time, systems ...payment.System) (payment.Windows, error)

	AuthenticateAPIKey(ctx context.Context, secret string) (store.APIKey, error)
	Ping(ctx context.Context) error
}

// Hospitals are the hospitals of this installation.
type Hospitals interface {
	// Hospital is false for one that is not configured.
	Hospital(id string) (Hospital, bool)
}

// Hospital is one hospital's channels.
type Hospital interface {
	// Offers says whether patients can pay through the channel there.
	Offers(payment.Channel) bool
	// Channel is the hospital's account at a channel that it offers.
	Channel(payment.Channel) channel.Client
}

// Verifier starts the verification of a patient.
// *verification.Desk is one.
type Verifier interface {
	StartSMS(ctx context.Context, paymentID string) (verification.Started, error)
	StartFace(ctx context.Context, paymentID string) (verification.Started, error)
}

// HospitalFunc is Hospitals by a function, to adapt a directory that returns a
// type of its own.
type HospitalFunc func(id string) (Hospital, bool)

// Hospital calls f.
func (f HospitalFunc) Hospital(id string) (Hospital, bool) { return f(id) }
