package report

import (
	"strings"
	"unicode/utf8"

	"github.com/regpay/regpay/deploy/bench/result"
)

// cell is a figure in a table. Heads line up at their right end, so that
// medians compare down a column; tails, the ranges, follow at their left.
type cell struct{ head, tail string }

const missing = "–"

// ranged is a median with its range.
func (t *table) ranged(s result.Spread) cell {
	if s.N == 0 {
		return cell{head: missing}
	}
	d := inTable(s.Median)
	return cell{head: number(s.Median, d) + t.mark(s), tail: bracket(s, d)}
}

// alone is a median without its range, where there is no room for it.
func (t *table) alone(s result.Spread) cell {
	if s.N == 0 {
		return cell{head: missing}
	}
	return cell{head: number(s.Median, inTable(s.Median)) + t.mark(s)}
}

// inTable is one decimal for everything, so that points line up down a column,
// up to where it says nothing any more.
func inTable(value float64) int {
	if value >= 9999.5 {
		return 0
	}
	return 1
}

// mark says whether a figure is from fewer rounds than the run had.
func (t *table) mark(s result.Spread) string {
	if s.N >= t.rounds {
		return ""
	}
	t.marked = true
	return "*"
}

// table is a title above text in columns: a label at the left, figures at the right of it. A
// row without cells is a heading within the table.
type table struct {
	title   string
	columns []string
	rows    []row
	rounds  int
	marked  bool
}

type row struct {
	label string
	cells []cell
}

func (t *table) add(label string, cells ...cell) {
	t.rows = append(t.rows, row{label, cells})
}

const gap = "  "

// String is the table with its title, ending in an empty line.
func (t *table) String() string {
	label := 0
	heads, tails := make([]int, len(t.columns)), make([]int, len(t.columns))
	for _, r := range t.rows {
		if len(r.cells) > 0 {
			label = max(label, utf8.RuneCountInString(r.label))
		}
		for i, c := range r.cells {
			heads[i] = max(heads[i], utf8.RuneCountInString(c.head))
			if c.tail != "" {
				tails[i] = max(tails[i], 1+utf8.RuneCountInString(c.tail))
			}
		}
	}
	var b strings.Builder
	line := func(parts ...string) {
		b.WriteString(strings.TrimRight(strings.Join(parts, gap), " ") + "\n")
	}
	line(t.title)
	parts := []string{left("", label)}
	for i, name := range t.columns {
		// A name ends where the medians end, and hangs over into the ranges
		// when it is longer.
		if wide := utf8.RuneCountInString(name); wide <= heads[i] || tails[i] == 0 {
			heads[i] = max(heads[i], wide)
			name = right(name, heads[i])
		}
		parts = append(parts, left(name, heads[i]+tails[i]))
		tails[i] = max(tails[i], utf8.RuneCountInString(name)-heads[i])
	}
	line(parts...)
	for _, r := range t.rows {
		parts := []string{left(r.label, label)}
		for i, c := range r.cells {
			text := right(c.head, heads[i])
			if c.tail != "" {
				text += " " + c.tail
			}
			parts = append(parts, left(text, heads[i]+tails[i]))
		}
		line(parts...)
	}
	if t.marked {
		line("* from fewer rounds than the run had")
	}
	line()
	return b.String()
}

func left(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

func right(s string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s))) + s
}
