package workflows_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/workflows"
)

// Histories of real workers on a real Temporal, in plain text; `make histories`
// records them. A workflow that does not come to the same steps as they did
// would stand still in production: see docs/development.md before recording
// anything anew.
const histories = "testdata/histories"

// recorded is how many there are at least: lives are added, not lost.
const recorded = 148

func TestWorkflowsReplayWhatWorkersRecorded(t *testing.T) {
	names := recordings(t)
	require.GreaterOrEqual(t, len(names), recorded, "histories are missing")
	seen := map[string]int{}
	for _, name := range names {
		h := recording(t, name)
		seen[h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()]++
		t.Run(strings.TrimSuffix(name, ".json"), func(t *testing.T) {
			last := h.GetEvents()[len(h.GetEvents())-1]
			require.Equal(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, last.GetEventType(), "it was recorded to its end")
			replayer, err := replay(t, h)
			require.NoError(t, err)
			requireResult(t, replayer, h)
		})
	}
	for _, kind := range []string{workflows.TypeRegistrationPayment, workflows.TypeRefund, workflows.TypeStrayPayment} {
		require.NotZero(t, seen[kind], "no %s was recorded", kind)
	}
}

// nondeterministic is the SDK's code for code and history that differ.
const nondeterministic = "TMPRL1100"

// TestAReplayNotices: a workflow that took other steps than were recorded is
// found, so that the test above is worth something.
func TestAReplayNotices(t *testing.T) {
	for _, c := range []struct {
		rule, of string
		alter    func(*testing.T, *historypb.History)
	}{
		{"a step that was not taken then", "wechat", without(enumspb.EVENT_TYPE_MARKER_RECORDED, 1)},
		{"a last step that was not taken then", "mixed", without(enumspb.EVENT_TYPE_MARKER_RECORDED, -1)},
		{"steps in another order", "wechat", swapped(enumspb.EVENT_TYPE_MARKER_RECORDED, 0, 1)},
		{"a step under another name", "unionpay", renamed("Charge", "Prepay")},
		{"a wait that was not there then", "wechat", without(enumspb.EVENT_TYPE_TIMER_STARTED, 0)},
		{"an attribute that was not shown then", "mixed", without(enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES, 0)},
		{"a refund that was not begun then", "his-refused", without(enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED, 0)},
		{"refunds in another order", "his-refused", swapped(enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED, 0, 1)},
		{"patience that was not there then", "his-outage", without(enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, 0)},
	} {
		t.Run(c.rule, func(t *testing.T) {
			h := recording(t, c.of+".json")
			_, err := replay(t, h)
			require.NoError(t, err)
			c.alter(t, h)
			_, err = replay(t, h)
			require.ErrorContains(t, err, nondeterministic)
		})
	}
}

// TestRecordedPaymentsStayWithinTheirBudget counts what a payment without
// trouble costs Temporal, in events.
func TestRecordedPaymentsStayWithinTheirBudget(t *testing.T) {
	for name, most := range map[string]int{"wechat": 20, "unionpay": 20, "mixed": 32} {
		h := recording(t, name+".json")
		require.LessOrEqual(t, len(h.GetEvents()), most, name)
	}
}

// TestRecordingsNeedNoKeyAndNameNobody: they are in plain text, and the
// machine that wrote them is not in them.
func TestRecordingsNeedNoKeyAndNameNobody(t *testing.T) {
	total := 0
	identity := regexp.MustCompile(`"identity":"([^"]*)"`)
	for _, name := range recordings(t) {
		text, err := os.ReadFile(filepath.Join(histories, name))
		require.NoError(t, err)
		total += len(text)
		for _, found := range identity.FindAllSubmatch(text, -1) {
			require.Equal(t, "recorded", string(found[1]), name)
		}
		kept, err := proto.Marshal(recording(t, name))
		require.NoError(t, err)
		for _, no := range []string{privacy.EncodingEncrypted, ".go:", "/root/", "/home/"} {
			require.False(t, bytes.Contains(kept, []byte(no)), "%s has %q", name, no)
		}
	}
	require.Less(t, total, 2_500_000, "bytes of all recordings")
}

