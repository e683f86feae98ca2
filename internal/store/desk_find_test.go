package store_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/store"
)

func TestWhatAPersonTypedIsSpelledAsNumbersAre(t *testing.T) {
	require.ElementsMatch(t, []string{"AB12", "AB 12", "ab 12", "ab12"}, store.Spellings(" ab 12 "))
	require.ElementsMatch(t, []string{"Order0001", "ORDER0001", "order0001"}, store.Spellings("Ｏrder０００１"))
	require.Equal(t, []string{"12-3", "123"}, store.Spellings("１２－３"))
	require.Nil(t, store.Spellings(strings.Repeat("9", 81)))
	require.NotNil(t, store.Spellings(strings.Repeat("９", 80)))
}

func FuzzSpellings(f *testing.F) {
	for _, seed := range []string{"ORDER0001", " order 0001", "ＡＢ－１２", "\x00", "\xff", "　", "-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all := store.Spellings(text)
		require.LessOrEqual(t, len(all), 6)
		for _, s := range all {
			require.NotEmpty(t, s)
			require.True(t, utf8.ValidString(s))
			require.NotContains(t, s, "\x00")
			require.Less(t, len(s), 3*81)
		}
	})
}
