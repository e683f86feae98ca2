package empty

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/internal/telemetry"
)

// Worker runs empty workflows until ctx ends. It reports each that is over to
// the address of a [Client].
func Worker(ctx context.Context, temporalAddress, namespace, reportTo string) error {
	c, err := dial(ctx, temporalAddress, namespace)
	if err != nil {
		return err
	}
	defer c.Close()
	r := &reporter{address: reportTo}
	defer r.close()
	failed := make(chan error, 1)
	w, err := start(c, &steps{report: r.report}, func(err error) { failed <- err })
	if err != nil {
		return err
	}
	defer w.Stop()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// start begins to run the workflows. fatal is called once at most.
func start(c client.Client, s *steps, fatal func(error)) (worker.Worker, error) {
	w := worker.New(c, queue, worker.Options{
		// As regpay's payments queue.
		LocalActivityWorkerOnly:          true,
		MaxConcurrentWorkflowTaskPollers: 32,
		WorkerStopTimeout:                10 * time.Second,
		//lint:ignore SA1019 The field that replaces it belongs to Temporal's versioning of workers, which is not used.
		BuildID:      build,
		OnFatalError: func(err error) { fatal(fmt.Errorf("worker of %s: %w", queue, err)) },
	})
	w.RegisterWorkflowWithOptions(empty, workflow.RegisterOptions{Name: typeEmpty})
	w.RegisterActivity(s)
	if err := w.Start(); err != nil {
		return nil, fmt.Errorf("start worker of %s: %w", queue, err)
	}
	return w, nil
}

// dial connects to Temporal without encryption, and as quiet as regpay.
func dial(ctx context.Context, address, namespace string) (client.Client, error) {
	log, err := telemetry.NewLogger("warn")
	if err != nil {
		return nil, err
	}
	c, err := client.DialContext(ctx, client.Options{HostPort: address, Namespace: namespace, Logger: telemetry.TemporalLogger(log),
		// Ids are too short to be worth compressing.
		ConnectionOptions: client.ConnectionOptions{GrpcCompression: &client.GrpcCompressionNone{}}})
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal: %w", err)
	}
	return c, nil
}

// steps are the local activities.
type steps struct {
	report func(ctx context.Context, id string) error
	begun  func(id string) // in place
}

// Nothing does nothing.
func (*steps) Nothing(context.Context) error { return nil }

// Begun does nothing but tell that the workflow waits to be notified.
func (s *steps) Begun(_ context.Context, id string) error {
	s.begun(id)
	return nil
}

// Report does nothing but tell that the workflow is over.
func (s *steps) Report(ctx context.Context, id string) error { return s.report(ctx, id) }

var errDeadline = errors.New("nobody notified the workflow")

// empty is the workflow. One that is begun in place is asked nothing by an
// update.
func empty(ctx workflow.Context, id string, inPlace bool) error {
	open := false
	if !inPlace {
		if err := workflow.SetUpdateHandler(ctx, updateBegin, func(ctx workflow.Context) error {
			return workflow.Await(ctx, func() bool { return open })
		}); err != nil {
			return err
		}
	}
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: patience,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	var s *steps // names the activities and is never called
	if err := workflow.ExecuteLocalActivity(ctx, s.Nothing).Get(ctx, nil); err != nil {
		return err
	}
	second, args := any(s.Nothing), []any(nil)
	if inPlace {
		second, args = s.Begun, []any{id}
	}
	if err := workflow.ExecuteLocalActivity(ctx, second, args...).Get(ctx, nil); err != nil {
		return err
	}
	open = true
	if err := wait(ctx); err != nil {
		return err
	}
	for range 2 {
		if err := workflow.ExecuteLocalActivity(ctx, s.Nothing).Get(ctx, nil); err != nil {
			return err
		}
	}
	return workflow.ExecuteLocalActivity(ctx, s.Report, id).Get(ctx, nil)
}

// wait sets the timer and waits for the signal. The timer is left running when
// the signal is first, as in regpay: that costs no event.
func wait(ctx workflow.Context) error {
	var err error
	workflow.NewSelector(ctx).
		AddReceive(workflow.GetSignalChannel(ctx, signalNotify), func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) }).
		AddFuture(workflow.NewTimer(ctx, deadline), func(workflow.Future) { err = errDeadline }).
		Select(ctx)
	return err
}
