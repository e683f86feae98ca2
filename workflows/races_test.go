package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// Two things that happen at once, each race with a test of its name:
//
//   - paid while closing: TestPaidWhileClosing here,
//     TestACaptureThatTheCloseFindsCompletesThePayment,
//     TestACaptureToldWhileTheCloseIsWaitedForCountsAtOnce,
//     TestANotificationDuringTheCloseCountsWhateverTheChannelAnswers
//   - paid while changing method: TestPaidWhileChangingMethod here,
//     TestAChangeThatMeetsACaptureIsRefusedAndTheCaptureCounts
//   - two channels paid: TestTwoChannelsPaid here,
//     TestWhoPaysByBothMethodsHasTheEarlierOneReturned
//   - a notification before the prepay's reply:
//     TestANotificationBeforeThePrepaysReply here
//   - a notification after the end: TestANotificationAfterTheEnd here,
//     TestANotificationThatComesWithTheLastStepIsNotLost,
//     TestMoneyThatComesAfterEverythingIsReturnedByAWorkflowOfItsOwn
//   - a refund asked while clearing:
//     TestARefundReservedWhileClearingIsNotReturnedTwice here; the API refuses
//     it, see TestARefundAskedWhileThePaymentIsUnderWayIsRefused there

// The patient pays in the moment in which the time is over: the close finds it,
// the notification tells it, in either order, and it counts once.
func TestPaidWhileClosing(t *testing.T) {
	for name, told := range map[string]time.Duration{"told before the close is answered": 0, "told after it": 10 * time.Second, "never told": -1} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, by(payment.ByWeChat))
			wechat := w.channels[payment.WeChat]
			w.backend.down = true
			w.after(payment.DefaultWindow+time.Hour, func() { w.backend.set(func() { w.backend.down = false }) })
			closes := 0
			wechat.closing = func() {
				if closes++; closes > 1 {
					return
				}
				r := wechat.captures(1)
				if told == 0 {
					w.env.SignalWorkflowSkippingWorkflowTask(workflows.SignalChannelEvent, channel.Event{ID: "n", Charge: &r})
				} else if told > 0 {
					w.after(told, func() { w.notify(r) })
				}
			}
			w.ends(payment.Completed, "")
			require.Len(t, w.books.attempts[1].captures, 1)
			require.Empty(t, w.asked("wechat refund"))
			require.Equal(t, 1, w.seen.tried("Settle"))
		})
	}
}

// The patient pays the old charge while it is closed for the new one: the money
// counts, the change is refused, and the new channel is not asked.
func TestPaidWhileChangingMethod(t *testing.T) {
	for name, before := range map[string]bool{"told with the wish": true, "told while it closes": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, by(payment.ByWeChat))
			wechat := w.channels[payment.WeChat]
			pay := func() {
				r := wechat.captures(1)
				w.env.SignalWorkflowSkippingWorkflowTask(workflows.SignalChannelEvent, channel.Event{ID: "n", Charge: &r})
			}
			if before {
				w.after(time.Minute-time.Nanosecond, pay)
			} else {
				wechat.closing = pay
			}
			changed := w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
			w.ends(payment.Completed, "")
			require.Equal(t, payment.CodeState, changed.problem(t))
			require.Empty(t, w.asked("unionpay"))
			require.Empty(t, w.asked("wechat refund"))
			require.EqualValues(t, 5000, wechat.held())
		})
	}
}

// Both the charge that was left and the one that took its place are paid, and
// the two words come together: one counts, the other one goes back.
func TestTwoChannelsPaid(t *testing.T) {
	for name, order := range map[string][]payment.Channel{
		"the old one told first": {payment.UnionPay, payment.WeChat}, "the new one told first": {payment.WeChat, payment.UnionPay},
	} {
		t.Run(name, func(t *testing.T) {
			w := unclosable(t, 15*time.Minute)
			w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByWeChat))
			w.after(3*time.Minute, func() {
				attempts := map[payment.Channel]int{payment.UnionPay: 1, payment.WeChat: 2}
				for _, ch := range order {
					r := w.channels[ch].captures(attempts[ch])
					w.env.SignalWorkflowSkippingWorkflowTask(workflows.SignalChannelEvent, channel.Event{ID: string(ch), Charge: &r})
				}
				w.notify(channel.Report{MerchantNo: "x", State: channel.Open}) // both are heard in one task
			})
			w.ends(payment.Completed, "")
			require.Zero(t, w.channels[payment.UnionPay].held())
			require.EqualValues(t, 5000, w.channels[payment.WeChat].held())
			require.Len(t, w.asked("unionpay refund"), 1)
			require.Len(t, w.asked("his register"), 1)
		})
	}
}

