package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/workflows"
)

// history reads a workflow's history as Temporal has it, to its end.
func (w *world) history(t *testing.T, id string) []*historypb.HistoryEvent {
	t.Helper()
	// The last step of a payment is told before its workflow's last event.
	w.eventually(t, "workflow "+id+" has ended", func() bool {
		d, err := w.temporal.DescribeWorkflowExecution(t.Context(), id, "")
		return err == nil && d.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	})
	events, err := w.events(t.Context(), id)
	require.NoError(t, err)
	return events
}

// events are a workflow's, as far as it has come.
func (w *world) events(ctx context.Context, id string) (events []*historypb.HistoryEvent, err error) {
	all := w.temporal.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for all.HasNext() {
		e, err := all.Next()
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
	return events, nil
}

func kinds(events []*historypb.HistoryEvent) (names []string) {
	for _, e := range events {
		names = append(names, e.GetEventType().String())
	}
	return names
}

// keepsSecrets: nothing that Temporal keeps of the payment holds a trace of
// the patient in plain text (I10), neither as it is nor inside base64.
func (w *world) keepsSecrets(t *testing.T, v *visit) {
	t.Helper()
	id := v.workflow()
	events := w.history(t, id)
	kept, err := proto.Marshal(&historypb.History{Events: events})
	require.NoError(t, err)
	noTrace(t, "the history", v.person, kept)
	shown, err := protojson.Marshal(&historypb.History{Events: events})
	require.NoError(t, err)
	noTrace(t, "the history as the UI reads it", v.person, shown)

	var list *workflowservice.ListWorkflowExecutionsResponse
	w.eventually(t, "the payment is visible", func() bool {
		list, err = w.temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
			Query: `OrderNo = "` + v.order() + `"`})
		return err == nil && len(list.GetExecutions()) > 0
	})
	visible, err := proto.Marshal(list)
	require.NoError(t, err)
	noTrace(t, "the list of workflows", v.person, visible)

	described, err := w.temporal.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	one, err := proto.Marshal(described)
	require.NoError(t, err)
	noTrace(t, "the workflow's description", v.person, one)
}

func noTrace(t *testing.T, where string, p scenario.Person, kept []byte) {
	t.Helper()
	for what, text := range p.Traces() {
		assert.False(t, bytes.Contains(kept, []byte(text)), "%s holds the patient's %s in plain text", where, what)
	}
}

// TestSearchAttributesShowAnOperatorThePayment reads the payment as Temporal's
// UI lists it.
func TestSearchAttributesShowAnOperatorThePayment(t *testing.T) {
	w := hold(t)
	v := w.begin(t, renmin, wechatNative)
	v.pay()
	v.until(payment.Completed)
	find := func(query string) (n int) {
		list, err := w.temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: query + ` AND OrderNo = "` + v.order() + `"`})
		if err != nil {
			return 0
		}
		return int(list.GetCount())
	}
	for _, query := range []string{
		`PaymentStatus = "completed"`, `PaymentChannel = "wechat"`, `HospitalID = "h-renmin"`, `AmountFen = 5000`,
		`PayDeadline > "2020-01-01T00:00:00Z"`, `WorkflowType = "RegistrationPayment"`,
	} {
		w.eventually(t, query, func() bool { return find(query) == 1 })
	}
	assert.Zero(t, find(`AmountFen = 4999`))
}

// TestTheProcessThatStartsAPaymentTakesItsFirstSteps: the answer does not go
// through Temporal, and Temporal has no reason to write down afterwards which
// build took the first task.
func TestTheProcessThatStartsAPaymentTakesItsFirstSteps(t *testing.T) {
	w := hold(t)
	v := w.begin(t, renmin, wechatNative)
	v.pay()
	v.until(payment.Completed)
	id := v.workflow()
	events := w.history(t, id)
	started := events[0].GetWorkflowExecutionStartedEventAttributes()
	require.True(t, started.GetEagerExecutionAccepted())
	done := events[3].GetWorkflowTaskCompletedEventAttributes()
	require.NotNil(t, done, "the first task")
	builds := decoded[[]string](t, started.GetSearchAttributes().GetIndexedFields()["BuildIds"])
	//lint:ignore SA1019 It is where the server reads the build from, as long as workers are not versioned.
	require.Equal(t, []string{"unversioned", "unversioned:" + done.GetWorkerVersion().GetBuildId()}, builds)
	for _, e := range events {
		require.NotEqual(t, workflows.UpdateBegin, e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput().GetName(),
			"the answer was not asked for through Temporal")
	}
	described, err := w.temporal.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	require.Equal(t, builds, decoded[[]string](t, described.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()["BuildIds"]),
		"Temporal found nothing to add")
}

func decoded[T any](t *testing.T, p *commonpb.Payload) (v T) {
	t.Helper()
	require.NoError(t, json.Unmarshal(p.GetData(), &v))
	return v
}

// TestCodecShowsPlainTextToOperatorsAlone sends an encrypted payload of a
// payment's history to the codec endpoint.
func TestCodecShowsPlainTextToOperatorsAlone(t *testing.T) {
	w := hold(t)
	v := w.begin(t, renmin, wechatNative)
	v.pay()
	v.until(payment.Completed)
	events := w.history(t, v.workflow())
	sealed := events[0].GetWorkflowExecutionStartedEventAttributes().GetInput()
	require.Len(t, sealed.GetPayloads(), 1)
	assert.Equal(t, privacy.EncodingEncrypted, string(sealed.GetPayloads()[0].GetMetadata()["encoding"]))
	assert.NotEmpty(t, sealed.GetPayloads()[0].GetMetadata()[privacy.MetadataKeyID], "the key's name is beside it")

	token, err := os.ReadFile(w.in.CodecTokenFile)
	require.NoError(t, err)
	status, _ := w.decode(t, sealed, "")
	assert.Equal(t, http.StatusUnauthorized, status, "without the token")
	status, _ = w.decode(t, sealed, "Bearer "+strings.Repeat("0", 64))
	assert.Equal(t, http.StatusUnauthorized, status, "with another token")
	status, _ = w.decode(t, sealed, "Bearer "+w.in.APIKey)
	assert.Equal(t, http.StatusUnauthorized, status, "with an API key")
	status, plain := w.decode(t, sealed, "Bearer "+strings.TrimSpace(string(token)))
	require.Equal(t, http.StatusOK, status)
	var request payment.Request
	require.NoError(t, json.Unmarshal(plain.GetPayloads()[0].GetData(), &request))
	assert.Equal(t, v.person.Name, request.Order.Patient.Name)
	assert.Equal(t, v.person.IDNumber, request.Order.Patient.IDNumber)
}

func (w *world) decode(t *testing.T, sealed *commonpb.Payloads, authorization string) (int, *commonpb.Payloads) {
	t.Helper()
	body, err := protojson.Marshal(sealed)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.in.Stack.Endpoints().Codec+"/decode", bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	reply, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	out := &commonpb.Payloads{}
	if reply.StatusCode == http.StatusOK {
		require.NoError(t, protojson.Unmarshal(text, out))
	}
	return reply.StatusCode, out
}
