package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// closed is maintenance that lasts for another hour.
func closed(system payment.System) payment.Windows {
	return payment.Windows{{HospitalID: "h-one", System: system, From: noon.Add(-time.Hour), Until: noon.Add(time.Hour)}}
}

func TestNothingIsOpenedOrChosenThatIsInMaintenance(t *testing.T) {
	for _, system := range []payment.System{"wechat", payment.SystemHospital} {
		w := newWorld()
		w.windows = closed(system)
		b := &activities.Books{Store: w, Hospitals: w}
		_, err := local(t, b, b.Open, activities.OpenIn{Request: request(), PaymentID: "pay_1", At: noon})
		p, ok := activities.AsProblem(err)
		require.True(t, ok, "%v", err)
		require.Equal(t, payment.CodeMaintenance, p.Code)
		require.True(t, noon.Add(time.Hour).Equal(p.Maintenance.Until), "the details survive Temporal's encoding")
		_, err = local(t, b, b.Choose, activities.ChooseIn{Request: request(), At: noon})
		require.True(t, activities.IsFinal(err))
		require.Empty(t, w.did)
	}
	w := newWorld()
	w.windows = closed(payment.SystemHIS)
	b := &activities.Books{Store: w, Hospitals: w}
	_, err := local(t, b, b.Open, activities.OpenIn{Request: request(), PaymentID: "pay_1", At: noon})
	require.NoError(t, err)
	require.Len(t, w.looked, 1, "one look a step")
}

func TestAChargeInMaintenanceIsNeitherWrittenNorSent(t *testing.T) {
	w := newWorld()
	w.windows, w.errs["attempt"] = closed("wechat"), store.ErrNotFound
	c := channels(w)
	_, err := local(t, c, c.Charge, chargeIn())
	halt, ok := activities.AsMaintenance(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, payment.System("wechat"), halt.System)
	require.False(t, halt.Begun)
	require.True(t, activities.IsFinal(err), "patience on the queue is of no use")
	require.Equal(t, []string{"attempt"}, w.did)

	delete(w.errs, "attempt")
	_, err = local(t, c, c.Charge, chargeIn())
	halt, _ = activities.AsMaintenance(err)
	require.True(t, halt.Begun, "an earlier try may have left")

	w.attempt = store.Attempt{Prepaid: true, State: channel.Open, Charge: channel.Charge{MerchantNo: "ORDER0001A01"}, Pay: payment.PayParams{"code_url": "x"}}
	out, err := local(t, c, c.Charge, chargeIn())
	require.NoError(t, err, "what the channel has answered is only read")
	require.Equal(t, "x", out.Pay["code_url"])
	require.NotContains(t, w.did, "prepay")
}

func TestTheFastPathOfAChargeIsOneLookMore(t *testing.T) {
	w := newWorld()
	c := channels(w)
	_, err := local(t, c, c.Charge, chargeIn())
	require.NoError(t, err)
	require.Equal(t, [][]payment.System{{"wechat", payment.SystemHospital}}, w.looked)
	require.Equal(t, []string{"begin awaiting_payment", "prepay", "save"}, w.did)
}

func TestBooksInTroubleSendNothing(t *testing.T) {
	w := newWorld()
	w.errs["windows"] = errors.New("connection reset")
	c, h := channels(w), &activities.HIS{Store: w, Hospitals: w, Clock: clock}
	_, err := local(t, c, c.Charge, chargeIn())
	require.Error(t, err)
	require.False(t, activities.IsFinal(err))
	_, err = local(t, h, h.Register, activities.RegisterIn{PaymentID: "pay_1", Order: order()})
	require.Error(t, err)
	require.False(t, activities.IsFinal(err))
	require.Empty(t, w.did)
}

