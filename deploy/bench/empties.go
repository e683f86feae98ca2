package main

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/regpay/regpay/deploy/bench/empty"
	"github.com/regpay/regpay/deploy/bench/load"
	"github.com/regpay/regpay/deploy/stack"
)

// workerOfEmpty runs the empty workflows, and tells this process when each is
// over.
func workerOfEmpty(ctx context.Context, b *bench, s *stage, configPath string, e stack.Endpoints) (_ []stack.Process, err error) {
	if s.empty, err = empty.Dial(ctx, e.Temporal, e.Namespace); err != nil {
		return nil, err
	}
	return []stack.Process{b.worker("empty", configPath, e, "--report", s.empty.Address())}, nil
}

// hostOfEmpty runs the empty workflows in this process, where they are begun.
func hostOfEmpty(ctx context.Context, _ *bench, s *stage, _ string, e stack.Endpoints) (_ []stack.Process, err error) {
	s.empty, err = empty.Host(ctx, e.Temporal, e.Namespace)
	return nil, err
}

// emptyDriver drives the empty workflows, straight through Temporal.
type emptyDriver struct {
	client *empty.Client
	ids    *lastIDs
	count  atomic.Int64
}

func byTemporal(_ context.Context, s *stage) (driver, error) {
	return &emptyDriver{client: s.empty, ids: &lastIDs{}}, nil
}

func (d *emptyDriver) next(context.Context) (load.Unit, error) {
	id := strconv.FormatInt(d.count.Add(1), 10)
	return func(ctx context.Context, s *load.Sample) error {
		if err := d.client.Begin(ctx, id); err != nil {
			return err
		}
		s.Answered = time.Now()
		over := d.client.Done(id)
		if err := d.client.Notify(ctx, id); err != nil {
			return err
		}
		select {
		case <-over:
		case <-ctx.Done():
			return fmt.Errorf("wait for the end of %s: %w", id, context.Cause(ctx))
		}
		s.Over = time.Now()
		d.ids.add(empty.WorkflowID(id))
		return nil
	}, nil
}

func (d *emptyDriver) recent() []string { return d.ids.all() }
func (d *emptyDriver) close()           {}

// checkEmpty has no money to look at: that every workflow reported its end is
// what the driver waited for.
func checkEmpty(context.Context, *stage, int) error { return nil }
