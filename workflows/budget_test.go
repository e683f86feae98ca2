package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// What a payment without trouble costs beyond its workflow tasks. A step inside
// the task is one marker in the history, a step on a queue three events and a
// task more; a timer and an attribute are one event each.
func TestAPaymentWithoutTroubleStaysWithinItsBudget(t *testing.T) {
	for _, tc := range []struct {
		name   string
		method payment.Method
		steps  int // markers
		timers int
		shows  int
	}{
		{"self-pay", payment.ByWeChat, 5, 1, 1},
		{"insurance", payment.ByInsurance, 6, 2, 1},
		{"mixed", payment.ByMixed, 8, 3, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, by(tc.method))
			w.begins()
			switch tc.method {
			case payment.ByWeChat:
				w.paysAt(10*time.Second, payment.WeChat, 1)
			case payment.ByInsurance:
				w.verified()
				w.paysAt(30*time.Second, payment.Insurance, 1)
			case payment.ByMixed:
				w.verified()
				w.paysAt(20*time.Second, payment.WeChat, 1)
				w.paysAt(40*time.Second, payment.Insurance, 2)
			}
			w.ends(payment.Completed, "")
			require.Len(t, w.seen.fast, tc.steps, "%v", w.seen.fast)
			require.Empty(t, w.seen.waited())
			require.LessOrEqual(t, len(w.seen.timers), tc.timers)
			require.Len(t, w.seen.shown, tc.shows, "%v", w.seen.shown)
		})
	}
}

func TestHoursOfWaitingAreOneActivity(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	w.verified()
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.paysSilentlyAt(3*time.Hour, payment.Insurance, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, []string{workflows.QueueOf(payment.Insurance) + " Watch"}, w.seen.waited())
	require.Greater(t, len(w.asked("insurance query")), 20)
	require.LessOrEqual(t, len(w.seen.timers), 4)
}
