package console

import (
	"context"
	"time"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// Ref names a payment towards the engine.
type Ref struct{ HospitalID, OrderNo string }

// RefundOrder asks to return captured money.
type RefundOrder struct {
	// Key makes the order idempotent within its payment: the same one with the
	// same amount finds what was reserved before.
	Key    string
	Amount money.Money
	Reason string
	Actor  string // the subject of who asks
}

// Engine is the way to the workflows. It returns payment.Problem or
// payment.Problems where a rule forbids the step; every other error means that
// it is not known whether the step was taken. It is safe for concurrent use.
type Engine interface {
	// Decide gives a person's decision to the workflow that waits for it.
	Decide(ctx context.Context, ref Ref, d payment.Decision) error
	// Cancel ends a payment; what was captured goes back.
	Cancel(ctx context.Context, ref Ref, c payment.Cancellation) (payment.Answer, error)
	// Refund reserves the parts of a refund in the books, all or none, and starts
	// them.
	Refund(ctx context.Context, v store.View, o RefundOrder) ([]store.RefundRow, error)
}

// Books is what the console reads and writes in the database. *store.Store is
// one.
type Books interface {
	signInBooks
	deskBooks
	// AskLogged notes in the payment's log what somebody is about to ask of it.
	AskLogged(ctx context.Context, a store.Asking, at time.Time) error
}

// Hospital is a hospital of this installation.
type Hospital struct {
	ID   string
	Name map[string]string // by language: zh-CN, en
}
