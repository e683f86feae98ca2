// Package load makes payments arrive, in a closed loop or an open one.
//
// In a closed loop so many are under way, and the next starts when one is over:
// it finds what a system can carry. In an open loop they arrive on their own, at
// random moments with a fixed mean, whatever became of the earlier ones, as
// patients do: it finds how long one waits. Latency counts from the moment at
// which a payment was meant to start. Where a loaded machine sends it later, the
// delay is the machine's and counts (otherwise a stall would be measured once,
// by the one request that met it, instead of by everybody who came meanwhile).
package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Sample is one unit of work.
type Sample struct {
	Meant    time.Time // when it was meant to start
	Answered time.Time
	Over     time.Time
}

// Unit is one prepared piece of work; it fills in Answered and Over.
type Unit func(ctx context.Context, s *Sample) error

// Source prepares units, away from the clock.
type Source func(ctx context.Context) (Unit, error)

// Window is what a measurement saw.
type Window struct {
	From, To time.Time
	// Started are the samples that were meant to start within it, Over counts
	// those that came to their end within it.
	Started []Sample
	Over    int
}

// Seconds is the window's length.
func (w Window) Seconds() float64 { return w.To.Sub(w.From).Seconds() }

// Marks are called at the window's begin and end, to read meters.
type Marks struct{ Begin, End func() error }

// unitTimeout ends a unit that hangs.
const unitTimeout = 60 * time.Second

// book collects samples.
type book struct {
	mu     sync.Mutex
	all    []Sample
	failed []error
}

func (b *book) run(ctx context.Context, u Unit, meant time.Time) {
	ctx, cancel := context.WithTimeout(ctx, unitTimeout)
	defer cancel()
	s := Sample{Meant: meant}
	err := u(ctx, &s)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.failed = append(b.failed, err)
		return
	}
	b.all = append(b.all, s)
}

func (b *book) window(from, to time.Time) (Window, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.failed) > 0 {
		return Window{}, fmt.Errorf("%d of %d failed, the first one: %w", len(b.failed), len(b.failed)+len(b.all), b.failed[0])
	}
	w := Window{From: from, To: to}
	for _, s := range b.all {
		if !s.Meant.Before(from) && s.Meant.Before(to) {
			w.Started = append(w.Started, s)
		}
		if !s.Over.Before(from) && s.Over.Before(to) {
			w.Over++
		}
	}
	if len(w.Started) == 0 || w.Over == 0 {
		return w, errors.New("nothing happened in the window")
	}
	return w, nil
}

// Closed keeps atOnce units under way for ramp and then for d, which is
// measured, and waits until the last one is over.
func Closed(ctx context.Context, atOnce int, ramp, d time.Duration, next Source, m Marks) (Window, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var b book
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range atOnce {
		clients.Go(func() {
			for {
				unit, err := next(ctx)
				if err != nil {
					b.run(ctx, func(context.Context, *Sample) error { return err }, time.Time{})
					return
				}
				select {
				case <-stop:
					return
				case <-ctx.Done():
					return
				default:
				}
				b.run(ctx, unit, time.Now())
			}
		})
	}
	from, to, err := measure(ctx, ramp, d, m)
	close(stop)
	if err != nil {
		cancel()
	}
	clients.Wait()
	if err != nil {
		return Window{}, err
	}
	return b.window(from, to)
}

// most is how many units may be under way in an open loop. Beyond it the system
// is far behind, and the measurement ends in an error.
const most = 4000

// Open lets units arrive at a mean rate a second, for ramp and then for d,
// which is measured, and waits until the last one is over. The arrivals are
// those of a Poisson process, the same for the same seed.
func Open(ctx context.Context, rate float64, ramp, d time.Duration, seed uint64, next Source, m Marks) (Window, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arrivals := schedule(rate, ramp, seed)
	for _, at := range schedule(rate, d, seed+1) {
		arrivals = append(arrivals, ramp+at)
	}
	units := make([]Unit, len(arrivals))
	for i := range units {
		var err error
		if units[i], err = next(ctx); err != nil {
			return Window{}, err
		}
	}
	var b book
	var under sync.WaitGroup
	slots := make(chan struct{}, most)
	began := time.Now()
	sent := make(chan error, 1)
	go func() {
		for i, at := range arrivals {
			meant := began.Add(at)
			if err := wait(ctx, time.Until(meant)); err != nil {
				sent <- err
				return
			}
			select {
			case slots <- struct{}{}:
			default:
				sent <- fmt.Errorf("%d payments are under way: it cannot carry %.1f a second", most, rate)
				return
			}
			under.Go(func() {
				defer func() { <-slots }()
				b.run(ctx, units[i], meant)
			})
		}
		sent <- nil
	}()
	from, to, err := measure(ctx, ramp, d, m)
	err = errors.Join(err, <-sent)
	if err != nil {
		cancel()
	}
	under.Wait()
	if err != nil {
		return Window{}, err
	}
	return b.window(from, to)
}

// schedule is when units arrive, after the begin: as many as the mean rate asks
// for, at moments that are independent of each other. That is a Poisson process
// of which the count is known, so that no window has a busier day than another.
func schedule(rate float64, d time.Duration, seed uint64) []time.Duration {
	r := rand.New(rand.NewPCG(seed, 1))
	all := make([]time.Duration, max(int(math.Round(rate*d.Seconds())), 1))
	for i := range all {
		all[i] = time.Duration(r.Int64N(int64(d)))
	}
	slices.Sort(all)
	return all
}

// measure waits out the ramp and the window.
func measure(ctx context.Context, ramp, d time.Duration, m Marks) (from, to time.Time, err error) {
	if err = wait(ctx, ramp); err != nil {
		return
	}
	if err = m.Begin(); err != nil {
		return
	}
	from = time.Now()
	if err = wait(ctx, d); err != nil {
		return
	}
	to = time.Now()
	err = m.End()
	return
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
