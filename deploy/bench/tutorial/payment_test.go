package tutorial

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

func request() payment.Request {
	id := "11010119900307123"
	return payment.Request{
		Order: payment.Order{
			HospitalID: "h-one", OrderNo: "ORDER0001", Amount: money.Fen(5000),
			Slot: payment.Slot{ID: "slot-7", Department: "心内科", Doctor: "李医生", StartsAt: noon.Add(48 * time.Hour)},
			Fees: []payment.Fee{{Code: "REG", Name: "挂号费", Amount: money.Fen(5000)}},
			Patient: payment.Patient{
				Name: "王小测", IDType: payment.IDCard, IDNumber: id + string(payment.IDCardCheck(id)), Phone: "13812345678",
			},
		},
		Choice:      payment.Choice{Method: payment.ByWeChat, Scene: payment.Native},
		CallbackURL: "https://booking.example/paid",
	}
}

const merchantNo = "ORDER0001A01"

// trial is one run of the workflow with the steps mocked.
type trial struct {
	t       *testing.T
	env     *testsuite.TestWorkflowEnvironment
	cut     cutting
	request payment.Request
	steps   []string
	answers []begun
	refusal error // of the update
}

// cutting is one way to cut a payment into activities.
type cutting struct {
	workflow         func(workflow.Context, payment.Request) (workflows.Result, error)
	charge, register []string
}

// steps are those of a payment without trouble.
func (c cutting) steps() []string {
	return slices.Concat([]string{"Open"}, c.charge, []string{"Settle"}, c.register, []string{"Tell"})
}

var (
	byEffect = cutting{kindOf(false).workflow, []string{"WriteAttempt", "Prepay", "SavePrepaid"}, []string{"RegisterInHIS", "RecordRegistered"}}
	asRegpay = cutting{kindOf(true).workflow, []string{"Charge"}, []string{"Register"}}
)

// forBoth runs a test with each cut.
func forBoth(t *testing.T, test func(t *testing.T, c cutting)) {
	t.Run("eight", func(t *testing.T) { test(t, byEffect) })
	t.Run("coarse", func(t *testing.T) { test(t, asRegpay) })
}

// try prepares a run with the steps given; nil ones are to be mocked.
func try(t *testing.T, c cutting, steps ...any) *trial {
	var suite testsuite.WorkflowTestSuite
	x := &trial{t: t, env: suite.NewTestWorkflowEnvironment(), cut: c, request: request()}
	x.env.SetStartTime(noon)
	x.env.RegisterWorkflow(c.workflow)
	if len(steps) == 0 {
		steps = []any{books, channels, hospital, backend, single}
	}
	for _, s := range steps {
		x.env.RegisterActivity(s)
	}
	x.env.SetOnActivityStartedListener(func(i *activity.Info, _ context.Context, _ converter.EncodedValues) {
		x.steps = append(x.steps, i.ActivityType.Name)
	})
	x.env.SetOnLocalActivityStartedListener(func(i *activity.Info, _ context.Context, _ []any) {
		t.Errorf("%s is a local activity", i.ActivityType.Name)
	})
	return x
}

// begins sends the update of a start after d.
func (x *trial) begins(d time.Duration) {
	refused := func(err error) { x.refusal = err }
	x.env.RegisterDelayedCallback(func() {
		x.env.UpdateWorkflow(updateBegin, "", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: refused,
			OnComplete: func(v any, err error) {
				if err != nil {
					refused(err)
					return
				}
				x.answers = append(x.answers, v.(begun))
			},
		})
	}, d)
}

// told gives the workflow a notification after d.
func (x *trial) told(d time.Duration, r channel.Report) {
	x.env.RegisterDelayedCallback(func() { x.env.SignalWorkflow(signalEvent, channel.Event{ID: "n", Charge: &r}) }, d)
}

func captured(no string) channel.Report {
	return channel.Report{MerchantNo: no, State: channel.Captured, ChannelNo: "tx-1", Captured: money.Fen(5000)}
}

// works mocks every step of a payment without trouble.
func (x *trial) works() {
	x.env.OnActivity(books.Open, mock.Anything, mock.Anything).Return(activities.OpenOut{}, nil)
	x.env.OnActivity(books.Settle, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.SettleIn) (activities.SettleOut, error) {
		assert.Equal(x.t, captured(merchantNo), in.Report)
		assert.Equal(x.t, payment.Paid, in.Next)
		return activities.SettleOut{Voucher: "v-1"}, nil
	})
	x.env.OnActivity(backend.Tell, mock.Anything, mock.Anything).Return(activities.None{}, nil)
	if len(x.cut.charge) == 1 {
		x.compoundStepsWork()
	} else {
		x.actionsWork()
	}
}

