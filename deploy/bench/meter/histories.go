package meter

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"log/slog"

	"github.com/regpay/regpay/deploy/stack"
)

// Histories is the mean number of events and bytes of the histories of some
// workflows that come to their end about now; it waits for that.
func Histories(ctx context.Context, e stack.Endpoints, ids []string) (events, bytes float64, err error) {
	c, err := client.DialContext(ctx, client.Options{HostPort: e.Temporal, Namespace: e.Namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return 0, 0, fmt.Errorf("read histories: %w", err)
	}
	defer c.Close()
	for _, id := range ids {
		if err := c.GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
			return 0, 0, fmt.Errorf("wait for the end of %s: %w", id, err)
		}
		d, err := c.DescribeWorkflowExecution(ctx, id, "")
		if err != nil {
			return 0, 0, fmt.Errorf("read the history of %s: %w", id, err)
		}
		events += float64(d.GetWorkflowExecutionInfo().GetHistoryLength()) / float64(len(ids))
		bytes += float64(d.GetWorkflowExecutionInfo().GetHistorySizeBytes()) / float64(len(ids))
	}
	return events, bytes, nil
}
