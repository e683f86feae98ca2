package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
)

// BenchmarkPayment is a payment without trouble: six steps in seven round trips. The
// server of the tests does not wait for the disk, so this is the cost beside that.
func BenchmarkPayment(b *testing.B) {
	s := newBooks(b)
	ctx := b.Context()
	for n := 0; b.Loop(); n++ {
		order := fmt.Sprintf("BENCH%08d", n)
		o := opening(request(order, n%1000, 5000))
		_, err := s.OpenPayment(ctx, o)
		require.NoError(b, err)
		_, err = s.BeginAttempt(ctx, charge(order, 1, payment.WeChat, 5000), payment.AwaitingPayment)
		require.NoError(b, err)
		require.NoError(b, s.SavePrepaid(ctx, o.PaymentID, 1, channel.Prepaid{Handle: "h",
			Pay: payment.PayParams{"code_url": "weixin://x"}, Report: channel.Report{State: channel.Open}}, noon))
		_, err = s.RecordCapture(ctx, capture(order, 1, "wx-"+order, 5000, payment.Paid))
		require.NoError(b, err)
		require.NoError(b, s.RecordRegistered(ctx, o.PaymentID, his.Registered{AppointmentID: order}, payment.Registered, noon))
		require.NoError(b, s.Complete(ctx, o.PaymentID, noon))
	}
}
