package main

import (
	"context"
	"sync/atomic"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

// beginning notices whether an update with start did start a workflow. Temporal
// says so in its reply (StartWorkflowExecutionResponse.started), which the SDK
// does not hand on.
type beginning struct{ started, answered atomic.Bool }

type beginningKey struct{}

func watched(ctx context.Context) (context.Context, *beginning) {
	b := &beginning{}
	return context.WithValue(ctx, beginningKey{}, b), b
}

// joined says that Temporal answered and that the workflow was there before. A
// call that the SDK sends again after its reply was lost joins what it started
// itself; the caller then hears of a repeat, which is harmless.
func (b *beginning) joined() bool { return b.answered.Load() && !b.started.Load() }

// noticeStart is a unary interceptor of the connection to Temporal.
func noticeStart(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := invoke(ctx, method, req, reply, cc, opts...)
	b, asked := ctx.Value(beginningKey{}).(*beginning)
	multi, ok := reply.(*workflowservice.ExecuteMultiOperationResponse)
	if err != nil || !asked || !ok {
		return err
	}
	for _, r := range multi.GetResponses() {
		if start := r.GetStartWorkflow(); start != nil {
			b.answered.Store(true)
			if start.GetStarted() {
				b.started.Store(true)
			}
		}
	}
	return nil
}
