package report

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/bench/result"
)

// speed is an invented arm: payments a second at 16 at once, and the median of
// its answers in milliseconds.
type speed struct {
	perSecond, ms   float64
	events, flushes float64
	processes       map[string]float64
	voucher         bool
}

func speeds() map[string]speed {
	worker := map[string]float64{"worker": 6, "api": 4, "temporal": 21, "postgres": 9, "sandbox": 3, "load": 2}
	server := map[string]float64{"server": 11, "postgres": 8, "sandbox": 3, "load": 2}
	return map[string]speed{
		result.Wechat:   {33, 28, 18, 19, worker, true},
		result.Mixed:    {24, 34, 29, 27, worker, true},
		result.Tutorial: {9.5, 120, 47, 61, worker, true},
		result.Coarse:   {11.5, 110, 41, 52, worker, true},
		result.Empty:    {42, 19, 16, 14, worker, false},
		result.InPlace:  {49, 12, 15, 11, worker, false},
		result.DBOS:     {71, 30, 0, 22, server, true},
		result.Plain:    {240, 9, 0, 7, server, true},
	}
}

// latencyAround is a distribution around a median, with a tail.
func latencyAround(random *rand.Rand, ms float64, n int) result.Latency {
	var all []time.Duration
	for range n {
		all = append(all, time.Duration(ms*math.Exp(0.45*random.NormFloat64()+0.3*random.ExpFloat64()-0.2)*float64(time.Millisecond)))
	}
	return result.LatencyOf(all)
}

// invented is a whole run of five rounds, the same every time.
func invented() result.Run {
	random := rand.New(rand.NewPCG(7, 11))
	r := result.Run{
		StartedAt: time.Date(2025, 11, 23, 6, 30, 0, 0, time.UTC), Seconds: 5025, Rounds: 5, Window: 6,
		Machine: result.Machine{CPUs: 2, Model: "Invented(R) CPU <X> & Sons @ 2.80GHz", MemoryMB: 8192, Go: "go1.26.8", PostgreSQL: "17.6", Temporal: "1.29.1", FlushMS: 0.61},
	}
	var loads []result.Load
	for _, ms := range []int{0, 200} {
		loads = append(loads, result.Load{AtOnce: 1, CounterpartyMS: ms}, result.Load{AtOnce: 16, CounterpartyMS: ms}, result.Load{AtOnce: 64, CounterpartyMS: ms},
			result.Load{Share: 0.5, CounterpartyMS: ms}, result.Load{Share: 0.8, CounterpartyMS: ms})
	}
	for round := 1; round <= 5; round++ {
		hour := 0.9 + 0.2*random.Float64() // the machine is faster at one hour than at the next
		for _, arm := range result.Arms() {
			for _, l := range loads {
				r.Add(arm, l, window(random, speeds()[arm], l, round, hour*(0.97+0.06*random.Float64())))
			}
		}
	}
	return r
}

func window(random *rand.Rand, s speed, l result.Load, round int, hour float64) result.Window {
	w := result.Window{Round: round, Seconds: 6, PerSecond: s.perSecond * hour, WALFlushes: s.flushes * hour, WALBytes: 900 * s.flushes,
		HistoryEvents: s.events, HistoryBytes: 410 * s.events, CPUMS: map[string]float64{}}
	switch l.AtOnce {
	case 1:
		w.PerSecond *= 0.3
	case 64:
		w.PerSecond *= 1.1
	case 0:
		w.PerSecond *= l.Share
		w.Offered = w.PerSecond
	}
	w.Payments = int(w.PerSecond * w.Seconds)
	ms := s.ms*(0.6+l.Share) + float64(l.CounterpartyMS)
	w.Answer = latencyAround(random, ms, w.Payments)
	if s.voucher {
		w.Voucher = latencyAround(random, ms*0.8, w.Payments)
	}
	for p, cpu := range s.processes {
		w.CPUMS[p] = cpu * hour
	}
	return w
}

// change edits every window of an arm under a load.
func change(r result.Run, arm string, l result.Load, edit func(*result.Window)) {
	for i, s := range r.Series {
		if s.Arm != arm || s.Load != l {
			continue
		}
		for j := range s.Windows {
			edit(&r.Series[i].Windows[j])
		}
	}
}

// without is a run that never measured an arm.
func without(r result.Run, arm string) result.Run {
	r.Series = slices.DeleteFunc(r.Series, func(s result.Series) bool { return s.Arm == arm })
	return r
}

func printed(r result.Run) string {
	var b bytes.Buffer
	Print(&b, r)
	return b.String()
}

// section is one table: from its title to the empty line.
func section(t *testing.T, text, title string) string {
	t.Helper()
	_, after, ok := strings.Cut("\n"+text, "\n"+title)
	require.True(t, ok, "no %q in\n%s", title, text)
	table, _, _ := strings.Cut(after, "\n\n")
	return table
}

