package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/workflows"
)

// paidBefore is a completed payment with a refund set aside; the refund's own
// workflow is what runs.
func paidBefore(t *testing.T, fen int64) (*world, workflows.RefundInput) {
	w := newWorld(t, by(payment.ByWeChat))
	ctx := context.Background()
	w.closedBefore()
	w.books.status, w.books.path, w.his.has, w.books.his = payment.Completed, nil, true, "appointment-1"
	r := w.channels[payment.WeChat].captures(1)
	_, err := w.books.RecordCapture(ctx, store.Capture{Attempt: 1, Report: r})
	require.NoError(t, err)
	row, err := w.books.ReserveRefund(ctx, store.RefundOrder{PaymentID: w.id(), Key: "k", Attempt: 1, Amount: workflows.Fen(fen), At: noon})
	require.NoError(t, err)
	return w, workflows.RefundInput{PaymentID: w.id(), HospitalID: hospitalOne, OrderNo: orderOne, N: row.N,
		Channel: payment.WeChat, Amount: workflows.Fen(fen), Closes: true}
}

// refund runs the refund's workflow to its end.
func (w *world) refund(in workflows.RefundInput) workflows.RefundResult {
	w.t.Helper()
	options := workflows.RefundOptions(in)
	options.WorkflowRunTimeout = limit
	w.env.SetStartWorkflowOptions(options)
	w.env.ExecuteWorkflow(workflows.TypeRefund, in)
	require.NoError(w.t, w.env.GetWorkflowError())
	var r workflows.RefundResult
	require.NoError(w.t, w.env.GetWorkflowResult(&r))
	require.Equal(w.t, channel.RefundSucceeded, r.State)
	w.seen.requirePrivacy(w.t, w.request.Order.Patient)
	return r
}

// tellRefund gives the refund a notification.
func (w *world) tellRefund(r channel.RefundReport) {
	w.env.SignalWorkflow(workflows.SignalChannelEvent, channel.Event{ID: "r", Refund: &r})
}

// refundCase is the case that waits in the refund's workflow.
func (w *world) refundCase(d time.Duration, v payment.Verdict, reference string) *later {
	l := &later{}
	w.after(d, func() {
		open := w.books.openCases()
		require.Len(w.t, open, 1)
		require.Contains(w.t, w.seen.details(w), open[0].ID)
		l.reply = w.update(workflows.UpdateDecideReview, payment.Decision{CaseID: open[0].ID, Verdict: v, Operator: "op-chen", Reference: reference})
	})
	return l
}

func TestARefundEndsByItsNotificationOrByALook(t *testing.T) {
	for _, told := range []bool{true, false} {
		w, in := paidBefore(t, 5000)
		wechat := w.channels[payment.WeChat]
		wechat.refundAs = channel.RefundProcessing
		w.after(30*time.Second, func() {
			w.tellRefund(channel.RefundReport{RefundNo: orderOne + "R02", State: channel.RefundSucceeded, Amount: in.Amount}) // another one's
			w.tellRefund(channel.RefundReport{RefundNo: orderOne + "R01", State: channel.RefundProcessing, Amount: in.Amount})
		})
		w.after(40*time.Hour, func() {
			r := wechat.finishes(orderOne+"R01", channel.RefundSucceeded)
			if told {
				w.tellRefund(r)
				w.tellRefund(r)
			}
		})
		require.Equal(t, orderOne+"R01", w.refund(in).RefundNo)
		require.Zero(t, wechat.held())
		require.Equal(t, []payment.Status{payment.Refunding, payment.Refunded}, w.books.path)
		require.False(t, w.his.has, "the registration is taken back with all of the money")
		require.Equal(t, []string{"payment.refunded"}, w.backend.heard())
		require.Equal(t, []string{"wechat refund ORDER0001R01 50.00"}, w.asked("wechat refund"), "asked for once (I3)")
		require.Equal(t, []string{"regpay-wechat WatchRefund"}, w.seen.waited())
	}
}

func TestAPartialRefundLeavesThePaymentAsItIs(t *testing.T) {
	w, in := paidBefore(t, 1000)
	w.refund(in)
	require.Equal(t, payment.Completed, w.books.status)
	require.True(t, w.his.has)
	require.Empty(t, w.backend.heard())
	require.EqualValues(t, 4000, w.channels[payment.WeChat].held())
}

