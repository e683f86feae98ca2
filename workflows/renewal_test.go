package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// An authorisation of the insurance is used once. After a clearing that failed
// the patient brings a new one, and what is paid already stays paid.
func TestAFreshAuthorisationIsTakenAfterAPartIsPaid(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	w.verified()
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.saysAt(40*time.Second, payment.Insurance, 2, channel.Declined, "15")
	fresh := choice(payment.ByMixed)
	fresh.PayAuthNo, fresh.ECToken = "AUTH0000000000000000000000000002", ""
	renewed := w.at(time.Hour, workflows.UpdateChangeMethod, fresh)
	w.paysAt(time.Hour+time.Minute, payment.Insurance, 3)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.Clearing, renewed.answered(t).Status)
	require.Equal(t, 1, len(w.asked("wechat prepay")), "the self-pay part is not asked for again")
	require.Equal(t, 2, len(w.asked("insurance prepay")))
	require.Empty(t, w.asked("wechat refund"))
}
