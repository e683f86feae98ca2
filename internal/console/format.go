package console

import (
	"html/template"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/voucher"
)

// both hands a partial the view beside its own data, for the hidden field of
// its forms.
type both struct {
	View any
	Data any
}

// templateFuncs are the functions of the templates, in a language.
func (s *server) templateFuncs(l Language) template.FuncMap {
	return template.FuncMap{
		"base":   func() string { return Base },
		"both":   func(view, data any) both { return both{view, data} },
		"code":   func(prefix string, code any) string { return sayCode(l, prefix, text(code)) },
		"detail": func(reason payment.Reason, detail string) string { return caseDetail(l, reason, detail) },
		"their":  func(side payment.Channel, code string) string { return theirWord(l, side, code) },
		"why":    func(code string) string { return reasonWords(l, code) },
		"yuan":   yuan,
		"when":   when,
		"day":    day,
		"clock":  clock,
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"ago":    func(now, t time.Time) string { return lasted(l, now.Sub(t)) },
		"left":   func(now, t time.Time) string { return countdown(l, t.Sub(now)) },
		"lasted": func(d time.Duration) string { return lasted(l, d) },
		"spaced": voucher.Spaced,
	}
}

// text is a code of any of the domain's string types.
func text(code any) string {
	if v := reflect.ValueOf(code); v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}

// yuan writes an amount with its sign, thousands apart: ¥1,234.50. Amounts of
// another currency carry its name instead. It works on the digits alone.
func yuan(m money.Money) string {
	digits, minus := strings.CutPrefix(m.Yuan(), "-")
	whole, rest, _ := strings.Cut(digits, ".")
	var b strings.Builder
	if minus {
		b.WriteByte('-')
	}
	if m.Currency() == money.CNY || m.Currency() == "" {
		b.WriteString("¥")
	}
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	switch {
	case rest != "":
		b.WriteString("." + rest)
	case m.Currency() == "": // no money of no currency
		b.WriteString(".00")
	}
	if m.Currency() != money.CNY && m.Currency() != "" {
		b.WriteString(" " + string(m.Currency()))
	}
	return b.String()
}

// when, day and clock write a time as it is in the hospitals; nothing for none.
func when(t time.Time) string  { return written(t, "2006-01-02 15:04") }
func day(t time.Time) string   { return written(t, "2006-01-02") }
func clock(t time.Time) string { return written(t, "15:04") }

func written(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.In(calendar.Zone).Format(layout)
}

// countdown says how long there is left, or for how long it is too late.
func countdown(l Language, left time.Duration) string {
	if left < 0 {
		return say(l, "overdue_by", lasted(l, -left))
	}
	return say(l, "time_left", lasted(l, left))
}

// lasted writes a duration with its two largest units, as people say it.
func lasted(l Language, d time.Duration) string {
	d = max(d, 0)
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case days > 0 && hours > 0:
		return say(l, "days_hours", days, hours)
	case days > 0:
		return say(l, "days", days)
	case hours > 0 && minutes > 0:
		return say(l, "hours_minutes", hours, minutes)
	case hours > 0:
		return say(l, "hours", hours)
	case minutes > 0:
		return say(l, "minutes", minutes)
	}
	return say(l, "moments")
}

// fenText writes an amount in fen as the audit log has it; what is no number
// is passed on.
func fenText(fen string) string {
	n, err := strconv.ParseInt(fen, 10, 64)
	if err != nil {
		return fen
	}
	return yuan(money.Fen(n))
}
