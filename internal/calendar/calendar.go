// Package calendar knows on which days China works. A refund is promised in
// working days, and no weekday tells them: the State Council announces each
// November for the year to come which weekdays are holidays (法定节假日) and
// which weekend days are worked in exchange (调休).
//
// The days of the years until 2026 come with github.com/6tail/lunar-go, which
// collects the State Council's notices. A later year, or one that was changed
// after its announcement, is added from a file: see Read. Of a year of which
// nothing is known, weekends alone are free; Known tells such a year.
//
// A Calendar is made once and never changes, so it is safe for concurrent use.
// Days are those of Asia/Shanghai, UTC+8 all year since 1991.
package calendar

import (
	"maps"
	"time"

	"github.com/6tail/lunar-go/HolidayUtil"
)

// Zone is China's time. A fixed offset needs no time zone database on the host.
var Zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// Day is a day of China, without a time.
type Day struct {
	Year  int
	Month time.Month
	Day   int
}

// DayOf is the day of China at a moment.
func DayOf(t time.Time) Day {
	y, m, d := t.In(Zone).Date()
	return Day{Year: y, Month: m, Day: d}
}

// Start is the first moment of the day.
func (d Day) Start() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, Zone) }

// next is the day after; time normalises the end of months and years.
func (d Day) next() Day { return DayOf(time.Date(d.Year, d.Month, d.Day+1, 0, 0, 0, 0, Zone)) }

// Exceptions are the days of a year that differ from the week: true is worked,
// false is free.
type Exceptions map[Day]bool

// Calendar tells working days.
type Calendar struct{ years map[int]Exceptions }

// firstYear is the first whose days are of use: no refund is older.
const firstYear = 2024

// lastYear bounds the search for the years that the library knows.
const lastYear = 2100

// New is the calendar of the known years. What more has of a year counts
// instead of what is known of it, since a notice is sometimes changed.
func New(more map[int]Exceptions) *Calendar {
	c := &Calendar{years: map[int]Exceptions{}}
	for year := firstYear; year <= lastYear; year++ {
		if days := announced(year); len(days) > 0 {
			c.years[year] = days
		}
	}
	for year, days := range more {
		c.years[year] = maps.Clone(days)
	}
	return c
}

// announced reads a year from the library.
func announced(year int) Exceptions {
	days := Exceptions{}
	for e := HolidayUtil.GetHolidaysByYear(year).Front(); e != nil; e = e.Next() {
		h, ok := e.Value.(*HolidayUtil.Holiday)
		if !ok {
			continue
		}
		if t, err := time.ParseInLocation(time.DateOnly, h.GetDay(), Zone); err == nil {
			days[DayOf(t)] = h.IsWork()
		}
	}
	return days
}

// Known says whether the holidays of a year are known. Of another one, weekends
// alone are free, and a date that is reckoned in it may be some days early.
func (c *Calendar) Known(year int) bool { return len(c.years[year]) > 0 }

// IsWorkingDay says whether China works on the day of a moment.
func (c *Calendar) IsWorkingDay(t time.Time) bool { return c.works(DayOf(t)) }

func (c *Calendar) works(d Day) bool {
	if worked, exception := c.years[d.Year][d]; exception {
		return worked
	}
	week := d.Start().Weekday()
	return week != time.Saturday && week != time.Sunday
}

// AddWorkingDays is the n-th working day after the day of a moment, at its
// start. The day itself does not count, worked or not. With n of zero or less
// it is the day itself.
func (c *Calendar) AddWorkingDays(t time.Time, n int) time.Time {
	d := DayOf(t)
	for n > 0 {
		if d = d.next(); c.works(d) {
			n--
		}
	}
	return d.Start()
}

// EndOfWorkingDay is the last second of the n-th working day after the day of
// a moment: what is promised within n working days is due by then.
func (c *Calendar) EndOfWorkingDay(t time.Time, n int) time.Time {
	return DayOf(c.AddWorkingDays(t, n)).next().Start().Add(-time.Second)
}
