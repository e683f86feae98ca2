package workflows_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

func TestAPatientPaysByOneChannel(t *testing.T) {
	for _, tc := range []struct {
		method  payment.Method
		channel payment.Channel
		silent  bool
	}{
		{payment.ByWeChat, payment.WeChat, false},
		{payment.ByUnionPay, payment.UnionPay, false},
		{payment.ByWeChat, payment.WeChat, true},
		{payment.ByUnionPay, payment.UnionPay, true},
	} {
		name := string(tc.method) + " told by a notification"
		if tc.silent {
			name = string(tc.method) + " found by a look"
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, by(tc.method))
			begun := w.begins()
			if tc.silent {
				w.paysSilentlyAt(2*time.Minute, tc.channel, 1)
			} else {
				w.paysAt(20*time.Second, tc.channel, 1)
			}
			r := w.ends(payment.Completed, "")
			require.Equal(t, "voucher-1", r.Voucher)
			require.Equal(t, "appointment-1", r.AppointmentID)
			require.Equal(t, payment.AwaitingPayment, begun.answered(t).Status)
			require.Equal(t, "weixin://"+orderOne+"A01", begun.answered(t).Tender.Pay["code_url"])
			require.Equal(t, w.request.Digest(), begun.answered(t).Digest)
			require.Equal(t, []payment.Status{payment.Pending, payment.AwaitingPayment, payment.Paid, payment.Registered, payment.Completed}, w.books.path)
			require.Equal(t, []string{"payment.completed"}, w.backend.heard())
			require.Len(t, w.asked("his register"), 1)
			if tc.silent {
				require.Equal(t, []string{workflows.QueueOf(tc.channel) + " Watch"}, w.seen.waited())
			} else {
				require.Empty(t, w.seen.waited(), "a payment without trouble needs no patience")
			}
			require.Equal(t, string(payment.Completed), w.seen.attribute("PaymentStatus"))
		})
	}
}

func TestTheInsurancePaysAfterAProof(t *testing.T) {
	for _, tc := range []struct {
		name  string
		proof payment.Proof
	}{{"by a code", rightCode}, {"by the face", rightFace}} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, by(payment.ByInsurance))
			begun := w.begins()
			proved := w.at(time.Minute, workflows.UpdateVerify, tc.proof)
			w.paysAt(100*time.Second, payment.Insurance, 1)
			w.ends(payment.Completed, "")
			require.Equal(t, payment.Verifying, begun.answered(t).Status)
			require.Equal(t, []payment.VerifyKind{payment.BySMS, payment.ByFace}, begun.answered(t).Verify)
			require.Equal(t, payment.Clearing, proved.answered(t).Status)
			require.True(t, w.books.passed)
			require.Equal(t, []payment.Status{payment.Verifying, payment.Clearing, payment.Paid, payment.Registered, payment.Completed}, w.books.path)
			require.Empty(t, w.seen.waited())
		})
	}
}

func TestAMixedPaymentTakesSelfPayFirstAndInsuranceLast(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	w.begins()
	proved := w.verified()
	w.paysAt(30*time.Second, payment.WeChat, 1)
	w.paysSilentlyAt(75*time.Second, payment.Insurance, 2)
	w.ends(payment.Completed, "")
	require.Equal(t, workflows.Fen(2000), proved.answered(t).Tender.Amount)
	require.Equal(t, []payment.Status{payment.Verifying, payment.AwaitingPayment, payment.Clearing, payment.Paid, payment.Registered, payment.Completed}, w.books.path)
	require.Equal(t, []string{"wechat prepay ORDER0001A01"}, w.asked("wechat"))
	require.EqualValues(t, 2000, w.channels[payment.WeChat].held())
	require.EqualValues(t, 3000, w.channels[payment.Insurance].held())
}

func TestAPaymentWithoutACallbackCompletesByItself(t *testing.T) {
	r := by(payment.ByWeChat)
	r.CallbackURL = ""
	w := newWorld(t, r)
	w.paysAt(time.Second, payment.WeChat, 1)
	unasked := map[string][]error{"Payment": {outage("books", "view")}, "Complete": {outage("books", "complete")}}
	maps.Copy(w.books.trouble, unasked)
	w.ends(payment.Completed, "")
	require.Empty(t, w.backend.heard())
	require.Equal(t, []payment.Status{payment.Pending, payment.AwaitingPayment, payment.Paid, payment.Registered, payment.Completed}, w.books.path)
	require.Equal(t, unasked, w.books.trouble, "the registration has completed it")
}

func TestWhatThePatientSeesAtEachPointOfAMixedPayment(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	type point struct {
		status payment.Status
		next   string
		shown  any
	}
	var points []point
	look := func(d time.Duration) {
		w.after(d, func() {
			s := w.standing()
			points = append(points, point{s.Status, s.Next, w.seen.attribute("PaymentStatus")})
		})
	}
	look(500 * time.Millisecond)
	w.verified()
	look(2 * time.Second)
	w.paysAt(10*time.Second, payment.WeChat, 1)
	look(11 * time.Second)
	w.paysAt(3*time.Minute, payment.Insurance, 2)
	look(2 * time.Minute) // slow by now
	w.ends(payment.Completed, "")
	byTime := []point{
		{payment.Verifying, "the patient proves who they are, until 2026-03-02T04:15:00Z", "awaiting_payment"},
		{payment.AwaitingPayment, "the patient pays, until 2026-03-02T04:15:00Z", "awaiting_payment"},
		{payment.Clearing, "the insurance platform settles its part", "awaiting_payment"},
		{payment.Clearing, "the insurance platform settles its part", "clearing"},
	}
	require.Equal(t, byTime, points)
	require.Equal(t, []string{"opened", "verified", "charge asked for", "captured", "insurance asked to settle", "captured",
		"registered in the HIS"}, w.timeline())
}
