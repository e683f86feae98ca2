package voucher

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// SVG writes the card as a scalable picture. Its text is text, drawn with the
// fonts of whoever looks at it.
func (c Card) SVG(w io.Writer) error {
	dots, err := c.modules()
	if err != nil {
		return err
	}
	t := c.words()
	r, g, b := c.State.rgb()
	colour := fmt.Sprintf("#%02x%02x%02x", r, g, b)
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s" `+
		`font-family="'PingFang SC','Microsoft YaHei','Noto Sans CJK SC','WenQuanYi Micro Hei',sans-serif">`,
		cardWidth, cardHeight, cardWidth, cardHeight, escaped(t.title+" "+t.mark))
	fmt.Fprintf(&s, `<rect width="100%%" height="100%%" rx="12" fill="#ffffff"/>`)
	fmt.Fprintf(&s, `<text x="%d" y="%d" font-size="30" font-weight="700" text-anchor="middle" fill="#111111">%s</text>`, cardWidth/2, titleY, escaped(t.title))
	fmt.Fprintf(&s, `<text x="%d" y="%d" font-size="22" text-anchor="middle" fill="#111111" letter-spacing="1">%s</text>`, cardWidth/2, codeY, escaped(Spaced(c.Code)))
	n := len(dots)
	fmt.Fprintf(&s, `<g transform="translate(%d %d) scale(%d)"><path fill="#000000" d="`, qrLeft(n), qrTop+quietModule*qrScale(n), qrScale(n))
	for y, line := range dots {
		for x, dark := range line {
			if dark {
				fmt.Fprintf(&s, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	s.WriteString(`"/></g>`)
	for i, line := range t.rows {
		y := rowsTop + i*rowStep
		fmt.Fprintf(&s, `<text x="%d" y="%d" font-size="18" fill="#666666">%s</text>`, margin, y, escaped(line.label))
		fmt.Fprintf(&s, `<text x="%d" y="%d" font-size="18" fill="#111111">%s</text>`, valueX, y, escaped(line.value))
	}
	fmt.Fprintf(&s, `<text x="%d" y="%d" font-size="13" fill="#666666">%s</text>`, margin, rowsTop+len(t.rows)*rowStep+noteGap, escaped(t.note))
	fmt.Fprintf(&s, `<text transform="translate(%d %d) rotate(-28)" font-size="%d" font-weight="700" text-anchor="middle" fill="%s" fill-opacity="0.28">%s</text>`,
		cardWidth/2, cardHeight/2+40, markSize(t.mark), colour, escaped(t.mark))
	s.WriteString(`</svg>`)
	if _, err := io.WriteString(w, s.String()); err != nil {
		return fmt.Errorf("write the voucher's picture: %w", err)
	}
	return nil
}

// markSize fits a watermark of any of the words across the card, in pixels.
func markSize(mark string) int {
	width := 0 // in half characters
	for _, r := range mark {
		width++
		if r > 0x2e80 {
			width++
		}
	}
	return min(150, 2*400/width)
}

// qrScale is the side of a module in whole pixels.
func qrScale(modules int) int { return max(1, qrSide/(modules+2*quietModule)) }

func qrLeft(modules int) int { return (cardWidth - modules*qrScale(modules)) / 2 }

// escaped makes text safe in XML; characters that XML cannot hold are replaced.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}
