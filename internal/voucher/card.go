package voucher

import (
	"fmt"
	"time"

	"github.com/yeqown/go-qrcode/v2"

	"github.com/regpay/regpay/internal/money"
)

// State is what a voucher is worth; it is the watermark.
type State string

// The states.
const (
	Paid      State = "paid"
	Temporary State = "temporary"
	Refunded  State = "refunded"
	Void      State = "void"
)

// Language is that of a card's labels.
type Language string

// The languages.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// Card is a voucher to be drawn.
type Card struct {
	State      State
	Code       string
	Token      string // the QR code's content
	Name       string // masked
	Department string
	Doctor     string
	SlotAt     time.Time
	OrderNo    string
	Amount     money.Money
	IssuedAt   time.Time
	Language   Language
}

// row is a label with its value.
type row struct{ label, value string }

// words are a card's texts, in its language.
type words struct {
	title, mark, note string
	rows              []row
}

// hospitalTime is the zone in which hospitals in China print times: it has no
// daylight saving, so a fixed offset needs no zone database.
func hospitalTime() *time.Location { return time.FixedZone("CST", 8*60*60) }

func (c Card) words() words {
	slot := c.SlotAt.In(hospitalTime()).Format("2006-01-02 15:04")
	issued := c.IssuedAt.In(hospitalTime()).Format("2006-01-02 15:04")
	if c.Language == English {
		return words{title: "Registration voucher", mark: c.State.english(),
			note: "Issued " + issued + " (UTC+8). The state is as of when this was drawn.",
			rows: []row{{"Department", c.Department}, {"Doctor", c.Doctor}, {"Time", slot},
				{"Patient", c.Name}, {"Order", c.OrderNo}, {"Amount", "CNY " + c.Amount.Yuan()}}}
	}
	return words{title: "挂号凭证", mark: c.State.chinese(),
		note: "出具于 " + issued + "，状态以出图时为准。",
		rows: []row{{"科室", c.Department}, {"医生", c.Doctor}, {"就诊时间", slot},
			{"就诊人", c.Name}, {"订单号", c.OrderNo}, {"金额", "¥" + c.Amount.Yuan()}}}
}

func (s State) chinese() string {
	switch s {
	case Paid:
		return "已支付"
	case Temporary:
		return "临时凭证"
	case Refunded:
		return "已退款"
	}
	return "作废"
}

func (s State) english() string {
	switch s {
	case Paid:
		return "PAID"
	case Temporary:
		return "TEMPORARY"
	case Refunded:
		return "REFUNDED"
	}
	return "VOID"
}

// rgb is the state's colour.
func (s State) rgb() (r, g, b uint8) {
	switch s {
	case Paid:
		return 0x0a, 0x7d, 0x4f
	case Temporary:
		return 0xc2, 0x6a, 0x00
	}
	return 0xc0, 0x1f, 0x2e
}

// modules is the QR code as rows of dark modules, without its quiet zone.
// Level M survives a watermark and a scratched screen.
func (c Card) modules() ([][]bool, error) {
	q, err := qrcode.NewWith(c.Token, qrcode.WithEncodingMode(qrcode.EncModeByte),
		qrcode.WithErrorCorrectionLevel(qrcode.ErrorCorrectionMedium))
	if err != nil {
		return nil, fmt.Errorf("encode the voucher's QR code: %w", err)
	}
	var keep bitmap
	if err := q.Save(&keep); err != nil {
		return nil, fmt.Errorf("lay out the voucher's QR code: %w", err)
	}
	return keep.rows, nil
}

// bitmap is a writer for package qrcode that keeps the modules.
type bitmap struct{ rows [][]bool }

func (b *bitmap) Write(m qrcode.Matrix) error {
	b.rows = make([][]bool, m.Height())
	for y := range b.rows {
		b.rows[y] = make([]bool, m.Width())
	}
	m.Iterate(qrcode.IterDirection_ROW, func(x, y int, v qrcode.QRValue) { b.rows[y][x] = v.IsSet() })
	return nil
}

func (b *bitmap) Close() error { return nil }

// The layout in pixels, shared by both forms of picture.
const (
	cardWidth   = 480
	margin      = 36
	titleY      = 60
	codeY       = 96
	qrTop       = 116
	qrSide      = 300 // at most; modules are whole pixels
	rowsTop     = 452
	rowStep     = 34
	valueX      = 168
	noteGap     = 14
	cardHeight  = rowsTop + 6*rowStep + noteGap + 30
	quietModule = 4 // the standard's quiet zone, in modules
)
