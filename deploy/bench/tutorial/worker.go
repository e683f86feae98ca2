package tutorial

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/installation"
)

// Worker runs the workflow and its steps until ctx ends; coarse has regpay's
// own five steps as activities instead of eight. Its options are the SDK's
// defaults, as regpay's are for its own payments' queue.
func Worker(ctx context.Context, in *installation.Installation, coarse bool) error {
	failed := make(chan error, 1)
	w := worker.New(in.Temporal, Queue, worker.Options{
		WorkerStopTimeout: 10 * time.Second,
		// It is called once at most.
		OnFatalError: func(err error) { failed <- fmt.Errorf("worker of %s: %w", Queue, err) },
	})
	k := kindOf(coarse)
	w.RegisterWorkflowWithOptions(k.workflow, workflow.RegisterOptions{Name: k.name})
	activities.New(in.Store, in.Hospitals).Register(w)
	w.RegisterActivity(&actions{books: in.Store, systems: in.Hospitals, clock: time.Now})
	if err := w.Start(); err != nil {
		return fmt.Errorf("start worker of %s: %w", Queue, err)
	}
	defer w.Stop()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}
