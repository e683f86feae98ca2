// Package report shows a comparison to people: tables, the targets with what
// was reached, JSON, and charts.
//
// A figure is the median over the rounds, with the smallest and the largest
// round in brackets. What a round did not measure has no part in it: a latency
// without a sample, or a cost without a payment, is no zero that would look
// like the best figure of all. It is shown as "–", and a figure from fewer
// rounds than the run had is marked with "*".
//
// Functions of this package only read the run, keep nothing, and may be called
// at the same time.
package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/regpay/regpay/deploy/bench/result"
)

// figure is what is read off a window; not a number where the window did not
// measure it.
type figure func(result.Window) float64

// none is the value of a figure that was not measured.
func none() float64 { return math.NaN() }

// perSecond is measured when time has passed, even if no payment ended: that is
// a throughput of zero and no gap in the measurement.
func perSecond(w result.Window) float64 {
	if w.Seconds <= 0 {
		return none()
	}
	return w.PerSecond
}

func offered(w result.Window) float64 {
	if w.Offered <= 0 {
		return none()
	}
	return w.Offered
}

// distribution is one of a window's latencies.
type distribution func(result.Window) result.Latency

func answer(w result.Window) result.Latency  { return w.Answer }
func voucher(w result.Window) result.Latency { return w.Voucher }

// at is a percentile of a distribution, in milliseconds.
func (d distribution) at(percentile func(result.Latency) float64) figure {
	return func(w result.Window) float64 {
		l := d(w)
		if l.Count <= 0 {
			return none()
		}
		return percentile(l)
	}
}

func p50(l result.Latency) float64 { return l.P50 }
func p95(l result.Latency) float64 { return l.P95 }
func p99(l result.Latency) float64 { return l.P99 }

// counted is a cost that no arm can have none of, if it has it at all: zero
// says that there was nothing to read it from (no Temporal, no counter).
func counted(cost figure) figure {
	return func(w result.Window) float64 {
		if c := cost(w); w.Payments > 0 && c > 0 {
			return c
		}
		return none()
	}
}

func walFlushes(w result.Window) float64    { return w.WALFlushes }
func walKiB(w result.Window) float64        { return w.WALBytes / 1024 }
func historyEvents(w result.Window) float64 { return w.HistoryEvents }
func historyKiB(w result.Window) float64    { return w.HistoryBytes / 1024 }

// CPU is the sum of processes' CPU in milliseconds a payment, and no number
// unless all of them were measured.
func CPU(processes ...string) figure {
	return func(w result.Window) float64 {
		if w.Payments <= 0 || len(processes) == 0 {
			return none()
		}
		sum := 0.0
		for _, p := range processes {
			ms, ok := w.CPUMS[p]
			if !ok {
				return none()
			}
			sum += ms
		}
		return sum
	}
}

// outside are processes that stand for the world and not for the arm.
func outside(process string) bool { return process == "sandbox" || process == "load" }

// cpuOf is the sum of those processes of a window that are wanted.
func cpuOf(wanted func(process string) bool) figure {
	return func(w result.Window) float64 {
		var some []string
		for p := range w.CPUMS {
			if wanted(p) {
				some = append(some, p)
			}
		}
		slices.Sort(some) // so that the same run gives the same sum to the last bit
		return CPU(some...)(w)
	}
}

// WholeCPU is the CPU of all processes in milliseconds a payment.
func WholeCPU(w result.Window) float64 { return cpuOf(func(string) bool { return true })(w) }

// over is a figure of an arm under a load; the zero Spread if there is none.
func over(r result.Run, arm string, l result.Load, f figure) result.Spread {
	s, _ := r.Find(arm, l)
	return s.Over(f)
}

// arms of a run: the known ones in their order, whether measured or not, and
// any others after them.
func arms(r result.Run) []string {
	all := result.Arms()
	for _, s := range r.Series {
		if !slices.Contains(all, s.Arm) {
			all = append(all, s.Arm)
		}
	}
	return all
}

// together are the values that are always shown and those that a run has
// besides, in order.
func together[T cmp.Ordered](r result.Run, always []T, of func(result.Load) (T, bool)) []T {
	all := slices.Clone(always)
	for _, s := range r.Series {
		if v, ok := of(s.Load); ok {
			all = append(all, v)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func counterparties(r result.Run) []int {
	return together(r, []int{0, 200}, func(l result.Load) (int, bool) { return l.CounterpartyMS, true })
}

func atOnce(r result.Run) []int {
	return together(r, []int{1, 16, 64}, func(l result.Load) (int, bool) { return l.AtOnce, l.AtOnce > 0 })
}

func shares(r result.Run) []float64 {
	return together(r, []float64{0.5, 0.8}, func(l result.Load) (float64, bool) { return l.Share, l.AtOnce == 0 && l.Share > 0 })
}

// shareText says a share of capacity in words.
func shareText(share float64) string {
	if share == 0.5 {
		return "half of capacity"
	}
	return fmt.Sprintf("%.0f %% of capacity", share*100)
}

// decimals give a value three digits.
func decimals(value float64) int {
	switch v := math.Abs(value); {
	case v >= 99.95:
		return 0
	case v >= 9.995 || v == 0:
		return 1
	default:
		return 2
	}
}

// number writes a value; one of a million and more in a short form, which keeps
// a table within its columns.
func number(value float64, decimals int) string {
	if math.Abs(value) >= 1e6 {
		return fmt.Sprintf("%.2e", value)
	}
	return fmt.Sprintf("%.*f", decimals, value)
}

// bracket writes a range with as many digits as its median has.
func bracket(s result.Spread, decimals int) string {
	return "[" + number(s.Min, decimals) + "–" + number(s.Max, decimals) + "]"
}

// machineText describes where a run was measured, in one line.
func machineText(m result.Machine) string {
	text := fmt.Sprintf("%d CPUs", m.CPUs)
	if m.CPUs == 1 {
		text = "1 CPU"
	}
	if name := []rune(m.Model); len(name) > 60 {
		m.Model = string(name[:59]) + "…"
	}
	if m.Model != "" {
		text += " (" + m.Model + ")"
	}
	if m.MemoryMB > 0 {
		text += fmt.Sprintf(", %.1f GiB", float64(m.MemoryMB)/1024)
	}
	return text
}

func roundsText(n int) string {
	if n == 1 {
		return "1 round"
	}
	return fmt.Sprintf("%d rounds", n)
}
