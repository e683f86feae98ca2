// Package result is what a comparison measures, as it is written to JSON.
//
// A run has series: one arm under one load. A series has a window for each
// round, and every figure that is quoted is the median over the rounds, with
// the smallest and the largest beside it: a shared machine is faster at one
// hour than at the next, and only what was measured side by side compares.
package result

import (
	"math"
	"slices"
	"time"
)

// Names of the arms.
const (
	Wechat   = "regpay wechat"
	Mixed    = "regpay mixed"
	Tutorial = "one activity a step"
	Empty    = "empty workflow"
	DBOS     = "DBOS"
	Plain    = "plain PostgreSQL"
	// Coarse is Tutorial with regpay's own five steps, some of which write down,
	// ask and save in one.
	Coarse = "five coarse steps"
	// InPlace is Empty in the shape that regpay's API uses.
	InPlace = "empty in place"
)

// Arms in the order in which they are shown.
func Arms() []string { return []string{Wechat, Mixed, Tutorial, Coarse, Empty, InPlace, DBOS, Plain} }

// Run is a whole comparison.
type Run struct {
	StartedAt time.Time `json:"started_at"`
	Seconds   float64   `json:"seconds"` // how long it took in all
	Machine   Machine   `json:"machine"`
	Rounds    int       `json:"rounds"`
	Window    float64   `json:"window_seconds"`
	Series    []Series  `json:"series"`
}

// Machine is where it ran.
type Machine struct {
	CPUs       int    `json:"cpus"`
	Model      string `json:"model"`
	MemoryMB   int64  `json:"memory_mb"`
	Go         string `json:"go"`
	PostgreSQL string `json:"postgresql"`
	Temporal   string `json:"temporal"`
	// FlushMS is the median of one flush of 8 KiB to the database's disk.
	FlushMS float64 `json:"flush_ms"`
}

// Load is how payments arrive.
type Load struct {
	// AtOnce is the number of payments under way in a closed loop, where the
	// next one starts when one is over. It is 0 in an open loop.
	AtOnce int `json:"at_once,omitempty"`
	// Share is the part of the arm's capacity that arrives in an open loop,
	// whatever becomes of earlier payments: 0.5, 0.8.
	Share float64 `json:"share,omitempty"`
	// CounterpartyMS is how long every counterparty takes to answer.
	CounterpartyMS int `json:"counterparty_ms"`
}

// Series is one arm under one load.
type Series struct {
	Arm     string   `json:"arm"`
	Load    Load     `json:"load"`
	Windows []Window `json:"windows"` // one for each round
}

// Window is one measurement.
type Window struct {
	Round     int     `json:"round"`
	Payments  int     `json:"payments"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`
	// Offered is how many a second arrived in an open loop.
	Offered float64 `json:"offered,omitempty"`
	// Answer is the API's answer to the start of a payment, from the moment at
	// which the call was meant to leave. Voucher is from the notification's
	// arrival to the commit of the capture with the voucher. Whole is from the
	// start to the booking backend's knowing of the end.
	Answer  Latency `json:"answer"`
	Voucher Latency `json:"voucher"`
	Whole   Latency `json:"whole"`
	// CPUMS is milliseconds of CPU a payment, by process: "worker", "api",
	// "temporal", "postgres", "sandbox", "load" and, for arms of one process,
	// "server".
	CPUMS map[string]float64 `json:"cpu_ms"`
	// Write-ahead log, a payment.
	WALFlushes float64 `json:"wal_flushes"`
	WALBytes   float64 `json:"wal_bytes"`
	// Temporal's history, a payment; 0 without Temporal.
	HistoryEvents float64 `json:"history_events,omitempty"`
	HistoryBytes  float64 `json:"history_bytes,omitempty"`
}

// Latency is a distribution, in milliseconds.
type Latency struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
	// Curve is the distribution at Quantiles.
	Curve []float64 `json:"curve,omitempty"`
}

// Quantiles are where a Curve is read off.
func Quantiles() []float64 {
	return []float64{0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1}
}

// LatencyOf sums up durations; it sorts them.
func LatencyOf(all []time.Duration) Latency {
	l := Latency{Count: len(all)}
	if len(all) == 0 {
		return l
	}
	slices.Sort(all)
	at := func(q float64) float64 {
		// The smallest value that at least q of all are not above.
		i := int(q*float64(len(all))+0.999999) - 1
		return float64(all[min(max(i, 0), len(all)-1)]) / float64(time.Millisecond)
	}
	l.P50, l.P95, l.P99, l.Max = at(0.5), at(0.95), at(0.99), at(1)
	for _, q := range Quantiles() {
		l.Curve = append(l.Curve, at(q))
	}
	return l
}

// Spread is a figure over the rounds.
type Spread struct {
	Median, Min, Max float64
	// N is the number of rounds that the figure is from; 0 for the zero Spread,
	// which says that nothing was measured rather than that it was nothing.
	N int
}

// SpreadOf is the median and the range of figures. What is no number (a round
// that measured nothing divides by zero) is left out: it would sort below all
// others and become the minimum.
func SpreadOf(figures []float64) Spread {
	var all []float64
	for _, f := range figures {
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return Spread{}
	}
	slices.Sort(all)
	mid := all[len(all)/2]
	if len(all)%2 == 0 {
		mid = (all[len(all)/2-1] + mid) / 2
	}
	return Spread{Median: mid, Min: all[0], Max: all[len(all)-1], N: len(all)}
}

// Over is a figure of every window of a series: its median and range. The zero
// Spread without windows.
func (s Series) Over(figure func(Window) float64) Spread {
	var all []float64
	for _, w := range s.Windows {
		all = append(all, figure(w))
	}
	return SpreadOf(all)
}

// Find is the series of an arm under a load.
func (r Run) Find(arm string, l Load) (Series, bool) {
	for _, s := range r.Series {
		if s.Arm == arm && s.Load == l {
			return s, true
		}
	}
	return Series{}, false
}

// Add puts a window into its series.
func (r *Run) Add(arm string, l Load, w Window) {
	for i, s := range r.Series {
		if s.Arm == arm && s.Load == l {
			r.Series[i].Windows = append(s.Windows, w)
			return
		}
	}
	r.Series = append(r.Series, Series{Arm: arm, Load: l, Windows: []Window{w}})
}
