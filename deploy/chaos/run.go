package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/regpay/regpay/deploy/booking"
	"github.com/regpay/regpay/deploy/chaos/check"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/config"
)

const (
	startTimeout = 40 * time.Minute // the first build of Temporal takes long
	stopTimeout  = time.Minute
	restEvery    = 2 * time.Second
	// stillFor is how long a world that has a violation and in which nothing
	// moves any more is looked at, before that is its result.
	stillFor = 15 * time.Second
)

// stats counts what the callers had to do.
type stats struct{ repeated atomic.Int64 }

func (s *stats) repeat() { s.repeated.Add(1) }

// run is a fault run under way.
type run struct {
	options
	plan    plan
	out     io.Writer
	in      *local.Installation
	told    *booking.Backend
	wires   *wires
	keeper  *keeper
	breaker *breaker
	db      *sqlx.DB
	engine  client.Client
	visits  []*visit
	stats   stats
	// fromBill are the orders of which finance found a payment in a bill.
	fromBill map[check.Key]bool

	began, healed, ended time.Time
}

// play makes a whole run: stack, faults, healing, check. It returns the world at
// rest, too; the error says that there is no result.
func play(ctx context.Context, o options, out io.Writer) (s summary, w check.World, err error) {
	r := &run{options: o, plan: draw(o), out: out, wires: newWires(), fromBill: map[check.Key]bool{}}
	fmt.Fprintf(out, "Seed %d: %d payments and %d faults in %s (plan %s)\n", o.Seed, len(r.plan.Payments), len(r.plan.Faults), o.Stream, r.plan.fingerprint())
	defer r.wires.close()
	if err := r.open(ctx); err != nil {
		return summary{}, w, errors.Join(err, r.close(ctx))
	}
	defer func() { err = errors.Join(err, r.close(ctx)) }()
	return r.whole(ctx)
}

// open brings everything up.
func (r *run) open(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var rewired error
	r.in, err = local.Start(ctx, local.Options{
		Stack: stack.Options{
			Name: "chaos", Parts: stack.Regpay, Progress: r.out, DatabaseURL: "private", TemporalAddress: "private",
			Hospitals: hospitals(), Workers: 2, PostgresSettings: map[string]string{"max_connections": "250"},
			// Notifications that were not taken come again after seconds, and
			// every one that was taken is in the log.
			SandboxArgs: []string{"--notify-scale", "0.05", "--no-sms-limits", "--verbose", "--seed", fmt.Sprint(r.Seed)},
		},
		Configure: func(c *config.Config) {
			for _, h := range c.Hospitals {
				h.Channels.UnionPay.CloseMargin = time.Second // both clocks are this machine's
			}
			rewired = r.wires.rewire(c)
		},
	})
	if err = errors.Join(err, rewired); err != nil {
		return err
	}
	e := r.in.Stack.Endpoints()
	if r.told, err = booking.Listen(hospitals(), r.in.CallbackSecret); err != nil {
		return err
	}
	if r.db, err = sqlx.Open("postgres", e.DatabaseURL); err != nil {
		return fmt.Errorf("open the books: %w", err)
	}
	r.db.SetMaxOpenConns(2)
	if r.engine, err = client.Dial(client.Options{HostPort: e.Temporal, Namespace: e.Namespace, Logger: silent{}}); err != nil {
		return fmt.Errorf("reach Temporal: %w", err)
	}
	r.keeper = newKeeper(r.in.Stack)
	r.breaker = &breaker{in: r.in, wires: r.wires, told: r.told, keeper: r.keeper}
	return nil
}

// close ends every process, whatever ctx says.
func (r *run) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	var errs []error
	if r.engine != nil {
		r.engine.Close()
	}
	if r.db != nil {
		errs = append(errs, r.db.Close())
	}
	if r.told != nil {
		r.told.Close()
	}
	if r.in != nil {
		errs = append(errs, r.in.Stop(ctx))
	}
	return errors.Join(errs...)
}

