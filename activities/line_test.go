package activities_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func registerIn() activities.RegisterIn {
	return activities.RegisterIn{PaymentID: "pay_1", Order: order(), PaidAt: noon, Voucher: "v-1"}
}

// hisSteps keeps one HIS over several tries, as a worker does.
func hisSteps(w *world) *activities.HIS {
	return &activities.HIS{Store: w, Hospitals: w, Clock: clock}
}

// requireStepsBack demands "not yet", and returns for how long.
func requireStepsBack(t *testing.T, err error) time.Duration {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.Equal(t, activities.ErrTypeUndecided, app.Type())
	require.False(t, app.NonRetryable())
	return app.NextRetryDelay()
}

func TestAPaymentAmongTheOldestAsksTheHIS(t *testing.T) {
	for _, ahead := range []int{0, 1, 7} {
		w := newWorld()
		w.line = store.Line{Ahead: ahead, First: noon.Add(-time.Hour)}
		h := hisSteps(w)
		_, err := local(t, h, h.Register, registerIn())
		require.NoError(t, err)
		require.Equal(t, []string{"register", "registered A-1"}, w.did)
		require.Equal(t, noon.Add(-15*time.Second), w.before, "who paid just now is not waited for")
	}
}

func TestAPaymentBehindOlderOnesStepsBack(t *testing.T) {
	for _, tc := range []struct {
		name  string
		since time.Duration // of the outage
		ahead int
		works bool // the HIS answered just now
		want  time.Duration
	}{
		{name: "at once after a hiccup", since: 16 * time.Second, ahead: 8, want: 4 * time.Second},
		{name: "longer the longer it is down", since: 4 * time.Minute, ahead: 8, want: time.Minute},
		{name: "never for longer than two minutes", since: 6 * time.Hour, ahead: 500, want: 2 * time.Minute},
		{name: "by its place when the HIS is back", since: 6 * time.Hour, ahead: 48, works: true, want: 5 * time.Second},
		{name: "the next one soon", since: 6 * time.Hour, ahead: 8, works: true, want: time.Second},
		{name: "the last one by and by", since: 6 * time.Hour, ahead: 500, works: true, want: 61500 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			h := hisSteps(w)
			if tc.works {
				_, err := local(t, h, h.Register, registerIn())
				require.NoError(t, err)
				w.did = nil
				h.Clock = later(time.Second)
			}
			w.line = store.Line{Ahead: tc.ahead, First: noon.Add(-tc.since)}
			for _, run := range []func() error{
				func() error { _, err := local(t, h, h.Register, registerIn()); return err },
				func() error { _, err := queued(t, h, h.Register, registerIn()); return err },
			} {
				require.Equal(t, tc.want, requireStepsBack(t, run()))
			}
			require.Empty(t, w.did, "the HIS is left alone")
		})
	}
}

func TestARefusalShowsThatTheHISIsBackToo(t *testing.T) {
	w := newWorld()
	h := hisSteps(w)
	w.errs["register"] = &payment.Failure{Kind: payment.Final, System: "his", Op: "register", Code: his.CodeSlotGone}
	_, err := local(t, h, h.Register, registerIn())
	require.True(t, activities.IsFinal(err))
	h.Clock = later(time.Second)
	w.line = store.Line{Ahead: 8, First: noon.Add(-time.Hour)}
	_, err = local(t, h, h.Register, registerIn())
	require.Equal(t, time.Second, requireStepsBack(t, err))
}

func later(d time.Duration) activities.Clock { return func() time.Time { return noon.Add(d) } }

// On a busy morning a line that is short is looked at once a second; a HIS that
// does not answer makes it worth a look at once.
func TestALineThatWasShortAMomentAgoIsNotLookedAtAgain(t *testing.T) {
	old := registerIn()
	old.PaidAt = noon.Add(-time.Minute)
	elsewhere := registerIn()
	elsewhere.Order.HospitalID = "h-two"
	for name, tc := range map[string]struct {
		first activities.RegisterIn
		fails error
		again activities.RegisterIn
		after time.Duration
		looks bool
	}{
		"within the second":                        {first: registerIn(), again: registerIn(), after: 999 * time.Millisecond},
		"a second later":                           {first: registerIn(), again: registerIn(), after: time.Second, looks: true},
		"of another hospital":                      {first: registerIn(), again: elsewhere, looks: true},
		"after one that stands at the line's head": {first: old, again: registerIn(), looks: true},
		"when the HIS gave no answer since":        {first: registerIn(), fails: timeout(), again: registerIn(), looks: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			h := hisSteps(w)
			w.errs["register"] = tc.fails
			_, err := local(t, h, h.Register, tc.first)
			require.Equal(t, tc.fails == nil, err == nil)
			w.errs["register"] = nil
			w.line = store.Line{Ahead: 8, First: noon.Add(-time.Hour)}
			h.Clock = later(tc.after)
			_, err = local(t, h, h.Register, tc.again)
			if tc.looks {
				requireStepsBack(t, err)
				return
			}
			require.NoError(t, err)
		})
	}
}

// An outage that begins just after an answer is one from its first call on.
func TestACallWithoutAnAnswerShowsThatTheHISIsAway(t *testing.T) {
	w := newWorld()
	h := hisSteps(w)
	for _, err := range []error{nil, timeout()} {
		w.errs["register"] = err
		_, _ = local(t, h, h.Register, registerIn())
	}
	w.line = store.Line{Ahead: 8, First: noon.Add(-time.Minute)}
	_, err := local(t, h, h.Register, registerIn())
	require.Equal(t, 15*time.Second, requireStepsBack(t, err))
}

// Eight registrations that the HIS chokes on are no reason to never ask it for
// another one.
func TestEveryEighthTryGoesOutOfTurnWhileTheHISDoesNotAnswer(t *testing.T) {
	w := &looks{world: newWorld()}
	w.line = store.Line{Ahead: 100, First: noon.Add(-time.Hour)}
	w.errs["register"] = timeout()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	env := suite.NewTestWorkflowEnvironment()
	h := &activities.HIS{Store: w, Hospitals: w, Clock: clock}
	env.RegisterActivity(h)
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute,
			RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 17}})
		if err := workflow.ExecuteActivity(ctx, h.Register, registerIn()).Get(ctx, nil); err != nil || w.looked != 16 {
			return errors.Join(err, fmt.Errorf("at look %d", w.looked))
		}
		// Now it works, and the order counts for all seventeen tries of the next.
		return workflow.ExecuteActivity(ctx, h.Register, registerIn()).Get(ctx, nil)
	})
	require.ErrorContains(t, env.GetWorkflowError(), "behind 100 older ones")
	require.Equal(t, 16+17, w.looked)
	require.Equal(t, []string{"register", "register", "registered A-1"}, w.did, "at the 8th try, and at the 16th")
}

// looks counts how often a payment looked for its place; the HIS works from the
// tenth look on.
type looks struct {
	*world
	looked int
}

func (l *looks) LineBefore(ctx context.Context, id string, before time.Time) (store.Line, error) {
	if l.looked++; l.looked == 10 {
		l.errs["register"] = nil
	}
	return l.world.LineBefore(ctx, id, before)
}

func TestWithoutTheBooksNobodyKnowsTheLine(t *testing.T) {
	w := newWorld()
	w.errs["line"] = timeout()
	h := hisSteps(w)
	_, err := local(t, h, h.Register, registerIn())
	require.Error(t, err)
	require.False(t, activities.IsFinal(err))
	require.Empty(t, w.did)
}
