// Package host runs the workflows in a process, and starts payments where they
// run. What it does itself is no part of a workflow: it has clocks, goroutines
// and memory of its own.
package host

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/workflows"
)

// Host runs the workflows in its process, with the first try of every step
// inside their tasks. Where the same process starts payments, by Begin, it also
// takes their first steps: Temporal hands the first workflow task out with the
// reply to the start (an eager start), and the payment's answer is handed over
// in memory. That spares the queue between the two processes, the answer's way
// through Temporal, and half of the time that the patient waits. It is safe for
// concurrent use.
type Host struct {
	temporal client.Client
	worker   worker.Worker
	build    string
	answers  answers
	running  atomic.Bool
}

// workflowPollers is how many requests for workflow tasks stand open. A task
// that meets one goes straight to the worker; one that meets none is written to
// the database, and read and deleted again. A request is away for some tens of
// milliseconds after each task when the server is busy, and half of them wait
// for payments that have just begun, half for those that this process knows:
// with eight, every second task of a busy hour met none.
const workflowPollers = 32

// New makes the host of a process; steps are all that a payment takes. The client
// has to be made with the options of workflows.Encrypted and, where payments are
// begun, with the interceptor NoticeStarts. failed is called once at most, when
// the worker cannot go on.
func New(c client.Client, steps *activities.All, failed func(error)) *Host {
	h := &Host{temporal: c, build: build()}
	h.worker = worker.New(c, workflows.QueuePayments, worker.Options{
		// The queue has no steps of its own to bound: its workflow tasks end within
		// seconds, since each first try does.
		LocalActivityWorkerOnly:          true,
		MaxConcurrentWorkflowTaskPollers: workflowPollers,
		WorkerStopTimeout:                10 * time.Second,
		//lint:ignore SA1019 The field that replaces it belongs to Temporal's versioning of workers, which is not used.
		BuildID:      h.build,
		OnFatalError: func(err error) { failed(fmt.Errorf("worker of %s: %w", workflows.QueuePayments, err)) },
	})
	steps.Register(h.worker)
	workflows.RegisterTelling(h.worker, h.answers.give)
	return h
}

// Start begins to take workflow tasks. End it with Stop.
func (h *Host) Start() error {
	if err := h.worker.Start(); err != nil {
		return fmt.Errorf("start worker of %s: %w", workflows.QueuePayments, err)
	}
	h.running.Store(true)
	return nil
}

// Stop ends the tasks that are under way, for ten seconds at most. What is not
// done by then is done by another process.
func (h *Host) Stop() { h.worker.Stop() }

// handover is how long the answer may take in memory: the first steps have
// deadlines of some seconds, and an answer that takes longer comes by Temporal,
// from whichever process has the payment by then.
const handover = 2 * time.Second

// Begin is workflows.Begin for payments whose first steps are taken here, if
// the host was started. It also says whether it was this call that started the
// payment, error or not. A call that the SDK sends again after its reply was lost
// joins what it started itself, and does not know.
//
// The answer is given as soon as the books have what it tells, a moment before
// Temporal has the workflow task. A task that is lost in between is taken again
// and comes to the same charge, since the books have it.
func (h *Host) Begin(ctx context.Context, r workflows.Request) (a workflows.Answer, started bool, err error) {
	ctx, s := watched(ctx)
	if h.running.Load() {
		if a, ok, err := h.beginHere(ctx, r, s); ok || err != nil {
			return a, s.started.Load(), err
		}
	}
	a, err = workflows.Begin(ctx, h.temporal, r)
	return a, s.started.Load(), err
}

// beginHere starts the payment and waits for its answer. It reports false when
// the payment is carried on by another process, has no answer soon, or none by
// which the patient can go on: the way through Temporal then tells.
func (h *Host) beginHere(ctx context.Context, r workflows.Request, s *start) (workflows.Answer, bool, error) {
	waits, forget := h.answers.expect(workflows.PaymentWorkflowID(r.Order.HospitalID, r.Order.OrderNo))
	defer forget()
	o := workflows.StartOptions(r, time.Now())
	o.EnableEagerStart = true
	o.TypedSearchAttributes = temporal.NewSearchAttributes(o.TypedSearchAttributes.Copy(), builds.ValueSet(firstBuilds(h.build)))
	o.WorkflowExecutionErrorWhenAlreadyStarted = true // of a payment that is over
	_, err := h.temporal.ExecuteWorkflow(ctx, o, workflows.TypeRegistrationPayment, r)
	var invalid *serviceerror.InvalidArgument
	switch {
	case errors.As(err, &invalid):
		return workflows.Answer{}, false, nil // a later server may not let the builds be set
	case err != nil:
		return workflows.Answer{}, false, err
	case !s.eager.Load():
		return workflows.Answer{}, false, nil
	}
	late := time.NewTimer(handover)
	defer late.Stop()
	select {
	case out, ok := <-waits:
		return out.Answer, ok, out.Err
	case <-late.C:
		return workflows.Answer{}, false, nil
	case <-ctx.Done():
		return workflows.Answer{}, false, ctx.Err()
	}
}
