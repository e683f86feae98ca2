package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

func TestQuantilesAreByNearestRank(t *testing.T) {
	ms := func(all ...int) []time.Duration {
		out := make([]time.Duration, len(all))
		for i, n := range all {
			out[i] = time.Duration(n) * time.Millisecond
		}
		return out
	}
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i
	}
	for name, tc := range map[string]struct {
		in   []time.Duration
		want quantiles
	}{
		"none":          {nil, quantiles{}},
		"one":           {ms(7), quantiles{1, 7, 7}},
		"two":           {ms(9, 1), quantiles{2, 1, 9}},
		"three":         {ms(3, 1, 2), quantiles{3, 2, 3}},
		"a hundred":     {ms(hundred...), quantiles{100, 50, 95}},
		"one in twenty": {ms(append(make([]int, 19), 1000)...), quantiles{20, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, quantilesOf(tc.in)) })
	}
}

func TestQuantilesAreMeasuredValuesInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(0, 1_000_000), 1, 200).Draw(t, "ms")
		in := make([]time.Duration, len(all))
		measured := map[int64]bool{}
		for i, n := range all {
			in[i], measured[n] = time.Duration(n)*time.Millisecond, true
		}
		q := quantilesOf(in)
		if q.P50 > q.P95 || !measured[q.P50] || !measured[q.P95] || q.N != len(all) {
			t.Fatalf("%+v of %v", q, all)
		}
	})
}

func ended(method payment.Method, status payment.Status, expected ...payment.Status) outcome {
	o := outcome{registration: registration{No: "000001", Hospital: "h-one", Slot: wire.Slot{ID: "S-1"}, Registration: 500, Consultation: 2000,
		Choice: wire.Choice{Method: method}, Expected: expected}, order: "ORDER1", paymentID: "pay_1",
		started: opened(), answered: 40 * time.Millisecond, final: wire.Payment{Status: status}}
	if status == payment.Completed || status == payment.Refunded {
		o.final.Voucher = &wire.Voucher{IssuedAt: opened().Add(3 * time.Second)}
	}
	return o
}

func TestTheTableCountsByTheWayThatThePatientChoseFirst(t *testing.T) {
	all := []outcome{
		ended(payment.ByWeChat, payment.Completed), ended(payment.ByWeChat, payment.Closed), ended(payment.ByMixed, payment.Refunded),
		ended(payment.ByInsurance, payment.InReview), ended(payment.ByUnionPay, payment.Rejected),
		{registration: registration{Choice: wire.Choice{Method: payment.ByWeChat}}, err: errors.New("never came into being")},
	}
	table := ways(all, func(o outcome) (time.Time, bool) {
		return opened().Add(2800 * time.Millisecond), o.status() == payment.Completed
	})
	require.Len(t, table, 5)
	require.Equal(t, way{Way: "wechat", Started: 2, Completed: 1, Closed: 1, Other: 1, Answer: quantiles{2, 40, 40},
		Order: quantiles{1, 3000, 3000}, Capture: quantiles{1, 200, 200}}, table[0])
	sum := table[4]
	require.Equal(t, "all", sum.Way)
	require.Equal(t, [6]int{5, 1, 1, 1, 1, 1}, [6]int{sum.Started, sum.Completed, sum.Refunded, sum.Closed, sum.Rejected, sum.InReview})

	var b bytes.Buffer
	printWays(&b, table)
	for _, word := range []string{"wechat", "unionpay", "insurance", "mixed", "in review", "unfinished", "capture to voucher", "200 ms / 200 ms", "40 ms"} {
		require.Contains(t, b.String(), word)
	}
}

func TestARowThatEndedOtherwiseFailsTheDay(t *testing.T) {
	good := ended(payment.ByWeChat, payment.Completed, payment.Completed, payment.Closed)
	c, others := asExpected([]outcome{good})
	require.True(t, c.OK)
	require.Empty(t, others)
	require.NotNil(t, others, "programs read a list")

	broken := good
	broken.err = errors.New("the slot is taken")
	c, others = asExpected([]outcome{good, ended(payment.ByMixed, payment.InReview, payment.Completed), broken})
	require.False(t, c.OK)
	require.Len(t, others, 2)
	require.Equal(t, "in_review", others[0].Got)
	require.Contains(t, others[1].String(), "the slot is taken")
}

func TestTheSummaryIsReadByPrograms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary.json")
	s := summary{StartedAt: opened(), Rows: 1, OK: true, Ways: []way{{Way: "wechat", Answer: quantiles{1, 40, 40}}},
		Checks: []check{{Name: "ledger_balances", OK: true}}, Unexpected: []unexpected{}}
	require.NoError(t, s.write(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var read map[string]any
	require.NoError(t, json.Unmarshal(text, &read))
	for _, field := range []string{"started_at", "stack_ms", "day_ms", "rows", "repeated_calls", "ok", "ways", "checks", "unexpected", "addresses"} {
		require.Contains(t, read, field)
	}
	require.Equal(t, []any{}, read["unexpected"])
}

func TestTheLineOfTheDayCountsWhatIsUnderWay(t *testing.T) {
	var b bytes.Buffer
	board := newBoard(&b, 4)
	for range 3 {
		board.began()
	}
	board.ended(ended(payment.ByWeChat, payment.Completed))
	board.ended(outcome{err: errors.New("no")})
	require.Contains(t, board.line(), "3/4  open 1  completed 1")
	require.Contains(t, board.line(), "failed 1")
	board.show()()
	require.Equal(t, 1, bytes.Count(b.Bytes(), []byte("\n")))
}
