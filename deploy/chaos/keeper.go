package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/regpay/regpay/deploy/stack"
)

// keeper is what an installation has around it (systemd, Kubernetes): it starts
// processes again that have gone. Those that the run itself has killed come
// back after the time that the plan says; those that ended of their own accord
// come back at once, and are counted. It is safe for concurrent use.
type keeper struct {
	stack *stack.Stack

	mu     sync.Mutex
	state  map[string]life
	deaths map[string]int // by themselves
	slow   map[string]time.Duration
}

// life is where a process stands.
type life int

const (
	up     life = iota
	struck      // killed, not to be started yet
	rising      // to be started, not ready yet
)

const keepEvery = 200 * time.Millisecond

func newKeeper(s *stack.Stack) *keeper {
	k := &keeper{stack: s, state: map[string]life{}, deaths: map[string]int{}, slow: map[string]time.Duration{}}
	for _, p := range s.Processes() {
		k.state[p.Name] = up
	}
	return k
}

// kill kills a process and has it started again after d.
func (k *keeper) kill(ctx context.Context, d time.Duration, names ...string) error {
	if err := k.strike(names...); err != nil {
		return err
	}
	return k.raise(ctx, d, names...)
}

// strike kills processes at the same moment. It is refused when one of them is
// down already.
func (k *keeper) strike(names ...string) error {
	if err := k.markStruck(names); err != nil {
		return err
	}
	var under sync.WaitGroup
	errs := make([]error, len(names))
	for i, n := range names {
		under.Go(func() { errs[i] = k.stack.Kill(n) })
	}
	under.Wait()
	return errors.Join(errs...)
}

// standing are those processes that are up.
func (k *keeper) standing(names ...string) (all []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range names {
		if k.state[n] == up {
			all = append(all, n)
		}
	}
	return all
}

func (k *keeper) markStruck(names []string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(names) == 0 {
		return errors.New("everything is down already")
	}
	for _, n := range names {
		if state, known := k.state[n]; !known || state != up {
			return fmt.Errorf("%s is down already", n)
		}
	}
	for _, n := range names {
		k.state[n] = struck
	}
	return nil
}

// raise has processes started again after d, and returns when they are ready.
func (k *keeper) raise(ctx context.Context, d time.Duration, names ...string) error {
	_ = pause(ctx, d) // at the run's end they come back at once
	k.mu.Lock()
	for _, n := range names {
		k.state[n] = rising
	}
	k.mu.Unlock()
	for !k.allUp(names...) {
		if err := pause(ctx, keepEvery); err != nil {
			return nil // the run waits for all of them
		}
	}
	return nil
}

// allUp says whether processes are ready; without names, all of them.
func (k *keeper) allUp(names ...string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(names) == 0 {
		names = slices.Collect(maps.Keys(k.state))
	}
	return !slices.ContainsFunc(names, func(n string) bool { return k.state[n] != up })
}

// keep starts again what has gone, until ctx ends.
func (k *keeper) keep(ctx context.Context) {
	var under sync.WaitGroup
	defer under.Wait()
	k.mu.Lock()
	names := slices.Sorted(maps.Keys(k.state))
	k.mu.Unlock()
	for _, n := range names {
		under.Go(func() {
			for pause(ctx, keepEvery) == nil {
				k.see(ctx, n)
			}
		})
	}
}

// see starts a process that has gone, and waits until it is ready. One whose
// start fails is tried again at the next look.
func (k *keeper) see(ctx context.Context, name string) {
	runs := slices.ContainsFunc(k.stack.Processes(), func(p stack.RunningProcess) bool { return p.Name == name })
	k.mu.Lock()
	state := k.state[name]
	if state == up && !runs {
		k.deaths[name]++
		state = rising
		k.state[name] = rising
	}
	k.mu.Unlock()
	if state != rising {
		return
	}
	began := time.Now()
	err := k.stack.Restart(ctx, name)
	k.mu.Lock()
	defer k.mu.Unlock()
	if took := time.Since(began); took > k.slow[name] {
		k.slow[name] = took
	}
	if err == nil {
		k.state[name] = up
	}
}

// account tells how often processes ended by themselves, and how long the
// slowest start of each took.
func (k *keeper) account() (deaths map[string]int, slowest map[string]time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.deaths), maps.Clone(k.slow)
}
