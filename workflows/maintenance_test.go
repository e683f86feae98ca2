package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// ActiveWindows makes fakeBooks know the announced maintenance.
func (b *fakeBooks) ActiveWindows(_ context.Context, hospital string, at time.Time, systems ...payment.System) (payment.Windows, error) {
	err := b.enter("ActiveWindows")
	defer b.mu.Unlock()
	var open payment.Windows
	for _, w := range b.windows {
		if w.HospitalID == hospital && w.Active(at) {
			open = append(open, w)
		}
	}
	return open, err
}

// announce is maintenance between two times counted from the payment's start.
func (w *world) announce(system payment.System, from, until time.Duration) {
	w.books.windows = append(w.books.windows, payment.Window{
		ID: "mw_" + string(system), HospitalID: hospitalOne, System: system, From: noon.Add(from), Until: noon.Add(until),
	})
}

// endsEarly ends every window at a time before it was to end.
func (w *world) endsEarly(d time.Duration) {
	w.after(d, func() {
		w.books.mu.Lock()
		defer w.books.mu.Unlock()
		for i := range w.books.windows {
			w.books.windows[i].EndedAt = w.now()
		}
	})
}

// refusedBy is what a refusal for maintenance tells.
func refusedBy(t *testing.T, err error) payment.Maintenance {
	t.Helper()
	p, ok := activities.AsProblem(err)
	require.True(t, ok, "no problem: %v", err)
	require.Equal(t, payment.CodeMaintenance, p.Code)
	require.NotNil(t, p.Maintenance)
	return *p.Maintenance
}

func TestAnAnnouncedWindowRefusesANewPaymentThatNeedsTheSystem(t *testing.T) {
	for _, tc := range []struct {
		name   string
		method payment.Method
		system payment.System
		others []payment.Method
	}{
		{"its channel", payment.ByWeChat, "wechat", []payment.Method{payment.ByUnionPay, payment.ByInsurance, payment.ByMixed}},
		{"the insurance of a mixed payment", payment.ByMixed, "insurance", []payment.Method{payment.ByWeChat, payment.ByUnionPay}},
		{"the whole hospital", payment.ByUnionPay, payment.SystemHospital, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, by(tc.method))
			w.announce(tc.system, -time.Minute, 2*time.Hour)
			begun := w.begins()
			_, err := w.pay()
			m := refusedBy(t, begun.reply.err)
			require.Equal(t, m, refusedBy(t, err), "the order may be started again")
			require.Equal(t, tc.system, m.System)
			require.True(t, noon.Add(2*time.Hour).Equal(m.Until))
			require.Equal(t, tc.others, m.Alternatives)
			require.Nil(t, w.books.opened, "nothing is in the books")
			require.Empty(t, w.asked(""))
		})
	}
}