func TestARefundWithALostReplyIsLookedForBeforeItIsSentAgain(t *testing.T) {
	w, in := paidBefore(t, 5000)
	wechat := w.channels[payment.WeChat]
	wechat.trouble["refund"] = []error{outage("wechat", "refund"), outage("wechat", "refund")}
	w.refund(in)
	send, ask := "wechat refund ORDER0001R01 50.00", "wechat query_refund ORDER0001R01"
	require.Equal(t, []string{"wechat prepay ORDER0001A01", send, ask, send, ask, send}, w.asked("wechat"))
	require.Equal(t, []string{"regpay-wechat SendRefund"}, w.seen.waited())
}

func TestARefundThatTheChannelRefusesWaitsForAPerson(t *testing.T) {
	for _, tc := range []struct {
		name string
		harm func(*fakeChannel)
		code string
	}{
		{"refused", func(f *fakeChannel) {
			f.trouble["refund"] = []error{refusal("wechat", "refund", "NOT_ENOUGH")}
		}, "NOT_ENOUGH"},
		{"failed", func(f *fakeChannel) { f.refundAs = channel.RefundFailed }, "failed"},
		{"abnormal", func(f *fakeChannel) { f.refundAs = channel.RefundAbnormal }, "abnormal"},
	} {
		t.Run(tc.name+", retried", func(t *testing.T) {
			w, in := paidBefore(t, 5000)
			wechat := w.channels[payment.WeChat]
			tc.harm(wechat)
			w.after(time.Hour-time.Second, func() {
				require.Equal(t, string(payment.ReviewRefundFailed), w.seen.attribute("ReviewReason"))
				wechat.set(func() { wechat.refundAs = channel.RefundSucceeded })
				if tc.name == "abnormal" {
					wechat.finishes(orderOne+"R01", channel.RefundSucceeded)
				}
			})
			decided := w.refundCase(time.Hour, payment.RetryRefund, "")
			w.refund(in)
			require.Equal(t, payment.Refunding, decided.answered(t).Status)
			require.Zero(t, wechat.held())
			require.Equal(t, payment.Refunded, w.books.status)
			require.Equal(t, tc.code, w.books.cases[0].Detail)
			require.Equal(t, workflows.RefundWorkflowID(hospitalOne, orderOne, 1), w.books.cases[0].Workflow)
			require.Nil(t, w.seen.attribute("ReviewReason"))
			asked := w.asked("wechat")
			require.Equal(t, "wechat query_refund ORDER0001R01", asked[2], "asked before it is sent once more (I3)")
		})
		t.Run(tc.name+", handed over on site", func(t *testing.T) {
			w, in := paidBefore(t, 5000)
			tc.harm(w.channels[payment.WeChat])
			missing := w.refundCase(time.Hour, payment.RefundOffline, "")
			wrong := w.refundCase(2*time.Hour, payment.RefundAll, "")
			good := w.refundCase(3*time.Hour, payment.RefundOffline, "RCPT-9")
			require.True(t, w.refund(in).Offline)
			require.Equal(t, payment.CodeReference, missing.problem(t))
			require.Equal(t, payment.CodeDecision, wrong.problem(t))
			require.NoError(t, good.err)
			require.Equal(t, "RCPT-9", w.books.refunds[0].offline)
			require.Equal(t, payment.Refunded, w.books.status)
			require.Len(t, w.asked("wechat refund"), 1)
		})
	}
}

func TestANotificationEndsACaseThatNobodyHasDecided(t *testing.T) {
	w, in := paidBefore(t, 5000)
	wechat := w.channels[payment.WeChat]
	wechat.refundAs = channel.RefundAbnormal
	w.after(time.Hour, func() { w.tellRefund(wechat.finishes(orderOne+"R01", channel.RefundSucceeded)) })
	require.False(t, w.refund(in).Offline)
	require.Equal(t, "channel", w.books.cases[0].decision.Operator)
	require.Zero(t, wechat.held())
}

func TestANotificationThatFailsARefundOpensACase(t *testing.T) {
	w, in := paidBefore(t, 5000)
	wechat := w.channels[payment.WeChat]
	wechat.refundAs = channel.RefundProcessing
	w.after(time.Hour, func() { w.tellRefund(wechat.finishes(orderOne+"R01", channel.RefundAbnormal)) })
	w.after(2*time.Hour, func() {
		wechat.finishes(orderOne+"R01", channel.RefundSucceeded)
		id := w.books.openCases()[0].ID
		w.env.SignalWorkflow(workflows.SignalManualReview, payment.Decision{CaseID: "other", Verdict: payment.RefundOffline, Operator: "op", Reference: "1"})
		w.env.SignalWorkflow(workflows.SignalManualReview, payment.Decision{CaseID: id, Verdict: payment.RetryRefund, Operator: "op-chen"})
	})
	require.False(t, w.refund(in).Offline)
	require.Equal(t, "abnormal", w.books.cases[0].Detail)
	require.Equal(t, "op-chen", w.books.cases[0].decision.Operator)
	require.Equal(t, []payment.Verdict{payment.RetryRefund}, w.books.decided())
}