// line is the row of an arm in a table.
func line(t *testing.T, table, arm string) string {
	t.Helper()
	for l := range strings.Lines(table) {
		if strings.HasPrefix(l, arm) {
			return strings.TrimRight(l, "\n")
		}
	}
	require.Fail(t, "no line", "%q in\n%s", arm, table)
	return ""
}

func TestEveryArmIsInEveryTableThatItHasFiguresFor(t *testing.T) {
	text := printed(invented())
	for _, title := range []string{"Payments a second, counterparties at 0 ms", "Payments a second, counterparties at 200 ms",
		"API answer, ms", "CPU ms a payment", "Writes a payment"} {
		for _, arm := range result.Arms() {
			line(t, section(t, text, title), arm)
		}
	}
	require.NotContains(t, section(t, text, "Notification to voucher, ms"), result.Empty, "it has no voucher")
	require.NotContains(t, text, "NaN")
	require.NotContains(t, text, "*", "every figure is from all rounds")
}

func TestTablesFitATerminal(t *testing.T) {
	slow := invented()
	slow.Machine.Model = strings.Repeat("a long name ", 20)
	for _, s := range slow.Series {
		change(slow, s.Arm, s.Load, func(w *result.Window) {
			w.Answer.P99 *= 300
			w.Voucher.P99 *= 300
			w.PerSecond *= 100
			w.WALBytes *= 1e9
			for p := range w.CPUMS {
				w.CPUMS[p] *= 9
			}
		})
	}
	for name, r := range map[string]result.Run{"as usual": invented(), "long figures": slow, "nothing measured": {}} {
		for l := range strings.Lines(printed(r)) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(l, "\n")), 120, "%s: %s", name, l)
		}
	}
}

func TestAFigureIsTheMedianWithItsRange(t *testing.T) {
	r := result.Run{Rounds: 3}
	for i, v := range []float64{30, 10, 20.04} {
		r.Add(result.Wechat, result.Load{AtOnce: 16}, result.Window{Round: i, Seconds: 1, Payments: 9, PerSecond: v,
			CPUMS: map[string]float64{"worker": v, "sandbox": 5}, WALBytes: 2048 * v})
	}
	text := printed(r)
	require.Contains(t, line(t, section(t, text, "Payments a second, counterparties at 0 ms"), result.Wechat), "20.0 [10.0–30.0]")
	costs := line(t, section(t, text, "CPU ms a payment"), result.Wechat)
	require.Equal(t, []string{"20.0", "–", "–", "–", "–", "20.0", "[10.0–30.0]", "5.0", "–", "25.0", "[15.0–35.0]"},
		strings.Fields(strings.TrimPrefix(costs, result.Wechat)), "worker, api, server, temporal, postgres, the arm; sandbox, load; sum")
	require.Contains(t, line(t, section(t, text, "Writes a payment"), result.Wechat), "40.1 [20.0–60.0]")
}

func TestWhatWasNotMeasuredIsAGapAndNoZero(t *testing.T) {
	r := invented()
	nothing := func(w *result.Window) { *w = result.Window{Round: w.Round} }
	change(r, result.DBOS, result.Load{AtOnce: 16}, nothing)
	change(r, result.Plain, result.Load{AtOnce: 16}, func(w *result.Window) {
		if w.Round == 2 {
			w.PerSecond, w.WALFlushes = math.NaN(), math.Inf(1)
		}
	})
	change(r, result.Wechat, result.Load{Share: 0.5}, nothing)
	text := printed(r)
	rates := section(t, text, "Payments a second, counterparties at 0 ms")
	require.Equal(t, missing, strings.Fields(strings.TrimPrefix(line(t, rates, result.DBOS), result.DBOS))[2], line(t, rates, result.DBOS))
	require.Contains(t, line(t, rates, result.Plain), "* [", "four of five rounds")
	require.Contains(t, rates, "* from fewer rounds")
	require.NotContains(t, text, "NaN")
	require.NotContains(t, text, "Inf")
	half, _, _ := strings.Cut(section(t, text, "API answer, ms"), "80 %")
	require.NotContains(t, half, result.Wechat)
}

func TestAThroughputOfZeroIsAMeasurement(t *testing.T) {
	r := result.Run{Rounds: 1}
	r.Add(result.Tutorial, result.Load{AtOnce: 64}, result.Window{Seconds: 20})
	require.Contains(t, line(t, section(t, printed(r), "Payments a second, counterparties at 0 ms"), result.Tutorial), "0.0 [0.0–0.0]")
}

func TestLoadsAndArmsBeyondTheUsualAreShown(t *testing.T) {
	r := invented()
	r.Add("another arm", result.Load{AtOnce: 4}, result.Window{Seconds: 20, PerSecond: 12, Payments: 240})
	rates := section(t, printed(r), "Payments a second, counterparties at 0 ms")
	require.Contains(t, rates, "4 at once")
	require.Contains(t, line(t, rates, "another arm"), "12.0* [12.0–12.0]")
}
