package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

const day = 24 * time.Hour

// dueAt is when the money of a refund asked for at noon is expected: noon is
// Monday, 2 March 2026, in China, and seven working days follow.
var dueAt = time.Date(2026, 3, 11, 23, 59, 59, 0, calendar.Zone)

// underWay is a refund that its channel took and does not end by itself.
func underWay(t *testing.T) (*world, workflows.RefundInput, *fakeChannel) {
	w, in := paidBefore(t, 5000)
	wechat := w.channels[payment.WeChat]
	wechat.refundAs = channel.RefundProcessing
	return w, in, wechat
}

func TestARefundThatIsNotBackADayAfterItWasExpectedBecomesACase(t *testing.T) {
	for name, harm := range map[string]func(*fakeChannel){
		"still processing":            func(*fakeChannel) {},
		"a channel that is not there": func(f *fakeChannel) { f.set(func() { f.down["query_refund"] = outage("wechat", "query_refund") }) },
	} {
		t.Run(name, func(t *testing.T) {
			w, in, wechat := underWay(t)
			harm(wechat)
			w.after(9*day, func() { require.Empty(t, w.books.openCases(), "it still has time") })
			w.after(11*day, func() {
				wechat.set(func() { delete(wechat.down, "query_refund") })
				wechat.finishes(orderOne+"R01", channel.RefundSucceeded)
			})
			w.refund(in)
			c := w.books.cases[0]
			require.Equal(t, "overdue", c.Detail)
			require.Equal(t, payment.ReviewRefundFailed, c.Reason)
			require.True(t, c.OpenedAt.After(dueAt), "opened %s", c.OpenedAt)
			require.False(t, c.OpenedAt.After(dueAt.Add(day+time.Minute)), "opened %s", c.OpenedAt)
			require.Equal(t, []payment.Verdict{payment.RetryRefund, payment.RefundOffline}, c.Allowed)
		})
	}
}

func TestAnOverdueRefundThatComesInAfterAllNeedsNobody(t *testing.T) {
	w, in, wechat := underWay(t)
	w.after(13*day, func() {
		require.Len(t, w.books.openCases(), 1)
		wechat.finishes(orderOne+"R01", channel.RefundSucceeded) // and no notification tells it
	})
	require.False(t, w.refund(in).Offline)
	require.Equal(t, payment.ByChannel, w.books.cases[0].decision.Operator)
	require.Len(t, w.books.cases, 1)
	require.Len(t, w.asked("wechat refund"), 1, "it is not sent once more (I3)")
	require.Less(t, len(w.asked("wechat query_refund")), 13*12+40, "looks are sparse")
	require.Less(t, len(w.seen.waited()), 3, "weeks are two activities")
}

func TestARetryOfAnOverdueRefundGivesItTheWholeTimeAnew(t *testing.T) {
	w, in, wechat := underWay(t)
	decided := w.refundCase(11*day, payment.RetryRefund, "")
	w.after(24*day, func() { wechat.finishes(orderOne+"R01", channel.RefundSucceeded) })
	w.refund(in)
	require.NoError(t, decided.err)
	require.Len(t, w.asked("wechat refund"), 1, "under way at the channel: it is looked for and not sent (I3)")
	require.Len(t, w.books.cases, 2)
	// Decided on Friday, 13 March: seven working days, and the day after.
	require.True(t, w.books.cases[1].OpenedAt.After(time.Date(2026, 3, 24, 23, 59, 59, 0, calendar.Zone)))
}

func TestARefundFromBeforeItsDateWasKeptIsFollowedForThreeWeeks(t *testing.T) {
	w, in, wechat := underWay(t)
	w.books.undated, w.books.refunds[0].ExpectedBy = true, time.Time{}
	w.after(20*day, func() { require.Empty(t, w.books.openCases()) })
	w.after(22*day, func() { wechat.finishes(orderOne+"R01", channel.RefundSucceeded) })
	w.refund(in)
	require.Equal(t, "overdue", w.books.cases[0].Detail)
}

