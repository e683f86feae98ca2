package empty

import (
	"context"
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
)

// Client is the load generator's side: it starts and notifies workflows and
// hears when they are over. It is safe for concurrent use.
type Client struct {
	temporal client.Client
	reports  *reports
	worker   worker.Worker // of those that are begun in place, or nil
}

// Dial connects to Temporal, and listens for the reports of workers.
func Dial(ctx context.Context, temporalAddress, namespace string) (*Client, error) {
	c, err := dial(ctx, temporalAddress, namespace)
	if err != nil {
		return nil, err
	}
	r, err := listen(ctx)
	if err != nil {
		c.Close()
		return nil, err
	}
	return &Client{temporal: c, reports: r}, nil
}

// Host is Dial for workflows that are begun in place: their worker is the client
// itself.
func Host(ctx context.Context, temporalAddress, namespace string) (*Client, error) {
	c, err := Dial(ctx, temporalAddress, namespace)
	if err != nil {
		return nil, err
	}
	here := &steps{
		report: func(_ context.Context, id string) error { c.reports.over(id); return nil },
		begun:  func(id string) { c.reports.over(begun(id)) },
	}
	// A worker that cannot go on leaves workflows open, which the load reports.
	if c.worker, err = start(c.temporal, here, func(error) {}); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// begun is what the reports call a workflow that waits to be notified.
func begun(id string) string { return "begun " + id }

// Address is where workers report to.
func (c *Client) Address() string { return c.reports.address() }

// Begin starts a workflow, or joins the one that runs, and returns when its
// first steps are done and it waits to be notified. The id is one line.
func (c *Client) Begin(ctx context.Context, id string) error {
	if id == "" || strings.ContainsRune(id, '\n') {
		return fmt.Errorf("begin workflow: %q is no id", id)
	}
	o := client.StartWorkflowOptions{
		ID: WorkflowID(id), TaskQueue: queue,
		// The policies are regpay's.
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
	}
	if c.worker != nil {
		return c.beginHere(ctx, id, o)
	}
	start := c.temporal.NewWithStartWorkflowOperation(o, typeEmpty, id, false)
	handle, err := c.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions:          client.UpdateWorkflowOptions{UpdateName: updateBegin, WaitForStage: client.WorkflowUpdateStageCompleted},
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	if err != nil {
		return fmt.Errorf("begin workflow %s: %w", id, err)
	}
	return nil
}

func (c *Client) beginHere(ctx context.Context, id string, o client.StartWorkflowOptions) error {
	waits := c.reports.done(begun(id))
	o.EnableEagerStart = true
	o.TypedSearchAttributes = temporal.NewSearchAttributes(
		temporal.NewSearchAttributeKeyKeywordList("BuildIds").ValueSet([]string{"unversioned", "unversioned:" + build}))
	if _, err := c.temporal.ExecuteWorkflow(ctx, o, typeEmpty, id, true); err != nil {
		return fmt.Errorf("begin workflow %s: %w", id, err)
	}
	select {
	case <-waits:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("begin workflow %s: %w", id, context.Cause(ctx))
	}
}

// Notify lets a workflow go on to its end.
func (c *Client) Notify(ctx context.Context, id string) error {
	if err := c.temporal.SignalWorkflow(ctx, WorkflowID(id), "", signalNotify, nil); err != nil {
		return fmt.Errorf("notify workflow %s: %w", id, err)
	}
	return nil
}

// Done is closed when a worker reports that the workflow is over. It has to be
// asked for before the workflow is notified: a report that nobody waits for is
// forgotten.
func (c *Client) Done(id string) <-chan struct{} { return c.reports.done(id) }

// Close ends the connections. Channels of workflows that are not over stay
// open.
func (c *Client) Close() {
	if c.worker != nil {
		c.worker.Stop()
	}
	c.reports.close()
	c.temporal.Close()
}
