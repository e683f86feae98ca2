package privacy_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/privacy"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, privacy.KeySize) }

func ring(t testing.TB, active string, opts ...privacy.Option) *privacy.Keyring {
	t.Helper()
	k, err := privacy.NewKeyring(active, map[string][]byte{"2025": key(1), "2026": key(2)}, opts...)
	require.NoError(t, err)
	return k
}

func TestSealedOpensOnlyInItsPlace(t *testing.T) {
	k := ring(t, "2026")
	rapid.Check(t, func(rt *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(rt, "plain")
		aad := rapid.SliceOf(rapid.Byte()).Draw(rt, "aad")
		sealed, err := k.Seal(plain, aad)
		require.NoError(rt, err)
		got, err := k.Open(sealed, aad)
		require.NoError(rt, err)
		require.True(rt, bytes.Equal(plain, got))

		_, err = k.Open(sealed, append(aad, 'x'))
		require.ErrorIs(rt, err, privacy.ErrTampered)
		i := rapid.IntRange(0, len(sealed)-1).Draw(rt, "i")
		sealed[i] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		_, err = k.Open(sealed, aad)
		require.Error(rt, err, "byte %d was altered", i)
		_, err = k.Open(sealed[:i], aad)
		require.Error(rt, err, "cut off at %d", i)
	})
}

func TestEqualTextsAreSealedDifferently(t *testing.T) {
	k := ring(t, "2026")
	a, err := k.Seal([]byte("same"), nil)
	require.NoError(t, err)
	b, err := k.Seal([]byte("same"), nil)
	require.NoError(t, err)
	require.NotEqual(t, a, b)
}

func TestRotation(t *testing.T) {
	sealed, err := ring(t, "2025").Seal([]byte("old"), nil)
	require.NoError(t, err)
	plain, err := ring(t, "2026").Open(sealed, nil)
	require.NoError(t, err)
	require.Equal(t, "old", string(plain))

	dropped, err := privacy.NewKeyring("2026", map[string][]byte{"2026": key(2)})
	require.NoError(t, err)
	_, err = dropped.Open(sealed, nil)
	require.ErrorIs(t, err, privacy.ErrKey)

	// The same id over another key is not mistaken for the right one.
	other, err := privacy.NewKeyring("2025", map[string][]byte{"2025": key(9)})
	require.NoError(t, err)
	_, err = other.Open(sealed, nil)
	require.ErrorIs(t, err, privacy.ErrTampered)
}

func TestAnIndexFindsEqualValuesOfOneLabelAlone(t *testing.T) {
	k := ring(t, "2026")
	require.Equal(t, k.Index("phone", "1"), k.Index("phone", "1"))
	require.NotEqual(t, k.Index("phone", "1"), k.Index("phone", "2"))
	require.NotEqual(t, k.Index("phone", "1"), k.Index("patient", "1"))
	require.NotEqual(t, k.Index("ab", "c"), k.Index("a", "bc"))
	require.Len(t, k.Index("phone", "1"), 32)
}

func TestAnIndexStaysTheSameOverRotation(t *testing.T) {
	index := []byte("an index key that stays")
	first, err := privacy.NewKeyring("a", map[string][]byte{"a": key(1)}, privacy.WithIndexKey(index))
	require.NoError(t, err)
	later, err := privacy.NewKeyring("b", map[string][]byte{"b": key(2)}, privacy.WithIndexKey(index))
	require.NoError(t, err)
	require.Equal(t, first.Index("l", "v"), later.Index("l", "v"))
	require.Equal(t, ring(t, "2025").Index("l", "v"), ring(t, "2026").Index("l", "v"), "also without one, while the first key is there")
	require.NotEqual(t, first.Index("l", "v"), ring(t, "2025").Index("l", "v"))
}

func TestAKeyringThatCannotWorkIsRefused(t *testing.T) {
	for name, ring := range map[string]func() (*privacy.Keyring, error){
		"no keys":          func() (*privacy.Keyring, error) { return privacy.NewKeyring("a", nil) },
		"active not there": func() (*privacy.Keyring, error) { return privacy.NewKeyring("b", map[string][]byte{"a": key(1)}) },
		"short key":        func() (*privacy.Keyring, error) { return privacy.NewKeyring("a", map[string][]byte{"a": {1}}) },
		"no id":            func() (*privacy.Keyring, error) { return privacy.NewKeyring("", map[string][]byte{"": key(1)}) },
		"short index key": func() (*privacy.Keyring, error) {
			return privacy.NewKeyring("a", map[string][]byte{"a": key(1)}, privacy.WithIndexKey([]byte("short")))
		},
	} {
		_, err := ring()
		require.Error(t, err, name)
	}
}

func FuzzOpen(f *testing.F) {
	k := ring(f, "2026")
	sealed, err := k.Seal([]byte("text"), nil)
	require.NoError(f, err)
	f.Add(sealed)
	f.Add([]byte{})
	f.Add([]byte{1, 255})
	f.Add([]byte{1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := k.Open(b, nil); err != nil {
			return
		}
		// Only a seed can have come here; nothing near it opens.
		b = bytes.Clone(b)
		b[len(b)-1] ^= 1
		if plain, err := k.Open(b, nil); err == nil {
			t.Fatalf("opened what was never sealed: %x", plain)
		}
	})
}

func TestMasks(t *testing.T) {
	for in, want := range map[string]string{"": "", "张": "张*", "张三": "张*", "欧阳测试": "欧***", "Jonathan Smith": "J****"} {
		require.Equal(t, want, privacy.MaskName(in))
	}
	for in, want := range map[string]string{"": "", "13900005678": "139****5678", "+8613900005678": "+86*******5678", "1234567": "*******"} {
		require.Equal(t, want, privacy.MaskPhone(in))
	}
	require.Equal(t, "999***********0017", privacy.MaskID("999999199001010017"))
	require.Equal(t, "*****", privacy.MaskID("E1234"))
}