func TestAWindowThatIsNotOpenOrNotItsOwnRefusesNothing(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.announce("insurance", -time.Hour, time.Hour)
	w.announce("wechat", -2*time.Hour, 0)
	w.announce("wechat", time.Hour, 2*time.Hour)
	w.paysAt(20*time.Second, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	require.NotContains(t, w.books.path, payment.Suspended)
}

func TestAnInsuranceTenderInMaintenanceWaitsSuspendedAndResumes(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	w.announce("insurance", 5*time.Second, 3*time.Hour)
	w.verified()
	w.paysAt(10*time.Second, payment.WeChat, 1)
	var during workflows.Standing
	w.after(2*time.Hour, func() {
		during = w.standing()
		require.Equal(t, "suspended", w.seen.attribute("PaymentStatus"))
		require.Contains(t, w.seen.details(w), "2026-03-02T07:00:00Z", "the time of return")
		require.Empty(t, w.asked("insurance"), "nothing is sent")
	})
	w.paysAt(3*time.Hour+2*time.Minute, payment.Insurance, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.Suspended, during.Status)
	require.Equal(t, payment.ReasonMaintenance, during.Reason)
	require.True(t, noon.Add(3*time.Hour).Equal(during.Until))
	require.Equal(t, []payment.Status{payment.Verifying, payment.AwaitingPayment, payment.Clearing, payment.Suspended,
		payment.Clearing, payment.Paid, payment.Registered, payment.Completed}, w.books.path)
	require.Equal(t, []string{"insurance prepay ORDER0001A02"}, w.asked("insurance")[:1], "under the number that it had")
	require.Contains(t, w.timeline(), "suspended: insurance in maintenance")
	require.Contains(t, w.timeline(), "resumed after maintenance")
	require.Equal(t, []string{"regpay-books Over"}, w.seen.waited()[:1], "one activity, however long")
	require.LessOrEqual(t, len(w.seen.timers), 6)
	require.Contains(t, w.seen.shown, "clearing", "the attribute follows")
}

func TestAPatientHasTheTimeThatMaintenanceTook(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	w.announce("wechat", 30*time.Second, 2*time.Hour)
	w.at(time.Minute, workflows.UpdateVerify, rightCode)
	var resumed workflows.Standing
	w.after(2*time.Hour+time.Minute, func() { resumed = w.standing() })
	w.paysAt(2*time.Hour+10*time.Minute, payment.WeChat, 1)
	w.paysAt(2*time.Hour+11*time.Minute, payment.Insurance, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.AwaitingPayment, resumed.Status)
	lost := resumed.PayBy.Sub(noon.Add(payment.DefaultWindow))
	require.InDelta(t, (2*time.Hour - time.Minute).Seconds(), lost.Seconds(), 10)
	require.WithinDuration(t, resumed.PayBy, w.books.attempts[1].Charge.ExpiresAt, time.Second)
	require.Equal(t, resumed.PayBy.UTC(), w.seen.attribute("PayDeadline").(time.Time).UTC())
}

func TestNobodyIsChargedForASlotThatPassedMeanwhile(t *testing.T) {
	r := by(payment.ByWeChat)
	r.Order.Slot.StartsAt = noon.Add(time.Hour)
	w := newWorld(t, r)
	w.channels[payment.WeChat].down["prepay"] = busy("wechat", "prepay")
	w.channels[payment.WeChat].down["prepay again"] = busy("wechat", "prepay")
	w.announce("wechat", 2*time.Minute, 3*time.Hour)
	w.ends(payment.Closed, "expired")
	require.Contains(t, w.books.path, payment.Suspended)
	require.Less(t, w.backend.at[0].Sub(noon), time.Hour+time.Minute)
	require.False(t, w.backend.at[0].Before(noon.Add(time.Hour)))
}

func TestMaintenanceThatBeginsWhileAChannelIsAskedSuspendsThePayment(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	wechat := w.channels[payment.WeChat]
	wechat.down["prepay"], wechat.down["prepay again"] = outage("wechat", "prepay"), outage("wechat", "prepay")
	w.announce("wechat", 2*time.Minute, time.Hour)
	begun := w.begins()
	w.after(10*time.Minute, func() { wechat.set(func() { clear(wechat.down) }) })
	var before int
	w.after(30*time.Minute, func() { before = len(w.asked("wechat")) })
	w.after(59*time.Minute, func() { require.Len(t, w.asked("wechat"), before) })
	w.paysAt(time.Hour+5*time.Minute, payment.WeChat, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.Suspended, begun.answered(t).Status)
	require.True(t, noon.Add(time.Hour).Equal(begun.answered(t).Until))
	require.Equal(t, []string{"wechat close ORDER0001A01", "wechat prepay ORDER0001A02"}, w.asked("wechat")[before:before+2],
		"what may have left before is closed (I3)")
	require.True(t, w.books.attempts[2].Charge.ExpiresAt.After(noon.Add(time.Hour)), "and the patient has time")
	require.Positive(t, wechat.held())
}

func TestAPaymentTakenBeforeTheMaintenanceCountsWhileItIsSuspended(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	wechat := w.channels[payment.WeChat]
	wechat.lost = 100
	w.announce("wechat", 10*time.Second, 24*time.Hour)
	w.paysAt(time.Hour, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	require.Less(t, w.backend.at[0].Sub(noon), time.Hour+time.Minute, "the notification is enough")
	require.Contains(t, w.books.path, payment.Suspended)
}

func TestAPaidPaymentWaitsForTheHISsMaintenanceWithATemporaryVoucher(t *testing.T) {
	for _, system := range []payment.System{payment.SystemHIS, payment.SystemHospital} {
		t.Run(string(system), func(t *testing.T) {
			w := newWorld(t, by(payment.ByWeChat))
			w.announce(system, 5*time.Second, 6*time.Hour)
			begun := w.begins()
			w.paysAt(10*time.Second, payment.WeChat, 1)
			w.after(5*time.Hour, func() {
				s := w.standing()
				require.Equal(t, payment.Suspended, s.Status)
				require.Equal(t, "suspended", w.seen.attribute("PaymentStatus"))
				require.Contains(t, w.seen.details(w), "2026-03-02T10:00:00Z")
				require.Empty(t, w.asked("his"))
				require.Nil(t, s.Case, "what was announced needs nobody's look")
			})
			r := w.ends(payment.Completed, "")
			require.Equal(t, payment.AwaitingPayment, begun.answered(t).Status, "a new payment is not refused for it")
			require.Equal(t, []string{"payment.paid", "payment.completed"}, w.backend.heard())
			require.True(t, w.backend.told[0].Data.Temporary)
			require.Empty(t, w.backend.told[0].Data.Reason)
			require.Equal(t, r.Voucher, w.backend.told[0].Data.Voucher)
			require.Less(t, w.backend.at[0].Sub(noon), time.Minute, "the patient has it at once")
			require.Equal(t, []payment.Status{payment.Pending, payment.AwaitingPayment, payment.Paid, payment.Suspended,
				payment.Paid, payment.Registered, payment.Completed}, w.books.path)
			require.Less(t, w.backend.at[1].Sub(noon), 6*time.Hour+time.Minute)
			require.Equal(t, []string{"regpay-books Over"}, w.seen.waited())
		})
	}
}

func TestANewPaymentIsTakenWhileOnlyTheHISIsInMaintenance(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.announce(payment.SystemHIS, -time.Hour, time.Hour)
	begun := w.begins()
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.AwaitingPayment, begun.answered(t).Status)
	require.Equal(t, "payment.paid", w.backend.heard()[0])
}

func TestAWindowThatIsEndedEarlyLetsPaymentsGoOnWithinAMinute(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.announce("insurance", 5*time.Second, 24*time.Hour)
	w.at(10*time.Second, workflows.UpdateVerify, rightCode)
	w.endsEarly(time.Hour)
	w.paysAt(time.Hour+2*time.Minute, payment.Insurance, 1)
	w.ends(payment.Completed, "")
	require.Less(t, w.backend.at[0].Sub(noon), time.Hour+3*time.Minute)
}

func TestAPatientCancelsWhileThePaymentIsSuspended(t *testing.T) {
	t.Run("before any money", func(t *testing.T) {
		w := newWorld(t, by(payment.ByInsurance))
		w.announce("insurance", 5*time.Second, 24*time.Hour)
		proved := w.at(10*time.Second, workflows.UpdateVerify, rightCode)
		cancelled := w.at(time.Hour, workflows.UpdateCancel, payment.Cancellation{})
		w.ends(payment.Closed, "cancelled")
		require.Equal(t, payment.Suspended, proved.answered(t).Status)
		require.Equal(t, payment.Closed, cancelled.answered(t).Status)
		require.Less(t, cancelled.reply.at.Sub(noon), time.Hour+time.Second)
		require.Empty(t, w.asked("insurance"))
	})
	t.Run("after the first tender", func(t *testing.T) {
		w := newWorld(t, by(payment.ByMixed))
		w.announce("insurance", 5*time.Second, 24*time.Hour)
		w.verified()
		w.paysAt(10*time.Second, payment.WeChat, 1)
		w.at(time.Hour, workflows.UpdateCancel, payment.Cancellation{})
		w.ends(payment.Refunded, "cancelled")
		require.Zero(t, w.channels[payment.WeChat].held())
		require.Less(t, w.backend.at[0].Sub(noon), time.Hour+time.Minute)
	})
	t.Run("while the HIS is waited for", func(t *testing.T) {
		w := newWorld(t, by(payment.ByWeChat))
		w.announce(payment.SystemHIS, 5*time.Second, 24*time.Hour)
		w.paysAt(10*time.Second, payment.WeChat, 1)
		cancelled := w.at(time.Hour, workflows.UpdateCancel, payment.Cancellation{})
		w.after(2*time.Hour, func() {
			require.Zero(t, w.channels[payment.WeChat].held(), "a HIS in maintenance keeps nobody's money")
			require.Empty(t, w.asked("his"))
		})
		w.ends(payment.Refunded, "cancelled")
		require.Equal(t, payment.Refunding, cancelled.answered(t).Status)
		require.Equal(t, []string{"his cancel ORDER0001"}, w.asked("his"), "after the maintenance, and not before")
		require.Equal(t, []string{"payment.paid", "payment.refunded"}, w.backend.heard())
	})
}

func TestASuspendedPatientPaysByAnotherMethod(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.announce("insurance", 5*time.Second, 24*time.Hour)
	w.at(10*time.Second, workflows.UpdateVerify, rightCode)
	changed := w.at(2*time.Hour, workflows.UpdateChangeMethod, choice(payment.ByWeChat))
	w.paysAt(2*time.Hour+10*time.Minute, payment.WeChat, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.AwaitingPayment, changed.answered(t).Status)
	require.NotNil(t, changed.answered(t).Tender, "with the time to pay by it")
	require.Zero(t, changed.answered(t).Until)
	require.Empty(t, w.asked("insurance"))
}

func TestAChangeToAMethodInMaintenanceIsRefusedWithOtherWays(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.announce("unionpay", 30*time.Second, 24*time.Hour)
	changed := w.at(time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	w.paysAt(2*time.Minute, payment.WeChat, 2)
	w.ends(payment.Completed, "")
	m := refusedBy(t, changed.reply.err)
	require.Equal(t, payment.System("unionpay"), m.System)
	require.Equal(t, []payment.Method{payment.ByWeChat, payment.ByInsurance, payment.ByMixed}, m.Alternatives)
	require.Empty(t, w.asked("unionpay"))
	require.Empty(t, w.books.choices)
}

func TestARefundWaitsForItsChannelsMaintenance(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.his.refuses = "slot_gone"
	w.announce("wechat", 5*time.Second, 5*time.Hour)
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.after(4*time.Hour, func() {
		require.Empty(t, w.asked("wechat refund"))
		require.Equal(t, payment.Refunding, w.books.status)
	})
	w.ends(payment.Refunded, "slot_gone")
	require.Len(t, w.asked("wechat refund"), 1)
	require.NotContains(t, w.books.path, payment.Suspended)
	require.Less(t, w.backend.at[0].Sub(noon), 5*time.Hour+2*time.Minute)
}