func (x *trial) compoundStepsWork() {
	x.env.OnActivity(channels.Charge, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.ChargeIn) (activities.ChargeOut, error) {
		assert.Equal(x.t, noon.Add(payment.DefaultWindow), in.ExpiresAt.UTC())
		assert.Equal(x.t, payment.AwaitingPayment, in.Next)
		return activities.ChargeOut{Pay: payment.PayParams{"code_url": "weixin://1"}, Report: channel.Report{State: channel.Open}}, nil
	})
	x.env.OnActivity(hospital.Register, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.RegisterIn) (activities.RegisterOut, error) {
		assert.Equal(x.t, "v-1", in.Voucher)
		return activities.RegisterOut{AppointmentID: "a-1"}, nil
	})
}

func (x *trial) actionsWork() {
	prepaid := channel.Prepaid{Handle: "h", Pay: payment.PayParams{"code_url": "weixin://1"}, Report: channel.Report{State: channel.Open}}
	registered := his.Registered{AppointmentID: "a-1", NoticeID: "n-1"}
	x.env.OnActivity(single.WriteAttempt, mock.Anything, mock.Anything).Return(func(_ context.Context, in AttemptIn) error {
		assert.Equal(x.t, merchantNo, in.Charge.MerchantNo)
		assert.Equal(x.t, payment.AwaitingPayment, in.Next)
		return nil
	})
	x.env.OnActivity(single.Prepay, mock.Anything, mock.Anything).Return(func(_ context.Context, c channel.Charge) (channel.Prepaid, error) {
		assert.Equal(x.t, noon.Add(payment.DefaultWindow), c.ExpiresAt.UTC())
		return prepaid, nil
	})
	x.env.OnActivity(single.SavePrepaid, mock.Anything, mock.Anything).Return(func(_ context.Context, in PrepaidIn) error {
		assert.Equal(x.t, prepaid, in.Prepaid)
		assert.Empty(x.t, x.answers, "the caller is answered when the answer is kept")
		return nil
	})
	x.env.OnActivity(single.RegisterInHIS, mock.Anything, mock.Anything).Return(func(_ context.Context, r his.Registration) (his.Registered, error) {
		assert.Equal(x.t, "v-1", r.Voucher)
		return registered, nil
	})
	x.env.OnActivity(single.RecordRegistered, mock.Anything, mock.Anything).Return(func(_ context.Context, in RegisteredIn) error {
		assert.Equal(x.t, registered, in.Registered)
		return nil
	})
}

func (x *trial) run() (workflows.Result, error) {
	x.env.ExecuteWorkflow(x.cut.workflow, x.request)
	require.True(x.t, x.env.IsWorkflowCompleted())
	var r workflows.Result
	if err := x.env.GetWorkflowError(); err != nil {
		return r, err
	}
	require.NoError(x.t, x.env.GetWorkflowResult(&r))
	return r, nil
}

func TestEveryStepIsOneRegularActivity(t *testing.T) { forBoth(t, everyStepIsOneRegularActivity) }

func everyStepIsOneRegularActivity(t *testing.T, c cutting) {
	x := try(t, c)
	x.works()
	x.begins(0)
	x.begins(5 * time.Second)
	x.told(10*time.Second, captured(merchantNo))
	x.env.OnUpsertTypedSearchAttributes(temporal.NewSearchAttributes(workflows.PaymentStatus.ValueSet("completed"))).Return(nil).Once()
	r, err := x.run()
	require.NoError(t, err)
	require.Equal(t, workflows.Result{PaymentID: payment.ID("h-one", "ORDER0001"), Status: payment.Completed, Voucher: "v-1", AppointmentID: "a-1"}, r)
	require.Equal(t, c.steps(), x.steps)
	x.env.AssertExpectations(t)

	require.Len(t, x.answers, 2)
	require.False(t, x.answers[0].Replayed)
	require.True(t, x.answers[1].Replayed)
	a := x.answers[0].Answer
	require.Equal(t, a, x.answers[1].Answer)
	require.Equal(t, payment.AwaitingPayment, a.Status)
	require.Equal(t, x.request.Digest(), a.Digest)
	require.Equal(t, noon.Add(payment.DefaultWindow), a.PayBy.UTC())
	require.Equal(t, &payment.NextTender{Channel: payment.WeChat, Scene: payment.Native, MerchantNo: merchantNo,
		Amount: money.Fen(5000), Pay: payment.PayParams{"code_url": "weixin://1"}}, a.Tender)
}

