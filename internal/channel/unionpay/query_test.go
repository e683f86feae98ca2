package unionpay

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func TestQueryReadsTheStateByCodeAndTime(t *testing.T) {
	const before, after = false, true
	for _, tc := range []struct {
		rule string
		over bool
		resp map[string]string
		want channel.State
	}{
		{"paid", before, map[string]string{"origRespCode": "00", "txnAmt": "2550"}, channel.Captured},
		{"paid, and asked late", after, map[string]string{"origRespCode": "00", "txnAmt": "2550"}, channel.Captured},
		{"unknown before its time is over: the form may not have been posted", before, map[string]string{"respCode": "34"}, channel.Open},
		{"unknown when it is over", after, map[string]string{"respCode": "34"}, channel.Absent},
		{"at the cashier", before, map[string]string{"origRespCode": "05"}, channel.Open},
		{"accepted and over", after, map[string]string{"origRespCode": "05"}, channel.InClearing},
		{"timed out at the bank", before, map[string]string{"origRespCode": "03"}, channel.InClearing},
		{"unclear, even when over", after, map[string]string{"origRespCode": "04"}, channel.InClearing},
		{"a failed attempt can be followed by another card", before, map[string]string{"origRespCode": "64"}, channel.Open},
		{"a failed attempt is the end when over", after, map[string]string{"origRespCode": "64"}, channel.Declined},
		{"nobody paid at the cashier in time", after, map[string]string{"origRespCode": "69"}, channel.Closed},
		{"the same within the margin", before, map[string]string{"origRespCode": "69"}, channel.Open},
		{"reversed", after, map[string]string{"origRespCode": "46"}, channel.Closed},
		{"debited too late needs a person", before, map[string]string{"origRespCode": "42"}, channel.Doubtful},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			if tc.over {
				w.now = noon.Add(15*time.Minute + DefaultCloseMargin)
			}
			resp := map[string]string{"respCode": "00", "queryId": "q1"}
			for k, v := range tc.resp {
				resp[k] = v
			}
			w.says(resp)
			r, err := w.client.Query(context.Background(), charge(payment.Front))
			require.NoError(t, err)
			require.Equal(t, tc.want, r.State)
			require.Equal(t, "ORD20260302A01", r.MerchantNo)
			path, req := w.last()
			require.Equal(t, "/queryTrans.do", path)
			require.Equal(t, "00", req["txnType"])
			require.Equal(t, "20260302120000", req["txnTime"])
		})
	}
}

func TestHowMuchWasCaptured(t *testing.T) {
	for _, tc := range []struct {
		rule string
		resp map[string]string
		fen  int64
		bad  bool
	}{
		{"the transaction's amount", map[string]string{"origRespCode": "00", "txnAmt": "2550", "settleAmt": "2500"}, 2550, false},
		{"what is settled, where the other is missing", map[string]string{"origRespCode": "00", "settleAmt": "2500"}, 2500, false},
		{"what is settled, of a success in part", map[string]string{"origRespCode": "A6", "txnAmt": "2550", "settleAmt": "1000"}, 1000, false},
		{"a success in part without it is unknown", map[string]string{"origRespCode": "A6", "txnAmt": "2550"}, 0, true},
		{"no amount at all is unknown", map[string]string{"origRespCode": "00"}, 0, true},
		{"an amount in yuan is unknown", map[string]string{"origRespCode": "00", "txnAmt": "25.50"}, 0, true},
		{"a negative one is unknown", map[string]string{"origRespCode": "00", "txnAmt": "-1"}, 0, true},
		{"an absurd one is unknown", map[string]string{"origRespCode": "00", "txnAmt": "9999999999999999"}, 0, true},
		{"no queryId: it could not be refunded", map[string]string{"origRespCode": "00", "txnAmt": "1", "queryId": ""}, 0, true},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			resp := map[string]string{"respCode": "00", "queryId": "q1", "traceTime": "0302120130"}
			for k, v := range tc.resp {
				resp[k] = v
			}
			w.says(resp)
			r, err := w.client.Query(context.Background(), charge(payment.Front))
			if tc.bad {
				require.Equal(t, payment.Uncertain, kindOf(t, err))
				return
			}
			require.NoError(t, err)
			require.True(t, money.Fen(tc.fen).Equal(r.Captured), r.Captured)
			require.Equal(t, "q1", r.ChannelNo)
			require.True(t, r.CapturedAt.Equal(noon.Add(90*time.Second)), r.CapturedAt)
		})
	}
}

