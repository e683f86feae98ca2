package insurance

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/regpay/regpay/internal/money"
)

// china is the platform's time zone, which has had no daylight saving time
// since 1991.
var china = time.FixedZone("Asia/Shanghai", 8*60*60)

const (
	stampLayout = "20060102150405"
	dayLayout   = "2006-01-02 15:04:05"
)

// text reads a field that is a string, a number or a boolean; "" otherwise.
func text(o object, name string) string {
	switch v := o[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

var errAmount = errors.New("not an amount in yuan with at most two decimals")

// yuan reads an amount, a string or a number, under the first of the names
// that is there.
func yuan(o object, names ...string) (money.Money, error) {
	for _, name := range names {
		s := text(o, name)
		if s == "" {
			continue
		}
		m, err := money.Parse(s, money.CNY)
		if err != nil || m.IsNegative() {
			return money.Money{}, fmt.Errorf("%s: %w", name, errAmount)
		}
		return m, nil
	}
	return money.Money{}, fmt.Errorf("%s: missing", names[0])
}

// stamp reads a time of the platform's; the zero time for one that is not.
func stamp(s string) time.Time {
	for _, layout := range []string{stampLayout, dayLayout} {
		if t, err := time.ParseInLocation(layout, s, china); err == nil {
			return t
		}
	}
	return time.Time{}
}

var plainCode = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,32}$`)

// safeCode keeps a code of the platform's out of errors when it is no code.
func safeCode(s string) string {
	if plainCode.MatchString(s) {
		return s
	}
	return "other"
}
