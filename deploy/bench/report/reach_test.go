package report

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/bench/result"
)

func named(t *testing.T, r result.Run, parts ...string) Target {
	t.Helper()
	for _, target := range Reach(r) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(target.Name, p)
		}
		if all {
			return target
		}
	}
	require.Fail(t, "no such target", "%v", parts)
	return Target{}
}

func TestATargetIsMetAtItsLimitAndNotBeyond(t *testing.T) {
	at16, half := result.Load{AtOnce: 16}, result.Load{Share: 0.5}
	rate := func(arm string, v float64) func(result.Run) {
		return func(r result.Run) { change(r, arm, at16, func(w *result.Window) { w.PerSecond = v }) }
	}
	wechat := func(l result.Load, edit func(*result.Window, float64)) func(v float64) func(result.Run) {
		return func(v float64) func(result.Run) {
			return func(r result.Run) { change(r, result.Wechat, l, func(w *result.Window) { edit(w, v) }) }
		}
	}
	for _, c := range []struct {
		target        []string
		given         func(result.Run)
		set           func(float64) func(result.Run)
		meets, misses float64
	}{
		{[]string{result.Wechat, result.Empty}, rate(result.Empty, 60), func(v float64) func(result.Run) { return rate(result.Wechat, v) }, 42, 41.99},
		{[]string{result.Wechat, result.Tutorial}, rate(result.Tutorial, 10), func(v float64) func(result.Run) { return rate(result.Wechat, v) }, 30, 29.999},
		{[]string{result.Mixed, result.Empty}, rate(result.Empty, 60), func(v float64) func(result.Run) { return rate(result.Mixed, v) }, 30, 29.99},
		{[]string{"API answer p50"}, nil, wechat(half, func(w *result.Window, v float64) { w.Answer.P50 = v }), 60, 60.001},
		{[]string{"API answer p99"}, nil, wechat(half, func(w *result.Window, v float64) { w.Answer.P99 = v }), 300, 300.1},
		{[]string{"voucher p50"}, nil, wechat(half, func(w *result.Window, v float64) { w.Voucher.P50 = v }), 60, 60.1},
		{[]string{"voucher p99"}, nil, wechat(half, func(w *result.Window, v float64) { w.Voucher.P99 = v }), 300, 300.0001},
		{[]string{result.Wechat, "history"}, nil, wechat(at16, func(w *result.Window, v float64) { w.HistoryEvents = v }), 20, 20.01},
		{[]string{result.Mixed, "history"}, nil, func(v float64) func(result.Run) {
			return func(r result.Run) { change(r, result.Mixed, at16, func(w *result.Window) { w.HistoryEvents = v }) }
		}, 32, 32.01},
		{[]string{"flushes", ", 1 at once"}, nil, wechat(result.Load{AtOnce: 1}, func(w *result.Window, v float64) { w.WALFlushes = v }), 25, 25.01},
		{[]string{"flushes", ", 16 at once"}, nil, wechat(at16, func(w *result.Window, v float64) { w.WALFlushes = v }), 25, 25.01},
		{[]string{result.Wechat, "CPU"}, nil, wechat(at16, func(w *result.Window, v float64) {
			w.CPUMS["worker"], w.CPUMS["api"], w.CPUMS["temporal"] = v-4, 4, 20
		}), 19.99, 20},
	} {
		t.Run(strings.Join(c.target, " "), func(t *testing.T) {
			for _, v := range []float64{c.meets, c.misses} {
				r := invented()
				if c.given != nil {
					c.given(r)
				}
				c.set(v)(r)
				got := named(t, r, c.target...)
				require.Equal(t, v == c.meets, got.Met, "%v: %+v", v, got)
			}
		})
	}
}

func TestWhatIsShownNeverSaysOtherwiseThanTheVerdict(t *testing.T) {
	got := limit{"≥", 0.7, " ×"}.target("ratio", result.SpreadOf([]float64{0.69961}), 1, "")
	require.False(t, got.Met)
	require.Equal(t, "0.6996 × [0.6996–0.6996]", got.Value)
	got = limit{"<", 1, " ×"}.target("ratio", result.SpreadOf([]float64{0.9999}), 1, "")
	require.True(t, got.Met)
	require.Contains(t, got.Value, "0.9999")
	got = limit{"≤", 60, " ms"}.target("latency", result.SpreadOf([]float64{41.26, 43.31, 39}), 3, "")
	require.Equal(t, Target{Name: "latency", Value: "41.3 ms [39.0–43.3]", Limit: "≤ 60 ms", Met: true}, got)
}

