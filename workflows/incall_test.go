package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// settlesInCall makes the insurance settle, and confirm it, before it answers
// the request to charge.
func (w *world) settlesInCall() *fakeChannel {
	insurance := w.channels[payment.Insurance]
	insurance.settling = func(c *fakeCharge) { insurance.capturesOf(c, c.Amount) }
	return insurance
}

func TestAnInsuranceThatSettlesInTheCallIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	insurance := w.settlesInCall()
	w.verified()
	w.paysAt(30*time.Second, payment.WeChat, 1)
	var after workflows.Standing
	w.after(40*time.Second, func() { after = w.standing() })
	// The payment is still there to hear of the settlement once more, and again.
	w.backend.down = true
	w.after(time.Hour, func() {
		var r channel.Report
		insurance.set(func() { r = insurance.charges[orderOne+"A02"].report })
		w.notify(r)
		w.notify(r)
	})
	w.after(2*time.Hour, func() { w.backend.set(func() { w.backend.down = false }) })
	r := w.ends(payment.Completed, "")
	require.Equal(t, payment.Registered, after.Status, "sooner than anybody would look")
	require.Equal(t, "voucher-1", r.Voucher)
	require.Equal(t, []payment.Status{payment.Verifying, payment.AwaitingPayment, payment.Clearing, payment.Paid, payment.Registered, payment.Completed}, w.books.path)
	require.Equal(t, []string{"insurance prepay ORDER0001A02"}, w.asked("insurance"), "neither looked for nor returned")
	require.Equal(t, []string{"wechat prepay ORDER0001A01"}, w.asked("wechat"))
	require.Len(t, w.books.attempts[2].captures, 1)
	require.Len(t, w.asked("his register"), 1)
	require.EqualValues(t, 3000, insurance.held())
	require.Empty(t, w.books.reasons())
}

func TestAnInsuranceThatSettlesInTheCallCostsNoTimer(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	w.settlesInCall()
	w.begins()
	w.verified()
	w.paysAt(20*time.Second, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	require.Equal(t, []string{"Open", "Check", "Charge", "Settle", "Charge", "Register", "Tell"}, w.seen.fast, "the insurance's money is booked with its answer")
	require.Empty(t, w.seen.waited())
	require.LessOrEqual(t, len(w.seen.timers), 2, "the proof's and the patient's")
	require.Less(t, w.backend.at[0].Sub(noon), 30*time.Second)
}

func TestAPatientWhoseInsuranceSettlesInTheCallHasTheRegistrationWithTheProof(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	insurance := w.settlesInCall()
	proved := w.verified()
	w.ends(payment.Completed, "")
	require.Equal(t, payment.Registered, proved.answered(t).Status)
	require.Less(t, w.backend.at[0].Sub(noon), 30*time.Second)
	require.EqualValues(t, 5000, insurance.held())
}

// The notice of a settlement within the call can overtake the call's reply.
func TestANoticeThatOvertakesASettlementInTheCallCountsOnce(t *testing.T) {
	for name, lost := range map[string]int{"the reply comes": 0, "the reply is lost": 1} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, by(payment.ByMixed))
			insurance := w.channels[payment.Insurance]
			insurance.lost = lost
			insurance.settling = func(c *fakeCharge) {
				r := insurance.capturesOf(c, c.Amount)
				w.env.SignalWorkflowSkippingWorkflowTask(workflows.SignalChannelEvent, channel.Event{ID: "n", Charge: &r})
			}
			w.verified()
			w.paysAt(10*time.Second, payment.WeChat, 1)
			w.ends(payment.Completed, "")
			require.Len(t, w.books.attempts, 2)
			require.Len(t, w.books.attempts[2].captures, 1)
			require.Equal(t, 1+lost, w.seen.tried("Settle"), "the patient's, and what did not come with the reply")
			require.EqualValues(t, 3000, insurance.held())
			require.Empty(t, w.asked("insurance refund"))
			require.Empty(t, w.books.reasons())
		})
	}
}

// Where the books do not take the money with the reply, they are asked again.
func TestASettlementInTheCallIsBookedByItsOwnStepWhereItHasTo(t *testing.T) {
	for _, method := range []payment.Method{payment.ByMixed, payment.ByInsurance} {
		w := newWorld(t, by(method))
		insurance := w.channels[payment.Insurance]
		insurance.settling = func(c *fakeCharge) {
			insurance.capturesOf(c, c.Amount)
			w.books.mu.Lock()
			defer w.books.mu.Unlock()
			w.books.trouble["RecordCapture"] = []error{outage("books", "capture")}
		}
		w.verified()
		w.paysAt(10*time.Second, payment.WeChat, 1)
		r := w.ends(payment.Completed, "")
		require.Equal(t, "voucher-1", r.Voucher)
		last := w.books.attempts[len(w.books.attempts)]
		require.Equal(t, []any{true, 1}, []any{last.Prepaid, len(last.captures)})
		require.Equal(t, len(w.books.attempts), w.seen.tried("Settle"))
	}
}

func TestAnotherSplitInTheCallWaitsForAPersonAtOnce(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	insurance := w.channels[payment.Insurance]
	insurance.settling = func(c *fakeCharge) { insurance.capturesOf(c, money.Fen(2500)) }
	w.verified()
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.decidesAt(11*time.Second, payment.RefundAll, "")
	w.ends(payment.Refunded, string(payment.ReviewSplitMismatch))
	require.Equal(t, []payment.Reason{payment.ReviewSplitMismatch}, w.books.reasons())
	require.Zero(t, insurance.held())
	require.Zero(t, w.channels[payment.WeChat].held())
}
