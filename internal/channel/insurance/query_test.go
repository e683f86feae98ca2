package insurance

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func TestEveryOrderStateHasAMeaning(t *testing.T) {
	want := map[channel.State][]int{
		channel.InClearing: {0, 1, 2, 3},
		channel.Captured:   {4, 5, 6},
		channel.Closed:     {7, 8, 11, 12, 13},
		channel.Declined:   {14, 15, 16},
		channel.Doubtful:   {9, 10, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26},
	}
	seen := 0
	for state, codes := range want {
		for _, n := range codes {
			require.Equal(t, state, chargeState(strconv.Itoa(n)), n)
			seen++
		}
	}
	require.Equal(t, 27, seen)
	require.Equal(t, channel.Doubtful, chargeState("paid"))
}

func TestQueryReportsTheSplit(t *testing.T) {
	for _, numbers := range []bool{false, true} {
		w := newWorld(t)
		reply := settledReply("6")
		if numbers {
			for _, k := range []string{"feeSumamt", "ownPayAmt", "psnAcctPay", "fundPay"} {
				reply[k] = json.Number(reply[k].(string))
			}
			reply["ordStas"] = json.Number("6")
		}
		w.on(pathQuery, reply)
		r, err := w.client.Query(context.Background(), kept(charge()))
		require.NoError(t, err)
		require.Equal(t, channel.Captured, r.State)
		require.True(t, money.Fen(2000).Equal(r.Captured), "account and fund, not the patient's part: %s", r.Captured)
		require.True(t, money.Fen(550).Equal(r.Split.Own))
		require.True(t, money.Fen(800).Equal(r.Split.Account))
		require.True(t, money.Fen(1200).Equal(r.Split.Fund))
		require.Equal(t, "ORD110000202603021200001", r.ChannelNo)
		require.Equal(t, "6", r.Code)
		require.True(t, r.CapturedAt.Equal(noon.Add(90*time.Second)))
		require.Equal(t, map[string]any{
			"payOrdId": "ORD110000202603021200001", "payToken": "TK1", "orgCodg": "H11010100001",
			"idType": "01", "idNo": testID, "userName": "张三",
		}, w.data(-1))
	}
}

func TestASettlementThatDoesNotAddUpIsUnknown(t *testing.T) {
	for rule, change := range map[string]func(map[string]any){
		"a fen too much":     func(o map[string]any) { o["fundPay"] = "12.01" },
		"no fund":            func(o map[string]any) { delete(o, "fundPay") },
		"no sum":             func(o map[string]any) { delete(o, "feeSumamt") },
		"three decimals":     func(o map[string]any) { o["fundPay"], o["feeSumamt"] = "12.001", "25.501" },
		"a negative account": func(o map[string]any) { o["psnAcctPay"], o["fundPay"] = "-8.00", "28.00" },
		"an exponent":        func(o map[string]any) { o["fundPay"] = json.Number("1.2e1") },
	} {
		t.Run(rule, func(t *testing.T) {
			w := newWorld(t)
			reply := settledReply("6")
			change(reply)
			w.on(pathQuery, reply)
			_, err := w.client.Query(context.Background(), kept(charge()))
			require.Equal(t, payment.Uncertain, kindOf(t, err))
			require.Equal(t, "split", payment.CodeOf(err))
		})
	}
	t.Run("an amount is not needed before the end", func(t *testing.T) {
		w := newWorld(t)
		w.on(pathQuery, map[string]any{"payOrdId": "ORD110000202603021200001", "ordStas": "2"})
		r, err := w.client.Query(context.Background(), kept(charge()))
		require.NoError(t, err)
		require.Equal(t, channel.InClearing, r.State)
	})
}

func TestAReplyToAnotherOrderIsNotBelieved(t *testing.T) {
	for _, k := range []string{"payOrdId", "medOrgOrd"} {
		w := newWorld(t)
		reply := settledReply("6")
		reply[k] = "ANOTHER"
		w.on(pathQuery, reply)
		_, err := w.client.Query(context.Background(), kept(charge()))
		require.Equal(t, payment.Uncertain, kindOf(t, err))
	}
	w := newWorld(t)
	w.on(pathQuery, map[string]any{"payOrdId": "ORD110000202603021200001"})
	_, err := w.client.Query(context.Background(), kept(charge()))
	require.Equal(t, payment.Uncertain, kindOf(t, err), "no state")
}

func TestCloseRevokesWhatIsNotSettledAndAsksAgain(t *testing.T) {
	const query, revoke = "/query_order_info", "/revoke_order"
	for _, tc := range []struct {
		rule    string
		queries []any
		revoke  any
		calls   []string
		state   channel.State
		kind    payment.Kind
	}{
		{"a settled order is captured, and not revoked", []any{settledReply("6")}, nil, []string{query}, channel.Captured, ""},
		{"a closed one is closed", []any{settledReply("12")}, nil, []string{query}, channel.Closed, ""},
		{"one under way is revoked", []any{settledReply("2"), settledReply("12")}, map[string]any{}, []string{query, revoke, query}, channel.Closed, ""},
		{"settled while it was revoked", []any{settledReply("2"), settledReply("6")}, refusal("SETTLED"), []string{query, revoke, query}, channel.Captured, ""},
		{"the platform does not let go", []any{settledReply("2")}, refusal("BUSY2"), []string{query, revoke, query}, channel.InClearing, ""},
		{"a lost revoke that worked", []any{settledReply("2"), settledReply("12")}, lost(""), []string{query, revoke, query}, channel.Closed, ""},
		{"a lost revoke that did not", []any{settledReply("2")}, lost(""), []string{query, revoke, query}, "", payment.Uncertain},
		{"a platform that asks for a person", []any{settledReply("20")}, nil, []string{query}, channel.Doubtful, ""},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			w.on(pathQuery, tc.queries...)
			w.on(pathRevoke, tc.revoke)
			r, err := w.client.Close(context.Background(), kept(charge()))
			require.Equal(t, tc.calls, w.paths())
			if tc.kind != "" {
				require.Equal(t, tc.kind, kindOf(t, err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.state, r.State)
		})
	}
}

func TestAnOrderThatWasRevokedWithoutAHandleIsClosed(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.RevokedCodes = []string{"3003"} })
	w.on(pathUpload, refusal("3003"))
	ch := charge()
	ch.Repeat = true
	for range 2 {
		r, err := w.client.Close(context.Background(), ch)
		require.NoError(t, err)
		require.Equal(t, channel.Closed, r.State)
	}
	r, err := w.client.Query(context.Background(), ch)
	require.NoError(t, err)
	require.Equal(t, channel.Closed, r.State)
	p, err := w.client.Prepay(context.Background(), ch)
	require.NoError(t, err)
	require.Equal(t, channel.Closed, p.Report.State)
	rep, err := w.client.QueryRefund(context.Background(), ch, refund(2000))
	require.NoError(t, err)
	require.Equal(t, channel.RefundFailed, rep.State)

	w.on(pathUpload, unsignedNo("3003"))
	_, err = w.client.Query(context.Background(), ch)
	require.Equal(t, payment.Uncertain, kindOf(t, err), "nobody signed it")
	w.on(pathUpload, refusal("3002"))
	_, err = w.client.Query(context.Background(), ch)
	require.Equal(t, payment.Uncertain, kindOf(t, err), "another refusal says nothing of the first try")
}
