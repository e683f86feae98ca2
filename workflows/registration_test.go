package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

func TestAHISThatRefusesReturnsEveryTenderTheLastFirst(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	w.his.refuses = his.CodeSlotGone
	w.verified()
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.paysAt(20*time.Second, payment.Insurance, 2)
	r := w.ends(payment.Refunded, his.CodeSlotGone)
	require.Empty(t, r.Voucher, "a void voucher is none")
	require.Empty(t, r.AppointmentID)
	require.Equal(t, his.CodeSlotGone, w.books.refusal)
	require.Equal(t, []string{"his register ORDER0001", "insurance refund ORDER0001R01 30.00", "wechat refund ORDER0001R02 20.00"},
		w.money())
	require.Equal(t, []string{"payment.refunded"}, w.backend.heard())
	require.Equal(t, []string{"refunding", "refunded"}, w.seen.shown)
}

func TestAHISThatIsDownIsWaitedForWithATemporaryVoucher(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.his.down = outage("his", "register")
	w.paysAt(10*time.Second, payment.WeChat, 1)
	var during workflows.Standing
	w.after(3*time.Hour, func() {
		during = w.standing()
		require.Equal(t, "paid", w.seen.attribute("PaymentStatus"))
		require.Contains(t, w.seen.details(w), "temporary voucher")
		w.his.set(func() { w.his.down = nil })
	})
	r := w.ends(payment.Completed, "")
	require.Equal(t, payment.Paid, during.Status)
	require.Equal(t, []string{"payment.paid", "payment.completed"}, w.backend.heard())
	require.True(t, w.backend.told[0].Data.Temporary)
	require.Equal(t, r.Voucher, w.backend.told[0].Data.Voucher, "the patient has it at once")
	require.False(t, w.backend.told[1].Data.Temporary)
	require.Equal(t, r.Voucher, w.backend.told[1].Data.Voucher)
	require.Less(t, w.backend.at[0].Sub(noon), time.Minute)
	require.Equal(t, []string{"regpay-his Register"}, w.seen.waited(), "one activity, however long")
	require.LessOrEqual(t, w.backend.at[1].Sub(noon), 3*time.Hour+3*time.Minute)
}

func TestACancellationDuringAnOutageOfTheHISReturnsTheMoneyAtOnce(t *testing.T) {
	for _, torn := range []bool{false, true} {
		name := map[bool]string{false: "between two tries", true: "in the middle of a try"}[torn]
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, by(payment.ByWeChat))
			w.seen.torn = torn
			w.his.down = outage("his", "register")
			w.paysAt(10*time.Second, payment.WeChat, 1)
			cancelled := w.at(time.Hour, workflows.UpdateCancel, payment.Cancellation{})
			w.after(3*time.Hour, func() {
				require.Zero(t, w.channels[payment.WeChat].held(), "a HIS that is down keeps nobody's money")
				require.Equal(t, payment.Refunded, w.standing().Status)
				w.his.set(func() { w.his.down, w.his.has = nil, true }) // a try got through after all
			})
			w.ends(payment.Refunded, "cancelled")
			require.Equal(t, payment.Refunding, cancelled.answered(t).Status)
			require.False(t, w.his.has, "the slot is given back once the HIS answers")
			require.Equal(t, []string{"payment.paid", "payment.refunded"}, w.backend.heard())
		})
	}
}

func TestACancellationThatMeetsTheRegistrationTakesItBack(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	// The answer of the HIS is lost, the repeat finds the registration there.
	w.his.trouble = []error{outage("his", "register"), outage("his", "register")}
	w.paysAt(10*time.Second, payment.WeChat, 1)
	cancelled := w.at(11*time.Second, workflows.UpdateCancel, payment.Cancellation{})
	w.ends(payment.Refunded, "cancelled")
	require.NoError(t, cancelled.err)
	require.False(t, w.his.has)
	require.Zero(t, w.channels[payment.WeChat].held())
}

func TestAPaidPaymentTakesNoOtherMethodAndARegisteredOneNoCancellation(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.his.down = outage("his", "register")
	w.paysAt(10*time.Second, payment.WeChat, 1)
	changed := w.at(time.Hour, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	same := w.at(90*time.Minute, workflows.UpdateChangeMethod, choice(payment.ByWeChat))
	w.after(2*time.Hour, func() {
		w.backend.set(func() { w.backend.down = true })
		w.his.set(func() { w.his.down = nil })
	})
	late := w.at(3*time.Hour, workflows.UpdateCancel, payment.Cancellation{})
	w.after(4*time.Hour, func() { w.backend.set(func() { w.backend.down = false }) })
	w.ends(payment.Completed, "")
	require.Equal(t, payment.CodeState, changed.problem(t))
	require.Equal(t, payment.CodeState, same.problem(t), "there is nothing left to pay by it")
	require.Equal(t, payment.CodeState, late.problem(t))
}

func TestABackendThatIsDownForDaysDoesNotKeepThePaymentOpen(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.backend.down = true
	w.paysAt(10*time.Second, payment.WeChat, 1)
	var status any
	w.after(time.Hour, func() { status = w.seen.attribute("PaymentStatus") })
	w.ends(payment.Completed, "")
	require.Equal(t, "registered", status, "an operator sees that it waits for the backend")
	require.Empty(t, w.backend.heard())
	require.Contains(t, w.timeline(), "backend not told")
	tries := len(w.asked("backend"))
	require.Greater(t, tries, 50)
	require.Less(t, tries, 150)
	require.LessOrEqual(t, w.now().Sub(noon), 73*time.Hour)
	require.Equal(t, []string{"regpay-backend Tell"}, w.seen.waited())
}

func TestABackendWhoseAddressIsNoAddressIsNotAskedForDays(t *testing.T) {
	r := by(payment.ByWeChat)
	r.CallbackURL = "https://booking.example/%zz"
	w := newWorld(t, r)
	w.paysAt(10*time.Second, payment.WeChat, 1)
	_, err := w.pay()
	require.Error(t, err, "the request's own check refuses it")
}

func TestTheBackendIsToldOfOneEndWhenTheTemporaryMessageIsStillOnItsWay(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.his.down = outage("his", "register")
	w.backend.down = true
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.after(2*time.Hour, func() { w.his.set(func() { w.his.down = nil }) })
	w.after(5*time.Hour, func() { w.backend.set(func() { w.backend.down = false }) })
	w.ends(payment.Completed, "")
	heard := w.backend.heard()
	require.Equal(t, "payment.completed", heard[len(heard)-1], "the last message is the last state")
	for _, what := range heard {
		require.Equal(t, "payment.completed", what, "what is old by now is not told")
	}
}

// money is what moved, and who was told of the registration, in order.
func (w *world) money() []string {
	var all []string
	for _, s := range w.asked("") {
		for _, p := range []string{"his ", "wechat refund", "unionpay refund", "insurance refund"} {
			if len(s) >= len(p) && s[:len(p)] == p {
				all = append(all, s)
			}
		}
	}
	return all
}
