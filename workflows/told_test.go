package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

func TestAPaymentTellsItsProcessTheFirstAnswer(t *testing.T) {
	for _, tc := range []struct {
		method payment.Method
		status payment.Status
	}{
		{payment.ByWeChat, payment.AwaitingPayment},
		{payment.ByMixed, payment.Verifying},
	} {
		t.Run(string(tc.method), func(t *testing.T) {
			w := newWorld(t, by(tc.method))
			begun := w.begins()
			if tc.method == payment.ByMixed {
				w.verified()
				w.paysAt(40*time.Second, payment.Insurance, 2)
			}
			w.paysAt(20*time.Second, payment.WeChat, 1)
			w.ends(payment.Completed, "")
			require.Len(t, w.told, 1, "the first one alone")
			require.Equal(t, begun.answered(t), w.told[0].Answer, "what Temporal tells")
			require.Equal(t, tc.status, w.told[0].Answer.Status)
		})
	}
}

func TestTemporalAloneTellsOfAPaymentThatStaffLookAtFirst(t *testing.T) {
	w := reviewed(t)
	w.at(2*time.Minute, workflows.UpdateCancel, payment.Cancellation{})
	w.ends(payment.Closed, "cancelled")
	require.Equal(t, []*workflows.Outcome{nil}, w.told)
}

func TestAPaymentThatNeverCameIntoBeingSaysWhy(t *testing.T) {
	w := newWorld(t, by(payment.ByUnionPay))
	w.channels[payment.UnionPay].withdrawn.Store(true)
	_, err := w.pay()
	require.Error(t, err)
	require.Len(t, w.told, 1)
	problem, ok := activities.AsProblem(w.told[0].Err)
	require.True(t, ok, "%v", w.told[0].Err)
	require.Equal(t, payment.CodeChannel, problem.Code)
}
