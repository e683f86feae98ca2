package console

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/money"
)

func TestAmountsAreWrittenInYuanWithThousandsApart(t *testing.T) {
	for fen, want := range map[int64]string{0: "¥0.00", 1: "¥0.01", 5000: "¥50.00", 123456: "¥1,234.56", 100000000: "¥1,000,000.00", -5000: "-¥50.00", -100000: "-¥1,000.00"} {
		require.Equal(t, want, yuan(money.Fen(fen)))
	}
	require.Equal(t, "¥0.00", yuan(money.Money{}))
	require.Equal(t, "12 JPY", yuan(money.Minor(12, money.JPY)))
	require.Equal(t, "¥0.05", fenText("5"))
	require.Equal(t, "five", fenText("five"))
}

func TestAnAmountLosesNoFenOnItsWayToThePage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fen := rapid.Int64Range(-money.MaxMinor, money.MaxMinor).Draw(t, "fen")
		var digits []byte
		for _, r := range yuan(money.Fen(fen)) {
			if r >= '0' && r <= '9' || r == '-' || r == '.' {
				digits = append(digits, byte(r))
			}
		}
		back, err := money.Parse(string(digits), money.CNY)
		require.NoError(t, err)
		require.Equal(t, fen, back.Minor())
	})
}

func TestTimesAreThoseOfTheHospitals(t *testing.T) {
	at := time.Date(2026, 12, 31, 18, 5, 0, 0, time.UTC)
	require.Equal(t, "2027-01-01 02:05", when(at))
	require.Equal(t, "2027-01-01", day(at))
	require.Equal(t, "02:05", clock(at))
	require.Empty(t, when(time.Time{}))
	require.Equal(t, time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC), midnight(at).UTC())
}

func TestDurationsAreSaidWithTheirTwoLargestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		10 * time.Second: "under a minute", -time.Hour: "under a minute", 5 * time.Minute: "5 min", time.Hour: "1 h",
		90 * time.Minute: "1 h 30 min", 24 * time.Hour: "1 d", 50*time.Hour + time.Minute: "2 d 2 h",
	} {
		require.Equal(t, want, lasted(English, d))
	}
	require.Equal(t, "3 小时 12 分", lasted(Chinese, 3*time.Hour+12*time.Minute))
	require.Equal(t, "overdue by 5 min", countdown(English, -5*time.Minute))
	require.Equal(t, "剩 5 分钟", countdown(Chinese, 5*time.Minute))
}

func TestTheLanguageIsTheChosenOneThenTheBrowsersThenChinese(t *testing.T) {
	for name, c := range map[string]struct {
		cookie, header string
		want           Language
	}{
		"nothing":             {"", "", Chinese},
		"the browser's":       {"", "fr, en-GB;q=0.8, zh;q=0.5", English},
		"chosen":              {"zh-CN", "en", Chinese},
		"an unknown choice":   {"tlh", "en", English},
		"an unusable header":  {"", "\xff;;;q=", Chinese},
		"none of them spoken": {"", "fr", Chinese},
	} {
		r := httptest.NewRequest("GET", "/console/queue", nil)
		r.Header.Set("Accept-Language", c.header)
		if c.cookie != "" {
			r.Header.Set("Cookie", languageCookie+"="+c.cookie)
		}
		require.Equal(t, c.want, languageOf(r), name)
	}
}

func TestAReturnAddressStaysInTheConsole(t *testing.T) {
	for back, want := range map[string]string{
		"/console/cases/a?x=1": "/cases/a?x=1", "/console": "", "": "", "https://evil.example/console/x": "", "/console//evil.example": "",
		"/console/\\evil.example": "", "/other": "", "/consoleevil": "", "/console/a\nb": "", "/console/../v1": "", "/console/%2e%2e/v1": "",
		"/console/signin?next=%2Fconsole%2Fqueue": "/signin?next=%2Fconsole%2Fqueue",
	} {
		path, _ := within(back)
		require.Equal(t, want, path, back)
	}
}

func TestAKeyOfAFormIsOneThatWasMadeHere(t *testing.T) {
	require.True(t, isKey(newKey()))
	for _, key := range []string{"", "desk-", "desk-AAAA/1/2AAAAAAAAAAAA", "x", newKey() + "A"} {
		require.False(t, isKey(key), key)
	}
}
