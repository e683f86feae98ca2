package voucher

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"

	"github.com/hajimehoshi/bitmapfont/v3"
	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/math/f64"
	"golang.org/x/image/math/fixed"
)

// The bitmap font's cell in pixels; text is drawn in whole multiples of it, so
// that it stays sharp. It covers the Chinese of names, departments and labels
// and travels inside the binary: no font has to be installed.
const (
	fontAscent = 12
	fontHeight = 16
)

// PNG writes the card as pixels.
func (c Card) PNG(w io.Writer) error {
	dots, err := c.modules()
	if err != nil {
		return err
	}
	t := c.words()
	img := image.NewRGBA(image.Rect(0, 0, cardWidth, cardHeight))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	black, grey := color.RGBA{0x11, 0x11, 0x11, 0xff}, color.RGBA{0x66, 0x66, 0x66, 0xff}

	write(img, centred(t.title, 3), titleY, 3, black, t.title)
	code := Spaced(c.Code)
	write(img, centred(code, 2), codeY, 2, black, code)
	drawModules(img, dots)
	for i, line := range t.rows {
		y := rowsTop + i*rowStep
		write(img, margin, y, 2, grey, line.label)
		scale := 2
		if valueX+measure(line.value)*2 > cardWidth-8 {
			scale = 1
		}
		write(img, valueX, y, scale, black, line.value)
	}
	write(img, margin, rowsTop+len(t.rows)*rowStep+noteGap, 1, grey, t.note)
	watermark(img, t.mark, c.State)

	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := enc.Encode(w, img); err != nil {
		return fmt.Errorf("write the voucher's picture: %w", err)
	}
	return nil
}

func drawModules(img draw.Image, dots [][]bool) {
	n := len(dots)
	side, left, top := qrScale(n), qrLeft(n), qrTop+quietModule*qrScale(n)
	for y, line := range dots {
		for x, dark := range line {
			if dark {
				r := image.Rect(0, 0, side, side).Add(image.Pt(left+x*side, top+y*side))
				draw.Draw(img, r, image.Black, image.Point{}, draw.Src)
			}
		}
	}
}

// measure is a text's width in pixels at scale 1.
func measure(text string) int { return font.MeasureString(bitmapfont.FaceSC, text).Ceil() }

func centred(text string, scale int) int { return (cardWidth - measure(text)*scale) / 2 }

// mask is a text in the font's own size.
func mask(text string) *image.Alpha {
	m := image.NewAlpha(image.Rect(0, 0, max(1, measure(text)), fontHeight))
	d := font.Drawer{Dst: m, Src: image.Opaque, Face: bitmapfont.FaceSC, Dot: fixed.P(0, fontAscent)}
	d.DrawString(text)
	return m
}

// write draws a text with its baseline at y.
func write(img draw.Image, x, y, scale int, c color.Color, text string) {
	m := mask(text)
	r := image.Rect(x, y-fontAscent*scale, x+m.Bounds().Dx()*scale, y+(fontHeight-fontAscent)*scale)
	big := image.NewAlpha(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.NearestNeighbor.Scale(big, big.Bounds(), m, m.Bounds(), draw.Src, nil)
	draw.DrawMask(img, r, image.NewUniform(c), image.Point{}, big, image.Point{}, draw.Over)
}

// watermark draws the state across the whole card, light enough for the QR
// code below it to be read.
func watermark(img *image.RGBA, mark string, s State) {
	m := mask(mark)
	scale := float64(markSize(mark)) / fontAscent
	sin, cos := math.Sincos(-28 * math.Pi / 180)
	cx, cy := float64(m.Bounds().Dx())/2, float64(fontHeight)/2
	r, g, b := s.rgb()
	// Source pixels already carry the colour, so that the rotation blends them.
	src := image.NewNRGBA(m.Bounds())
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			src.SetNRGBA(x, y, color.NRGBA{r, g, b, uint8(int(m.AlphaAt(x, y).A) * 28 / 100)})
		}
	}
	a := f64.Aff3{
		scale * cos, -scale * sin, cardWidth/2 - scale*(cos*cx-sin*cy),
		scale * sin, scale * cos, cardHeight/2 - scale*(sin*cx+cos*cy),
	}
	draw.BiLinear.Transform(img, a, src, src.Bounds(), draw.Over, nil)
}
