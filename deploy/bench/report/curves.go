package report

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/regpay/regpay/deploy/bench/result"
)

// Curves draws a run as SVG files in a folder, which it makes if need be, and
// returns their paths: latency-answer.svg and latency-voucher.svg, by
// percentile at half of capacity, and throughput-16.svg. A chart for which
// nothing was measured is not written, and not returned. Files of a run before
// are written over.
func Curves(dir string, r result.Run) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("draw the charts: %w", err)
	}
	var paths []string
	for _, chart := range []struct {
		name    string
		drawing []byte
	}{
		{"latency-answer.svg", latencyChart(r, "API answer to POST /v1/payments", answer)},
		{"latency-voucher.svg", latencyChart(r, "From the notification’s arrival to the voucher’s commit", voucher)},
		{"throughput-16.svg", throughputChart(r)},
	} {
		if chart.drawing == nil {
			continue
		}
		path := filepath.Join(dir, chart.name)
		if err := os.WriteFile(path, chart.drawing, 0o644); err != nil {
			return paths, fmt.Errorf("draw the charts: %w", err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// sample is a curve's value at a quantile.
type sample struct{ quantile, ms float64 }

// lastQuantile is where the axis of percentiles ends: the slowest of all, at 1,
// would lie infinitely far to the right.
const lastQuantile = 0.999

// medianCurve is, at each quantile, the median over the rounds.
func medianCurve(s result.Series, of distribution) []sample {
	var all []sample
	for i, q := range result.Quantiles() {
		if q > lastQuantile {
			continue
		}
		at := s.Over(func(w result.Window) float64 {
			l := of(w)
			if l.Count <= 0 || len(l.Curve) != len(result.Quantiles()) || l.Curve[i] <= 0 {
				return none()
			}
			return l.Curve[i]
		})
		if at.N > 0 {
			all = append(all, sample{q, at.Median})
		}
	}
	return all
}

// drawn is an arm's curve.
type drawn struct {
	arm     string
	offered result.Spread
	samples []sample
}

func (d drawn) last() sample { return d.samples[len(d.samples)-1] }

// Where the curves are on their sheet.
const (
	curvesWidth, curvesHeight = 960.0, 560.0
	plotLeft, plotRight       = 66.0, 726.0
	plotTop, plotBottom       = 104.0, 456.0
)

func latencyChart(r result.Run, title string, of distribution) []byte {
	half := result.Load{Share: 0.5}
	var curves []drawn
	fewest, most := 0, 0 // payments a window
	for _, arm := range arms(r) {
		s, _ := r.Find(arm, half)
		samples := medianCurve(s, of)
		if len(samples) < 2 {
			continue
		}
		for _, w := range s.Windows {
			if n := of(w).Count; n > 0 {
				if fewest == 0 || n < fewest {
					fewest = n
				}
				most = max(most, n)
			}
		}
		curves = append(curves, drawn{arm, s.Over(offered), samples})
	}
	if len(curves) == 0 {
		return nil
	}
	small := fmt.Sprintf("%d to %d payments a window, by arm", fewest, most)
	if fewest < 1000 {
		small += "; of fewer than 1000, the curve’s right end is the slowest payment of all"
	}
	if len(goalsOf(curves)) > 0 {
		small += "; the goals are " + result.Wechat + "’s"
	}
	c := newCanvas(curvesWidth, curvesHeight, title,
		"Open load at half of each arm’s own capacity (the rates at the right), counterparties answer at once; lower is better", small, smallPrint(r))

	y := axisY(c, curves)
	for _, q := range []struct {
		quantile float64
		label    string
	}{{0, "0 (fastest)"}, {0.5, "50"}, {0.9, "90"}, {0.99, "99"}, {lastQuantile, "99.9"}} {
		c.line(axisX(q.quantile), plotTop, axisX(q.quantile), plotBottom, faint, 1)
		c.text(axisX(q.quantile), plotBottom+18, q.label, words{colour: muted, anchor: "middle"})
	}
	c.line(plotLeft, plotBottom, plotRight, plotBottom, muted, 1)
	c.text((plotLeft+plotRight)/2, plotBottom+40, "percentile of payments, log scale of 1 / (1 − percentile)", words{anchor: "middle"})
	c.text(24, plotTop-16, "ms, log scale", words{})
	// The last is on top, and that should be the first arm.
	for _, d := range slices.Backward(curves) {
		var points []point
		for _, s := range d.samples {
			points = append(points, point{axisX(s.quantile), y(s.ms)})
		}
		c.curve(d.arm, points, styleOf(d.arm))
	}
	goals(c, curves, y)
	labels(c, curves, y)
	return c.bytes()
}

// axisX is where a quantile lies: each nine after the first takes as much room.
func axisX(quantile float64) float64 {
	return plotLeft + (plotRight-plotLeft)*math.Log10(1/(1-quantile))/math.Log10(1/(1-lastQuantile))
}

// axisY draws a logarithmic axis for curves and returns where a value lies.
func axisY(c *canvas, curves []drawn) func(ms float64) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, d := range curves {
		for _, s := range d.samples {
			low, high = min(low, s.ms), max(high, s.ms)
		}
	}
	for _, g := range goalsOf(curves) {
		low, high = min(low, g.ms), max(high, g.ms)
	}
	ticks := logTicks(low, high)
	low, high = ticks[0], ticks[len(ticks)-1]
	y := func(ms float64) float64 {
		return plotBottom - (plotBottom-plotTop)*math.Log(ms/low)/math.Log(high/low)
	}
	for _, ms := range ticks {
		c.line(plotLeft, y(ms), plotRight, y(ms), faint, 1)
		c.text(plotLeft-8, y(ms)+4, fmt.Sprintf("%g", ms), words{colour: muted, anchor: "end"})
	}
	return y
}

// logTicks are steps of 1, 2, 5, 10 that enclose a range; of 1 and 10 alone when
// it spans more than four powers of ten.
func logTicks(low, high float64) []float64 {
	steps := []float64{1, 2, 5}
	if high/low > 1e4 {
		steps = []float64{1}
	}
	var all []float64
	for power := math.Floor(math.Log10(low)); ; power++ {
		for _, s := range steps {
			tick := s * math.Pow(10, power)
			if tick <= low {
				all = all[:0] // a closer one will do
			}
			all = append(all, tick)
			if tick >= high && len(all) > 1 {
				return all
			}
		}
	}
}

// goalsOf are what the first arm is to reach, if it is there.
func goalsOf(curves []drawn) []sample {
	if curves[0].arm != result.Wechat {
		return nil
	}
	return []sample{{0.5, 60}, {0.99, 300}}
}

// goals marks the targets: a bar that the first arm's curve has to pass below.
func goals(c *canvas, curves []drawn, y func(float64) float64) {
	for _, g := range goalsOf(curves) {
		at := axisX(g.quantile)
		c.line(at-15, y(g.ms), at+15, y(g.ms), styleOf(curves[0].arm).colour, 2.5)
		c.text(at, y(g.ms)-7, fmt.Sprintf("goal ≤ %g ms", g.ms), words{size: 11, anchor: "middle", halo: true})
	}
}

// labels names every curve beside its end, with the rate that was offered.
func labels(c *canvas, curves []drawn, y func(float64) float64) {
	byEnd := slices.SortedStableFunc(slices.Values(curves), func(a, b drawn) int {
		return cmp.Compare(y(a.last().ms), y(b.last().ms))
	})
	var wanted []float64
	for _, d := range byEnd {
		wanted = append(wanted, y(d.last().ms))
	}
	for i, at := range apart(wanted, 19, plotTop, plotBottom) {
		d := byEnd[i]
		s := styleOf(d.arm)
		end := axisX(d.last().quantile)
		c.dot(end, wanted[i], 3.5, s.colour)
		c.line(end+5, wanted[i], plotRight+26, at, s.colour, 1)
		parts := []span{{text: d.arm}}
		if d.offered.N > 0 {
			parts = append(parts, span{"  " + short(d.offered) + "/s", true})
		}
		c.spans(plotRight+31, at+4, words{bold: d.arm == curves[0].arm && d.arm == result.Wechat}, parts...)
	}
}

// smallPrint says where and how often a run was measured.
func smallPrint(r result.Run) string {
	text := machineText(r.Machine) + "; median of " + roundsText(r.Rounds)
	if !r.StartedAt.IsZero() {
		text += ", " + r.StartedAt.UTC().Format("2006-01-02")
	}
	return text
}