// whole is the run from the first payment to the result.
func (r *run) whole(ctx context.Context) (summary, check.World, error) {
	keeping, stop := context.WithCancel(ctx)
	var around sync.WaitGroup
	defer around.Wait()
	defer stop()
	around.Go(func() { r.keeper.keep(keeping) })
	around.Go(func() { staff(keeping, r.in) })
	around.Go(func() { r.show(keeping) })

	r.began = time.Now()
	visiting, leave := context.WithCancel(ctx)
	defer leave()
	var people, faults sync.WaitGroup
	r.visits = make([]*visit, len(r.plan.Payments))
	for i, g := range r.plan.Payments {
		r.visits[i] = &visit{registration: g, in: r.in, told: r.told, stats: &r.stats, acted: map[string]bool{}}
	}
	faults.Go(func() { r.breaker.run(ctx, r.began, r.plan.Faults) })
	for _, v := range r.visits {
		people.Go(func() {
			if pause(visiting, time.Until(r.began.Add(v.At))) == nil {
				v.play(visiting)
			}
		})
	}
	faults.Wait()
	if err := r.heal(ctx); err != nil {
		return summary{}, check.World{}, err
	}
	world, err := r.rest(ctx)
	leave()
	people.Wait()
	if err != nil {
		return summary{}, world, err
	}
	if err := r.evidence(ctx, &world); err != nil {
		return summary{}, world, err
	}
	return r.sumUp(ctx, world), world, nil
}

// heal ends every fault; the keeper brings back what is still down.
func (r *run) heal(ctx context.Context) error {
	var errs []error
	for _, name := range r.wires.names() {
		errs = append(errs, r.wires.heal(ctx, name))
	}
	for _, name := range []string{"wechat", "unionpay", "insurance", "his", "identity"} {
		errs = append(errs, r.in.Sandbox.Heal(ctx, name))
	}
	r.told.SetAway(false)
	r.healed = time.Now()
	return errors.Join(append(errs, context.Cause(ctx))...)
}

// rest waits until every payment is at rest and everything agrees, or until the
// time for it is over. It returns the world as it is then.
func (r *run) rest(ctx context.Context) (check.World, error) {
	deadline := r.healed.Add(r.Heal)
	var still time.Time
	for {
		w, err := r.gather(ctx)
		if ctx.Err() != nil {
			return w, context.Cause(ctx)
		}
		r.ended = time.Now()
		late := r.ended.After(deadline)
		if err == nil {
			broken := check.Check(w)
			switch {
			case !r.atRest(broken):
				still = time.Time{}
			case len(broken) == 0:
				return w, nil
			case still.IsZero():
				still = r.ended
			case r.ended.Sub(still) > stillFor:
				// By now every repeat of a notification has come that would come.
				var found bool
				if found, err = r.reconcile(ctx, w); found {
					still = time.Time{}
				}
			}
			late = late || !still.IsZero() && r.ended.Sub(still) > stillFor
		}
		if late {
			return w, err
		}
		if err := pause(ctx, restEvery); err != nil {
			return w, err
		}
	}
}

// atRest says whether nothing moves any more.
func (r *run) atRest(broken []check.Violation) bool {
	for _, v := range broken {
		if v.Rule == "rest" {
			return false
		}
	}
	for _, v := range r.visits {
		if !v.ending().Over {
			return false
		}
	}
	return r.keeper.allUp()
}

// running lists the workflows that have not ended.
func (r *run) running(ctx context.Context) (all []check.Workflow, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var next []byte
	for {
		page, err := r.engine.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: `ExecutionStatus = "Running"`, PageSize: 500, NextPageToken: next})
		if err != nil {
			return nil, fmt.Errorf("list what runs: %w", err)
		}
		for _, w := range page.GetExecutions() {
			all = append(all, check.Workflow{ID: w.GetExecution().GetWorkflowId(), Type: w.GetType().GetName()})
		}
		if next = page.GetNextPageToken(); len(next) == 0 {
			return all, nil
		}
	}
}

// silent keeps the Temporal client's words to itself.
type silent struct{}

var _ log.Logger = silent{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
