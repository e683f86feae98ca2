package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/deploy/bench/result"
)

// element is a start tag of a picture, with the text right inside it.
type element struct {
	name  string
	attrs map[string]string
	text  string
}

func (e element) number(t *testing.T, name string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(e.attrs[name], 64)
	require.NoError(t, err, "%s of %+v", name, e)
	return v
}

// elements parses a picture, strictly, and holds it to what every one must be.
func elements(t *testing.T, path string) []element {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	var all []element
	var open []int
	for d := xml.NewDecoder(f); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, path)
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				require.NotContains(t, a.Value, "NaN", token.Name.Local)
				require.NotContains(t, a.Value, "Inf", token.Name.Local)
				e.attrs[a.Name.Local] = a.Value
			}
			open = append(open, len(all))
			all = append(all, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, i := range open {
				all[i].text += string(token)
			}
		}
	}
	require.NotEmpty(t, all)
	require.Equal(t, "svg", all[0].name)
	require.NotEmpty(t, all[0].attrs["viewBox"])
	for _, e := range all {
		require.NotContains(t, []string{"script", "style", "image", "foreignObject", "use"}, e.name, "a picture stands alone")
		require.NotContains(t, e.attrs, "href")
	}
	return all
}

func ofClass(all []element, class string) []element {
	return slices.DeleteFunc(slices.Clone(all), func(e element) bool { return e.attrs["class"] != class })
}

func charts(t *testing.T, r result.Run) map[string][]element {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a", "new folder")
	paths, err := Curves(dir, r)
	require.NoError(t, err)
	all := map[string][]element{}
	for _, p := range paths {
		require.Equal(t, dir, filepath.Dir(p))
		all[filepath.Base(p)] = elements(t, p)
	}
	return all
}

func TestAChartHasALineForEachArmThatWasMeasured(t *testing.T) {
	all := charts(t, invented())
	require.Len(t, all, 3)
	require.Len(t, ofClass(all["latency-answer.svg"], "curve"), len(result.Arms()))
	require.Len(t, ofClass(all["latency-voucher.svg"], "curve"), len(result.Arms())-2, "the empty workflows have no voucher")
	require.Len(t, ofClass(all["throughput-16.svg"], "bar"), len(result.Arms()))
	var colours, dashes []string
	for _, e := range ofClass(all["latency-answer.svg"], "curve") {
		require.NotContains(t, colours, e.attrs["stroke"])
		require.NotContains(t, dashes, e.attrs["stroke-dasharray"])
		colours, dashes = append(colours, e.attrs["stroke"]), append(dashes, e.attrs["stroke-dasharray"])
	}
	require.Len(t, ofClass(charts(t, without(invented(), result.Wechat))["latency-answer.svg"], "curve"), len(result.Arms())-1)
}

func TestAPictureSaysWhereAndHowItWasMeasured(t *testing.T) {
	for name, all := range charts(t, invented()) {
		require.Contains(t, all[0].text, "2 CPUs (Invented(R) CPU <X> & Sons @ 2.80GHz)", name)
		require.Contains(t, all[0].text, "5 rounds", name)
		for _, arm := range result.Arms() {
			if name != "latency-voucher.svg" || arm != result.Empty && arm != result.InPlace {
				require.Contains(t, all[0].text, arm, name)
			}
		}
	}
}

func TestACurveGoesThroughTheMedianOfTheRounds(t *testing.T) {
	r := result.Run{Rounds: 3}
	for round, ms := range []float64{10, 1000, 100} {
		l := result.Latency{Count: 5}
		for range result.Quantiles() {
			l.Curve = append(l.Curve, ms)
		}
		r.Add(result.Plain, result.Load{Share: 0.5}, result.Window{Round: round, Answer: l})
	}
	s, _ := r.Find(result.Plain, result.Load{Share: 0.5})
	samples := medianCurve(s, answer)
	require.Len(t, samples, len(result.Quantiles())-1, "the slowest of all has no place on the axis")
	for _, at := range samples {
		require.InDelta(t, 100, at.ms, 1e-9)
	}
	require.Len(t, ofClass(charts(t, r)["latency-answer.svg"], "curve"), 1, "one value for everything is a flat line")
}

