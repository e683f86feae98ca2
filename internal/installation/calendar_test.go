package installation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/config"
)

func TestHolidaysOfAnotherYearAreRead(t *testing.T) {
	path := installed(t, "temporal: {}", "holidays_file: days/2027.txt", map[string]string{"2027.txt": "2027-01-01 off\n", "bad.txt": "2027-13-01 off\n"})
	c, err := config.Load(path)
	require.NoError(t, err)
	_, err = workingDays(c)
	require.ErrorContains(t, err, "holidays_file")
	c.HolidaysFile = "2027.txt"
	days, err := workingDays(c)
	require.NoError(t, err)
	require.True(t, days.Known(2027))
	require.False(t, days.IsWorkingDay(time.Date(2027, 1, 1, 12, 0, 0, 0, calendar.Zone)))
	c.HolidaysFile = "bad.txt"
	_, err = workingDays(c)
	require.ErrorContains(t, err, "holidays_file: holidays: line 1")
	c.HolidaysFile = ""
	days, err = workingDays(c)
	require.NoError(t, err)
	require.True(t, days.Known(2026))
}
