package voucher_test

import (
	"bytes"
	"encoding/xml"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/voucher"
)

func card(t testing.TB, s voucher.State, l voucher.Language) voucher.Card {
	token, err := newSigner(t).Sign(claim())
	require.NoError(t, err)
	return voucher.Card{State: s, Code: "23456789ABCD", Token: token, Name: "张*", Department: "心血管内科",
		Doctor: "欧阳医生", SlotAt: claim().SlotAt, OrderNo: "R20260105000017", Amount: money.Fen(5000),
		IssuedAt: time.Date(2026, 1, 5, 2, 0, 0, 0, time.UTC), Language: l}
}

func states() []voucher.State {
	return []voucher.State{voucher.Paid, voucher.Temporary, voucher.Refunded, voucher.Void}
}

func TestPNGShowsTheState(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range []voucher.Language{voucher.Chinese, voucher.English} {
		for _, s := range states() {
			c := card(t, s, l)
			c.Token = "RP1.same" // so that only state and language differ
			var b bytes.Buffer
			require.NoError(t, c.PNG(&b))
			if dir := os.Getenv("VOUCHER_OUT"); dir != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, string(s)+"-"+string(l)+".png"), b.Bytes(), 0o600))
			}
			img, err := png.Decode(bytes.NewReader(b.Bytes()))
			require.NoError(t, err)
			require.Equal(t, image.Pt(480, 700), img.Bounds().Size())
			require.False(t, seen[b.String()], "every state looks different")
			seen[b.String()] = true
		}
	}
}

// The watermark must not hide the code: dark modules stay dark, light ones light.
func TestPNGKeepsTheQRCodeReadable(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, card(t, voucher.Void, voucher.Chinese).PNG(&b))
	img, err := png.Decode(&b)
	require.NoError(t, err)
	// The finder pattern's outer ring: its top left corner is the first dark
	// pixel below the code's text.
	left, top := firstDark(img, image.Rect(60, 118, 420, 300))
	side := 0
	for luminance(img, left+side, top) < 128 {
		side++
	}
	module := side / 7
	require.Positive(t, module)
	require.Zero(t, side%7, "modules are whole pixels")
	for i := range 7 {
		x, y := left+i*module+module/2, top+module/2
		require.Less(t, luminance(img, x, y), 110, "the ring's top edge is dark")
	}
	require.Greater(t, luminance(img, left+module+module/2, top+module+module/2), 160, "inside the ring it is light")
}

func firstDark(img image.Image, in image.Rectangle) (x, y int) {
	for y := in.Min.Y; y < in.Max.Y; y++ {
		for x := in.Min.X; x < in.Max.X; x++ {
			if luminance(img, x, y) < 60 {
				return x, y
			}
		}
	}
	return 0, 0
}

func luminance(img image.Image, x, y int) int {
	r, g, b, _ := img.At(x, y).RGBA()
	return int((299*r + 587*g + 114*b) / 1000 >> 8)
}

func TestSVGIsXMLWithItsTexts(t *testing.T) {
	for want, s := range map[string]voucher.State{"已支付": voucher.Paid, "临时凭证": voucher.Temporary, "已退款": voucher.Refunded, "作废": voucher.Void} {
		c := card(t, s, voucher.Chinese)
		c.Department = `<script>"&'`
		var b bytes.Buffer
		require.NoError(t, c.SVG(&b))
		require.Contains(t, b.String(), want)
		require.Contains(t, b.String(), "2345-6789-ABCD")
		require.Contains(t, b.String(), "2026-01-06 09:30", "times are the hospital's")
		require.Contains(t, b.String(), "¥50.00")
		require.NotContains(t, b.String(), "<script>")
		d := xml.NewDecoder(&b)
		for {
			_, err := d.Token()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
		}
	}
}

func TestCardSurvivesAnyText(t *testing.T) {
	c := card(t, voucher.Paid, voucher.English)
	c.Department, c.Doctor = "龘𠮷\u200d科室科室科室科室科室科室科室科室科室科室科室科室科室科室科室科室", "\x01\xff"
	require.NoError(t, c.PNG(io.Discard))
	require.NoError(t, c.SVG(io.Discard))
}
