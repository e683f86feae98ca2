package console

import (
	"slices"
	"strconv"
	"time"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// Charts are laid out here, in whole pixels of their view box, and drawn by
// _charts.html with attributes alone: the content security policy allows no
// style in a page. Colours are classes c1 to c8 of the stylesheet; each chart
// says its numbers in text, too.

// Sizes of charts, in pixels of the view box.
const (
	chartWidth  = 560
	barHeight   = 12
	barStep     = 40
	barsWidth   = 420
	barTrack    = 340 // the rest is the number's
	axisLeft    = 36
	plotHeight  = 150
	plotTop     = 10
	columnRoom  = 22 // below the plot, for dates
	legendTones = 8
)

// barChart is one bar a row, with its name above it.
type barChart struct {
	ID, Title, Note           string
	Width, Height, Track, Bar int
	Rows                      []barRow
}

type barRow struct {
	Label, Tone        string
	Value, Late        int
	Y, LabelY, ValueY  int
	Length, LateLength int
}

// counted is a name with a number, of which late are overdue.
type counted struct {
	label       string
	tone        string
	value, late int
}

func barsOf(id, title, note string, all []counted) barChart {
	c := barChart{ID: id, Title: title, Note: note, Width: barsWidth, Track: barTrack, Bar: barHeight, Height: len(all) * barStep}
	most := 1
	for _, n := range all {
		most = max(most, n.value)
	}
	for i, n := range all {
		y := i * barStep
		c.Rows = append(c.Rows, barRow{Label: n.label, Tone: n.tone, Value: n.value, Late: n.late,
			LabelY: y + 14, Y: y + 20, ValueY: y + 20 + barHeight - 1, Length: part(n.value, most, barTrack), LateLength: part(n.late, most, barTrack)})
	}
	return c
}

// part is n of most along a length, at least a sliver of what is not nothing.
func part(n, most, length int) int {
	if n <= 0 || most <= 0 {
		return 0
	}
	return max(2, n*length/most)
}

// columnChart is a column a day, stacked by decision.
type columnChart struct {
	ID, Title                        string
	Width, Height, Left, Bar, LabelY int
	Lines                            []chartLine
	Days                             []column
	Legend                           []legend
	Cells                            []cell
}

type chartLine struct{ X, Y, TextY, Value int }

type column struct {
	Label  string
	LabelX int
	Parts  []block
}

type block struct {
	X, Y, Length int
	Tone         string
}

type legend struct{ Tone, Label string }

// cell is a number of the chart's table.
type cell struct {
	Day   time.Time
	Label string
	Count int
}

// verdictTone is the colour of a decision, the same in every chart.
func verdictTone(v payment.Verdict) string {
	order := []payment.Verdict{payment.Approve, payment.RetryClearing, payment.ConvertToSelfPay, payment.ConfirmSettled,
		payment.RefundAll, payment.Reject, payment.RetryRefund, payment.RefundOffline}
	i := slices.Index(order, v)
	if i < 0 {
		return "c" + strconv.Itoa(6)
	}
	return "c" + strconv.Itoa(i%legendTones+1)
}

// columnsOf draws every day from first to last, also those without a decision.
func columnsOf(l Language, first, last time.Time, counts []store.DayCount) columnChart {
	c := columnChart{ID: "daily", Title: say(l, "overview_by_day"), Width: chartWidth, Height: plotTop + plotHeight + columnRoom,
		Left: axisLeft, LabelY: plotTop + plotHeight + 16}
	byDay := map[string][]store.DayCount{}
	totals := map[string]int{}
	most := 1
	for _, n := range counts {
		key := day(n.Day)
		byDay[key] = append(byDay[key], n)
		totals[key] += n.Count
		most = max(most, totals[key])
		label := sayCode(l, "verdict_name", string(n.Verdict))
		c.Cells = append(c.Cells, cell{n.Day, label, n.Count})
		tone := legend{verdictTone(n.Verdict), label}
		if !slices.Contains(c.Legend, tone) {
			c.Legend = append(c.Legend, tone)
		}
	}
	if len(counts) == 0 {
		return c
	}
	days := 0
	for at := first; !at.After(last); at = at.AddDate(0, 0, 1) {
		days++
	}
	step := (chartWidth - axisLeft) / max(days, 1)
	c.Bar = max(2, step-max(1, step/5))
	every := (days + 6) / 7 // at most about seven dates have room
	for i, at := 0, first; !at.After(last); i, at = i+1, at.AddDate(0, 0, 1) {
		x := axisLeft + i*step
		col := column{LabelX: x + c.Bar/2}
		if i%every == 0 {
			col.Label = written(at, "01-02")
		}
		y := plotTop + plotHeight
		for _, n := range byDay[day(at)] {
			length := part(n.Count, most, plotHeight)
			y -= length
			col.Parts = append(col.Parts, block{X: x, Y: max(y, 0), Length: length, Tone: verdictTone(n.Verdict)})
		}
		c.Days = append(c.Days, col)
	}
	marks := []int{0, most}
	if most > 1 {
		marks = []int{0, most / 2, most}
	}
	for _, n := range marks {
		y := plotTop + plotHeight - n*plotHeight/most
		c.Lines = append(c.Lines, chartLine{X: axisLeft - 6, Y: y, TextY: y + 4, Value: n})
	}
	return c
}
