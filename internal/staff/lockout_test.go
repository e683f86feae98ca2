package staff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/staff"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func wrong(t staff.Tries, at ...time.Time) staff.Tries {
	for _, a := range at {
		t = t.AfterWrong(a)
	}
	return t
}

func every(from time.Time, gap time.Duration, n int) []time.Time {
	out := make([]time.Time, n)
	for i := range out {
		out[i] = from.Add(time.Duration(i) * gap)
	}
	return out
}

func TestTheFifthWrongPasswordLocks(t *testing.T) {
	four := wrong(staff.Tries{}, every(noon, time.Minute, 4)...)
	_, locked := four.Locked(noon.Add(4 * time.Minute))
	require.False(t, locked)

	five := wrong(four, noon.Add(4*time.Minute))
	until, locked := five.Locked(noon.Add(4 * time.Minute))
	require.True(t, locked)
	require.Equal(t, noon.Add(19*time.Minute), until)
	_, locked = five.Locked(until.Add(-1))
	require.True(t, locked)
	_, locked = five.Locked(until)
	require.False(t, locked, "it opens by time alone")
	require.Equal(t, five, wrong(five, noon.Add(5*time.Minute)), "what is tried while it is locked does not count")
}

func TestWrongPasswordsFarApartDoNotLock(t *testing.T) {
	tries := wrong(staff.Tries{}, every(noon, 4*time.Minute, 100)...)
	_, locked := tries.Locked(noon.Add(400 * time.Minute))
	require.False(t, locked)
	require.Len(t, tries.Wrong, 4, "no more is kept than counts")
}

func TestEachLockIsTwiceAsLongUpToADay(t *testing.T) {
	tries, at := staff.Tries{}, noon
	for _, want := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
		16 * time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour} {
		tries = wrong(tries, every(at, time.Second, staff.MaxWrong)...)
		last := at.Add(4 * time.Second)
		require.Equal(t, want, tries.Until.Sub(last))
		at = tries.Until
	}
}

func TestADayWithoutTroubleIsForgiven(t *testing.T) {
	tries := wrong(staff.Tries{}, every(noon, time.Second, 5)...)
	tries = wrong(tries, every(tries.Until, time.Second, 5)...)
	require.Equal(t, 2, tries.Locks)
	soon := wrong(tries, every(tries.Until.Add(23*time.Hour), time.Second, 5)...)
	require.Equal(t, 3, soon.Locks)
	late := wrong(tries, every(tries.Until.Add(24*time.Hour), time.Second, 5)...)
	require.Equal(t, 1, late.Locks)
	require.Equal(t, staff.FirstLock, late.Until.Sub(tries.Until.Add(24*time.Hour+4*time.Second)))
}

// However the guesses are spread, no stretch of fifteen minutes has more than
// five, and a day has few.
func TestNobodyGuessesFasterThanTheRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tries, at := staff.Tries{}, noon
		var made []time.Time
		for _, gap := range rapid.SliceOfN(rapid.IntRange(0, 600), 1, 400).Draw(t, "gaps") {
			at = at.Add(time.Duration(gap) * time.Second)
			if _, locked := tries.Locked(at); !locked {
				made = append(made, at)
				tries = tries.AfterWrong(at)
			}
		}
		for i := range made {
			if i >= staff.MaxWrong {
				require.GreaterOrEqual(t, made[i].Sub(made[i-staff.MaxWrong]), staff.WrongWindow)
			}
		}
		require.Less(t, len(tries.Wrong), staff.MaxWrong)
	})
}
