package host

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

func TestAStartIsToldFromARepeat(t *testing.T) {
	start := func(started bool) *workflowservice.ExecuteMultiOperationResponse {
		return &workflowservice.ExecuteMultiOperationResponse{Responses: []*workflowservice.ExecuteMultiOperationResponse_Response{
			{Response: &workflowservice.ExecuteMultiOperationResponse_Response_StartWorkflow{
				StartWorkflow: &workflowservice.StartWorkflowExecutionResponse{Started: started}}},
			{Response: &workflowservice.ExecuteMultiOperationResponse_Response_UpdateWorkflow{}},
		}}
	}
	eager := &workflowservice.StartWorkflowExecutionResponse{Started: true, EagerWorkflowTask: &workflowservice.PollWorkflowTaskQueueResponse{}}
	for name, tc := range map[string]struct {
		replies        []any
		err            error
		started, eager bool
	}{
		"it was started": {[]any{start(true)}, nil, true, false},
		"it was there":   {[]any{start(false)}, nil, false, false},
		"it was started, and its answer was asked for": {[]any{eager, start(false)}, nil, true, true},
		"it was there, without an update":              {[]any{&workflowservice.StartWorkflowExecutionResponse{}}, nil, false, false},
		"another call says nothing":                    {[]any{&workflowservice.SignalWorkflowExecutionResponse{}}, nil, false, false},
		"nobody answered":                              {[]any{eager}, errors.New("unavailable"), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, s := watched(t.Context())
			for _, reply := range tc.replies {
				answer := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return tc.err }
				require.Equal(t, tc.err, NoticeStarts(ctx, "", nil, reply, nil, answer))
			}
			require.Equal(t, tc.started, s.started.Load())
			require.Equal(t, tc.eager, s.eager.Load())
		})
	}
	// A call that nobody watches goes through.
	require.NoError(t, NoticeStarts(t.Context(), "", nil, start(true), nil,
		func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return nil }))
}
