package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/workflows"
)

// chargedByALostTask lets a workflow task that was lost have asked WeChat Pay
// for the order, as its first attempt: the books and the channel have it, the
// workflow does not.
func (w *world) chargedByALostTask(d time.Duration) {
	w.after(d, func() {
		c := channel.Charge{HospitalID: hospitalOne, PaymentID: w.id(), OrderNo: orderOne, Attempt: 1, MerchantNo: orderOne + "A01",
			Channel: payment.WeChat, Scene: payment.Native, Amount: w.request.Order.Amount, CreatedAt: w.now(), ExpiresAt: w.now().Add(payment.DefaultWindow)}
		w.books.mu.Lock()
		w.books.attempts[1] = &fakeAttempt{Attempt: store.Attempt{Charge: c, State: channel.Open, Prepaid: true}}
		w.books.mu.Unlock()
		w.channels[payment.WeChat].set(func() {
			w.channels[payment.WeChat].charges[c.MerchantNo] = &fakeCharge{Charge: c, report: channel.Report{MerchantNo: c.MerchantNo, State: channel.Open}}
		})
	})
}

func TestAChargeOfALostTaskIsNotForgotten(t *testing.T) {
	pays := map[string]func(*world){
		"nobody pays":    func(*world) {},
		"paid and told":  func(w *world) { w.paysAt(20*time.Second, payment.WeChat, 1) },
		"paid in secret": func(w *world) { w.paysSilentlyAt(20*time.Second, payment.WeChat, 1) },
	}
	turns := map[string]struct {
		takes func(*world)
		end   payment.Status
		why   string
	}{
		"cancelled":                  {func(w *world) { w.at(30*time.Second, workflows.UpdateCancel, payment.Cancellation{}) }, payment.Closed, "cancelled"},
		"nobody proves who they are": {func(*world) {}, payment.Closed, "not_verified"},
		"another method": {func(w *world) {
			w.at(30*time.Second, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
			w.paysAt(time.Minute, payment.UnionPay, 2)
		}, payment.Completed, ""},
	}
	for paid, pays := range pays {
		for turn, tc := range turns {
			t.Run(paid+", "+turn, func(t *testing.T) {
				w := newWorld(t, by(payment.ByInsurance)) // which waits for a proof, with no attempt of its own
				w.chargedByALostTask(10 * time.Second)
				pays(w)
				tc.takes(w)
				w.ends(tc.end, tc.why)
				require.Zero(t, w.channels[payment.WeChat].held(), "what was paid by it goes back")
				if paid == "nobody pays" {
					require.Equal(t, channel.Closed, w.books.attempts[1].State, "and it is closed")
				}
			})
		}
	}
}

func TestMoneyThatALostTaskHasTakenGoesBackWithThePayment(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.chargedByALostTask(10 * time.Second)
	w.after(20*time.Second, func() {
		r := w.channels[payment.WeChat].captures(1)
		w.books.mu.Lock()
		defer w.books.mu.Unlock()
		a := w.books.attempts[1]
		a.State, a.Capture = channel.Captured, r
		a.captures = append(a.captures, &fakeCapture{report: r})
		w.books.status = payment.Paid
	})
	w.at(30*time.Second, workflows.UpdateCancel, payment.Cancellation{})
	w.ends(payment.Refunded, "cancelled")
	require.Zero(t, w.channels[payment.WeChat].held())
	require.NotEmpty(t, w.asked("his cancel"), "the lost task may have registered it")
}

func TestWhatIsToldOfAChargeBeforeItsRepeatCounts(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	w.verified()
	w.backend.down = true
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.after(5*time.Second, func() { // of the second attempt, which a lost task had made
		w.notify(channel.Report{MerchantNo: orderOne + "A02", State: channel.Captured, ChannelNo: "tx-" + orderOne + "A02", Captured: workflows.Fen(3000)})
	})
	w.after(11*time.Second, func() { w.channels[payment.Insurance].captures(2) })
	w.after(time.Hour, func() { w.backend.set(func() { w.backend.down = false }) })
	w.ends(payment.Completed, "")
	require.Len(t, w.books.attempts[2].captures, 1)
	require.EqualValues(t, 3000, w.channels[payment.Insurance].held())
}
