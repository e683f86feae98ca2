package unionpay

import (
	"fmt"
	"time"
)

// china is the gateway's time zone. China has had no daylight saving time
// since 1991, so a fixed offset says the same as Asia/Shanghai and needs no
// time zone database on the machine.
var china = time.FixedZone("Asia/Shanghai", 8*60*60)

const stampLayout = "20060102150405"

func stamp(t time.Time) string { return t.In(china).Format(stampLayout) }

func parseStamp(s string) (time.Time, error) { return time.ParseInLocation(stampLayout, s, china) }

// parseTrace reads a traceTime, MMDDhhmmss without a year, as the time that is
// nearest to near. The zero time stands for one that cannot be read.
func parseTrace(s string, near time.Time) time.Time {
	if len(s) != 10 {
		return time.Time{}
	}
	var best time.Time
	year := near.In(china).Year()
	for _, y := range []int{year - 1, year, year + 1} {
		t, err := parseStamp(fmt.Sprintf("%04d", y) + s)
		if err != nil {
			continue // 29 February exists in one of them
		}
		if best.IsZero() || t.Sub(near).Abs() < best.Sub(near).Abs() {
			best = t
		}
	}
	return best
}
