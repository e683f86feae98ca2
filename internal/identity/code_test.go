package identity_test

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/identity"
)

func TestNewCodeKeepsLeadingZerosAndThrowsTheUnevenRestAway(t *testing.T) {
	for _, tc := range []struct {
		drawn []byte
		want  string
	}{
		{[]byte{0, 0, 0}, "000000"},
		{[]byte{0, 0, 7}, "000007"},
		{[]byte{0x0f, 0x42, 0x40}, "000000"},                      // 1,000,000
		{[]byte{0xf4, 0x23, 0xff}, "999999"},                      // 15,999,999, the last that counts
		{[]byte{0xf4, 0x24, 0x00, 0, 0, 9}, "000009"},             // 16,000,000 is drawn again
		{[]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1}, "000001"}, // twice
	} {
		got, err := identity.NewCode(bytes.NewReader(tc.drawn))
		require.NoError(t, err)
		require.Equal(t, tc.want, got)
	}
}

func TestNewCodeNeedsItsSource(t *testing.T) {
	_, err := identity.NewCode(bytes.NewReader([]byte{0xff, 0xff, 0xff, 0}))
	require.Error(t, err)
}

func TestNewCodeIsSixDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 3, 3).Draw(t, "bytes")
		code, err := identity.NewCode(bytes.NewReader(append(b, 1, 2, 3)))
		if err != nil || len(code) != identity.CodeDigits {
			t.Fatalf("%q %v", code, err)
		}
		for _, r := range code {
			if r < '0' || r > '9' {
				t.Fatalf("%q", code)
			}
		}
	})
}

func TestCodesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 50 {
		c, err := identity.NewCode(rand.Reader)
		require.NoError(t, err)
		seen[c] = true
	}
	require.Greater(t, len(seen), 40)
}
