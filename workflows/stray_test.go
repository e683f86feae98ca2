package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

func TestARepeatedNotificationChangesNothing(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.backend.down = true
	w.after(20*time.Second, func() {
		r := w.channels[payment.WeChat].captures(1)
		w.notify(r)
		w.notify(r)
	})
	w.after(time.Hour, func() { w.notify(w.channels[payment.WeChat].captures(1)) })
	w.after(2*time.Hour, func() { w.backend.set(func() { w.backend.down = false }) })
	w.ends(payment.Completed, "")
	require.Len(t, w.books.attempts[1].captures, 1)
	require.Empty(t, w.asked("wechat refund"))
	require.Equal(t, 1, w.seen.tried("Settle"))
}

func TestNotificationsOutOfOrderLeadToTheSameEnd(t *testing.T) {
	for _, states := range [][]channel.State{
		{channel.Closed, channel.Captured}, {channel.Declined, channel.Captured}, {channel.Captured, channel.Closed},
		{channel.Open, channel.Captured}, {channel.Captured, channel.Open},
	} {
		w := newWorld(t, by(payment.ByWeChat))
		wechat := w.channels[payment.WeChat]
		// The close is held up, so that both notifications come before it.
		wechat.trouble["close"] = []error{outage("wechat", "close"), outage("wechat", "close"), outage("wechat", "close")}
		w.after(20*time.Second, func() {
			paid := wechat.captures(1)
			for _, s := range states {
				r := paid
				if r.State = s; s != channel.Captured {
					r.Captured = workflows.Money{}
				}
				w.notify(r)
			}
		})
		w.ends(payment.Completed, "")
		require.Empty(t, w.asked("wechat refund"), "%v", states)
		require.Len(t, w.books.attempts[1].captures, 1)
	}
}

func TestMoneyForAReplacedAttemptGoesBackByItself(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	w.paysAt(2*time.Minute, payment.WeChat, 1) // the channel had said that it is closed
	w.paysAt(3*time.Minute, payment.UnionPay, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, []string{"wechat refund ORDER0001R01 50.00"}, w.asked("wechat refund"))
	require.EqualValues(t, 5000, w.channels[payment.UnionPay].held())
	require.Contains(t, w.timeline(), "money that cannot be used goes back")
}

func TestASecondPaymentByTheSameNumberGoesBack(t *testing.T) {
	for _, after := range []time.Duration{time.Millisecond, time.Hour} {
		w := newWorld(t, by(payment.ByUnionPay))
		w.backend.down = true
		w.paysAt(20*time.Second, payment.UnionPay, 1)
		w.after(20*time.Second+after, func() {
			second := w.channels[payment.UnionPay].captures(1)
			second.ChannelNo = "tx-second"
			w.notify(second)
			w.notify(second)
		})
		w.after(2*time.Hour, func() { w.backend.set(func() { w.backend.down = false }) })
		w.ends(payment.Completed, "")
		require.Len(t, w.books.attempts[1].captures, 2)
		require.Equal(t, []string{"unionpay refund ORDER0001R01 50.00"}, w.asked("unionpay refund"))
		require.Equal(t, "tx-second", w.books.refunds[0].Refund.Original.ChannelNo)
	}
}

func TestANotificationThatComesWithTheLastStepIsNotLost(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.backend.down = true
	w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	w.paysAt(2*time.Minute, payment.UnionPay, 2)
	w.after(time.Hour, func() {
		late := w.channels[payment.WeChat].captures(1)
		w.backend.set(func() {
			w.backend.down = false
			w.backend.hears = func() {
				w.env.SignalWorkflowSkippingWorkflowTask(workflows.SignalChannelEvent, channel.Event{ID: "late", Charge: &late})
			}
		})
	})
	w.ends(payment.Completed, "")
	require.Zero(t, w.channels[payment.WeChat].held())
}

func TestANotificationOfAnAttemptThatNeverWasIsNobodys(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.after(10*time.Second, func() {
		w.notify(channel.Report{MerchantNo: orderOne + "A07", State: channel.Captured, ChannelNo: "tx-7", Captured: workflows.Fen(5000)})
		w.notify(channel.Report{MerchantNo: "OTHERORDERA01", State: channel.Captured, ChannelNo: "tx-8", Captured: workflows.Fen(5000)})
		w.notify(channel.Report{MerchantNo: "x", State: channel.Captured, ChannelNo: "tx-9", Captured: workflows.Fen(5000)})
		w.env.SignalWorkflow(workflows.SignalChannelEvent, channel.Event{ID: "neither"})
	})
	w.paysAt(20*time.Second, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	require.Empty(t, w.asked("wechat refund"))
}

func TestMoneyThatComesAfterEverythingIsReturnedByAWorkflowOfItsOwn(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.closedBefore()
	r := w.channels[payment.WeChat].captures(1)
	in := workflows.StrayInput{PaymentID: w.id(), HospitalID: hospitalOne, OrderNo: orderOne, Attempt: 1, Channel: payment.WeChat, Report: r}
	options := workflows.StrayOptions(in)
	require.Equal(t, "stray/wechat/tx-ORDER0001A01", options.ID)
	options.WorkflowRunTimeout = limit
	w.env.SetStartWorkflowOptions(options)
	w.channels[payment.WeChat].refundAs = channel.RefundProcessing
	w.after(time.Hour, func() { w.channels[payment.WeChat].finishes("ORDER0001R01", channel.RefundSucceeded) })
	w.env.ExecuteWorkflow(workflows.TypeStrayPayment, in)
	require.NoError(t, w.env.GetWorkflowError())
	var result workflows.RefundResult
	require.NoError(t, w.env.GetWorkflowResult(&result))
	require.Equal(t, workflows.RefundResult{RefundNo: "ORDER0001R01", State: channel.RefundSucceeded}, result)
	require.Zero(t, w.channels[payment.WeChat].held())
	require.Equal(t, payment.Closed, w.books.status, "the payment stays what it was")
	w.seen.requirePrivacy(t, w.request.Order.Patient)
}
