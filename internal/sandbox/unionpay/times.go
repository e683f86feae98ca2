package unionpay

import (
	"fmt"
	"time"
)

// timeLayout is yyyyMMddHHmmss in the time zone of Shanghai.
const timeLayout = "20060102150405"

const (
	// oldest and newest bound a new transaction's txnTime around the gateway's
	// clock.
	oldest = 24 * time.Hour
	newest = 15 * time.Minute
	// refundWindow is how long a payment can be refunded.
	refundWindow = 90 * 24 * time.Hour
	// cutOff is when the clearing day ends: 23:00.
	cutOff = 23
)

// shanghai is UTC+8 all the year round; a fixed zone needs no zone database.
func shanghai() *time.Location { return time.FixedZone("Asia/Shanghai", 8*60*60) }

func parseTime(s string) (time.Time, bool) {
	if len(s) != len(timeLayout) || !isDigits(s) {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation(timeLayout, s, shanghai())
	return t, err == nil
}

// clearingDay is the day in whose settlement a moment falls, at midnight: what
// happens from 23:00 on belongs to the next day.
func clearingDay(at time.Time) time.Time {
	local := at.In(shanghai())
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, shanghai())
	if local.Hour() >= cutOff {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

// yuan writes fen as yuan for the patient's eyes.
func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }
