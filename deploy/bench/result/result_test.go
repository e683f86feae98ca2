package result_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/deploy/bench/result"
)

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func upTo(n int) []time.Duration {
	var all []time.Duration
	for i := n; i > 0; i-- {
		all = append(all, ms(i))
	}
	return all
}

func TestPercentilesOfKnownData(t *testing.T) {
	l := result.LatencyOf(upTo(1000)) // 1 ms, 2 ms, … 1000 ms
	require.Equal(t, 1000, l.Count)
	require.Equal(t, []float64{500, 950, 990, 1000}, []float64{l.P50, l.P95, l.P99, l.Max})
	require.Equal(t, []float64{1, 100, 250, 500, 750, 900, 950, 980, 990, 995, 999, 1000}, l.Curve)

	l = result.LatencyOf(upTo(3))
	require.Equal(t, []float64{2, 3, 3, 3}, []float64{l.P50, l.P95, l.P99, l.Max}, "nearest rank: no value that was not measured")
	l = result.LatencyOf([]time.Duration{1500 * time.Microsecond})
	require.Equal(t, []float64{1.5, 1.5, 1.5, 1.5}, []float64{l.P50, l.P95, l.P99, l.Max})
	require.Zero(t, result.LatencyOf(nil))
}

// The rank is worked out in floating point; here it is in whole thousandths.
func TestARankIsExactWhateverTheCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6_000).Draw(t, "count")
		l := result.LatencyOf(upTo(n))
		require.Len(t, l.Curve, len(result.Quantiles()))
		for i, q := range result.Quantiles() {
			thousandths := int(math.Round(q * 1000))
			rank := max(1, (thousandths*n+999)/1000)
			require.InDelta(t, float64(rank), l.Curve[i], 1e-9, "quantile %v of %d", q, n)
		}
	})
}

func TestACurveNeverDescends(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []time.Duration
		for _, us := range rapid.SliceOfN(rapid.IntRange(0, 1e9), 1, 200).Draw(t, "µs") {
			all = append(all, time.Duration(us)*time.Microsecond)
		}
		l := result.LatencyOf(all)
		require.True(t, slices.IsSorted(l.Curve))
		require.Equal(t, []float64{l.Curve[3], l.Curve[6], l.Curve[8], l.Curve[11]}, []float64{l.P50, l.P95, l.P99, l.Max})
	})
}

func TestMedianAndRange(t *testing.T) {
	for name, c := range map[string]struct {
		figures []float64
		want    result.Spread
	}{
		"of an odd number":                  {[]float64{9, 1, 5}, result.Spread{Median: 5, Min: 1, Max: 9, N: 3}},
		"of an even number: between two":    {[]float64{4, 1, 9, 2}, result.Spread{Median: 3, Min: 1, Max: 9, N: 4}},
		"of one":                            {[]float64{7}, result.Spread{Median: 7, Min: 7, Max: 7, N: 1}},
		"of none":                           {nil, result.Spread{}},
		"what is no number counts for none": {[]float64{math.NaN(), 3, math.Inf(1), 1, math.Inf(-1)}, result.Spread{Median: 2, Min: 1, Max: 3, N: 2}},
		"of no number at all":               {[]float64{math.NaN()}, result.Spread{}},
	} {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(c.figures)
			require.Equal(t, c.want, result.SpreadOf(c.figures))
			require.Len(t, c.figures, len(before))
			var s result.Series
			for _, f := range c.figures {
				s.Windows = append(s.Windows, result.Window{PerSecond: f})
			}
			require.Equal(t, c.want, s.Over(func(w result.Window) float64 { return w.PerSecond }))
		})
	}
}

func TestTheOrderOfFiguresIsLeftAlone(t *testing.T) {
	figures := []float64{3, 1, 2}
	result.SpreadOf(figures)
	require.Equal(t, []float64{3, 1, 2}, figures)
}

func TestWindowsAreFoundUnderTheirArmAndLoad(t *testing.T) {
	var r result.Run
	half, sixteen := result.Load{Share: 0.5}, result.Load{AtOnce: 16}
	r.Add(result.Wechat, half, result.Window{Round: 1})
	r.Add(result.Wechat, sixteen, result.Window{Round: 1})
	r.Add(result.Wechat, half, result.Window{Round: 2})
	r.Add(result.Plain, half, result.Window{Round: 1})
	require.Len(t, r.Series, 3)
	s, ok := r.Find(result.Wechat, half)
	require.True(t, ok)
	require.Equal(t, []result.Window{{Round: 1}, {Round: 2}}, s.Windows)
	_, ok = r.Find(result.Wechat, result.Load{Share: 0.5, CounterpartyMS: 200})
	require.False(t, ok)
	_, ok = r.Find(result.Mixed, half)
	require.False(t, ok)
}
