package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// A channel that cannot close an order: it stops taking a payment by itself.
func unclosable(t *testing.T, until time.Duration) *world {
	w := newWorld(t, by(payment.ByUnionPay))
	unionpay := w.channels[payment.UnionPay]
	unionpay.sticky = true
	w.after(until, func() { unionpay.set(func() { unionpay.sticky = false }) })
	return w
}

func TestAPatientWhoCancelsDoesNotWaitForAChannelThatCannotClose(t *testing.T) {
	w := unclosable(t, 15*time.Minute)
	cancelled := w.at(time.Minute, workflows.UpdateCancel, payment.Cancellation{})
	w.ends(payment.Closed, "cancelled")
	require.Equal(t, payment.Closed, cancelled.answered(t).Status)
	require.Less(t, cancelled.reply.at.Sub(noon), time.Minute+5*time.Second)
	require.Less(t, w.backend.at[0].Sub(noon), 2*time.Minute)
	require.Contains(t, w.seen.waited(), workflows.QueueOf(payment.UnionPay)+" Close", "the attempt is watched all the same")
}

func TestWhatIsPaidAfterACancellationGoesBackAlsoWithoutANotification(t *testing.T) {
	for name, pays := range map[string]func(*world){
		"notified": func(w *world) { w.paysAt(5*time.Minute, payment.UnionPay, 1) },
		"silent":   func(w *world) { w.paysSilentlyAt(5*time.Minute, payment.UnionPay, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			w := unclosable(t, 15*time.Minute)
			w.at(time.Minute, workflows.UpdateCancel, payment.Cancellation{})
			pays(w)
			w.ends(payment.Closed, "cancelled")
			require.Zero(t, w.channels[payment.UnionPay].held())
			require.Len(t, w.asked("unionpay refund"), 1, "and it goes back once")
		})
	}
}

func TestWhoPaysByBothMethodsHasTheEarlierOneReturned(t *testing.T) {
	w := unclosable(t, 15*time.Minute)
	changed := w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByWeChat))
	w.paysAt(2*time.Minute, payment.WeChat, 2)
	w.paysSilentlyAt(3*time.Minute, payment.UnionPay, 1)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.ByWeChat, changed.answered(t).Method)
	require.Less(t, changed.reply.at.Sub(noon), time.Minute+5*time.Second)
	require.Zero(t, w.channels[payment.UnionPay].held())
	require.Positive(t, w.channels[payment.WeChat].held())
	require.Equal(t, []string{"payment.completed"}, w.backend.heard())
}

func TestAPatientTurnsAwayFromAChannelThatIsDown(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	wechat := w.channels[payment.WeChat]
	w.after(30*time.Second, func() { wechat.set(func() { wechat.down["close"] = outage("wechat", "close") }) })
	changed := w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	w.after(time.Hour, func() { wechat.set(func() { delete(wechat.down, "close") }) })
	w.paysAt(2*time.Minute, payment.UnionPay, 2)
	w.ends(payment.Completed, "")
	require.Less(t, changed.reply.at.Sub(noon), time.Minute+20*time.Second)
	require.Equal(t, payment.ByUnionPay, changed.answered(t).Method)
	require.Equal(t, "closed", string(w.books.attempts[1].State), "it was closed when the channel was back")
}
