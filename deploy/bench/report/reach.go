package report

import (
	"fmt"
	"strconv"

	"github.com/regpay/regpay/deploy/bench/result"
)

// Target is one of the figures to reach.
type Target struct {
	Name  string `json:"name"`
	Value string `json:"value"` // median and range, or "not measured"
	Limit string `json:"limit"`
	Met   bool   `json:"met"` // by the median; never if it was not measured
}

const notMeasured = "not measured"

// limit is what a figure is held against.
type limit struct {
	sign string // ≥, ≤ or <
	than float64
	unit string
}

func (l limit) met(value float64) bool {
	switch l.sign {
	case "≥":
		return value >= l.than
	case "≤":
		return value <= l.than
	default:
		return value < l.than
	}
}

func (l limit) String() string {
	return l.sign + " " + strconv.FormatFloat(l.than, 'f', -1, 64) + l.unit
}

// target holds the median of a spread against a limit. Its text has as many
// digits as it takes to see why: 0.6996 is not shown as 0.70, which would pass.
func (l limit) target(name string, s result.Spread, rounds int, beside string) Target {
	t := Target{Name: name, Value: notMeasured, Limit: l.String()}
	if s.N == 0 {
		return t
	}
	t.Met = l.met(s.Median)
	digits := decimals(s.Median)
	for ; digits < 9; digits++ {
		shown, err := strconv.ParseFloat(number(s.Median, digits), 64)
		if err == nil && l.met(shown) == t.Met {
			break
		}
	}
	t.Value = number(s.Median, digits) + l.unit + " " + bracket(s, digits)
	if beside != "" {
		t.Value += ", " + beside
	}
	if s.N < rounds {
		t.Value += fmt.Sprintf(", %d of %d rounds", s.N, rounds)
	}
	return t
}

// Reach holds a run against what regpay is to reach. Ratios are taken within a
// round, between windows that were measured side by side, and their median is
// what counts.
func Reach(r result.Run) []Target {
	var all []Target
	for _, c := range []struct {
		arm, than string
		atLeast   float64
	}{{result.Wechat, result.Empty, 0.7}, {result.Wechat, result.Tutorial, 3}, {result.Mixed, result.Empty, 0.5}} {
		all = append(all, faster(r, c.arm, c.than, c.atLeast))
	}
	half := result.Load{Share: 0.5}
	for _, c := range []struct {
		name string
		of   distribution
	}{{"API answer", answer}, {"voucher", voucher}} {
		for _, p := range []struct {
			name string
			of   func(result.Latency) float64
			ms   float64
		}{{"p50", p50, 60}, {"p99", p99, 300}} {
			all = append(all, limit{"≤", p.ms, " ms"}.target(
				result.Wechat+": "+c.name+" "+p.name+" at half of capacity",
				over(r, result.Wechat, half, c.of.at(p.of)), r.Rounds, ""))
		}
	}
	events := counted(historyEvents)
	all = append(all,
		limit{"≤", 20, ""}.target(result.Wechat+": history events a payment", over(r, result.Wechat, costLoad(), events), r.Rounds, ""),
		limit{"≤", 32, ""}.target(result.Mixed+": history events a payment", over(r, result.Mixed, costLoad(), events), r.Rounds, ""))
	// One at once no two payments share a flush, which makes it the hard case.
	for _, n := range []int{1, 16} {
		all = append(all, limit{"≤", 25, ""}.target(
			fmt.Sprintf("%s: WAL flushes a payment, %d at once", result.Wechat, n),
			over(r, result.Wechat, result.Load{AtOnce: n}, counted(walFlushes)), r.Rounds, ""))
	}
	return append(all, lighter(r, result.Wechat), lighter(r, result.Mixed))
}

// faster compares two arms' payments a second at 16 at once.
func faster(r result.Run, arm, than string, atLeast float64) Target {
	a, _ := r.Find(arm, costLoad())
	b, _ := r.Find(than, costLoad())
	var ratios []float64
	for _, p := range pairs(a, b) {
		// Without a measured divisor this is no number, and is left out.
		if divisor := perSecond(p[1]); divisor > 0 {
			ratios = append(ratios, perSecond(p[0])/divisor)
		}
	}
	beside := fmt.Sprintf("%s of %s/s", short(a.Over(perSecond)), short(b.Over(perSecond)))
	return limit{"≥", atLeast, " ×"}.target(arm+" to "+than+", 16 at once", result.SpreadOf(ratios), r.Rounds, beside)
}

// lighter compares the CPU of regpay's own processes with Temporal's.
func lighter(r result.Run, arm string) Target {
	own, engine := CPU("worker", "api"), CPU("temporal")
	s, _ := r.Find(arm, costLoad())
	ratio := s.Over(func(w result.Window) float64 {
		if engine(w) <= 0 {
			return none()
		}
		return own(w) / engine(w)
	})
	beside := fmt.Sprintf("%s of %s ms", short(s.Over(own)), short(s.Over(engine)))
	return limit{"<", 1, " ×"}.target(arm+": CPU of worker and api to Temporal's", ratio, r.Rounds, beside)
}

func short(s result.Spread) string { return number(s.Median, decimals(s.Median)) }

// pairs are the windows of two series that were measured in the same round. A
// round that one of them has more often gives as many pairs as both have.
func pairs(a, b result.Series) [][2]result.Window {
	rounds := map[int][]result.Window{}
	for _, w := range b.Windows {
		rounds[w.Round] = append(rounds[w.Round], w)
	}
	var all [][2]result.Window
	for _, w := range a.Windows {
		if same := rounds[w.Round]; len(same) > 0 {
			all = append(all, [2]result.Window{w, same[0]})
			rounds[w.Round] = same[1:]
		}
	}
	return all
}
