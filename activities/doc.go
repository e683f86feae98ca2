// Package activities is where the workflows touch the world: the books, the
// channels, the HIS, the patient's proof, the booking backend. Each file is
// one of these systems, each method one step, and each step is safe to repeat:
// a worker may die after any line of it.
//
// errors.go is the one place that decides whether an error is final,
// retryable or unknown; no workflow looks at a counterparty's codes.
package activities

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
	"github.com/regpay/regpay/internal/store"
)

// Hospitals is the configuration that the steps go by. Every method returns
// a payment.Problem for a hospital or channel that is not there.
type Hospitals interface {
	Channel(hospital string, ch payment.Channel) (channel.Client, error)
	HIS(hospital string) (his.Gateway, error)
	Face(hospital string) (identity.Face, error)
	// FeeRate is what the channel keeps of a capture: 0.006 for 0.6 %.
	FeeRate(hospital string, ch payment.Channel) (decimal.Decimal, error)
	Rules(hospital string) (risk.Rules, error)
	// SecondPersonAbove is the amount above which two people decide a case; zero
	// is never.
	SecondPersonAbove(hospital string) (money.Money, error)
	// CallbackSecret signs what is told to the booking backend.
	CallbackSecret(hospital string) ([]byte, error)
}

// Clock tells the time of a step that the workflow did not fix.
type Clock func() time.Time

// Store is what the steps need of the books; *store.Store has it.
type Store interface {
	OpenPayment(ctx context.Context, o store.Opening) (store.Opened, error)
	MoveTo(ctx context.Context, m store.Move) error
	ChooseMethod(ctx context.Context, paymentID string, c payment.Choice, at time.Time) error
	BeginAttempt(ctx context.Context, c channel.Charge, next payment.Status) (store.Attempt, error)
	AskAgain(ctx context.Context, paymentID string, attempt int) (inDoubt bool, err error)
	CameToNothing(ctx context.Context, paymentID string, attempt int) error
	SavePrepaid(ctx context.Context, paymentID string, attempt int, p channel.Prepaid, at time.Time) error
	Attempt(ctx context.Context, paymentID string, attempt int) (store.Attempt, error)
	EndAttempt(ctx context.Context, paymentID string, attempt int, state channel.State, code string, at time.Time) error
	RecordCapture(ctx context.Context, c store.Capture) (store.Captured, error)
	RecordRegistered(ctx context.Context, paymentID string, r his.Registered, next payment.Status, at time.Time) error
	RecordRegistrationRefused(ctx context.Context, paymentID, code string, at time.Time) error
	LineBefore(ctx context.Context, paymentID string, before time.Time) (store.Line, error)
	Complete(ctx context.Context, paymentID string, at time.Time) error
	ReserveRefund(ctx context.Context, o store.RefundOrder) (store.RefundRow, error)
	Refund(ctx context.Context, paymentID string, n int) (store.RefundRow, error)
	RefundSent(ctx context.Context, paymentID string, n int, at time.Time) (store.RefundRow, error)
	RetryRefund(ctx context.Context, paymentID string, n, retry int, at time.Time) (store.RefundRow, error)
	RecordRefund(ctx context.Context, paymentID string, n int, r channel.RefundReport, actor string, at time.Time) (store.RefundRow, error)
	RecordOfflineRefund(ctx context.Context, paymentID string, n int, operator, receipt string, at time.Time) error
	OpenCase(ctx context.Context, paymentID string, c payment.Case, next payment.Status, at time.Time) error
	ProposeDecision(ctx context.Context, paymentID string, d payment.Decision, at time.Time) error
	DecideCase(ctx context.Context, paymentID string, d payment.Decision, at time.Time) error
	EscalateCase(ctx context.Context, paymentID, caseID string, n int, at time.Time) error
	Case(ctx context.Context, id string) (store.CaseView, error)
	Order(ctx context.Context, paymentID string) (payment.Request, error)
	ActiveWindows(ctx context.Context, hospital string, at time.Time, systems ...payment.System) (payment.Windows, error)
	Payment(ctx context.Context, id string) (store.View, error)
	Standing(ctx context.Context, paymentID string) (store.Standing, error)
	Challenge(ctx context.Context, id string) (store.Challenge, error)
	AnswerSMS(ctx context.Context, paymentID, challengeID, code string, at time.Time) error
	PassFace(ctx context.Context, paymentID, challengeID string, at time.Time) error
}
