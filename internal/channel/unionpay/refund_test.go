package unionpay

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func TestRefundNamesTheOriginalAndIsOnlyAccepted(t *testing.T) {
	w := newWorld(t)
	w.says(map[string]string{"respCode": "00", "queryId": "rq1"})
	rep, err := w.client.Refund(context.Background(), charge(payment.Front), refund(1000))
	require.NoError(t, err)
	require.Equal(t, channel.RefundProcessing, rep.State)
	require.Equal(t, "rq1", rep.ChannelNo)
	require.Equal(t, "ORD20260302R01", rep.RefundNo)
	path, req := w.last()
	require.Equal(t, "/backTransReq.do", path)
	require.Equal(t, "04", req["txnType"])
	require.Equal(t, "00", req["txnSubType"])
	require.Equal(t, "242603021200001", req["origQryId"])
	require.Equal(t, "ORD20260302R01", req["orderId"])
	require.Equal(t, "20260302130000", req["txnTime"])
	require.Equal(t, "1000", req["txnAmt"])
}

func TestARefundsReplyIsSorted(t *testing.T) {
	for code, want := range map[string]payment.Kind{
		"01": payment.Uncertain, "03": payment.Uncertain, "04": payment.Uncertain, "34": payment.Uncertain, "60": payment.Uncertain,
		"02": payment.Retryable, "06": payment.Retryable, "39": payment.Retryable,
		"32": payment.Final, "13": payment.Final,
	} {
		w := newWorld(t)
		w.says(map[string]string{"respCode": code})
		_, err := w.client.Refund(context.Background(), charge(payment.Front), refund(1000))
		require.Equal(t, want, kindOf(t, err), code)
		require.Len(t, w.calls(), 1, code)
	}
}

func TestARefusalThatAnEarlierSuccessExplainsIsQueried(t *testing.T) {
	for _, tc := range []struct {
		rule, code string
		query      map[string]string
		state      channel.RefundState
		kind       payment.Kind
	}{
		{"a duplicate of a success", "12", map[string]string{"respCode": "00", "origRespCode": "00", "txnAmt": "1000"}, channel.RefundSucceeded, ""},
		{"already returned, by this very refund", "45", map[string]string{"respCode": "00", "origRespCode": "00"}, channel.RefundSucceeded, ""},
		{"a duplicate under way", "12", map[string]string{"respCode": "00", "origRespCode": "05"}, channel.RefundProcessing, ""},
		{"more than is left, and never sent before", "36", map[string]string{"respCode": "34"}, "", payment.Final},
		{"a duplicate of nothing", "12", map[string]string{"respCode": "34"}, "", payment.Uncertain},
		{"a query that fails", "45", map[string]string{"respCode": "31"}, "", payment.Uncertain},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			w.answers(func(path string, _ map[string]string) map[string]string {
				if path == pathQuery {
					return tc.query
				}
				return map[string]string{"respCode": tc.code}
			})
			rep, err := w.client.Refund(context.Background(), charge(payment.Front), refund(1000))
			if tc.kind != "" {
				require.Equal(t, tc.kind, kindOf(t, err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.state, rep.State)
		})
	}
}

func TestQueryRefundAsksByTheRefundsOwnNumberAndTime(t *testing.T) {
	for _, tc := range []struct {
		resp map[string]string
		want channel.RefundState
	}{
		{map[string]string{"respCode": "00", "origRespCode": "00", "txnAmt": "1000"}, channel.RefundSucceeded},
		{map[string]string{"respCode": "00", "origRespCode": "05"}, channel.RefundProcessing},
		{map[string]string{"respCode": "00", "origRespCode": "A6"}, channel.RefundAbnormal},
		{map[string]string{"respCode": "00", "origRespCode": "61"}, channel.RefundFailed},
		{map[string]string{"respCode": "34"}, channel.RefundAbsent},
	} {
		w := newWorld(t)
		w.says(tc.resp)
		rep, err := w.client.QueryRefund(context.Background(), charge(payment.Front), refund(1000))
		require.NoError(t, err)
		require.Equal(t, tc.want, rep.State)
		if rep.State == channel.RefundSucceeded {
			require.True(t, money.Fen(1000).Equal(rep.Amount))
		}
		_, req := w.last()
		require.Equal(t, "ORD20260302R01", req["orderId"])
		require.Equal(t, "20260302130000", req["txnTime"])
	}
}

func TestARefundWithoutTheOriginalsNumberAsksForIt(t *testing.T) {
	w := newWorld(t)
	w.answers(func(path string, req map[string]string) map[string]string {
		if path == pathQuery {
			return map[string]string{"respCode": "00", "origRespCode": "00", "txnAmt": "2550", "queryId": "found"}
		}
		return map[string]string{"respCode": "00"}
	})
	r := refund(1000)
	r.Original = channel.Report{}
	_, err := w.client.Refund(context.Background(), charge(payment.Front), r)
	require.NoError(t, err)
	_, req := w.last()
	require.Equal(t, "found", req["origQryId"])

	w.says(map[string]string{"respCode": "34"})
	_, err = w.client.Refund(context.Background(), charge(payment.Front), r)
	require.Equal(t, payment.Final, kindOf(t, err))
}
