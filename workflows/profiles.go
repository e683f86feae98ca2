package workflows

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/payment"
)

// A profile says how steps against one system are tried: once inside the
// workflow task with a tight deadline, and on trouble patiently on the
// system's own queue. A regular activity costs six or seven flushes to disk
// and some 20 ms of host CPU, a local one almost nothing; so nobody pays for
// patience who does not need it.
type profile struct {
	queue string
	// fast is the deadline of the try inside the workflow task. It has to stay
	// well below the task's own 10 s.
	fast time.Duration
	// try is the deadline of one try on the queue, give the time after which
	// the step is given up; zero is never.
	try   time.Duration
	give  time.Duration
	first time.Duration // between the first two tries on the queue
	most  time.Duration // between two later ones
}

var (
	// Without the books nothing may go on, so this waits for as long as it
	// takes. A commit takes milliseconds; five seconds is a database in trouble.
	books = profile{queue: QueueBooks, fast: 5 * time.Second, try: 10 * time.Second, first: time.Second, most: 30 * time.Second}
	// A proof is checked by one look into the books, or one call of the face
	// service; the patient waits in front of the screen.
	proofs = profile{queue: QueueIdentity, fast: 3 * time.Second, try: 10 * time.Second, give: 2 * time.Minute, first: time.Second, most: 10 * time.Second}
	// The HIS answers within a second or is down for hours; it is asked fast at
	// first, then every two minutes, without an end.
	hospital = profile{queue: QueueHIS, fast: 3 * time.Second, try: 15 * time.Second, first: 2 * time.Second, most: 2 * time.Minute}
	// A backend that misses its callback can ask at any time, so three days are
	// enough to be told.
	backend = profile{queue: QueueBackend, fast: 2 * time.Second, try: 10 * time.Second, give: 72 * time.Hour, first: 5 * time.Second, most: time.Hour}
)

// clearingWindow is how long the insurance may clear before a person looks:
// 45 s is usual, hours are tolerated.
const clearingWindow = 4 * time.Hour

// refundWindow is how long a refund may take before a person looks where the
// books do not say by when it is expected: seven working days, and two weeks of
// public holidays can lie in between.
const refundWindow = 21 * 24 * time.Hour

// at is the profile of steps against a channel.
func at(ch payment.Channel) profile {
	return profile{queue: QueueOf(ch), fast: 3 * time.Second, try: 15 * time.Second, first: time.Second, most: time.Minute}
}

// within bounds the time until the step is given up.
func (p profile) within(d time.Duration) profile {
	p.give = max(d, time.Second)
	return p
}

// seldom is for what takes days: a channel that is down is not asked about each
// of its refunds every minute.
func (p profile) seldom() profile {
	p.most = 30 * time.Minute
	return p
}

// do takes a step: fast, and on trouble patiently. The error is final, or the
// step was given up on.
func do[I, O any](ctx workflow.Context, p profile, what string, step func(context.Context, I) (O, error), in I) (O, error) {
	out, err := tryFast(ctx, p, what, step, in)
	if err == nil || activities.IsFinal(err) {
		return out, err
	}
	err = patiently(ctx, p, what, step, in).Get(ctx, &out)
	return out, err
}

// doUnless is do that is called off when stop becomes true. A step that was
// under way then is waited for: its outcome counts. The middle result tells
// whether the step was called off before it came to anything. Where slowly is
// not nil it is called when patience begins.
func doUnless[I, O any](ctx workflow.Context, p profile, what string, step func(context.Context, I) (O, error), in I, stop func() bool, slowly func()) (O, bool, error) {
	out, err := tryFast(ctx, p, what, step, in)
	if err == nil || activities.IsFinal(err) {
		return out, false, err
	}
	if slowly != nil {
		slowly()
	}
	inner, cancel := workflow.WithCancel(ctx)
	defer cancel()
	future := patiently(inner, p, what, step, in)
	if err := workflow.Await(ctx, func() bool { return future.IsReady() || stop() }); err != nil {
		return out, false, err
	}
	stopped := !future.IsReady()
	if stopped {
		cancel()
	}
	err = future.Get(ctx, &out)
	// A try that was under way when the step was called off ends with an error
	// of its own, and the server does not repeat it.
	return out, stopped && err != nil && !activities.IsFinal(err), err
}

func tryFast[I, O any](ctx workflow.Context, p profile, what string, step func(context.Context, I) (O, error), in I) (O, error) {
	var out O
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: p.fast,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                what,
	})
	err := workflow.ExecuteLocalActivity(ctx, step, in).Get(ctx, &out)
	return out, err
}

func patiently[I, O any](ctx workflow.Context, p profile, what string, step func(context.Context, I) (O, error), in I) workflow.Future {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              p.queue,
		StartToCloseTimeout:    p.try,
		ScheduleToCloseTimeout: p.give,
		WaitForCancellation:    true,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    p.first,
			BackoffCoefficient: 2,
			MaximumInterval:    p.most,
		},
		Summary: what,
	})
	return workflow.ExecuteActivity(ctx, step, in)
}

// The steps, for naming them without strings; the receivers are never called.
var (
	stepBooks    *activities.Books
	stepChannels *activities.Channels
	stepRefunds  *activities.Refunds
	stepHIS      *activities.HIS
	stepProofs   *activities.Proofs
	stepBackend  *activities.Backend
	stepWindows  *activities.Windows
)
