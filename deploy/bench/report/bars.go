package report

import (
	"fmt"
	"math"

	"github.com/regpay/regpay/deploy/bench/result"
)

// Where the bars are on their sheet.
const (
	barsWidth             = 960.0
	barsLeft, barsRight   = 190.0, 800.0
	barsTop, barStep, bar = 92.0, 44.0, 24.0
)

// throughputChart shows payments a second at 16 at once: a bar to the median, a
// whisker from the slowest round to the fastest.
func throughputChart(r result.Run) []byte {
	all := arms(r)
	highest, measured := 0.0, false
	for _, arm := range all {
		s := over(r, arm, costLoad(), perSecond)
		highest, measured = max(highest, s.Max), measured || s.N > 0
	}
	if !measured {
		return nil
	}
	bottom := barsTop + barStep*float64(len(all))
	c := newCanvas(barsWidth, bottom+84, "Payments a second, 16 at once",
		"Closed load, counterparties answer at once; bars are medians, whiskers go from the slowest round to the fastest", smallPrint(r))
	step := linearStep(highest)
	end := step * max(1, math.Ceil(highest/step))
	x := func(v float64) float64 { return barsLeft + (barsRight-barsLeft)*v/end }
	for i := 0; float64(i)*step <= end*1.0001; i++ {
		v := float64(i) * step
		c.line(x(v), barsTop, x(v), bottom, faint, 1)
		c.text(x(v), bottom+18, fmt.Sprintf("%.4g", v), words{colour: muted, anchor: "middle"})
	}
	c.text((barsLeft+barsRight)/2, bottom+40, "payments a second", words{anchor: "middle"})
	for i, arm := range all {
		middle := barsTop + barStep*(float64(i)+0.5)
		c.text(barsLeft-12, middle+4, arm, words{size: 13, anchor: "end", bold: arm == result.Wechat})
		s := over(r, arm, costLoad(), perSecond)
		if s.N == 0 {
			c.text(barsLeft+8, middle+4, notMeasured, words{colour: muted})
			continue
		}
		c.rect("bar", barsLeft, middle-bar/2, x(s.Median)-barsLeft, bar, styleOf(arm).colour)
		// White under the whisker keeps it apart from a black bar.
		for _, w := range []struct {
			colour string
			width  float64
		}{{paper, 4.5}, {ink, 1.5}} {
			c.line(x(s.Min), middle, x(s.Max), middle, w.colour, w.width)
			c.line(x(s.Min), middle-6, x(s.Min), middle+6, w.colour, w.width)
			c.line(x(s.Max), middle-6, x(s.Max), middle+6, w.colour, w.width)
		}
		d := decimals(s.Median)
		c.spans(x(max(s.Max, s.Median))+12, middle+4, words{size: 13, halo: true},
			span{text: number(s.Median, d)}, span{" " + bracket(s, d), true})
	}
	c.line(barsLeft, barsTop, barsLeft, bottom, muted, 1)
	return c.bytes()
}

// linearStep is a distance between ticks of 1, 2 or 5 times a power of ten, of
// which at most eight reach the highest value.
func linearStep(highest float64) float64 {
	if highest <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(highest/8)))
	for _, s := range []float64{1, 2, 5} {
		if highest <= 8*s*power {
			return s * power
		}
	}
	return 10 * power
}
