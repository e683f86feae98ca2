package workflows_test

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/workflows"
)

const (
	hospitalOne = "h-one"
	orderOne    = "ORDER0001"
)

// by is a request for 50.00 to be paid by a method; mixed is 20.00 by WeChat
// and 30.00 by the insurance.
func by(m payment.Method) payment.Request {
	return payment.Request{
		Order: payment.Order{
			HospitalID: hospitalOne, OrderNo: orderOne,
			Slot:   payment.Slot{ID: "slot-7", Department: "心内科", Doctor: "李医生", StartsAt: noon.Add(48 * time.Hour)},
			Fees:   []payment.Fee{{Code: "REG", Name: "挂号费", Amount: workflows.Fen(1000)}, {Code: "CONS", Name: "诊查费", Amount: workflows.Fen(4000)}},
			Amount: workflows.Fen(5000),
			Patient: payment.Patient{
				Name: "王小测", IDType: payment.IDCard, IDNumber: idNumber("11010119900307"), Phone: "13812345678",
				OpenID: "oPENID-secret", PsnNo: "PSN-998877", City: "110100",
			},
		},
		Choice:      choice(m),
		CallbackURL: "https://booking.example/paid",
	}
}

func idNumber(first14 string) string {
	first17 := first14 + "123"
	return first17 + string(payment.IDCardCheck(first17))
}

func choice(m payment.Method) payment.Choice {
	switch m {
	case payment.ByWeChat:
		return payment.Choice{Method: m, Scene: payment.Native}
	case payment.ByUnionPay:
		return payment.Choice{Method: m, Scene: payment.Front}
	case payment.ByMixed:
		return payment.Choice{Method: m, Scene: payment.JSAPI, SelfPay: payment.WeChat, InsuranceAmount: workflows.Fen(3000), PayAuthNo: "AUTH-secret"}
	}
	return payment.Choice{Method: m, PayAuthNo: "AUTH-secret"}
}

var (
	rightCode = payment.Proof{Kind: payment.BySMS, Challenge: "sms-1", Code: "123456"}
	wrongCode = payment.Proof{Kind: payment.BySMS, Challenge: "sms-1", Code: "654321"}
	rightFace = payment.Proof{Kind: payment.ByFace, Challenge: "face-1"}
)

// verified proves who the patient is one second after the start.
func (w *world) verified() *later { return w.at(time.Second, workflows.UpdateVerify, rightCode) }

// paysAt has an attempt paid on a channel, with a notification.
func (w *world) paysAt(d time.Duration, ch payment.Channel, attempt int) {
	w.after(d, func() { w.notify(w.channels[ch].captures(attempt)) })
}

// paysSilentlyAt is paysAt without the notification.
func (w *world) paysSilentlyAt(d time.Duration, ch payment.Channel, attempt int) {
	w.after(d, func() { w.channels[ch].captures(attempt) })
}

// saysAt changes what a channel says of an attempt, with a notification.
func (w *world) saysAt(d time.Duration, ch payment.Channel, attempt int, s channel.State, code string) {
	w.after(d, func() { w.notify(w.channels[ch].becomes(attempt, s, code)) })
}

// decidesAt has a person decide the case that is open then.
func (w *world) decidesAt(d time.Duration, v payment.Verdict, reference string) *later {
	l := &later{}
	w.after(d, func() {
		s := w.standing()
		if s.Case == nil {
			w.t.Errorf("no case is open after %s: %s %s", d, s.Status, s.Reason)
			return
		}
		l.reply = w.update(workflows.UpdateDecideReview, payment.Decision{
			CaseID: s.Case.ID, Verdict: v, Operator: "op-chen", Reference: reference, Note: "looked at it",
		})
	})
	return l
}

// closedBefore is a payment whose only attempt was closed, and which ended.
func (w *world) closedBefore() {
	ctx := context.Background()
	charge := channel.Charge{HospitalID: hospitalOne, PaymentID: w.id(), OrderNo: orderOne, Attempt: 1,
		MerchantNo: payment.MerchantNo(orderOne, 1), Channel: payment.WeChat, Amount: w.request.Order.Amount}
	_, err := w.books.OpenPayment(ctx, store.Opening{Request: w.request})
	require.NoError(w.t, err)
	_, err = w.books.BeginAttempt(ctx, charge, payment.AwaitingPayment)
	require.NoError(w.t, err)
	_, err = w.channels[payment.WeChat].Prepay(ctx, charge)
	require.NoError(w.t, err)
	require.NoError(w.t, w.books.MoveTo(ctx, store.Move{To: payment.Closed}))
}
