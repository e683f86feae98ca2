package dbosarm

import (
	"context"
	"encoding/gob"
	"errors"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/payment"
)

// A profile says how a step is tried: how long one try may take, and how long
// to wait between two. They are those of regpay's steps on their queues.
type profile struct{ try, first, most time.Duration }

var (
	books     = profile{try: 10 * time.Second, first: time.Second, most: 30 * time.Second}
	channels  = profile{try: 15 * time.Second, first: time.Second, most: time.Minute}
	hospitals = profile{try: 15 * time.Second, first: 2 * time.Second, most: 2 * time.Minute}
	backend   = profile{try: 10 * time.Second, first: 5 * time.Second, most: time.Hour}
)

// retries are a day at the least. A step that was given up ends its workflow
// with an error, to be taken up again by hand (dbos.RewindWorkflow).
const retries = 3000

// registerErrors lets DBOS, which keeps errors by gob, bring a refusal back as
// what it was. Of other errors it keeps the message.
func registerErrors() { gob.Register(payment.Problem{}) }

// step takes one of regpay's steps durably: again until it succeeds or is
// refused for good, and never again once its outcome is written down.
func step[I, O any](ctx dbos.Context, p profile, name string, do func(context.Context, I) (O, error), in I) (O, error) {
	return dbos.RunAsStep(ctx, func(ctx context.Context) (O, error) {
		ctx, cancel := context.WithTimeout(ctx, p.try)
		defer cancel()
		out, err := do(ctx, in)
		return out, rule(err)
	}, dbos.WithStepName(name), dbos.WithStepMaxRetries(retries), dbos.WithStepBaseInterval(p.first), dbos.WithStepMaxInterval(p.most),
		dbos.WithStepRetryPredicate(func(err error) bool { return !errors.As(err, new(payment.Problem)) }))
}

// rule finds what forbids a step in its error. Maintenance does not: it passes.
func rule(err error) error {
	if p, ok := activities.AsProblem(err); ok {
		return p
	}
	if r, ok := activities.AsRefusal(err); ok {
		return payment.Problem{Code: payment.CodeChannelDeclined, Text: r.System + " refuses: " + r.Code}
	}
	return err
}
