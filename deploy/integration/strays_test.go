package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// TestARefundTellsByWhenAndEveryStep, as the patient's app and staff see it.
func TestARefundTellsByWhenAndEveryStep(t *testing.T) {
	w := hold(t)
	v := w.completed(t, wechatNative)
	asked := time.Now()
	_, err := v.refund("part", 1200)
	require.NoError(t, err)
	v.eventually("the part is back", func() bool { return v.look().RefundedFen == 1200 })
	list, err := w.in.API.Refunds(t.Context(), v.id())
	require.NoError(t, err)
	r := list.Items[0]
	due := calendar.New(nil).EndOfWorkingDay(asked, payment.RefundWorkingDays)
	assert.WithinDuration(t, due, r.ExpectedBy, 25*time.Hour, "the day may have changed meanwhile")
	var steps []wire.RefundStepName
	for _, s := range r.History {
		steps = append(steps, s.Step)
	}
	assert.Equal(t, []wire.RefundStepName{wire.RefundRequested, wire.RefundSent, wire.RefundProcessing, wire.RefundSucceeded}, steps)
	for _, action := range []string{"refund_reserved", "refund_sent", "refund_processing", "refund_succeeded"} {
		assert.Contains(t, v.happened(), action)
	}
}

// TestMoneyThatTheBooksMissedIsFoundByItsNumber: finance has the number from
// the channel's bill.
func TestMoneyThatTheBooksMissedIsFoundByItsNumber(t *testing.T) {
	w := hold(t)
	v := w.completed(t, wechatNative)
	no := v.answer.Tender.MerchantNo
	stray := func(no string) (int, string) {
		code, out, errs := w.starter(t, w.in.APIKey, nil, "stray", "--log", "error", "--hospital", renmin, "--merchant-no", no, "--json")
		return code, out + errs
	}
	code, said := stray(no)
	require.Zero(t, code, said)
	assert.Contains(t, said, `"outcome": "known"`)
	assert.Contains(t, said, string(channel.Captured))
	code, said = stray(payment.MerchantNo(v.order(), 7))
	assert.Equal(t, notFound, code, said)
	assert.Equal(t, scenario.Fee, v.look().CapturedFen)
	assert.Zero(t, v.look().RefundedFen)
}

// TestASecondPaymentThatNobodyToldOfIsFoundByItsNumberInTheBill: UnionPay shows
// the first payment of an order that was paid twice, when it is asked about the
// order, and tells of the other one by its notification alone.
func TestASecondPaymentThatNobodyToldOfIsFoundByItsNumberInTheBill(t *testing.T) {
	w := hold(t, unionpay)
	v := w.begin(t, xiehe, unionpayFront)
	v.pay()
	v.until(payment.Completed)
	first := v.charges(payment.UnionPay)[0]
	w.breakPart(t, unionpay, sandbox.FaultSpec{Notification: sandbox.NotificationFault{MissingRate: 1}})
	lost := w.injected(t, unionpay, "notification_missing")
	v.instruct(payment.UnionPay, 1, sandbox.PayTwice)
	v.eventually("there is a second capture", func() bool { return len(v.charges(payment.UnionPay)) == 2 })
	v.eventually("its notification is lost", func() bool { return w.injected(t, unionpay, "notification_missing") > lost })
	w.heal(t, unionpay)
	second := v.charges(payment.UnionPay)[0]
	if second.ChannelNo == first.ChannelNo {
		second = v.charges(payment.UnionPay)[1]
	}
	look := func(args ...string) string {
		code, out, errs := w.starter(t, "", nil, append([]string{"stray", "--log", "error", "--hospital", xiehe, "--merchant-no", first.MerchantNo, "--json"}, args...)...)
		require.Zero(t, code, errs)
		return out
	}
	assert.Contains(t, look(), `"outcome": "known"`, "asked about the order, UnionPay shows the first payment")
	assert.Contains(t, look("--channel-no", first.ChannelNo), `"outcome": "known"`)
	assert.Contains(t, look("--channel-no", "1"+second.ChannelNo), `"outcome": "not_paid"`)
	assert.Equal(t, scenario.Fee, v.look().CapturedFen)
	assert.Contains(t, look("--channel-no", second.ChannelNo), `"outcome": "told"`)
	v.strayGoesBack(payment.Completed)
	assert.Contains(t, look("--channel-no", second.ChannelNo), `"outcome": "known"`)
}
