package tutorial

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// plays plays a payment without a mock of any step.
func plays(t *testing.T, c cutting, w *world) *trial {
	x := try(t, c, w.steps()...)
	x.told(time.Minute, captured(merchantNo))
	r, err := x.run()
	require.NoError(t, err)
	require.Equal(t, payment.Completed, r.Status)
	require.Equal(t, "a-1", r.AppointmentID)
	return x
}

func words(did []string) (all []string) {
	for _, d := range did {
		word, _, _ := strings.Cut(d, " ")
		all = append(all, word)
	}
	return all
}

func TestBothCutsWriteAndSendTheVerySame(t *testing.T) {
	eight, regpays := newWorld(), newWorld()
	require.Len(t, plays(t, byEffect, eight).steps, 8)
	require.Len(t, plays(t, asRegpay, regpays).steps, 5)
	require.Equal(t, []string{"open", "begin", "prepay", "save", "capture", "register", "registered", "callback", "complete"}, words(eight.did))
	require.Equal(t, regpays.did, eight.did)
}

func TestOnlyTheActionThatFailedIsRepeatedAndTheChannelIsToldOfIt(t *testing.T) {
	w := newWorld()
	lost := &payment.Failure{Kind: payment.Uncertain, System: "wechat", Op: "prepay", Code: "timeout"}
	away := &payment.Failure{Kind: payment.Retryable, System: "his", Op: "register", Code: "503"}
	w.errs["prepay"] = []error{lost, lost}
	w.errs["save"] = []error{errors.New("connection reset")}
	w.errs["register"] = []error{away}
	w.errs["registered"] = []error{errors.New("connection reset")}
	plays(t, byEffect, w)
	require.Equal(t, []string{"open", "begin", "prepay", "prepay", "prepay", "save", "save", "capture",
		"register", "register", "registered", "registered", "callback", "complete"}, words(w.did))
	for i, repeat := range []string{"false", "true", "true"} {
		require.True(t, strings.HasSuffix(w.did[2+i], ","+repeat+`,""]`), w.did[2+i])
	}
}

func TestAnErrorIsJudgedAsRegpayJudgesIt(t *testing.T) {
	for name, tc := range map[string]struct {
		where string // in the world
		err   error
		final bool
	}{
		"the channel refuses":              {"prepay", &payment.Failure{Kind: payment.Final, System: "wechat", Op: "prepay", Code: "NO_AUTH"}, true},
		"the channel is busy":              {"prepay", &payment.Failure{Kind: payment.Retryable, System: "wechat", Op: "prepay", Code: "BUSY"}, false},
		"the channel's answer is lost":     {"prepay", &payment.Failure{Kind: payment.Uncertain, System: "wechat", Op: "prepay"}, false},
		"a rule of the client refuses":     {"prepay", payment.Problem{Code: payment.CodeChannel, Field: "choice.scene", Text: "no"}, true},
		"the number is another charge's":   {"begin", fmt.Errorf("attempt 1: %w", store.ErrConflict), true},
		"the payment is over":              {"begin", fmt.Errorf("begin: %w", store.ErrTransition), true},
		"the database is away":             {"begin", errors.New("connection refused"), false},
		"the answer cannot be kept":        {"save", errors.New("connection reset"), false},
		"the HIS refuses":                  {"register", &payment.Failure{Kind: payment.Final, System: "his", Op: "register", Code: "slot_gone"}, true},
		"the HIS is away":                  {"register", &payment.Failure{Kind: payment.Retryable, System: "his", Op: "register"}, false},
		"it has another appointment":       {"registered", fmt.Errorf("registered: %w", store.ErrConflict), true},
		"the registration cannot be noted": {"registered", errors.New("connection reset"), false},
	} {
		t.Run(name, func(t *testing.T) {
			want := failure(t, tc.where, tc.err, compound)
			got := failure(t, tc.where, tc.err, bySteps)
			require.Equal(t, tc.final, got.NonRetryable())
			require.Equal(t, want.NonRetryable(), got.NonRetryable())
			require.Equal(t, want.Type(), got.Type())
			require.Equal(t, want.Message(), got.Message())
			require.Equal(t, rule(want), rule(got), "what the caller is told")
		})
	}
}

// perform runs one activity as Temporal would, once.
type perform func(activity, in any) error

// failure is the error that a cut makes of a failure in the world.
func failure(t *testing.T, where string, err error, do func(perform) error) *temporal.ApplicationError {
	w := newWorld()
	w.errs[where] = []error{err}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	for _, s := range w.steps() {
		env.RegisterActivity(s)
	}
	failed := do(func(activity, in any) error {
		_, err := env.ExecuteActivity(activity, in)
		return err
	})
	var app *temporal.ApplicationError
	require.ErrorAs(t, failed, &app)
	return app
}

var paidOrder = activities.RegisterIn{PaymentID: "pay_1", Order: request().Order, PaidAt: noon, Voucher: "v-1"}

func wantedCharge() activities.ChargeIn {
	return activities.ChargeIn{PaymentID: "pay_1", Order: request().Order, Choice: request().Choice,
		Tender: request().Choice.Tenders(request().Order.Amount)[0], Attempt: attempt, CreatedAt: noon, Next: payment.AwaitingPayment}
}

func compound(do perform) error {
	if err := do(channels.Charge, wantedCharge()); err != nil {
		return err
	}
	return do(hospital.Register, paidOrder)
}

func bySteps(do perform) error {
	charge := chargeOf(wantedCharge())
	for _, step := range []struct{ activity, in any }{
		{single.WriteAttempt, AttemptIn{Charge: charge, Next: payment.AwaitingPayment}},
		{single.Prepay, charge},
		{single.SavePrepaid, PrepaidIn{PaymentID: "pay_1", Attempt: attempt, Prepaid: channel.Prepaid{Handle: "h"}}},
		{single.RegisterInHIS, registrationOf(paidOrder)},
		{single.RecordRegistered, RegisteredIn{PaymentID: "pay_1"}},
	} {
		if err := do(step.activity, step.in); err != nil {
			return err
		}
	}
	return nil
}

func TestASteppingDownWorkerIsNoFailureOfTheAction(t *testing.T) {
	require.ErrorIs(t, boundary(fmt.Errorf("save: %w", context.Canceled)), context.Canceled)
	require.NoError(t, boundary(nil))
}