// The channel executed the charge and its reply is lost or late; the patient,
// whose app had the payment from the channel, has paid meanwhile.
func TestANotificationBeforeThePrepaysReply(t *testing.T) {
	for name, harm := range map[string]func(*fakeChannel){
		"the reply is lost once": func(f *fakeChannel) { f.lost = 1 },
		"every reply is lost":    func(f *fakeChannel) { f.lost, f.down["query"] = 1000, outage(string(f.name), "query") },
	} {
		for _, method := range []payment.Method{payment.ByWeChat, payment.ByInsurance} {
			t.Run(name+", "+string(method), func(t *testing.T) {
				w := newWorld(t, by(method))
				ch := w.channels[payment.Channel(method)]
				harm(ch)
				asked := time.Duration(0)
				if method == payment.ByInsurance {
					w.verified()
					asked = time.Second
				}
				w.after(asked+500*time.Millisecond, func() { w.notify(ch.captures(1)) })
				w.ends(payment.Completed, "")
				require.Less(t, w.backend.at[0].Sub(noon), time.Minute, "the word is enough")
				require.Len(t, w.books.attempts, 1)
				require.Len(t, w.books.attempts[1].captures, 1)
				require.Empty(t, w.asked(string(method)+" refund"))
				require.Empty(t, w.books.openCases())
			})
		}
	}
}

// The payment is over; its last step is still being told to the backend when
// the old channel's money comes in, and once more after that.
func TestANotificationAfterTheEnd(t *testing.T) {
	for name, end := range map[string]struct {
		prepare func(*world)
		status  payment.Status
		reason  string
	}{
		"closed":    {func(*world) {}, payment.Closed, "expired"},
		"cancelled": {func(w *world) { w.at(time.Minute, workflows.UpdateCancel, payment.Cancellation{}) }, payment.Closed, "cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, by(payment.ByWeChat))
			wechat := w.channels[payment.WeChat]
			w.backend.down = true
			end.prepare(w)
			w.after(2*time.Hour, func() {
				require.Equal(t, end.status, w.books.status)
				r := wechat.captures(1)
				w.notify(r)
				w.notify(r)
			})
			w.after(3*time.Hour, func() { w.backend.set(func() { w.backend.down = false }) })
			w.ends(end.status, end.reason)
			require.Zero(t, wechat.held())
			require.Len(t, w.asked("wechat refund"), 1, "it goes back once")
			require.Empty(t, w.asked("his register"))
		})
	}
}

// The registration is through when the wish is heard, and may have completed the
// payment already.
func TestACancellationWhileTheHISRegistersTakesAllOfItBack(t *testing.T) {
	for name, url := range map[string]string{"a backend to be told": "https://booking.example/paid", "none": ""} {
		t.Run(name, func(t *testing.T) {
			r := by(payment.ByWeChat)
			r.CallbackURL = url
			w := newWorld(t, r)
			var cancelled *reply
			w.his.during = func() { cancelled = w.update(workflows.UpdateCancel, payment.Cancellation{}) }
			w.paysAt(10*time.Second, payment.WeChat, 1)
			w.ends(payment.Refunded, "cancelled")
			require.NoError(t, cancelled.err)
			require.False(t, w.his.has)
			require.Zero(t, w.channels[payment.WeChat].held())
			require.Contains(t, w.books.path, payment.Registered)
			require.Equal(t, url == "", slices.Contains(w.books.path, payment.Completed))
		})
	}
}

// A refund of the part that is in, reserved while the insurance clears: the API
// lets none in, but were one there, the payment's own end returns the rest and
// nothing twice.
func TestARefundReservedWhileClearingIsNotReturnedTwice(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	w.verified()
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.after(20*time.Second, func() {
		require.Equal(t, payment.Clearing, w.books.status)
		reserveAndReturn(t, w, 1, 700)
	})
	w.at(30*time.Second, workflows.UpdateCancel, payment.Cancellation{})
	w.ends(payment.Refunded, "cancelled")
	require.Zero(t, w.channels[payment.WeChat].held())
	require.Equal(t, []string{"wechat refund ORDER0001R01 7.00", "wechat refund ORDER0001R02 13.00"}, w.asked("wechat refund"))
}
