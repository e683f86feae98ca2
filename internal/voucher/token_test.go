package voucher_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/voucher"
)

func newSigner(t testing.TB) *voucher.Signer {
	key := make([]byte, 32)
	_, err := rand.Read(key)
	require.NoError(t, err)
	s, err := voucher.NewSigner(key)
	require.NoError(t, err)
	return s
}

func claim() voucher.Claim {
	return voucher.Claim{HospitalID: "ren-he", OrderNo: "R20260105000017", Code: "23456789ABCD",
		SlotAt: time.Date(2026, 1, 6, 1, 30, 0, 0, time.UTC), AmountFen: 5000}
}

func TestTokenIsReadWithTheHospitalsKey(t *testing.T) {
	s := newSigner(t)
	token, err := s.Sign(claim())
	require.NoError(t, err)
	require.Less(t, len(token), 90, "a token stays small, for a coarse QR code")
	got, err := voucher.Verify(s.HospitalKey("ren-he"), token)
	require.NoError(t, err)
	require.Equal(t, claim(), got)
}

func TestTokenIsRefused(t *testing.T) {
	s := newSigner(t)
	token, err := s.Sign(claim())
	require.NoError(t, err)
	key := s.HospitalKey("ren-he")
	for name, bad := range map[string]string{
		"another amount":     strings.Replace(token, ".3uw.", ".3ux.", 1),
		"another order":      strings.Replace(token, "000017", "000018", 1),
		"a cut signature":    token[:len(token)-1],
		"no signature":       token[:strings.LastIndexByte(token, '.')+1],
		"another version":    "RP2" + token[3:],
		"something appended": token + ".x",
		"nothing":            "",
	} {
		require.NotEqual(t, token, bad, name)
		_, err := voucher.Verify(key, bad)
		require.ErrorIs(t, err, voucher.ErrToken, name)
	}
	_, err = voucher.Verify(s.HospitalKey("other"), token)
	require.ErrorIs(t, err, voucher.ErrToken, "another hospital's key")
	_, err = voucher.Verify(newSigner(t).HospitalKey("ren-he"), token)
	require.ErrorIs(t, err, voucher.ErrToken, "another installation's key")
}

func TestSignerRefuses(t *testing.T) {
	_, err := voucher.NewSigner(make([]byte, voucher.MinKey-1))
	require.Error(t, err, "a short key")
	c := claim()
	c.OrderNo = "a.b"
	_, err = newSigner(t).Sign(c)
	require.Error(t, err, "a member with the separator in it")
}

func FuzzVerify(f *testing.F) {
	key := make([]byte, 32)
	f.Add("RP1.ren-he.R20260105000017.23456789ABCD.hl5jo.3uw.AAAAAAAAAAAAAAAA")
	f.Add("RP1.......")
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := voucher.Verify(key, s); err == nil && (c.AmountFen < 0 || c.Code == "") {
			t.Fatalf("%q is taken for %+v", s, c)
		}
	})
}
