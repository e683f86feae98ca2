package integration

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// TestAKilledProcessLosesAndDoublesNothing: processes are killed in the midst
// of payments of every way, and started again.
func TestAKilledProcessLosesAndDoublesNothing(t *testing.T) {
	for _, process := range []string{local.WorkerProcess(1), local.APIProcess} {
		t.Run(process, func(t *testing.T) {
			w := hold(t, machine)
			crowd := w.crowd(t)
			for range 3 {
				// Half of them have paid when it dies; the others pay while it is
				// away, so that notifications find nobody and come again.
				crowd.next(t)
				require.NoError(t, w.in.Stack.Kill(process))
				crowd.next(t)
				require.NoError(t, w.in.Stack.Restart(t.Context(), process))
			}
			for _, v := range crowd.visits {
				p := v.completesInTheEnd()
				assert.Equal(t, scenario.Fee, p.CapturedFen)
				assert.Zero(t, p.RefundedFen)
				v.isRegisteredOnce(p)
				for _, tender := range p.Tenders {
					assert.Len(t, v.charges(tender.Channel), 1, "%s was charged once", tender.Channel)
				}
			}
		})
	}
	t.Run("during a start", aStartDuringACrashCanBeRepeated)
}

// completesInTheEnd lets the patient ask, as apps do, so that a notification
// which found nobody is not waited for until the channel repeats it.
func (v *visit) completesInTheEnd() (p wire.Payment) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), slowly)
	defer cancel()
	require.NoError(v.t, scenario.Wait(ctx, func() (bool, error) {
		var err error
		p, err = v.w.in.API.Payment(ctx, v.id(), true)
		return p.Status == payment.Completed, err
	}), "order %s is %s", v.order(), p.Status)
	return p
}

// crowd is many patients who wait in front of the cashier.
type crowd struct {
	visits []*visit
	paid   int
}

const (
	crowdOf = 18 // of each third one way
	batch   = 3  // who pay at a time
)

func (w *world) crowd(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{}
	for i := range crowdOf {
		choose := []func(scenario.Person) wire.Choice{wechatNative, unionpayApp, w.mixed(t, xiehe, payment.WeChat, payment.Native)}[i%3]
		c.visits = append(c.visits, w.arrange(t, xiehe, choose))
	}
	var all errgroup.Group
	for _, v := range c.visits {
		all.Go(func() error {
			var err error
			if v.answer, _, err = w.in.API.Start(t.Context(), v.start); err == nil && v.answer.Status == payment.Verifying {
				v.answer, err = scenario.Prove(t.Context(), w.in, v.answer)
			}
			return err
		})
	}
	require.NoError(t, all.Wait())
	return c
}

// next lets the next patients pay, all at once.
func (c *crowd) next(t *testing.T) {
	t.Helper()
	var all errgroup.Group
	for _, v := range c.visits[c.paid : c.paid+batch] {
		all.Go(func() error { return scenario.Pay(t.Context(), v.w.in, v.answer, sandbox.Pay) })
	}
	require.NoError(t, all.Wait())
	c.paid += batch
}

// aStartDuringACrashCanBeRepeated: what an API that dies in the midst of a
// start has begun is found by the same start again.
func aStartDuringACrashCanBeRepeated(t *testing.T) {
	w := hold(t, machine)
	v := w.arrange(t, renmin, wechatNative)
	books, err := w.in.Books(t.Context())
	require.NoError(t, err)
	require.NoError(t, w.in.Sandbox.SetFaults(t.Context(), "wechat", sandbox.FaultSpec{LatencyMS: sandbox.Latency{P50: 60_000, P95: 60_000}}))
	started := make(chan error, 1)
	go func() {
		_, _, err := w.in.API.Start(t.Context(), v.start)
		started <- err
	}()
	v.eventually("the attempt is on disk, and its request on the way", func() bool {
		_, err := books.Attempt(t.Context(), payment.ID(renmin, v.order()), 1)
		return err == nil
	})
	require.NoError(t, w.in.Stack.Kill(local.APIProcess))
	require.Error(t, <-started, "nobody answered")
	require.NoError(t, w.in.Sandbox.Heal(t.Context(), "wechat"))
	require.NoError(t, w.in.Stack.Restart(t.Context(), local.APIProcess))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, scenario.Wait(ctx, func() (bool, error) {
		var err error
		v.answer, _, err = w.in.API.Start(ctx, v.start)
		return v.answer.Tender != nil, err
	}))
	v.pay()
	v.isRegisteredOnce(v.until(payment.Completed))
	assert.Len(t, v.charges(payment.WeChat), 1)
}
