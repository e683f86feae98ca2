package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

func TestAPaymentThatNobodyPaysIsClosedAtTheChannelAndThenEnds(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	begun := w.begins()
	w.ends(payment.Closed, "expired")
	require.Equal(t, noon.Add(payment.DefaultWindow), begun.answered(t).PayBy)
	require.Equal(t, []string{"wechat close ORDER0001A01"}, w.asked("wechat close"))
	require.Equal(t, channel.Closed, w.books.attempts[1].State)
	require.GreaterOrEqual(t, w.backend.at[0].Sub(noon), payment.DefaultWindow)
	require.Equal(t, []string{"payment.closed"}, w.backend.heard())
	require.Greater(t, len(w.asked("wechat query")), 3, "it was asked meanwhile")
}

func TestACaptureThatTheCloseFindsCompletesThePayment(t *testing.T) {
	w := newWorld(t, by(payment.ByUnionPay))
	w.channels[payment.UnionPay].down["query"] = outage("unionpay", "query")
	w.paysSilentlyAt(14*time.Minute+55*time.Second, payment.UnionPay, 1)
	w.ends(payment.Completed, "")
	require.Len(t, w.asked("unionpay close"), 1)
	require.Empty(t, w.asked("unionpay refund"))
}

func TestAChannelThatCannotCloseYetIsAskedUntilItCan(t *testing.T) {
	w := newWorld(t, by(payment.ByUnionPay))
	w.channels[payment.UnionPay].sticky = true
	w.after(20*time.Minute, func() { w.channels[payment.UnionPay].set(func() { w.channels[payment.UnionPay].sticky = false }) })
	w.ends(payment.Closed, "expired")
	require.GreaterOrEqual(t, w.backend.at[0].Sub(noon), 20*time.Minute)
	require.Contains(t, w.seen.waited(), workflows.QueueOf(payment.UnionPay)+" Close")
}

func TestACaptureToldWhileTheCloseIsWaitedForCountsAtOnce(t *testing.T) {
	w := newWorld(t, by(payment.ByUnionPay))
	w.channels[payment.UnionPay].sticky = true
	w.paysAt(25*time.Minute, payment.UnionPay, 1)
	w.ends(payment.Completed, "")
	require.Less(t, w.backend.at[0].Sub(noon), 26*time.Minute)
}

func TestACloseThatIsRefusedIsTriedAgainAndNotInAHurry(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	no := refusal("wechat", "close", "SIGN_ERROR")
	w.channels[payment.WeChat].trouble["close"] = []error{no, no, no}
	// A word that is no capture must not turn the waiting into a busy loop.
	w.saysAt(time.Minute, payment.WeChat, 1, channel.Closed, "CLOSED")
	w.ends(payment.Closed, "expired")
	require.Len(t, w.asked("wechat close"), 4)
	require.GreaterOrEqual(t, w.backend.at[0].Sub(noon), 15*time.Minute)
}

