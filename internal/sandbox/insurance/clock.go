package insurance

import "time"

// timeLayout is yyyyMMddHHmmss, in the time zone of Shanghai.
const timeLayout = "20060102150405"

// freshness is how far an envelope's timestamp may be from the platform's
// clock, either way.
const freshness = 10 * time.Minute

// shanghai is UTC+8 all the year round; a fixed zone needs no zone database.
func shanghai() *time.Location { return time.FixedZone("Asia/Shanghai", 8*60*60) }

func parseTime(s string) (time.Time, bool) {
	if len(s) != len(timeLayout) {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation(timeLayout, s, shanghai())
	return t, err == nil
}
