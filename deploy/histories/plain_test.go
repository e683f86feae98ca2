package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"github.com/regpay/regpay/internal/privacy"
)

func ring(t *testing.T, key byte) *privacy.Keyring {
	t.Helper()
	r, err := privacy.NewKeyring("k", map[string][]byte{"k": bytes.Repeat([]byte{key}, privacy.KeySize)})
	require.NoError(t, err)
	return r
}

// sealed is a history with something secret in every kind of place.
func sealed(t *testing.T, keys *privacy.Keyring) *historypb.History {
	t.Helper()
	seal := func(v any) *commonpb.Payload {
		p, err := privacy.NewDataConverter(keys).ToPayload(v)
		require.NoError(t, err)
		return p
	}
	many := func(v any) *commonpb.Payloads { return &commonpb.Payloads{Payloads: []*commonpb.Payload{seal(v)}} }
	failure := privacy.NewFailureConverter(keys).ErrorToFailure(
		temporal.NewApplicationErrorWithCause("an outer secret", "outer", errors.New("an inner secret"), "a detailed secret"))
	require.NotContains(t, failure.String(), "secret")
	return &historypb.History{Events: []*historypb.HistoryEvent{
		{EventId: 1, UserMetadata: &sdkpb.UserMetadata{Summary: seal("a secret summary")},
			Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
				WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{
					Input: many("a secret input"), Identity: "1@host@",
					Memo: &commonpb.Memo{Fields: map[string]*commonpb.Payload{"m": seal("a secret memo")}},
				}}},
		{EventId: 2, Attributes: &historypb.HistoryEvent_WorkflowTaskScheduledEventAttributes{
			WorkflowTaskScheduledEventAttributes: &historypb.WorkflowTaskScheduledEventAttributes{
				TaskQueue: &taskqueuepb.TaskQueue{Name: "host:1", Kind: enumspb.TASK_QUEUE_KIND_STICKY, NormalName: "queue"}}}},
		{EventId: 3, Attributes: &historypb.HistoryEvent_MarkerRecordedEventAttributes{
			MarkerRecordedEventAttributes: &historypb.MarkerRecordedEventAttributes{
				Details: map[string]*commonpb.Payloads{"result": many("a secret result")}, Failure: failure}}},
	}}
}

func TestAHistoryIsKeptInPlainText(t *testing.T) {
	keys := ring(t, 1)
	h := sealed(t, keys)
	require.NoError(t, plain(h, privacy.NewCodec(keys)))
	kept, err := proto.Marshal(h)
	require.NoError(t, err)
	for _, found := range []string{"secret summary", "secret input", "secret memo", "secret result", "outer secret", "inner secret", "detailed secret", "queue"} {
		require.Contains(t, string(kept), found)
	}
	for _, lost := range []string{privacy.EncodingEncrypted, "host", "Encoded failure", ".go:"} {
		require.NotContains(t, string(kept), lost)
	}
	written, err := text(h)
	require.NoError(t, err)
	require.Equal(t, 2+len(h.GetEvents()), bytes.Count(written, []byte("\n")), "an event a line")
	again, err := client.HistoryFromJSON(bytes.NewReader(written), client.HistoryJSONOptions{})
	require.NoError(t, err)
	require.True(t, proto.Equal(h, again), "what was written is read")
}

func TestAHistoryOfAnotherKeyIsNotKept(t *testing.T) {
	require.ErrorIs(t, plain(sealed(t, ring(t, 1)), privacy.NewCodec(ring(t, 2))), privacy.ErrTampered)
}
