package staff_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/staff"
)

func TestAPasswordIsKnownByItsHashAlone(t *testing.T) {
	const password = "correct horse 电池"
	one, err := staff.HashPassword(password)
	require.NoError(t, err)
	other, err := staff.HashPassword(password)
	require.NoError(t, err)
	require.NotEqual(t, one, other, "each has a salt of its own")
	require.True(t, strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$"), one)
	require.NotContains(t, one, "horse")
	for said, want := range map[string]bool{password: true, password + " ": false, "": false, strings.ToUpper(password): false} {
		ok, stale, err := staff.VerifyPassword(one, said)
		require.NoError(t, err)
		require.Equal(t, want, ok, said)
		require.False(t, stale)
	}
}

// The vector is that of the reference implementation's own tests
// (P-H-C/phc-winner-argon2, src/test.c, argon2id version 0x13).
func TestAHashOfAnotherProgramIsUnderstoodAndStale(t *testing.T) {
	const phc = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	ok, stale, err := staff.VerifyPassword(phc, "password")
	require.NoError(t, err)
	require.True(t, ok)
	require.True(t, stale)
}

func TestAHashThatIsNoneIsRefused(t *testing.T) {
	good, err := staff.HashPassword("long enough")
	require.NoError(t, err)
	for name, phc := range map[string]string{
		"empty":            "",
		"another kind":     strings.Replace(good, "argon2id", "argon2i", 1),
		"another version":  strings.Replace(good, "v=19", "v=16", 1),
		"no memory":        strings.Replace(good, "m=19456", "m=0", 1),
		"all memory":       strings.Replace(good, "m=19456", "m=4294967295", 1),
		"endless":          strings.Replace(good, "t=2", "t=4294967295", 1),
		"no pass":          strings.Replace(good, "t=2", "t=0", 1),
		"no lane":          strings.Replace(good, "p=1", "p=0", 1),
		"a sign":           strings.Replace(good, "t=2", "t=+2", 1),
		"a rest":           strings.Replace(good, "p=1$", "p=1,x=2$", 1),
		"a short key":      good[:len(good)-30],
		"another alphabet": good[:len(good)-1] + "!",
		"padded":           good + "=",
		"one part more":    good + "$",
	} {
		_, _, err := staff.VerifyPassword(phc, "long enough")
		require.ErrorIs(t, err, staff.ErrHash, name)
	}
}

func TestAPasswordIsLongAndNotTheLogin(t *testing.T) {
	for password, good := range map[string]bool{
		"0123456789":                                true,
		"012345678":                                 false,
		"一二三四五六七八九十":                                true,
		strings.Repeat("x", staff.MaxPassword):      true,
		strings.Repeat("x", staff.MaxPassword+1):    false,
		"Li.Na.Kefu.2":                              false,
		" li.na.kefu.2":                             false,
		"li.na.kefu.23":                             true,
		"broken " + string([]byte{0xff}) + " utf-8": false,
	} {
		err := staff.CheckPassword("li.na.kefu.2", password)
		if good {
			require.NoError(t, err, password)
		} else {
			require.ErrorIs(t, err, staff.ErrPassword, password)
		}
	}
}

func TestAFirstPasswordIsOneThatCanBeUsed(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		p := staff.NewPassword()
		require.NoError(t, staff.CheckPassword("li", p))
		require.Regexp(t, `^[a-z2-7]{20}$`, p)
		require.False(t, seen[p])
		seen[p] = true
	}
}

func FuzzVerifyPassword(f *testing.F) {
	f.Add("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, phc string) {
		if strings.Contains(phc, "m=") && !strings.Contains(phc, "m=256,") && !strings.Contains(phc, "m=8,") {
			return // the reading is what is tried here, not the patience
		}
		ok, _, err := staff.VerifyPassword(phc, "not this one")
		require.False(t, ok)
		if err != nil {
			require.ErrorIs(t, err, staff.ErrHash)
		}
	})
}
