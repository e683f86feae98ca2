package calendar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/calendar"
)

// The State Council's notices, typed from their text and not from the library:
// 国办发明电〔2023〕7号, 〔2024〕12号, and the notice of 4 November 2025.
const notices = `
2024-01-01 off
2024-02-10 2024-02-17 off
2024-02-04 work
2024-02-18 work
2024-04-04 2024-04-06 off
2024-04-07 work
2024-05-01 2024-05-05 off
2024-04-28 work
2024-05-11 work
2024-06-10 off
2024-09-15 2024-09-17 off
2024-09-14 work
2024-10-01 2024-10-07 off
2024-09-29 work
2024-10-12 work
2025-01-01 off
2025-01-28 2025-02-04 off
2025-01-26 work
2025-02-08 work
2025-04-04 2025-04-06 off
2025-05-01 2025-05-05 off
2025-04-27 work
2025-05-31 2025-06-02 off
2025-10-01 2025-10-08 off
2025-09-28 work
2025-10-11 work
2026-01-01 2026-01-03 off
2026-01-04 work
2026-02-15 2026-02-23 off
2026-02-14 work
2026-02-28 work
2026-04-04 2026-04-06 off
2026-05-01 2026-05-05 off
2026-05-09 work
2026-06-19 2026-06-21 off
2026-09-25 2026-09-27 off
2026-10-01 2026-10-07 off
2026-09-20 work
2026-10-10 work
`

func at(t testing.TB, day string) time.Time {
	t.Helper()
	d, err := time.ParseInLocation("2006-01-02 15:04:05", day+" 15:30:00", calendar.Zone)
	require.NoError(t, err)
	return d
}

func TestEveryDayOfTheAnnouncedYearsIsAsTheNoticesSay(t *testing.T) {
	announced, err := calendar.Read(strings.NewReader(notices))
	require.NoError(t, err)
	typed, shipped := calendar.New(announced), calendar.New(nil)
	for year := 2024; year <= 2026; year++ {
		require.True(t, shipped.Known(year))
	}
	for d := at(t, "2024-01-01"); d.Before(at(t, "2027-01-01")); d = d.AddDate(0, 0, 1) {
		require.Equal(t, typed.IsWorkingDay(d), shipped.IsWorkingDay(d), d.Format(time.DateOnly))
	}
}

func TestIsWorkingDay(t *testing.T) {
	c := calendar.New(nil)
	for day, works := range map[string]bool{
		"2026-11-23": true,  // a Monday
		"2026-11-21": false, // a Saturday
		"2026-10-01": false, // National Day, a Thursday
		"2026-10-07": false, // its last day, a Wednesday
		"2026-10-08": true,
		"2026-10-10": true,  // a Saturday that is worked for it
		"2026-09-20": true,  // and a Sunday
		"2026-02-14": true,  // a Saturday before the Spring Festival
		"2026-02-16": false, // a Monday of the Spring Festival
		"2026-02-23": false, // its last day, a Monday
		"2026-02-24": true,
		"2026-02-28": true, // a Saturday that is worked for it
		"2026-01-04": true, // a Sunday that is worked for New Year
		"2026-01-02": false,
	} {
		require.Equal(t, works, c.IsWorkingDay(at(t, day)), day)
	}
}

func TestTheDayIsChinas(t *testing.T) {
	c := calendar.New(nil)
	// Saturday evening in London is Sunday in China, which is worked then.
	require.True(t, c.IsWorkingDay(time.Date(2026, 9, 19, 18, 0, 0, 0, time.UTC)))
	require.False(t, c.IsWorkingDay(time.Date(2026, 9, 19, 15, 0, 0, 0, time.UTC)))
}

func TestAddWorkingDays(t *testing.T) {
	c := calendar.New(nil)
	for _, tc := range []struct {
		name string
		from string
		n    int
		to   string
	}{
		{"over a weekend", "2026-11-23", 7, "2026-12-02"},
		{"over National Day, of which a Saturday is worked back", "2026-09-30", 7, "2026-10-15"},
		{"over the Spring Festival", "2026-02-13", 7, "2026-03-02"},
		{"from a holiday, which does not count", "2026-10-03", 1, "2026-10-08"},
		{"from a Saturday that is worked, which does not count either", "2026-10-10", 1, "2026-10-12"},
		{"into a year that nobody has announced: weekends alone", "2026-12-30", 7, "2027-01-08"},
		{"none", "2026-10-03", 0, "2026-10-03"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := c.AddWorkingDays(at(t, tc.from), tc.n)
			require.Equal(t, tc.to, got.Format(time.DateOnly))
			require.Equal(t, tc.to+" 23:59:59", c.EndOfWorkingDay(at(t, tc.from), tc.n).Format(time.DateTime), "until its end")
		})
	}
}

func TestAnyNumberOfWorkingDaysIsCounted(t *testing.T) {
	c := calendar.New(nil)
	rapid.Check(t, func(t *rapid.T) {
		from := time.Unix(rapid.Int64Range(1_704_067_200, 1_830_000_000).Draw(t, "from"), 0)
		n := rapid.IntRange(1, 40).Draw(t, "n")
		to := c.AddWorkingDays(from, n)
		require.True(t, c.IsWorkingDay(to))
		count := 0
		for d := calendar.DayOf(from).Start().AddDate(0, 0, 1); !d.After(to); d = d.AddDate(0, 0, 1) {
			if c.IsWorkingDay(d) {
				count++
			}
		}
		require.Equal(t, n, count)
	})
}

func TestAYearIsAddedAndReplaced(t *testing.T) {
	more, err := calendar.Read(strings.NewReader("# next year\n2027-01-01 off # New Year\n\n2027-01-02 work\n2026-11-24 off\n"))
	require.NoError(t, err)
	c := calendar.New(more)
	require.True(t, c.Known(2027))
	require.False(t, c.IsWorkingDay(at(t, "2027-01-01")))
	require.True(t, c.IsWorkingDay(at(t, "2027-01-02")))
	require.False(t, c.IsWorkingDay(at(t, "2026-11-24")))
	require.True(t, c.IsWorkingDay(at(t, "2026-10-01")), "the file's year counts, and not the one that is shipped")
	require.False(t, calendar.New(nil).Known(2027))
	require.False(t, calendar.New(nil).Known(2023))
}

func TestAFileThatCannotBeRightIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no word":            "2027-01-01",
		"another word":       "2027-01-01 free",
		"no date":            "2027-02-30 off",
		"backwards":          "2027-01-03 2027-01-01 off",
		"a typo in the year": "2027-01-01 2028-01-03 off",
		"the same day twice": "2027-01-01 off\n2027-01-01 work",
		"too much":           "2027-01-01 2027-01-02 2027-01-03 off",
		"no line ends":       strings.Repeat("x", 1000),
	} {
		_, err := calendar.Read(strings.NewReader(text))
		require.ErrorContains(t, err, "line", name)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(notices)
	f.Add("2027-01-01 off")
	f.Add("#\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		years, err := calendar.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for year, days := range years {
			for d := range days {
				require.Equal(t, year, d.Year)
			}
		}
	})
}
