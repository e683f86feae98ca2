package voucher_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/voucher"
)

func TestNewCodeParses(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		code, err := voucher.NewCode()
		require.NoError(t, err)
		require.Len(t, code, voucher.CodeLength)
		require.False(t, seen[code], "codes do not repeat")
		seen[code] = true
		got, err := voucher.ParseCode(strings.ToLower(voucher.Spaced(code)))
		require.NoError(t, err)
		require.Equal(t, code, got)
	}
}

// Every single wrong character and every swap of two neighbours is found.
func TestParseCodeFindsSlips(t *testing.T) {
	const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
	rapid.Check(t, func(t *rapid.T) {
		code, err := voucher.NewCode()
		require.NoError(t, err)
		at := rapid.IntRange(0, len(code)-1).Draw(t, "position")
		other := alphabet[rapid.IntRange(0, len(alphabet)-1).Draw(t, "character")]
		if other != code[at] {
			_, err = voucher.ParseCode(code[:at] + string(other) + code[at+1:])
			require.ErrorIs(t, err, voucher.ErrCode)
		}
		if at+1 < len(code) && code[at] != code[at+1] {
			_, err = voucher.ParseCode(code[:at] + string(code[at+1]) + string(code[at]) + code[at+2:])
			require.ErrorIs(t, err, voucher.ErrCode)
		}
	})
}

func TestParseCodeRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"nothing": "", "too short": "234567", "a character that codes do not have": "O23456789ABC",
		"another script": "２３４５６７８９ＡＢＣＤ", "far too long": strings.Repeat("2", 100),
	} {
		_, err := voucher.ParseCode(s)
		require.ErrorIs(t, err, voucher.ErrCode, name)
	}
}

func FuzzParseCode(f *testing.F) {
	f.Add("2345-6789-ABCD")
	f.Fuzz(func(t *testing.T, s string) {
		code, err := voucher.ParseCode(s)
		if err != nil {
			return
		}
		again, err := voucher.ParseCode(code)
		if err != nil || again != code {
			t.Fatalf("%q is read as %q, which is not read again", s, code)
		}
	})
}
