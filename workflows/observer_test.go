package workflows_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// observer sees what a payment asks of Temporal: the steps with their queues,
// and every text that leaves unencrypted.
type observer struct {
	interceptor.WorkerInterceptorBase
	mu     sync.Mutex
	fast   []string // steps tried inside the workflow task
	slow   []string // "queue step" of steps that needed patience
	timers []time.Duration
	public []string                  // texts that are not encrypted
	attrs  temporal.SearchAttributes // as they stand, of all workflows
	shown  []string                  // every status that was written into the attributes
	torn   bool                      // a step called off fails with its own error
	called map[string]bool           // regular activities that were called off
}

func observe(w *world) *observer {
	o := &observer{called: map[string]bool{}}
	w.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{o}})
	w.env.SetOnActivityCanceledListener(func(info *activity.Info) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.called[info.WorkflowExecution.RunID+info.ActivityID] = true
	})
	return o
}

func (o *observer) keep(where, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.public = append(o.public, where+": "+text)
}

// details keeps what an operator reads in Temporal's UI.
func (o *observer) details(w *world) string {
	v, err := w.env.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(w.t, err)
	var m sdkpb.WorkflowMetadata
	require.NoError(w.t, v.Get(&m))
	o.keep("details", m.CurrentDetails)
	return m.CurrentDetails
}

// requirePrivacy demands that nothing of the patient was in any text (I10).
func (o *observer) requirePrivacy(t *testing.T, p payment.Patient) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, text := range o.public {
		for _, personal := range []string{p.Name, p.IDNumber, p.Phone, p.OpenID, p.PsnNo} {
			if personal != "" {
				require.NotContains(t, text, personal)
			}
		}
	}
	require.NotEmpty(t, o.public)
}

// tried counts how often a step was tried inside the workflow task.
func (o *observer) tried(step string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, s := range o.fast {
		if s == step {
			n++
		}
	}
	return n
}

// waited are the steps that needed patience, each with its queue.
func (o *observer) waited() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.slow...)
}

func (o *observer) attribute(name string) any {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key, v := range o.attrs.GetUntypedValues() {
		if key.GetName() == name {
			return v
		}
	}
	return nil
}

func (o *observer) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{WorkflowInboundInterceptorBase: interceptor.WorkflowInboundInterceptorBase{Next: next}, seen: o}
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	seen *observer
}

func (i *inbound) Init(out interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{WorkflowOutboundInterceptorBase: interceptor.WorkflowOutboundInterceptorBase{Next: out}, seen: i.seen})
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	seen *observer
}

func (o *outbound) ExecuteLocalActivity(ctx workflow.Context, step string, args ...any) workflow.Future {
	o.seen.keep("summary", workflow.GetLocalActivityOptions(ctx).Summary)
	o.seen.mu.Lock()
	o.seen.fast = append(o.seen.fast, step)
	o.seen.mu.Unlock()
	return o.Next.ExecuteLocalActivity(ctx, step, args...)
}

func (o *outbound) ExecuteActivity(ctx workflow.Context, step string, args ...any) workflow.Future {
	options := workflow.GetActivityOptions(ctx)
	if policy := *options.RetryPolicy; policy.MaximumAttempts == 0 {
		policy.MaximumAttempts = 1_000_000 // the suite's own limit is ten, the server has none
		ctx = workflow.WithRetryPolicy(ctx, policy)
	}
	o.seen.keep("summary", options.Summary)
	o.seen.mu.Lock()
	o.seen.slow = append(o.seen.slow, options.TaskQueue+" "+step)
	torn := o.seen.torn
	o.seen.mu.Unlock()
	if torn {
		return o.tearable(ctx, step, args...)
	}
	return o.Next.ExecuteActivity(ctx, step, args...)
}

// tearable is a step that a cancellation meets in the middle of a try: the
// server waits for the try, does not repeat it, and tells of its own error.
func (o *outbound) tearable(ctx workflow.Context, step string, args ...any) workflow.Future {
	future, set := workflow.NewFuture(ctx)
	real := o.Next.ExecuteActivity(ctx, step, args...)
	workflow.Go(ctx, func(ctx workflow.Context) {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		var payloads *commonpb.Payloads
		err := real.Get(ctx, &payloads)
		if temporal.IsCanceledError(err) {
			err = temporal.NewApplicationError("cut off", activities.ErrTypeUnknown)
		}
		set.Set(payloads, err)
	})
	return future
}

func (o *outbound) NewTimerWithOptions(ctx workflow.Context, d time.Duration, options workflow.TimerOptions) workflow.Future {
	o.seen.keep("summary", options.Summary)
	o.seen.mu.Lock()
	o.seen.timers = append(o.seen.timers, d)
	o.seen.mu.Unlock()
	return o.Next.NewTimerWithOptions(ctx, d, options)
}

func (o *outbound) ExecuteChildWorkflow(ctx workflow.Context, name string, args ...any) workflow.ChildWorkflowFuture {
	options := workflow.GetChildWorkflowOptions(ctx)
	o.seen.keep("child", options.WorkflowID+" "+options.StaticSummary+" "+fmt.Sprint(options.TypedSearchAttributes.GetUntypedValues()))
	return o.Next.ExecuteChildWorkflow(ctx, name, args...)
}

// GetTypedSearchAttributes is there since the test suite leaves a start's out.
func (o *outbound) GetTypedSearchAttributes(workflow.Context) temporal.SearchAttributes {
	o.seen.mu.Lock()
	defer o.seen.mu.Unlock()
	return o.seen.attrs
}

func (o *outbound) UpsertTypedSearchAttributes(ctx workflow.Context, updates ...temporal.SearchAttributeUpdate) error {
	o.seen.mu.Lock()
	if status, ok := temporal.NewSearchAttributes(updates...).GetKeyword(workflows.PaymentStatus); ok {
		o.seen.shown = append(o.seen.shown, status)
	}
	o.seen.attrs = temporal.NewSearchAttributes(append([]temporal.SearchAttributeUpdate{o.seen.attrs.Copy()}, updates...)...)
	text := fmt.Sprint(o.seen.attrs.GetUntypedValues())
	o.seen.mu.Unlock()
	o.seen.keep("attributes", text)
	return o.Next.UpsertTypedSearchAttributes(ctx, updates...)
}

// InterceptActivity keeps steps that were called off from running on: the test
// suite goes on retrying them, which the server does not.
func (o *observer) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &guarded{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, seen: o}
}

type guarded struct {
	interceptor.ActivityInboundInterceptorBase
	seen *observer
}

func (g *guarded) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info := activity.GetInfo(ctx)
	g.seen.mu.Lock()
	called := g.seen.called[info.WorkflowExecution.RunID+info.ActivityID]
	g.seen.mu.Unlock()
	if called {
		return nil, temporal.NewNonRetryableApplicationError("called off", "called off", nil)
	}
	return g.Next.ExecuteActivity(ctx, in)
}

// silent drops log lines: what the tests look at is not in them.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
