package host

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// server is a client whose calls a test answers: start is called with every
// eager start, and byUpdate is what an update with start comes to.
type server struct {
	mocks.Client
	start    func(ctx context.Context, o client.StartWorkflowOptions) error
	byUpdate outcome
	asked    []string
}

type outcome struct {
	answer workflows.Answer
	err    error
}

func (c *server) ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	c.asked = append(c.asked, "start")
	return nil, c.start(ctx, o)
}

func (c *server) NewWithStartWorkflowOperation(client.StartWorkflowOptions, any, ...any) client.WithStartWorkflowOperation {
	return nil
}

func (c *server) UpdateWithStartWorkflow(context.Context, client.UpdateWithStartWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	c.asked = append(c.asked, "update")
	if c.byUpdate.err != nil {
		return nil, c.byUpdate.err
	}
	h := &mocks.WorkflowUpdateHandle{}
	h.On("Get", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		*args.Get(1).(*workflows.Answer) = c.byUpdate.answer
	}).Return(nil)
	return h, nil
}

// replies has Temporal say what the interceptor would have noticed.
func replies(ctx context.Context, started, eager bool) {
	s := ctx.Value(startKey{}).(*start)
	s.started.Store(started)
	s.eager.Store(eager)
}

func TestBeginGoesThroughTemporalUnlessThePaymentIsBegunHere(t *testing.T) {
	const id = "payment/h-one/ORDER1"
	here, there := workflows.Answer{PaymentID: "pay_1", Status: payment.AwaitingPayment}, workflows.Answer{PaymentID: "pay_1", Status: payment.Paid}
	over := serviceerror.NewWorkflowExecutionAlreadyStarted("over", "", "")
	refused := errors.New("refused by a rule")
	for _, tc := range []struct {
		name    string
		idle    bool
		start   func(h *Host, ctx context.Context) error
		update  outcome
		want    workflows.Answer
		started bool
		err     error
		asked   []string
	}{
		{name: "its answer is given", start: func(h *Host, ctx context.Context) error {
			replies(ctx, true, true)
			h.answers.give(id, &workflows.Outcome{Answer: here})
			return nil
		}, want: here, started: true, asked: []string{"start"}},
		{name: "it never came into being", start: func(h *Host, ctx context.Context) error {
			replies(ctx, true, true)
			h.answers.give(id, &workflows.Outcome{Err: refused})
			return nil
		}, started: true, err: refused, asked: []string{"start"}},
		{name: "it has to be asked about", start: func(h *Host, ctx context.Context) error {
			replies(ctx, true, true)
			h.answers.give(id, nil)
			return nil
		}, update: outcome{answer: there}, want: there, started: true, asked: []string{"start", "update"}},
		{name: "another process has it", start: func(_ *Host, ctx context.Context) error {
			replies(ctx, false, false)
			return nil
		}, update: outcome{answer: there}, want: there, asked: []string{"start", "update"}},
		{name: "it is over", start: func(*Host, context.Context) error { return over }, err: over, asked: []string{"start"}},
		{name: "the server does not let the builds be set", start: func(*Host, context.Context) error {
			return serviceerror.NewInvalidArgument("BuildIds attribute can't be set in SearchAttributes")
		}, update: outcome{answer: there}, want: there, asked: []string{"start", "update"}},
		{name: "nothing runs here", idle: true, update: outcome{answer: there}, want: there, asked: []string{"update"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &server{byUpdate: tc.update}
			h := &Host{temporal: c, build: "b1"}
			h.running.Store(!tc.idle)
			c.start = func(ctx context.Context, o client.StartWorkflowOptions) error {
				require.True(t, o.EnableEagerStart)
				require.Equal(t, id, o.ID)
				named, ok := o.TypedSearchAttributes.GetKeywordList(builds)
				require.True(t, ok)
				require.Equal(t, []string{"unversioned", "unversioned:b1"}, named)
				return tc.start(h, ctx)
			}
			r := workflows.Request{Order: workflows.Order{HospitalID: "h-one", OrderNo: "ORDER1", Amount: workflows.Fen(5000)},
				Choice: workflows.Choice{Method: payment.ByWeChat}}
			ctx, cancel := context.WithTimeout(t.Context(), handover/2) // nobody waits for an answer that does not come
			defer cancel()
			a, started, err := h.Begin(ctx, r)
			require.ErrorIs(t, err, tc.err)
			require.Equal(t, tc.want, a)
			require.Equal(t, tc.started, started)
			require.Equal(t, tc.asked, c.asked)
			require.Empty(t, h.answers.open, "nobody waits any more")
		})
	}
}

func TestWhoDoesNotWaitForTheAnswerIsTold(t *testing.T) {
	c := &server{}
	h := &Host{temporal: c}
	h.running.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	c.start = func(ctx context.Context, _ client.StartWorkflowOptions) error {
		replies(ctx, true, true)
		cancel()
		return nil
	}
	_, started, err := h.Begin(ctx, workflows.Request{Order: workflows.Order{HospitalID: "h-one", OrderNo: "ORDER1"}})
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, started)
}