func TestARefundIsNotCalledOff(t *testing.T) {
	w, in := paidBefore(t, 5000)
	wechat := w.channels[payment.WeChat]
	wechat.refundAs = channel.RefundFailed
	w.after(time.Minute, w.env.CancelWorkflow)
	w.after(time.Hour, func() { wechat.set(func() { wechat.refundAs = channel.RefundSucceeded }) })
	decided := w.refundCase(2*time.Hour, payment.RetryRefund, "")
	w.refund(in)
	require.NoError(t, decided.err)
	require.Zero(t, wechat.held())
}

// The other tender's refund ends the payment between this one's look and move;
// or this one did, in a workflow task that was lost before it came further.
func TestARefundThatFindsItsPaymentEndedFinishesAllTheSame(t *testing.T) {
	w, in := paidBefore(t, 5000)
	w.books.between = func() { w.books.status = payment.Refunded }
	w.refund(in)
	require.Equal(t, payment.Refunded, w.books.status)
	require.False(t, w.his.has, "nobody else may take the registration back")
	require.Equal(t, []string{"payment.refunded"}, w.backend.heard(), "a repeat has the same id")
}

func TestAHISThatIsDownDoesNotDelayTheWordThatTheMoneyIsBack(t *testing.T) {
	w, in := paidBefore(t, 5000)
	w.his.down = outage("his", "cancel")
	w.after(5*time.Hour, func() { w.his.set(func() { w.his.down = nil }) })
	w.refund(in)
	require.Less(t, w.backend.at[0].Sub(noon), time.Minute)
	require.Equal(t, []string{"payment.refunded"}, w.backend.heard())
	require.False(t, w.his.has)
}

func TestARefundThatFailsKeepsThePaymentInRefundingUntilItIsDecided(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	insurance := w.channels[payment.Insurance]
	w.his.refuses = "slot_gone"
	insurance.refundAs = channel.RefundFailed
	w.verified()
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.paysAt(20*time.Second, payment.Insurance, 2)
	w.after(time.Hour, func() {
		s := w.standing()
		require.Equal(t, payment.Refunding, s.Status)
		require.EqualValues(t, 2000, w.channels[payment.WeChat].held(), "the last goes back first, one after the other")
		open := w.books.openCases()
		require.Len(t, open, 1)
		w.updateOf(open[0].Workflow, workflows.UpdateDecideReview,
			payment.Decision{CaseID: open[0].ID, Verdict: payment.RefundOffline, Operator: "op-chen", Reference: "RCPT-1"})
	})
	w.ends(payment.Refunded, "slot_gone")
	require.Equal(t, "RCPT-1", w.books.refunds[0].offline)
	require.Zero(t, w.channels[payment.WeChat].held())
}

// reserveAndReturn is a refund of WeChat Pay that somebody else made meanwhile.
func reserveAndReturn(t *testing.T, w *world, attempt int, fen int64) {
	ctx := context.Background()
	row, err := w.books.ReserveRefund(ctx, store.RefundOrder{PaymentID: w.id(), Key: "backend", Attempt: attempt, Amount: workflows.Fen(fen), At: noon})
	require.NoError(t, err)
	report, err := w.channels[payment.WeChat].Refund(ctx, channel.Charge{}, row.Refund)
	require.NoError(t, err)
	_, err = w.books.RecordRefund(ctx, w.id(), row.N, report, "test", noon)
	require.NoError(t, err)
	w.books.exceeds = true // the payment's own end asks for too much at first
}

func TestOnlyWhatOtherRefundsHaveLeftOfATenderGoesBack(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.his.down = outage("his", "register")
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.after(time.Hour, func() {
		reserveAndReturn(t, w, 1, 1500)
	})
	w.at(2*time.Hour, workflows.UpdateCancel, payment.Cancellation{})
	w.after(3*time.Hour, func() { w.his.set(func() { w.his.down = nil }) })
	w.ends(payment.Refunded, "cancelled")
	require.Equal(t, []string{"wechat refund ORDER0001R01 15.00", "wechat refund ORDER0001R02 35.00"}, w.asked("wechat refund"))
}
