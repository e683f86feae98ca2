package workflows_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

func TestTheIdsOfWorkflowsNameOrderAndTransactionAndNobody(t *testing.T) {
	r := by(payment.ByWeChat)
	start := workflows.StartOptions(r, noon)
	refund := workflows.RefundOptions(workflows.RefundInput{HospitalID: hospitalOne, OrderNo: orderOne, N: 3, Channel: payment.WeChat, Amount: workflows.Fen(1)})
	stray := workflows.StrayOptions(workflows.StrayInput{HospitalID: hospitalOne, OrderNo: orderOne, Channel: payment.UnionPay,
		Report: channel.Report{ChannelNo: "4200001", Captured: workflows.Fen(5000)}})
	require.Equal(t, "payment/h-one/ORDER0001", start.ID)
	require.Equal(t, "refund/h-one/ORDER0001/3", refund.ID)
	require.Equal(t, "stray/unionpay/4200001", stray.ID)
	for _, o := range []client.StartWorkflowOptions{start, refund, stray} {
		require.Equal(t, workflows.QueuePayments, o.TaskQueue)
		require.Equal(t, enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, o.WorkflowIDConflictPolicy, "a repeat joins")
		public := o.ID + o.StaticSummary + o.StaticDetails
		for key, v := range o.TypedSearchAttributes.GetUntypedValues() {
			require.Contains(t, workflows.SearchAttributes(), key.GetName(), "the namespace knows it")
			text, ok := v.(string)
			if ok {
				public += text
			}
		}
		for _, personal := range []string{r.Order.Patient.Name, r.Order.Patient.IDNumber, r.Order.Patient.Phone, r.Order.Patient.OpenID} {
			require.NotContains(t, public, personal)
		}
	}
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY, start.WorkflowIDReusePolicy,
		"an order that never came into being can be started again, one that ended cannot")
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, refund.WorkflowIDReusePolicy)
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, stray.WorkflowIDReusePolicy)
}

func TestTheSearchAttributesOfAStart(t *testing.T) {
	attributes := workflows.StartOptions(by(payment.ByMixed), noon).TypedSearchAttributes
	status, _ := attributes.GetKeyword(workflows.PaymentStatus)
	fen, _ := attributes.GetInt64(workflows.AmountFen)
	deadline, _ := attributes.GetTime(workflows.PayDeadline)
	require.Equal(t, "awaiting_payment", status, "the state in which it will wait for longest")
	require.EqualValues(t, 5000, fen)
	require.Equal(t, noon.Add(payment.DefaultWindow), deadline)
	require.Equal(t, []string{"AmountFen", "Attention", "HospitalID", "OrderNo", "PayDeadline", "PaymentChannel", "PaymentStatus", "ReviewReason"},
		slices.Sorted(maps.Keys(workflows.SearchAttributes())))
}

func TestEveryChannelHasAQueueOfItsOwn(t *testing.T) {
	require.ElementsMatch(t, []string{"regpay-books", "regpay-his", "regpay-identity", "regpay-backend", "regpay-wechat", "regpay-unionpay",
		"regpay-insurance"}, workflows.Queues())
	require.NotContains(t, workflows.Queues(), workflows.QueuePayments, "which has the workflows")
}

func TestADecisionIsTheJSONThatStaffSend(t *testing.T) {
	var d workflows.Decision
	require.NoError(t, json.Unmarshal([]byte(`{"case_id":"c","decision":"confirm_settled","operator":"op","note":"n","reference":"r"}`), &d))
	require.Equal(t, workflows.Decision{CaseID: "c", Verdict: payment.ConfirmSettled, Operator: "op", Note: "n", Reference: "r"}, d)
}

func TestBeginIsOneCallThatCanBeRepeated(t *testing.T) {
	r := by(payment.ByWeChat)
	c, handle := &mocks.Client{}, &mocks.WorkflowUpdateHandle{}
	start := client.WithStartWorkflowOperation(nil)
	c.On("NewWithStartWorkflowOperation", mock.MatchedBy(func(o client.StartWorkflowOptions) bool {
		return o.ID == workflows.PaymentWorkflowID(hospitalOne, orderOne)
	}), mock.Anything, r).Return(start)
	ids := map[string]bool{}
	c.On("UpdateWithStartWorkflow", mock.Anything, mock.MatchedBy(func(o client.UpdateWithStartWorkflowOptions) bool {
		return o.StartWorkflowOperation == start && o.UpdateOptions.UpdateName == workflows.UpdateBegin &&
			o.UpdateOptions.WaitForStage == client.WorkflowUpdateStageCompleted
	})).Run(func(args mock.Arguments) {
		ids[args.Get(1).(client.UpdateWithStartWorkflowOptions).UpdateOptions.UpdateID] = true
	}).Return(handle, nil)
	handle.On("Get", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		args.Get(1).(*payment.Answer).Status = payment.AwaitingPayment
	}).Return(nil)
	for n := range 2 {
		a, err := workflows.Begin(t.Context(), c, r)
		require.NoError(t, err)
		require.Equal(t, payment.AwaitingPayment, a.Status)
		c.AssertNumberOfCalls(t, "UpdateWithStartWorkflow", n+1)
	}
	require.Len(t, ids, 2, "the server would repeat the first outcome, a refusal above all, for ever")
	require.NotContains(t, ids, "")
}
