package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// begin opens a payment and asks a channel for its money, both at a time.
func (b *books) begin(t *testing.T, order string, at time.Time) string {
	t.Helper()
	o := opening(request(order, 1, 5000))
	o.At, o.Deadline = at, at.Add(15*time.Minute)
	_, err := b.OpenPayment(t.Context(), o)
	require.NoError(t, err)
	c := charge(order, 1, payment.WeChat, 5000)
	c.CreatedAt = at
	_, err = b.BeginAttempt(t.Context(), c, payment.AwaitingPayment)
	require.NoError(t, err)
	return o.PaymentID
}

func (b *books) answered(t *testing.T, id string, at time.Time) {
	t.Helper()
	require.NoError(t, b.SavePrepaid(t.Context(), id, 1, channel.Prepaid{Report: channel.Report{State: channel.Open}}, at))
}

func TestHealthIsWhatTheBooksKnow(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	mine := []string{hospital}
	none, err := b.Health(ctx, mine, noon)
	require.NoError(t, err)
	require.Equal(t, store.Health{}, none)

	// Before now: 50 minutes: paid and registered; 40: paid, refused by the HIS;
	// 10: declined; 9: unanswered; 8: waits for the patient; half: just begun.
	ago := func(minutes int) time.Time { return noon.Add(-time.Duration(minutes) * time.Minute) }
	for i, m := range []int{50, 40} {
		order := fmt.Sprintf("PAID%05d", i)
		id := b.begin(t, order, ago(m))
		b.answered(t, id, ago(m))
		c := capture(order, 1, "wx-"+order, 5000, payment.Paid)
		c.At = ago(m - 1)
		_, err := b.RecordCapture(ctx, c)
		require.NoError(t, err)
		_, err = b.KeepWebhook(ctx, store.Webhook{Channel: payment.WeChat, HospitalID: hospital, EventID: order, PaymentID: id, Outcome: "accepted", ReceivedAt: ago(m - 1)})
		require.NoError(t, err)
		if i == 0 {
			require.NoError(t, b.RecordRegistered(ctx, id, his.Registered{AppointmentID: "apt", NoticeID: "n"}, payment.Registered, ago(m-2)))
			require.NoError(t, b.Complete(ctx, id, ago(m-2)))
			_, err := b.ReserveRefund(ctx, refundOf(id, "one", 1000))
			require.NoError(t, err)
		} else {
			require.NoError(t, b.RecordRegistrationRefused(ctx, id, "slot_gone", ago(m-2)))
		}
	}
	b.answered(t, b.begin(t, "DECLINED1", ago(10)), ago(10))
	require.NoError(t, b.EndAttempt(ctx, payment.ID(hospital, "DECLINED1"), 1, channel.Declined, "NOTENOUGH", ago(9)))
	b.begin(t, "UNKNOWN01", ago(9))
	b.answered(t, b.begin(t, "PATIENT01", ago(8)), ago(8))
	b.begin(t, "JUSTBEGUN", noon.Add(-30*time.Second))

	h, err := b.Health(ctx, mine, noon)
	require.NoError(t, err)
	want := store.Health{
		Channels: []store.ChannelHealth{{HospitalID: hospital, Channel: payment.WeChat,
			Quarter: store.Charges{Begun: 3, Failed: 1, Unknown: 1}, Hour: store.Charges{Begun: 5, Captured: 2, Failed: 1, Unknown: 1},
			LastPaid: ago(39).Truncate(time.Microsecond), LastNotice: ago(39).Truncate(time.Microsecond)}},
		HIS: []store.HISHealth{{HospitalID: hospital, Registered: 1, Refused: 1, LastRegistered: ago(48).Truncate(time.Microsecond)}},
		Refunds: []store.RefundHealth{{HospitalID: hospital, Channel: payment.WeChat, OnTheWay: 1,
			Oldest: noon.Add(time.Hour).Truncate(time.Microsecond)}},
	}
	require.Equal(t, want, h)
	all, err := b.Health(ctx, []string{store.AllHospitals}, noon)
	require.NoError(t, err)
	require.Equal(t, want, all)
	for _, others := range [][]string{{"h-xiehe"}, {}, nil} {
		h, err := b.Health(ctx, others, noon)
		require.NoError(t, err)
		require.Equal(t, store.Health{}, h)
	}

	// A day later nothing was begun lately, and what came in last is still known.
	h, err = b.Health(ctx, mine, noon.Add(24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, store.Charges{}, h.Channels[0].Hour)
	require.Equal(t, want.Channels[0].LastPaid, h.Channels[0].LastPaid)
	require.Zero(t, h.HIS[0].Registered)

	id := payment.ID(hospital, "PAID00000")
	late, err := b.Health(ctx, mine, noon.Add(60*24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, 1, late.Refunds[0].Late)
	_, err = b.RecordRefund(ctx, id, 1, channel.RefundReport{State: channel.RefundAbnormal}, "workflow", noon)
	require.NoError(t, err)
	stuck, err := b.Health(ctx, mine, noon.Add(60*24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, []int{0, 0, 1}, []int{stuck.Refunds[0].OnTheWay, stuck.Refunds[0].Late, stuck.Refunds[0].Failed})
	require.NoError(t, b.RecordOfflineRefund(ctx, id, 1, "local:li", "RECEIPT-1", noon.Add(2*time.Hour)))
	back, err := b.Health(ctx, mine, noon)
	require.NoError(t, err)
	require.Empty(t, back.Refunds)
}
