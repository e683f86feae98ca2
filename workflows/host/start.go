package host

import (
	"context"
	"sync/atomic"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

// start is what Temporal said of one call that starts a workflow, which the SDK
// does not hand on: whether it did start one, and whether the first workflow
// task came with the reply.
type start struct{ started, eager atomic.Bool }

type startKey struct{}

func watched(ctx context.Context) (context.Context, *start) {
	s := &start{}
	return context.WithValue(ctx, startKey{}, s), s
}

func (s *start) heard(reply *workflowservice.StartWorkflowExecutionResponse) {
	if reply.GetStarted() {
		s.started.Store(true)
	}
	if reply.GetEagerWorkflowTask() != nil {
		s.eager.Store(true)
	}
}

// NoticeStarts is an interceptor that the connection of a Host's client needs.
func NoticeStarts(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := invoke(ctx, method, req, reply, cc, opts...)
	s, asked := ctx.Value(startKey{}).(*start)
	if err != nil || !asked {
		return err
	}
	switch reply := reply.(type) {
	case *workflowservice.StartWorkflowExecutionResponse:
		s.heard(reply)
	case *workflowservice.ExecuteMultiOperationResponse:
		for _, r := range reply.GetResponses() {
			s.heard(r.GetStartWorkflow())
		}
	}
	return nil
}