// recordings are the names of the files, also of those from before a change
// that is versioned (in the folder earlier).
func recordings(t *testing.T) []string {
	t.Helper()
	var names []string
	require.NoError(t, fs.WalkDir(os.DirFS(histories), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			require.Equal(t, ".json", filepath.Ext(name), name)
			names = append(names, name)
		}
		return err
	}))
	require.NotEmpty(t, names, "nothing is recorded")
	return names
}

func recording(t *testing.T, name string) *historypb.History {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(histories, name))
	require.NoError(t, err)
	h, err := client.HistoryFromJSON(bytes.NewReader(text), client.HistoryJSONOptions{})
	require.NoError(t, err, name)
	require.NotEmpty(t, h.GetEvents(), name)
	return h
}

// replay runs the present workflows along a history. What is recorded is in
// plain text, so the replayer has no keys.
func replay(t *testing.T, h *historypb.History) (worker.WorkflowReplayer, error) {
	t.Helper()
	replayer := worker.NewWorkflowReplayer()
	workflows.Register(replayer)
	return replayer, replayer.ReplayWorkflowHistoryWithOptions(silent{}, h, worker.ReplayWorkflowHistoryOptions{OriginalExecution: executionOf(h)})
}

func executionOf(h *historypb.History) workflow.Execution {
	first := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	return workflow.Execution{ID: first.GetWorkflowId(), RunID: first.GetOriginalExecutionRunId()}
}

// requireResult: all that was told as the result is told still. A later
// version may tell more.
func requireResult(t *testing.T, replayer worker.WorkflowReplayer, h *historypb.History) {
	t.Helper()
	last := h.GetEvents()[len(h.GetEvents())-1]
	var then, now map[string]any
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(last.GetWorkflowExecutionCompletedEventAttributes().GetResult(), &then))
	told, ok := replayer.(interface{ GetWorkflowResult(string, any) error }) // the interface leaves it out
	require.True(t, ok)
	require.NoError(t, told.GetWorkflowResult(executionOf(h).ID, &now))
	require.NotEmpty(t, then)
	for name, value := range then {
		require.Equal(t, value, now[name], "the result's %s", name)
	}
}

// nth finds the n-th event of a kind; negative numbers count from the end.
func nth(t *testing.T, h *historypb.History, kind enumspb.EventType, n int) int {
	t.Helper()
	var found []int
	for i, e := range h.GetEvents() {
		if e.GetEventType() == kind {
			found = append(found, i)
		}
	}
	if n < 0 {
		n += len(found)
	}
	require.Greater(t, len(found), n, "%s", kind)
	return found[n]
}

// without puts a signal that nobody hears in the place of an event, so that
// the numbers stay whole: a gap in them is found without any replay.
func without(kind enumspb.EventType, n int) func(*testing.T, *historypb.History) {
	return func(t *testing.T, h *historypb.History) {
		e := h.Events[nth(t, h, kind, n)]
		e.EventType = enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
		e.Attributes = &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
			WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{SignalName: "nobody-hears-this"}}
	}
}

func swapped(kind enumspb.EventType, n, m int) func(*testing.T, *historypb.History) {
	return func(t *testing.T, h *historypb.History) {
		a, b := h.Events[nth(t, h, kind, n)], h.Events[nth(t, h, kind, m)]
		a.Attributes, b.Attributes = b.Attributes, a.Attributes
	}
}

// renamed gives the steps inside workflow tasks that have a name another one.
func renamed(name, other string) func(*testing.T, *historypb.History) {
	return func(t *testing.T, h *historypb.History) {
		done := 0
		for _, e := range h.GetEvents() {
			for _, p := range e.GetMarkerRecordedEventAttributes().GetDetails()["data"].GetPayloads() {
				if from, to := []byte(`"`+name+`"`), []byte(`"`+other+`"`); bytes.Contains(p.Data, from) {
					p.Data = bytes.ReplaceAll(p.Data, from, to)
					done++
				}
			}
		}
		require.NotZero(t, done)
	}
}