// Two arms whose machine was twice as fast in one round: across rounds their
// medians say nothing, within each round the ratio is 0.8.
func TestRatiosAreTakenWithinARound(t *testing.T) {
	r := result.Run{Rounds: 4}
	at16 := result.Load{AtOnce: 16}
	for _, w := range []struct {
		round int
		rate  float64
	}{{3, 80}, {1, 40}, {2, 48}} {
		r.Add(result.Wechat, at16, result.Window{Round: w.round, Seconds: 1, PerSecond: w.rate})
	}
	for _, w := range []struct {
		round int
		rate  float64
	}{{1, 50}, {2, 60}, {3, 100}, {4, 1000}} {
		r.Add(result.Empty, at16, result.Window{Round: w.round, Seconds: 1, PerSecond: w.rate})
	}
	got := named(t, r, result.Wechat, result.Empty)
	require.True(t, got.Met)
	require.Equal(t, "0.80 × [0.80–0.80], 48.0 of 80.0/s, 3 of 4 rounds", got.Value)
}

func TestARoundThatWasRepeatedIsPairedInOrder(t *testing.T) {
	r := result.Run{Rounds: 2}
	at16 := result.Load{AtOnce: 16}
	for i, rate := range []float64{40, 10, 6} { // the third has no partner
		r.Add(result.Wechat, at16, result.Window{Round: 1, Seconds: 1, PerSecond: rate})
		if i < 2 {
			r.Add(result.Empty, at16, result.Window{Round: 1, Seconds: 1, PerSecond: 2 * rate})
		}
	}
	require.Contains(t, named(t, r, result.Wechat, result.Empty).Value, "0.50 × [0.50–0.50]")
}

func TestATargetWithoutItsSeriesIsNotMet(t *testing.T) {
	for _, target := range Reach(result.Run{}) {
		require.False(t, target.Met, target.Name)
		require.Equal(t, notMeasured, target.Value, target.Name)
		require.NotEmpty(t, target.Limit)
	}
	require.Equal(t, notMeasured, named(t, without(invented(), result.Empty), result.Wechat, result.Empty).Value)
}

// Zeros would pass every "at most".
func TestAnEmptyWindowMeetsNoTarget(t *testing.T) {
	r := invented()
	for _, s := range r.Series {
		change(r, s.Arm, s.Load, func(w *result.Window) { *w = result.Window{Round: w.Round, Payments: 5, Seconds: 20} })
	}
	for _, target := range Reach(r) {
		require.False(t, target.Met, "%+v", target)
	}
}

func TestAStandstillFailsTheRatioRatherThanLeavingItOut(t *testing.T) {
	r := invented()
	change(r, result.Wechat, result.Load{AtOnce: 16}, func(w *result.Window) { w.PerSecond, w.Payments = 0, 0 })
	got := named(t, r, result.Wechat, result.Empty)
	require.False(t, got.Met)
	require.Contains(t, got.Value, "0.0 ×")
}

func TestAMissingProcessIsNotTakenForACheapOne(t *testing.T) {
	r := invented()
	change(r, result.Wechat, result.Load{AtOnce: 16}, func(w *result.Window) { delete(w.CPUMS, "worker") })
	require.Equal(t, notMeasured, named(t, r, result.Wechat, "CPU").Value)
}

func TestJSONReadsBackAsTheSameRun(t *testing.T) {
	r := invented()
	var b bytes.Buffer
	require.NoError(t, JSON(&b, r))
	require.Contains(t, b.String(), "\n  \"reach\": [\n    {\n      \"name\":")
	require.Contains(t, b.String(), `"< 1 ×"`, "no escapes for HTML")
	var back struct {
		result.Run
		Reach []Target `json:"reach"`
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &back))
	require.Equal(t, r, back.Run)
	require.Equal(t, Reach(r), back.Reach)
}

func TestJSONHasTheMembersThatTheTypesSay(t *testing.T) {
	r := invented()
	r.Series = r.Series[:3]
	r.Series = append(r.Series, result.Series{Arm: "none", Windows: []result.Window{{}}})
	var b bytes.Buffer
	require.NoError(t, JSON(&b, r))
	var got map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	delete(got, "reach")
	want, err := json.Marshal(r)
	require.NoError(t, err)
	have, err := json.Marshal(got)
	require.NoError(t, err)
	// A map without entries is {} here and null there; both read back as none.
	require.JSONEq(t, strings.ReplaceAll(string(want), `"cpu_ms":null`, `"cpu_ms":{}`), string(have))
}

func TestJSONWritesWhatIsNoNumberAsNull(t *testing.T) {
	r := invented()
	change(r, result.Plain, result.Load{AtOnce: 16}, func(w *result.Window) {
		w.WALFlushes, w.HistoryBytes, w.CPUMS["server"] = math.NaN(), math.Inf(1), math.Inf(-1)
	})
	var b bytes.Buffer
	require.NoError(t, JSON(&b, r))
	require.Contains(t, b.String(), `"wal_flushes": null`)
	require.Contains(t, b.String(), `"history_bytes": null`)
	require.Contains(t, b.String(), `"server": null`)
	require.True(t, json.Valid(b.Bytes()))
}