func TestNinesAreEquallyFarApart(t *testing.T) {
	require.InDelta(t, plotLeft, axisX(0), 1e-9)
	require.InDelta(t, plotRight, axisX(0.999), 1e-9)
	require.InDelta(t, axisX(0.99)-axisX(0.9), axisX(0.9)-axisX(0), 1e-9)
}

func TestNothingMeasuredDrawsNothing(t *testing.T) {
	require.Empty(t, charts(t, result.Run{}))
	r := invented()
	for _, s := range r.Series {
		change(r, s.Arm, s.Load, func(w *result.Window) { *w = result.Window{Round: w.Round, PerSecond: math.NaN(), Seconds: 20} })
	}
	require.Empty(t, charts(t, r))
}

func TestAStandstillIsDrawnAsABarOfNoLength(t *testing.T) {
	r := result.Run{Rounds: 1}
	r.Add(result.Wechat, result.Load{AtOnce: 16}, result.Window{Seconds: 20})
	bars := ofClass(charts(t, r)["throughput-16.svg"], "bar")
	require.Len(t, bars, 1)
	require.Zero(t, bars[0].number(t, "width"))
}

func TestACurveOfGapsIsDrawnWhereItHasValues(t *testing.T) {
	r := invented()
	change(r, result.Plain, result.Load{Share: 0.5}, func(w *result.Window) {
		w.Answer.Curve[0], w.Answer.Curve[3] = 0, math.NaN()
		w.Voucher.Curve = w.Voucher.Curve[:2]
	})
	all := charts(t, r)
	require.Len(t, ofClass(all["latency-answer.svg"], "curve"), len(result.Arms()))
	require.Len(t, ofClass(all["latency-voucher.svg"], "curve"), len(result.Arms())-3, "no curve of the empty workflows, and a curve that is not at the quantiles is none")
}

func TestBarsAreAsLongAsTheirMedians(t *testing.T) {
	r := invented()
	all := charts(t, r)["throughput-16.svg"]
	bars := ofClass(all, "bar")
	per := bars[0].number(t, "width") / over(r, result.Wechat, costLoad(), perSecond).Median
	for i, arm := range result.Arms() {
		require.InDelta(t, per*over(r, arm, costLoad(), perSecond).Median, bars[i].number(t, "width"), 0.5, arm)
	}
}

func TestTicksEncloseWhatIsDrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := math.Pow(10, rapid.Float64Range(-4, 6).Draw(t, "low"))
		high := low * math.Pow(10, rapid.Float64Range(0, 8).Draw(t, "span"))
		ticks := logTicks(low, high)
		require.GreaterOrEqual(t, len(ticks), 2)
		require.LessOrEqual(t, len(ticks), 15)
		require.LessOrEqual(t, ticks[0], low)
		require.GreaterOrEqual(t, ticks[len(ticks)-1], high)
		require.True(t, slices.IsSorted(ticks))
		require.LessOrEqual(t, high/linearStep(high), 8.0)
	})
}

func TestLabelsKeepTheirDistanceAndTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wanted := rapid.SliceOfN(rapid.Float64Range(100, 450), 0, 9).Draw(t, "wanted")
		slices.Sort(wanted)
		placed := apart(wanted, 19, 100, 450)
		require.Len(t, placed, len(wanted))
		for i := range placed {
			require.GreaterOrEqual(t, placed[i], 100-1e-9)
			require.LessOrEqual(t, placed[i], 450+1e-9)
			if i > 0 {
				require.GreaterOrEqual(t, placed[i]-placed[i-1], 19-1e-9)
			}
		}
	})
	require.Equal(t, []float64{120, 300}, apart([]float64{120, 300}, 19, 100, 450), "labels with room stay where they are")
}

func TestNoLabelOverlapsAnother(t *testing.T) {
	all := charts(t, invented())["latency-answer.svg"]
	var at []float64
	for _, e := range all {
		if e.name == "text" && slices.ContainsFunc(result.Arms(), func(a string) bool { return strings.HasPrefix(e.text, a) }) {
			at = append(at, e.number(t, "y"))
		}
	}
	require.Len(t, at, len(result.Arms()))
	slices.Sort(at)
	for i := 1; i < len(at); i++ {
		require.GreaterOrEqual(t, at[i]-at[i-1], 18.9)
	}
}
