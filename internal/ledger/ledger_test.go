package ledger_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/ledger"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func movement(fen, fee int64) ledger.Movement {
	return ledger.Movement{HospitalID: "h-renmin", PaymentID: "pay_x", Channel: payment.WeChat, Number: "1-wx", At: time.Unix(0, 0),
		Amount: money.Fen(fen), Fee: money.Fen(fee)}
}

func sums(ts ...ledger.Transaction) map[ledger.Account]int64 {
	out := map[ledger.Account]int64{}
	for _, t := range ts {
		for _, p := range t.Postings {
			out[p.Account] += p.Amount.Minor()
		}
	}
	return out
}

func TestACapture(t *testing.T) {
	tx, err := ledger.NewCapture(movement(5000, 30))
	require.NoError(t, err)
	require.Equal(t, "pay_x/capture/1-wx", tx.ID)
	require.Equal(t, map[ledger.Account]int64{"receivable/wechat": 5000, "registrations": -5000,
		"fee_expense/wechat": 30, "fee_payable/wechat": -30}, sums(tx))
	free, err := ledger.NewCapture(movement(5000, 0))
	require.NoError(t, err)
	require.Len(t, free.Postings, 2, "no lines without money")
}

func TestARefundOnSiteLeavesTheChannelAlone(t *testing.T) {
	tx, err := ledger.NewOfflineRefund(movement(5000, 30))
	require.NoError(t, err)
	require.Equal(t, map[ledger.Account]int64{"cash_on_site": -5000, "registrations": 5000}, sums(tx))
}

func TestEveryTransactionBalancesAndARefundIsACaptureTheOtherWay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fen := rapid.Int64Range(1, payment.MaxAmount).Draw(rt, "fen")
		m := movement(fen, rapid.Int64Range(0, fen).Draw(rt, "fee"))
		in, err := ledger.NewCapture(m)
		require.NoError(rt, err)
		require.NoError(rt, in.Check())
		out, err := ledger.NewRefund(m)
		require.NoError(rt, err)
		require.NoError(rt, out.Check())
		require.NotEqual(rt, in.ID, out.ID)
		for account, sum := range sums(in, out) {
			require.Zero(rt, sum, account)
		}
		offline, err := ledger.NewOfflineRefund(m)
		require.NoError(rt, err)
		require.NoError(rt, offline.Check())
	})
}

func TestAmountsThatCannotBeBooked(t *testing.T) {
	for name, m := range map[string]ledger.Movement{
		"zero":                    movement(0, 0),
		"negative":                movement(-1, 0),
		"a negative fee":          movement(10, -1),
		"a fee above the amount":  movement(10, 11),
		"a fee in other currency": {Amount: money.Fen(10), Fee: money.Minor(1, money.USD)},
		"no currency":             {},
	} {
		_, err := ledger.NewCapture(m)
		require.Error(t, err, name)
	}
	tx, err := ledger.NewCapture(movement(10, 0))
	require.NoError(t, err)
	tx.Postings[0].Amount = money.Fen(9)
	require.ErrorIs(t, tx.Check(), ledger.ErrUnbalanced)
	tx.Postings = tx.Postings[:1]
	require.ErrorIs(t, tx.Check(), ledger.ErrEmpty)
}

func TestFee(t *testing.T) {
	for _, c := range []struct {
		fen  int64
		rate string
		want int64
	}{{5000, "0.006", 30}, {5083, "0.006", 30}, {5084, "0.006", 31}, {83, "0.006", 0}, {84, "0.006", 1}, {5000, "0", 0},
		{5000, "-1", 0}, {5000, "2", 5000}} {
		require.Equal(t, c.want, ledger.Fee(money.Fen(c.fen), decimal.RequireFromString(c.rate)).Minor(), "%d at %s", c.fen, c.rate)
	}
}

func TestAFeeComesBackToTheFenInHoweverManyParts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		captured := rapid.Int64Range(1, 100_000).Draw(rt, "captured")
		fee := ledger.Fee(money.Fen(captured), decimal.New(rapid.Int64Range(0, 1000).Draw(rt, "rate"), -3))
		var refunded, given int64
		for refunded < captured {
			part := rapid.Int64Range(1, captured-refunded).Draw(rt, "part")
			refunded += part
			back := ledger.FeeBack(fee, money.Fen(captured), money.Fen(refunded), money.Fen(given)).Minor()
			if back < 0 || back > part {
				rt.Fatalf("a refund of %d brings back %d of the fee", part, back)
			}
			given += back
		}
		require.Equal(rt, fee.Minor(), given)
	})
}
