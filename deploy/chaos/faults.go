package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/regpay/regpay/deploy/booking"
	"github.com/regpay/regpay/deploy/local"
)

// window is a fault as it happened. To is when what it broke was whole again.
type window struct {
	fault
	From, To time.Time
}

// breaker carries the plan's faults out. It is safe for concurrent use.
type breaker struct {
	in     *local.Installation
	wires  *wires
	told   *booking.Backend
	keeper *keeper

	mu     sync.Mutex
	done   []window
	missed []string // faults that found nothing to break
}

// run carries out every fault at its time and returns when the last one is over.
func (b *breaker) run(ctx context.Context, began time.Time, all []fault) {
	var under sync.WaitGroup
	defer under.Wait()
	for _, f := range all {
		if pause(ctx, time.Until(began.Add(f.At))) != nil {
			return
		}
		under.Go(func() { b.carryOut(ctx, f) })
	}
}

func (b *breaker) carryOut(ctx context.Context, f fault) {
	w := window{fault: f, From: time.Now().UTC()}
	err := b.inject(ctx, f)
	w.To = time.Now().UTC()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.missed = append(b.missed, f.name()+": "+err.Error())
		return
	}
	b.done = append(b.done, w)
}

// windows are the faults so far.
func (b *breaker) windows() (done []window, missed []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append(done, b.done...), append(missed, b.missed...)
}

// inject makes a fault and returns when it is over. The error says that it
// could not be made.
func (b *breaker) inject(ctx context.Context, f fault) error {
	switch f.Kind {
	case kill:
		return b.kill(ctx, f)
	case crashPoint:
		return b.crashAt(ctx, f)
	case away:
		b.told.SetAway(true)
		defer b.told.SetAway(false)
		_ = pause(ctx, f.For)
		return nil
	case weather:
		if err := b.in.Sandbox.SetFaults(ctx, f.Target, f.Spec); err != nil {
			return err
		}
		_ = pause(ctx, f.For)
		return b.in.Sandbox.Heal(context.WithoutCancel(ctx), f.Target)
	}
	disturb := map[kind]func(string) error{cut: b.wires.cut, reset: b.wires.reset, stall: b.wires.stall, slow: b.wires.slow}[f.Kind]
	if err := disturb(f.Target); err != nil {
		return err
	}
	_ = pause(ctx, f.For)
	return b.wires.heal(context.WithoutCancel(ctx), f.Target)
}

func (b *breaker) kill(ctx context.Context, f fault) error {
	switch f.Target {
	case bothWorkers:
		return b.keeper.kill(ctx, f.For, local.WorkerProcess(1), local.WorkerProcess(2))
	case backend:
		return b.killSession()
	}
	return b.keeper.kill(ctx, f.For, f.Target)
}

// killSession kills one of PostgreSQL's sessions, upon which the server ends
// all of them and recovers by itself.
func (b *breaker) killSession() error {
	for _, p := range b.in.Stack.Processes() {
		if p.Name != postgres {
			continue
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", p.PID, p.PID))
		if err != nil {
			return err
		}
		children := strings.Fields(string(text))
		if len(children) == 0 {
			return errors.New("the server has no sessions")
		}
		pid, err := strconv.Atoi(children[len(children)-1]) // the newest: the first ones are the server's own
		if err != nil {
			return err
		}
		return syscall.Kill(pid, syscall.SIGKILL)
	}
	return errors.New("the server does not run")
}