func TestTheHISIsNotAskedInMaintenance(t *testing.T) {
	for _, system := range []payment.System{payment.SystemHIS, payment.SystemHospital} {
		w := newWorld()
		w.windows = closed(system)
		h := &activities.HIS{Store: w, Hospitals: w, Clock: clock}
		in := activities.RegisterIn{PaymentID: "pay_1", Order: order()}
		_, err := local(t, h, h.Register, in)
		_, ok := activities.AsMaintenance(err)
		require.True(t, ok, "%v", err)
		_, err = local(t, h, h.Unregister, in)
		require.True(t, activities.IsUndecided(err), "%v", err)
		require.False(t, activities.IsFinal(err), "it is asked for once more")
		require.NotContains(t, w.did, "register")
		require.NotContains(t, w.did, "cancel")
		w.view.AppointmentID = "A-7"
		out, err := local(t, h, h.Register, in)
		require.NoError(t, err, "a repeat of what the books have")
		require.Equal(t, "A-7", out.AppointmentID)
	}
}

func TestARefundIsSentAfterItsChannelsMaintenance(t *testing.T) {
	w := newWorld()
	w.attempt.Charge = channel.Charge{HospitalID: "h-one", Channel: payment.WeChat}
	w.refund.State = channel.RefundProcessing
	f := &activities.Refunds{Store: w, Hospitals: w, Clock: clock}
	w.windows = closed("wechat")
	_, err := queued(t, f, f.SendRefund, activities.RefundIn{PaymentID: "pay_1", N: 1})
	require.True(t, activities.IsUndecided(err), "%v", err)
	require.NotContains(t, w.did, "refund")
	require.NotContains(t, w.did, "query refund")
	w.windows = closed(payment.SystemHospital)
	_, err = local(t, f, f.SendRefund, activities.RefundIn{PaymentID: "pay_1", N: 1})
	require.NoError(t, err, "the hospital's own maintenance keeps no money from a patient")
	require.Contains(t, w.did, "refund")
}

func TestTheWaitLooksAtTheEndAndOnceAMinute(t *testing.T) {
	for _, tc := range []struct {
		name      string
		now       time.Duration
		systems   []payment.System
		least     time.Duration
		over, bad bool
	}{
		{"long before the end", 0, []payment.System{"wechat", payment.SystemHospital}, time.Minute, false, false},
		{"shortly before it", 59*time.Minute + 50*time.Second, []payment.System{"wechat"}, 10 * time.Second, false, false},
		{"at it", time.Hour, []payment.System{"wechat"}, 0, true, false},
		{"for another system", 0, []payment.System{"insurance", payment.SystemHospital}, 0, true, false},
		{"while the books are in trouble", 0, []payment.System{"wechat"}, 0, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			w.windows = closed("wechat")
			if tc.bad {
				w.errs["windows"] = context.DeadlineExceeded
			}
			steps := &activities.Windows{Store: w, Clock: func() time.Time { return noon.Add(tc.now) }}
			_, err := queued(t, steps, steps.Over, activities.OverIn{HospitalID: "h-one", Systems: tc.systems})
			if tc.over {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			require.False(t, activities.IsFinal(err))
			require.Equal(t, !tc.bad, activities.IsUndecided(err))
			var app *temporal.ApplicationError
			require.True(t, errors.As(err, &app))
			if !tc.bad {
				require.GreaterOrEqual(t, app.NextRetryDelay(), tc.least)
				require.Less(t, app.NextRetryDelay(), tc.least+10*time.Second, "and not all at the same moment")
			}
		})
	}
}

func TestABackendIsToldThatASuspendedPaymentIsPaid(t *testing.T) {
	w, l := newWorld(), listen(t, http.StatusOK)
	w.view = registered()
	w.view.Status, w.view.Reason, w.view.AppointmentID = payment.Suspended, payment.ReasonMaintenance, ""
	w.view.Voucher.Temporary = true
	b := backend(w, time.Now())
	_, err := local(t, b, b.Tell, activities.TellIn{PaymentID: "pay_1", HospitalID: "h-one", URL: l.URL})
	require.NoError(t, err)
	var c activities.Callback
	require.NoError(t, json.Unmarshal(l.bodies[0], &c))
	require.Equal(t, "payment.paid", c.Type)
	require.Equal(t, payment.Paid, c.Data.Status)
	require.Empty(t, c.Data.Reason)
	require.True(t, c.Data.Temporary)
}