func TestAChargeWhoseReplyWasLostIsAskedForAgainUnderTheSameNumber(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.channels[payment.WeChat].lost = 1
	begun := w.begins()
	w.paysAt(time.Minute, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	require.Equal(t, []string{"wechat prepay ORDER0001A01", "wechat prepay again ORDER0001A01"}, w.asked("wechat prepay"))
	require.Equal(t, "regpay-wechat Charge", w.seen.waited()[0])
	require.NotNil(t, begun.answered(t).Tender)
}

func TestEverySystemInTroubleIsWaitedForOnItsOwnQueue(t *testing.T) {
	twice := func(err error) []error { return []error{err, err} }
	for _, tc := range []struct {
		step string
		harm func(*world)
	}{
		{"regpay-books Open", func(w *world) { w.books.trouble["OpenPayment"] = twice(outage("books", "open")) }},
		{"regpay-unionpay Charge", func(w *world) { w.channels[payment.UnionPay].trouble["prepay"] = twice(busy("unionpay", "prepay")) }},
		{"regpay-unionpay Charge", func(w *world) { w.books.trouble["BeginAttempt"] = twice(outage("books", "begin")) }},
		{"regpay-books Settle", func(w *world) { w.books.trouble["RecordCapture"] = twice(outage("books", "capture")) }},
		{"regpay-his Register", func(w *world) { w.his.trouble = twice(busy("his", "register")) }},
		{"regpay-his Register", func(w *world) { w.books.trouble["RecordRegistered"] = twice(outage("books", "registered")) }},
		{"regpay-backend Tell", func(w *world) { w.books.trouble["Payment"] = twice(outage("books", "payment")) }},
	} {
		t.Run(tc.step, func(t *testing.T) {
			w := newWorld(t, by(payment.ByUnionPay))
			tc.harm(w)
			w.paysAt(time.Minute, payment.UnionPay, 1)
			w.ends(payment.Completed, "")
			require.Contains(t, w.seen.waited(), tc.step)
			require.EqualValues(t, 5000, w.channels[payment.UnionPay].held())
			require.True(t, w.his.has)
		})
	}
}

func TestBooksThatAreDownForAllOfTheTimeLeaveNothingBehind(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.books.trouble["BeginAttempt"] = make([]error, 100)
	for i := range w.books.trouble["BeginAttempt"] {
		w.books.trouble["BeginAttempt"][i] = outage("books", "begin")
	}
	w.ends(payment.Closed, "declined")
	require.Empty(t, w.asked("wechat"), "an attempt that is not on disk was never asked for (I5)")
}

func TestAPatientChangesAwayFromAChannelThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.channels[payment.WeChat].down["prepay"] = outage("wechat", "prepay")
	w.channels[payment.WeChat].down["prepay again"] = outage("wechat", "prepay")
	changed := w.at(5*time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	w.paysAt(6*time.Minute, payment.UnionPay, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.AwaitingPayment, changed.answered(t).Status)
	require.Equal(t, channel.Absent, w.books.attempts[1].State)
}

func TestAChangeThatComesInTheMiddleOfATryWaitsForIt(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.seen.torn = true
	w.channels[payment.WeChat].down["prepay"] = outage("wechat", "prepay")
	w.channels[payment.WeChat].down["prepay again"] = outage("wechat", "prepay")
	changed := w.at(5*time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	w.paysAt(6*time.Minute, payment.UnionPay, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.AwaitingPayment, changed.answered(t).Status)
}

func TestAChannelThatIsWithdrawnUnderwayLeavesTimeForAnotherMethod(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.verified()
	w.books.trouble["OpenPayment"] = []error{outage("books", "open"), outage("books", "open")}
	w.after(500*time.Millisecond, func() {})
	w.books.trouble["BeginAttempt"] = []error{payment.Problem{Code: payment.CodeChannel, Text: "not offered"}}
	changed := w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	w.paysAt(2*time.Minute, payment.UnionPay, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.AwaitingPayment, changed.answered(t).Status)
}

func TestAnAmountThatDiffersIsReturned(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.after(time.Minute, func() {
		c := w.channels[payment.WeChat]
		c.mu.Lock()
		r := c.capturesOf(c.charges[orderOne+"A01"], workflows.Fen(4999))
		c.mu.Unlock()
		w.notify(r)
	})
	r := w.ends(payment.Refunded, "amount_differs")
	require.Empty(t, r.Voucher)
	require.Empty(t, w.asked("his"))
	require.Equal(t, []string{"wechat refund ORDER0001R01 49.99"}, w.asked("wechat refund"))
}

func TestTheTimeToPayNeverOutlivesTheSlot(t *testing.T) {
	r := by(payment.ByWeChat)
	r.Order.Slot.StartsAt = noon.Add(4 * time.Minute)
	w := newWorld(t, r)
	begun := w.begins()
	w.ends(payment.Closed, "expired")
	require.Equal(t, noon.Add(4*time.Minute), begun.answered(t).PayBy)
}