func TestCloseIsDecidedByAQueryAfterTheTimeAndTheMargin(t *testing.T) {
	end := noon.Add(15 * time.Minute)
	for _, tc := range []struct {
		rule string
		now  time.Time
		resp map[string]string
		want channel.State
	}{
		{"unpaid and in time is open", end.Add(-time.Second), map[string]string{"respCode": "34"}, channel.Open},
		{"unpaid within the margin is open", end.Add(DefaultCloseMargin - time.Millisecond), map[string]string{"respCode": "34"}, channel.Open},
		{"unpaid after the margin is closed", end.Add(DefaultCloseMargin), map[string]string{"respCode": "34"}, channel.Closed},
		{"declined after the margin stays declined", end.Add(DefaultCloseMargin), map[string]string{"respCode": "00", "origRespCode": "64"}, channel.Declined},
		{"unclear after the margin is not closed", end.Add(time.Hour), map[string]string{"respCode": "00", "origRespCode": "04"}, channel.InClearing},
		{"paid by a patient who was first", end.Add(-time.Second), map[string]string{"respCode": "00", "origRespCode": "00", "txnAmt": "2550", "queryId": "q"}, channel.Captured},
		{"paid at the last moment", end.Add(time.Hour), map[string]string{"respCode": "00", "origRespCode": "00", "txnAmt": "2550", "queryId": "q"}, channel.Captured},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			w.now = tc.now
			w.says(tc.resp)
			for range 2 { // it may be repeated
				r, err := w.client.Close(context.Background(), charge(payment.Front))
				require.NoError(t, err)
				require.Equal(t, tc.want, r.State)
			}
		})
	}
	t.Run("a reply that left in time is not judged as one from after it", func(t *testing.T) {
		w := newWorld(t)
		w.now = end.Add(DefaultCloseMargin - time.Second)
		w.answers(func(string, map[string]string) map[string]string {
			w.now = end.Add(time.Hour)
			return map[string]string{"respCode": "34"}
		})
		r, err := w.client.Close(context.Background(), charge(payment.Front))
		require.NoError(t, err)
		require.Equal(t, channel.Open, r.State)
	})
}

func TestASecondPaymentOfAnOrderIsAskedForByItsNumber(t *testing.T) {
	w := newWorld(t)
	ch := charge(payment.Front)
	ch.ChannelNo = "q2"
	w.says(map[string]string{"respCode": "00", "origRespCode": "00", "orderId": ch.MerchantNo, "queryId": "q2", "txnAmt": "2550"})
	r, err := w.client.Query(context.Background(), ch)
	require.NoError(t, err)
	require.Equal(t, channel.Captured, r.State)
	require.Equal(t, "q2", r.ChannelNo)
	require.Equal(t, ch.MerchantNo, r.MerchantNo)
	path, req := w.last()
	require.Equal(t, "/queryTrans.do", path)
	require.Equal(t, "02", req["txnSubType"])
	require.Equal(t, "q2", req["queryId"])
	require.NotContains(t, req, "orderId")
	require.NotContains(t, req, "txnTime")

	for name, tc := range map[string]struct {
		order, number string
		kind          payment.Kind
	}{
		"another order's":             {"ORD20260302A02", "q2", payment.Final},
		"no order named":              {"", "q2", payment.Final},
		"an answer to something else": {ch.MerchantNo, "q1", payment.Uncertain},
	} {
		w.says(map[string]string{"respCode": "00", "origRespCode": "00", "txnAmt": "2550", "orderId": tc.order, "queryId": tc.number})
		_, err := w.client.Query(context.Background(), ch)
		require.Equal(t, tc.kind, kindOf(t, err), name)
	}
	w.says(map[string]string{"respCode": "34"})
	r, err = w.client.Query(context.Background(), ch)
	require.NoError(t, err)
	require.NotEqual(t, channel.Captured, r.State)
}

func TestAQueryThatFailsItselfIsAnError(t *testing.T) {
	for code, want := range map[string]payment.Kind{
		"03": payment.Retryable, "05": payment.Retryable, "06": payment.Retryable, "37": payment.Retryable,
		"31": payment.Final, "00": payment.Uncertain,
	} {
		w := newWorld(t)
		w.says(map[string]string{"respCode": code})
		_, err := w.client.Query(context.Background(), charge(payment.Front))
		require.Equal(t, want, kindOf(t, err), code)
	}
}

func TestTraceTimeTakesTheNearestYear(t *testing.T) {
	for _, tc := range []struct{ trace, near, want string }{
		{"0302120130", "20260302120000", "20260302120130"},
		{"0101000010", "20251231235950", "20260101000010"},
		{"1231235950", "20260101000010", "20251231235950"},
		{"0229120000", "20240301000000", "20240229120000"},
	} {
		near, err := parseStamp(tc.near)
		require.NoError(t, err)
		require.Equal(t, tc.want, stamp(parseTrace(tc.trace, near)))
	}
	for _, bad := range []string{"", "0229", "1332000000", "abcdefghij"} {
		require.True(t, parseTrace(bad, noon).IsZero(), bad)
	}
}
