package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

func TestAStartThatFoundAWorkflowIsARepeat(t *testing.T) {
	start := func(started bool) *workflowservice.ExecuteMultiOperationResponse {
		return &workflowservice.ExecuteMultiOperationResponse{Responses: []*workflowservice.ExecuteMultiOperationResponse_Response{
			{Response: &workflowservice.ExecuteMultiOperationResponse_Response_StartWorkflow{
				StartWorkflow: &workflowservice.StartWorkflowExecutionResponse{Started: started}}},
			{Response: &workflowservice.ExecuteMultiOperationResponse_Response_UpdateWorkflow{}},
		}}
	}
	for name, tc := range map[string]struct {
		replies []any
		err     error
		joined  bool
	}{
		"it was started": {[]any{start(true)}, nil, false},
		"it was there":   {[]any{start(false)}, nil, true},
		"it was started, and its answer was asked for": {[]any{start(true), start(false)}, nil, false},
		"another call says nothing":                    {[]any{&workflowservice.StartWorkflowExecutionResponse{}}, nil, false},
		"nobody answered":                              {[]any{start(false)}, errors.New("unavailable"), false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, begun := watched(t.Context())
			for _, reply := range tc.replies {
				answer := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return tc.err }
				require.Equal(t, tc.err, noticeStart(ctx, "", nil, reply, nil, answer))
			}
			require.Equal(t, tc.joined, begun.joined())
		})
	}
	// A call that nobody watches goes through.
	require.NoError(t, noticeStart(t.Context(), "", nil, start(true), nil,
		func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return nil }))
}