func TestNotificationsOfARefundInAnyOrderLeadToTheSameEnd(t *testing.T) {
	orders := map[string][]channel.RefundState{
		"back, then abnormal, held up":     {channel.RefundSucceeded, channel.RefundAbnormal},
		"back, then failed, held up":       {channel.RefundSucceeded, channel.RefundFailed},
		"back, then processing, held up":   {channel.RefundSucceeded, channel.RefundProcessing},
		"abnormal, then back":              {channel.RefundAbnormal, channel.RefundSucceeded},
		"processing, then back, repeated":  {channel.RefundProcessing, channel.RefundSucceeded, channel.RefundSucceeded},
		"abnormal twice, back, and failed": {channel.RefundAbnormal, channel.RefundAbnormal, channel.RefundSucceeded, channel.RefundFailed},
	}
	for name, states := range orders {
		t.Run(name, func(t *testing.T) {
			w, in, wechat := underWay(t)
			// The books are busy, so that the words wait together.
			w.books.trouble["RecordRefund"] = []error{nil, outage("books", "record"), outage("books", "record")}
			w.after(time.Hour, func() {
				back := wechat.finishes(orderOne+"R01", channel.RefundSucceeded)
				for _, s := range states {
					r := back
					r.State = s
					w.env.SignalWorkflowSkippingWorkflowTask(workflows.SignalChannelEvent, channel.Event{ID: "r", Refund: &r})
				}
				w.tellRefund(channel.RefundReport{RefundNo: orderOne + "R09", State: channel.RefundFailed})
			})
			require.False(t, w.refund(in).Offline)
			require.Equal(t, channel.RefundSucceeded, w.books.refunds[0].State)
			require.Empty(t, w.books.openCases())
			for _, c := range w.books.cases {
				require.Equal(t, payment.ByChannel, c.decision.Operator, "nobody had to decide")
			}
			require.Len(t, w.asked("wechat refund"), 1)
			require.Equal(t, payment.Refunded, w.books.status)
		})
	}
}

func TestANotificationBeforeTheReplyToTheRefundCounts(t *testing.T) {
	w, in, wechat := underWay(t)
	wechat.trouble["refund"] = []error{outage("wechat", "refund")}
	wechat.trouble["query_refund"] = []error{outage("wechat", "query_refund"), outage("wechat", "query_refund")}
	w.after(500*time.Millisecond, func() {
		report := channel.RefundReport{RefundNo: orderOne + "R01", State: channel.RefundSucceeded, ChannelNo: "back-1", Amount: in.Amount}
		wechat.set(func() { wechat.returned[report.RefundNo] = report }) // it was executed, and the reply was lost
		w.tellRefund(report)
	})
	w.refund(in)
	require.Empty(t, w.books.cases)
	require.Len(t, w.asked("wechat refund"), 1)
}

func TestALookAndANotificationAtTheSameMomentCountOnce(t *testing.T) {
	w, in, wechat := underWay(t)
	// The first look is a minute after the channel took it.
	w.after(time.Minute, func() { w.tellRefund(wechat.finishes(orderOne+"R01", channel.RefundSucceeded)) })
	w.refund(in)
	require.Equal(t, []payment.Status{payment.Refunding, payment.Refunded}, w.books.path)
	require.Equal(t, []string{"payment.refunded"}, w.backend.heard())
}

// Staff would hand the money over while the channel has paid it out: the
// channel is asked first, and the decision is refused with the reason.
func TestMoneyThatTheChannelHasReturnedIsNotHandedOverToo(t *testing.T) {
	w, in, wechat := underWay(t)
	wechat.refundAs = channel.RefundAbnormal
	w.after(time.Hour-time.Minute, func() { wechat.finishes(orderOne+"R01", channel.RefundSucceeded) }) // by hand, in its merchant platform
	late := w.refundCase(time.Hour, payment.RefundOffline, "RCPT-1")
	require.False(t, w.refund(in).Offline)
	require.Equal(t, payment.CodeState, late.problem(t))
	require.Equal(t, payment.ByChannel, w.books.cases[0].decision.Operator)
	require.Empty(t, w.books.refunds[0].offline)
	require.Zero(t, wechat.held())
}

func TestAChannelThatGivesNoAnswerDoesNotKeepStaffFromHandingOver(t *testing.T) {
	w, in, wechat := underWay(t)
	wechat.refundAs = channel.RefundAbnormal
	w.after(time.Minute, func() { wechat.set(func() { wechat.down["query_refund"] = outage("wechat", "query_refund") }) })
	good := w.refundCase(time.Hour, payment.RefundOffline, "RCPT-1")
	require.True(t, w.refund(in).Offline)
	require.NoError(t, good.err)
}

func TestAHandoverThatMeetsTheChannelsWordDoesNotStandStill(t *testing.T) {
	w, in, wechat := underWay(t)
	wechat.refundAs = channel.RefundAbnormal
	w.books.trouble["RecordOfflineRefund"] = []error{payment.Problem{Code: payment.CodeState}}
	w.refundCase(time.Hour, payment.RefundOffline, "RCPT-1")
	require.False(t, w.refund(in).Offline)
}
