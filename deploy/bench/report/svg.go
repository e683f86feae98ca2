package report

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/regpay/regpay/deploy/bench/result"
)

// Colours of charts. The background is part of the picture, so that a chart
// looks the same on a light page and on a dark one.
const (
	ink   = "#1f2328"
	muted = "#59636e"
	faint = "#e4e8ec"
	paper = "#ffffff"
	edge  = "#d0d7de"
)

// style is how an arm is drawn.
type style struct {
	colour, dash string
	width        float64
}

// styleOf gives an arm a colour of Okabe and Ito's palette, whose colours people
// with any kind of colour vision tell apart, and a dash of its own for print in
// grey. Yellow, which white paper swallows, is not used.
func styleOf(arm string) style {
	switch arm {
	case result.Wechat:
		return style{"#0072B2", "", 3.2}
	case result.Mixed:
		return style{"#56B4E9", "9 4", 2.8}
	case result.Tutorial:
		return style{"#D55E00", "2.5 3", 2.4}
	case result.Empty:
		return style{"#000000", "14 4 2.5 4", 2}
	case result.InPlace:
		return style{"#767676", "10 3 2 3 2 3", 2}
	case result.DBOS:
		return style{"#CC79A7", "6 3 2.5 3", 2.4}
	case result.Plain:
		return style{"#009E73", "16 5", 2.2}
	default:
		return style{"#E69F00", "4 4", 2.2}
	}
}

// canvas collects the elements of an SVG picture. Lengths are in pixels of the
// view box, from its top left corner.
type canvas struct {
	b             strings.Builder
	width, height float64
}

// newCanvas is a sheet with a title, a line below it that says what is shown,
// and small print at the foot.
func newCanvas(width, height float64, title, subtitle string, small ...string) *canvas {
	c := &canvas{width: width, height: height}
	fmt.Fprintf(&c.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img" `+
		`font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif">`+"\n", width, height)
	fmt.Fprintf(&c.b, "<title>%s</title>\n<desc>%s</desc>\n", escape(title), escape(subtitle))
	fmt.Fprintf(&c.b, `<rect x="0.5" y="0.5" width="%.0f" height="%.0f" rx="10" fill="%s" stroke="%s"/>`+"\n", width-1, height-1, paper, edge)
	c.text(24, 36, title, words{size: 19, bold: true})
	c.text(24, 58, subtitle, words{size: 13, colour: muted})
	for i, s := range small {
		c.text(24, height-16-15*float64(len(small)-1-i), s, words{size: 11, colour: muted})
	}
	return c
}

func (c *canvas) bytes() []byte { return []byte(c.b.String() + "</svg>\n") }

// words is how text is set: 12 pixels, in ink, from its start on, if it says
// nothing else.
type words struct {
	size   float64
	colour string
	anchor string // start, middle or end
	bold   bool
	halo   bool // keeps clear of the lines behind
}

func (c *canvas) text(x, y float64, text string, w words) { c.spans(x, y, w, span{text: text}) }

// span is a part of a line of text; a quiet one is muted, and never bold.
type span struct {
	text  string
	quiet bool
}

func (c *canvas) spans(x, y float64, w words, parts ...span) {
	if w.size == 0 {
		w.size = 12
	}
	if w.colour == "" {
		w.colour = ink
	}
	fmt.Fprintf(&c.b, `<text x="%.1f" y="%.1f" font-size="%.0f" fill="%s"`, x, y, w.size, w.colour)
	if w.anchor != "" {
		fmt.Fprintf(&c.b, ` text-anchor="%s"`, w.anchor)
	}
	if w.bold {
		c.b.WriteString(` font-weight="600"`)
	}
	if w.halo {
		fmt.Fprintf(&c.b, ` stroke="%s" stroke-width="4" stroke-linejoin="round" paint-order="stroke"`, paper)
	}
	c.b.WriteString(">")
	for _, p := range parts {
		if p.quiet {
			fmt.Fprintf(&c.b, `<tspan fill="%s" font-weight="400">%s</tspan>`, muted, escape(p.text))
		} else {
			c.b.WriteString(escape(p.text))
		}
	}
	c.b.WriteString("</text>\n")
}

func (c *canvas) line(x1, y1, x2, y2 float64, colour string, width float64) {
	fmt.Fprintf(&c.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%.1f"/>`+"\n", x1, y1, x2, y2, colour, width)
}

func (c *canvas) rect(class string, x, y, width, height float64, colour string) {
	fmt.Fprintf(&c.b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2" fill="%s"/>`+"\n", class, x, y, width, height, colour)
}

func (c *canvas) dot(x, y, radius float64, colour string) {
	fmt.Fprintf(&c.b, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`+"\n", x, y, radius, colour)
}

// curve is a line through points, named for those who cannot see it.
func (c *canvas) curve(name string, points []point, s style) {
	var d strings.Builder
	for i, p := range points {
		fmt.Fprintf(&d, "%c%.1f %.1f", "ML"[min(i, 1)], p.x, p.y)
	}
	dash := ""
	if s.dash != "" {
		dash = fmt.Sprintf(` stroke-dasharray="%s"`, s.dash)
	}
	fmt.Fprintf(&c.b, `<path class="curve" d="%s" fill="none" stroke="%s" stroke-width="%.1f" stroke-linejoin="round"%s><title>%s</title></path>`+"\n",
		d.String(), s.colour, s.width, dash, escape(name))
}

type point struct{ x, y float64 }

func escape(s string) string {
	var b strings.Builder
	// A strings.Builder does not fail.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// apart moves labels that stand too close, each as little as it takes for the
// sum of squares, and keeps all of them between two bounds. The wanted places
// are in ascending order, and so are those that it returns.
//
// Less i times the gap, the places must only not descend: an isotonic
// regression, which the pooling of neighbours solves.
func apart(wanted []float64, gap, low, high float64) []float64 {
	type pool struct {
		sum   float64
		count int
	}
	mean := func(p pool) float64 { return p.sum / float64(p.count) }
	var pools []pool
	for i, w := range wanted {
		pools = append(pools, pool{w - float64(i)*gap, 1})
		for n := len(pools); n > 1 && mean(pools[n-2]) >= mean(pools[n-1]); n = len(pools) {
			pools[n-2].sum += pools[n-1].sum
			pools[n-2].count += pools[n-1].count
			pools = pools[:n-1]
		}
	}
	var placed []float64
	high -= float64(len(wanted)-1) * gap
	for _, p := range pools {
		at := max(low, min(mean(p), high))
		for range p.count {
			placed = append(placed, at+float64(len(placed))*gap)
		}
	}
	return placed
}
