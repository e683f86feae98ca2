package insurance

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func refund(fen int64) channel.Refund {
	return channel.Refund{
		No: "ORD20260302R01", Amount: money.Fen(fen), RequestedAt: noon.Add(time.Hour),
		Original: channel.Report{
			State: channel.Captured, ChannelNo: "ORD110000202603021200001", Captured: money.Fen(2000),
			Split: &channel.Split{Own: money.Fen(550), Account: money.Fen(800), Fund: money.Fen(1200)},
		},
	}
}

func TestRefundGivesTheSettlementBackInItsOwnSplit(t *testing.T) {
	for status, want := range map[string]channel.RefundState{
		"SUCC": channel.RefundSucceeded, "FAIL": channel.RefundFailed, "EXP": channel.RefundAbnormal,
	} {
		w := newWorld(t)
		w.on(pathRefund, map[string]any{"refStatus": status, "payOrdId": "ORD110000202603021200001"})
		rep, err := w.client.Refund(context.Background(), kept(charge()), refund(2000))
		require.NoError(t, err)
		require.Equal(t, want, rep.State)
		require.Equal(t, "ORD20260302R01", rep.RefundNo)
		require.Equal(t, []string{"/refund_Order"}, w.paths())
		require.Equal(t, map[string]any{
			"payOrdId": "ORD110000202603021200001", "appRefdSn": "ORD20260302R01", "appRefdTime": "20260302130000",
			"totlRefdAmt": "20.00", "cashRefdAmt": "0.00", "psnAcctRefdAmt": "8.00", "fundRefdAmt": "12.00",
			"refdType": "HI", "payAuthNo": "AUTH1",
		}, w.data(0))
	}
}

func TestASettlementThatTheInsurancePaidAloneGoesBackAsAll(t *testing.T) {
	w := newWorld(t)
	w.on(pathRefund, map[string]any{"refStatus": "SUCC", "payOrdId": "ORD110000202603021200001"})
	r := refund(2000)
	r.Original.Split.Own = money.Fen(0)
	_, err := w.client.Refund(context.Background(), kept(charge()), r)
	require.NoError(t, err)
	require.Equal(t, "ALL", w.data(0)["refdType"])
	require.Equal(t, "20.00", w.data(0)["totlRefdAmt"])
}

func TestAPartIsNotRefunded(t *testing.T) {
	w := newWorld(t)
	_, err := w.client.Refund(context.Background(), kept(charge()), refund(1999))
	require.Equal(t, payment.Final, kindOf(t, err))
	require.Equal(t, "partial", payment.CodeOf(err))
	require.Empty(t, w.paths())
}

func TestARefundWithoutItsSplitAsksForIt(t *testing.T) {
	for _, tc := range []struct {
		rule, stas string
		state      channel.RefundState
		kind       payment.Kind
	}{
		{"settled", "6", channel.RefundSucceeded, ""},
		{"back already", "7", channel.RefundSucceeded, ""},
		{"never settled", "15", "", payment.Final},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			w.on(pathQuery, settledReply(tc.stas))
			w.on(pathRefund, map[string]any{"refStatus": "SUCC"})
			r := refund(2000)
			r.Original = channel.Report{}
			rep, err := w.client.Refund(context.Background(), kept(charge()), r)
			if tc.kind != "" {
				require.Equal(t, tc.kind, kindOf(t, err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.state, rep.State)
		})
	}
}

func TestARefundsFailureIsSorted(t *testing.T) {
	for _, tc := range []struct {
		rule   string
		answer any
		stas   string
		state  channel.RefundState
		kind   payment.Kind
	}{
		{"refused, and not back", refusal("E1"), "6", "", payment.Final},
		{"refused since an earlier try gave it back", refusal("E1"), "7", channel.RefundSucceeded, ""},
		{"a lost reply", lost(""), "6", "", payment.Uncertain},
		{"no status", map[string]any{"x": "y"}, "6", "", payment.Uncertain},
		{"another order's", map[string]any{"refStatus": "SUCC", "payOrdId": "X"}, "6", "", payment.Uncertain},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			w.on(pathRefund, tc.answer)
			w.on(pathQuery, settledReply(tc.stas))
			rep, err := w.client.Refund(context.Background(), kept(charge()), refund(2000))
			if tc.kind != "" {
				require.Equal(t, tc.kind, kindOf(t, err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.state, rep.State)
		})
	}
}

func TestQueryRefundReadsTheOrderAndNeverSendsARefund(t *testing.T) {
	for stas, want := range map[string]channel.RefundState{
		"6": channel.RefundAbsent, "4": channel.RefundAbsent, "7": channel.RefundSucceeded, "8": channel.RefundSucceeded,
		"17": channel.RefundProcessing, "15": channel.RefundFailed, "22": channel.RefundAbnormal, "9": channel.RefundAbnormal, "2": channel.RefundAbnormal,
	} {
		w := newWorld(t)
		w.on(pathQuery, settledReply(stas))
		rep, err := w.client.QueryRefund(context.Background(), kept(charge()), refund(2000))
		require.NoError(t, err)
		require.Equal(t, want, rep.State, stas)
		require.Equal(t, []string{"/query_order_info"}, w.paths())
	}
}
