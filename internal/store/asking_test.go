package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func TestWhatIsAskedForIsLoggedWithWhoWhereAndWhy(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id, c := b.openCase(t, "ORDER0001", payment.ReviewRisk, 0)
	other, _ := b.openCase(t, "ORDER0002", payment.ReviewRisk, 0)
	for _, a := range []store.Asking{
		{CaseID: c, Verdict: payment.Approve},
		{Reason: " 欧阳测试来电取消 "},
		{Amount: money.Fen(1200), Reason: "重复付款"},
	} {
		a.PaymentID, a.By, a.Address = id, li.Subject, "10.0.0.1"
		require.NoError(t, b.AskLogged(ctx, a, noon))
	}
	file, err := b.PaymentFile(ctx, id, noon)
	require.NoError(t, err)
	last := file.Timeline[len(file.Timeline)-3:]
	want := []struct {
		action string
		detail map[string]string
	}{
		{"decision_asked", map[string]string{"case": c, "decision": "approve", "address": "10.0.0.1"}},
		{"cancel_asked", map[string]string{"address": "10.0.0.1", "purpose": "欧阳测试来电取消"}},
		{"refund_asked", map[string]string{"amount_fen": "1200", "address": "10.0.0.1", "purpose": "重复付款"}},
	}
	for i, w := range want {
		require.Equal(t, li.Subject, last[i].Actor)
		require.Equal(t, w.action, last[i].Action)
		require.Equal(t, w.detail, last[i].Detail)
	}
	require.NoError(t, b.VerifyAudit(ctx, id))
	told, err := b.Timeline(ctx, id)
	require.NoError(t, err)
	for _, h := range told {
		require.NotContains(t, h.Action, "asked", "booking backends do not learn where somebody sits")
	}
	for _, wrong := range []store.Asking{{PaymentID: "pay_unknown"}, {PaymentID: other, CaseID: c, Verdict: payment.Approve}} {
		require.ErrorIs(t, b.AskLogged(ctx, wrong, noon), store.ErrNotFound)
	}
}
