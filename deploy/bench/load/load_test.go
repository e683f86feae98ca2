package load

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func nothing() error { return nil }

var silent = Marks{Begin: nothing, End: nothing}

// lasting is work that takes so long, and is answered half-way.
func lasting(d time.Duration) Source {
	return func(context.Context) (Unit, error) {
		return func(_ context.Context, s *Sample) error {
			pause(d / 2)
			s.Answered = time.Now()
			pause(d / 2)
			s.Over = time.Now()
			return nil
		}, nil
	}
}

func TestAClosedLoopKeepsSoManyUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := Closed(t.Context(), 4, time.Second, 10*time.Second, lasting(100*time.Millisecond), silent)
		require.NoError(t, err)
		require.InDelta(t, 400, w.Over, 8, "four at once, ten a second each")
		require.InDelta(t, 10, w.Seconds(), 0.01)
	})
}

func TestAnOpenLoopDoesNotWaitForWhatIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := Open(t.Context(), 50, time.Second, 10*time.Second, 7, lasting(3*time.Second), silent)
		require.NoError(t, err)
		require.Len(t, w.Started, 500, "exactly the mean rate arrives")
		for _, s := range w.Started {
			require.InDelta(t, 1.5, s.Answered.Sub(s.Meant).Seconds(), 0.001)
		}
	})
}

// A payment that is sent late because the machine was busy has waited all the
// same.
func TestLatencyCountsFromTheIntendedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b book
		meant := time.Now()
		pause(700 * time.Millisecond) // the generator was held up
		unit, err := lasting(200 * time.Millisecond)(t.Context())
		require.NoError(t, err)
		b.run(t.Context(), unit, meant)
		w, err := b.window(meant, meant.Add(time.Second))
		require.NoError(t, err)
		require.Equal(t, 800*time.Millisecond, w.Started[0].Answered.Sub(w.Started[0].Meant))
	})
}

func TestOneFailureSpoilsTheMeasurement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		_, err := Closed(t.Context(), 2, 0, time.Second, func(context.Context) (Unit, error) {
			return func(_ context.Context, s *Sample) error {
				pause(10 * time.Millisecond)
				if n.Add(1) == 20 {
					return errors.New("refused")
				}
				s.Over = time.Now()
				return nil
			}, nil
		}, silent)
		require.ErrorContains(t, err, "refused")
	})
}

func TestTheSameSeedIsTheSameDay(t *testing.T) {
	require.Equal(t, schedule(20, 10*time.Second, 3), schedule(20, 10*time.Second, 3))
	require.NotEqual(t, schedule(20, 10*time.Second, 3), schedule(20, 10*time.Second, 4))
	require.Len(t, schedule(20, 10*time.Second, 3), 200)
	require.IsNonDecreasing(t, schedule(20, 10*time.Second, 3))
}

// pause lets time pass, in a bubble in which nothing else has to happen.
func pause(d time.Duration) { <-time.After(d) }