func TestOnlyTheCaptureOfTheChargeCounts(t *testing.T) {
	x := try(t, byEffect)
	x.works()
	closed := captured(merchantNo)
	closed.State = channel.Closed
	x.told(time.Second, captured("ORDER0001A02"))
	x.told(2*time.Second, closed)
	x.told(time.Minute, captured(merchantNo))
	x.told(time.Minute, captured(merchantNo)) // it changes nothing
	r, err := x.run()
	require.NoError(t, err)
	require.Equal(t, payment.Completed, r.Status)
	require.Equal(t, byEffect.steps(), x.steps)
}

func TestWhenTimeIsUpTheChannelIsAskedWhoWasFirst(t *testing.T) {
	opened := append([]string{"Open"}, byEffect.charge...)
	unpaid := slices.Concat(opened, []string{"Close", "Move", "Tell"})
	paid := slices.Concat(opened, []string{"Close", "Settle"}, byEffect.register, []string{"Tell"})
	for name, tc := range map[string]struct {
		report channel.Report
		status payment.Status
		steps  []string
	}{
		"nobody paid":          {channel.Report{State: channel.Closed}, payment.Closed, unpaid},
		"the patient was":      {captured(merchantNo), payment.Completed, paid},
		"it knows of no order": {channel.Report{State: channel.Absent}, payment.Closed, unpaid},
	} {
		t.Run(name, func(t *testing.T) {
			x := try(t, byEffect)
			x.works()
			x.env.OnActivity(channels.Close, mock.Anything, activities.AttemptIn{PaymentID: payment.ID("h-one", "ORDER0001"), Attempt: 1}).
				Return(func(context.Context, activities.AttemptIn) (channel.Report, error) {
					assert.False(t, x.env.Now().Before(noon.Add(payment.DefaultWindow)))
					return tc.report, nil
				})
			x.env.OnActivity(books.Move, mock.Anything, mock.Anything).Return(activities.None{}, nil)
			r, err := x.run()
			require.NoError(t, err)
			require.Equal(t, tc.status, r.Status)
			require.Equal(t, tc.steps, x.steps)
		})
	}
}

func TestAStepIsTriedAgainAndAFinalRefusalReachesTheCaller(t *testing.T) {
	x := try(t, byEffect)
	tries := 0
	broken := payment.Problem{Code: payment.CodeChannel, Field: "choice.method", Text: "not offered"}
	x.env.OnActivity(books.Open, mock.Anything, mock.Anything).Return(func(context.Context, activities.OpenIn) (activities.OpenOut, error) {
		if tries++; tries < 3 {
			return activities.OpenOut{}, temporal.NewApplicationError("busy", activities.ErrTypeRetryable)
		}
		return activities.OpenOut{}, temporal.NewNonRetryableApplicationError("no", activities.ErrTypeProblem, nil, broken)
	})
	x.begins(0)
	_, err := x.run()
	require.Error(t, err)
	require.Equal(t, 3, tries)
	require.Empty(t, x.answers)
	require.Equal(t, broken, rule(x.refusal))
}

func TestAPaymentBeyondThisEngineFailsInSight(t *testing.T) {
	x := try(t, byEffect)
	x.works()
	x.request.Choice = payment.Choice{Method: payment.ByMixed, Scene: payment.Native, SelfPay: payment.WeChat, InsuranceAmount: money.Fen(3000), ECToken: "T"}
	x.begins(0)
	_, err := x.run()
	require.ErrorContains(t, err, "payments without trouble")
	require.ErrorContains(t, x.refusal, "payments without trouble")
	require.Empty(t, x.steps)

	x = try(t, byEffect)
	x.works()
	less := captured(merchantNo)
	less.Captured = money.Fen(4999)
	x.told(time.Second, less)
	_, err = x.run()
	require.ErrorContains(t, err, "another amount")
	require.Equal(t, append([]string{"Open"}, byEffect.charge...), x.steps)
}
