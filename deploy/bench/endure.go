package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/regpay/regpay/deploy/bench/load"
	"github.com/regpay/regpay/deploy/bench/meter"
	"github.com/regpay/regpay/deploy/bench/result"
)

// endureCommand runs one installation for long: does anything grow with the
// payments that it has seen, or with those that wait?
type endureCommand struct {
	Payments int           `help:"Payments to take through their life, those that waited with the others included." default:"50000" env:"PAYMENTS"`
	Waiting  int           `help:"Payments that first wait for their patients all at once." default:"20000" env:"WAITING"`
	AtOnce   int           `help:"Payments under way." default:"16"`
	WarmUp   time.Duration `help:"How long new payments come before their cost is measured." default:"20s" env:"WARM_UP"`
	Window   time.Duration `help:"How long the cost of a new payment is measured at a time." default:"10s" env:"WINDOW"`
	Pairs    int           `help:"How often it is measured with few and with many waiting." default:"8" env:"PAIRS"`
	Summary  string        `help:"Write the figures to this file as JSON." env:"SUMMARY" placeholder:"FILE"`
	Verbose  bool          `short:"v"`
}

// endurance is what was found.
type endurance struct {
	mu sync.Mutex // guards Memory

	StartedAt time.Time      `json:"started_at"`
	Machine   result.Machine `json:"machine"`
	Payments  int64          `json:"payments"`
	Seconds   float64        `json:"seconds"`
	// Memory are samples over the payments.
	Memory []memory `json:"memory"`
	// Few and Many are what a new payment costs while so many others wait.
	Few  *crowd `json:"few,omitempty"`
	Many *crowd `json:"many,omitempty"`
}

// memory is the resident memory of each process after so many payments, in
// bytes.
type memory struct {
	Payments int64            `json:"payments"`
	Bytes    map[string]int64 `json:"bytes"`
}

func (c endureCommand) Run(ctx context.Context) (err error) {
	b, regpay, err := single(result.Wechat, c.Window, c.Verbose)
	if err != nil {
		return err
	}
	s, err := b.open(ctx, regpay)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err := s.slow(ctx, 0); err != nil {
		return err
	}
	e := &endurance{StartedAt: time.Now().UTC().Truncate(time.Second)}
	if e.Machine, err = machine(ctx, s); err != nil {
		return err
	}
	if c.Waiting > 0 {
		if err := c.gather(ctx, b, regpay, s, e); err != nil {
			return err
		}
	}
	if err := c.endure(ctx, s, e); err != nil {
		return err
	}
	e.Payments, e.Seconds = s.done.Load(), time.Since(e.StartedAt).Seconds()
	e.print(b.out)
	if err := regpay.check(ctx, s, int(s.done.Load())); err != nil {
		return err
	}
	if c.Summary == "" {
		return nil
	}
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(c.Summary, append(text, '\n'), 0o644)
}

// endure takes payments through their life until there were as many as asked
// for, and looks at the memory now and then.
func (c endureCommand) endure(ctx context.Context, s *stage, e *endurance) error {
	more := max(int64(c.Payments)-s.done.Load(), 0)
	return each(ctx, c.AtOnce, make([]struct{}, more), func(ctx context.Context, _ struct{}) error {
		unit, err := s.counted(ctx)
		if err == nil {
			err = unit(ctx, &load.Sample{})
		}
		if err != nil {
			return err
		}
		return c.sample(s, e)
	})
}

// samples is how often the memory is looked at in a whole run.
const samples = 100

// sample looks at the memory when another hundredth of the payments is over.
func (c endureCommand) sample(s *stage, e *endurance) error {
	done, step := s.done.Load(), max(int64(c.Payments)/samples, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.Memory); n > 0 && done < e.Memory[n-1].Payments+step {
		return nil
	}
	m := memory{Payments: done, Bytes: map[string]int64{}}
	for name, pid := range meter.Processes(s.in.Stack.Processes()) {
		if name == "postgres" {
			continue // its memory is mostly the shared buffers, counted many times
		}
		bytes, err := meter.Memory(pid)
		if err != nil {
			return err
		}
		m.Bytes[name] = bytes
	}
	e.Memory = append(e.Memory, m)
	return nil
}

// each calls f for all, so many at once, until one fails.
func each[T any](ctx context.Context, atOnce int, all []T, f func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan T)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for one := range work {
				if err := f(ctx, one); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, one := range all {
		select {
		case work <- one:
		case <-ctx.Done():
		}
	}
	close(work)
	workers.Wait()
	return context.Cause(ctx)
}

func (e *endurance) print(out io.Writer) {
	if e.Many != nil {
		e.Few.print(out)
		e.Many.print(out)
		e.Many.compare(out, e.Few)
	}
	fmt.Fprintf(out, "%d payments in %.0f s; resident memory in MiB:\n", e.Payments, e.Seconds)
	names := []string{"worker-1", "api", "temporal", "sandbox", "load"}
	fmt.Fprintf(out, "%9s  %s\n", "payments", strings.Join(names, "  "))
	for i, m := range e.Memory {
		if i%10 != 0 && i != len(e.Memory)-1 {
			continue
		}
		line := fmt.Sprintf("%9d", m.Payments)
		for _, name := range names {
			line += fmt.Sprintf("  %*d", len(name), m.Bytes[name]>>20)
		}
		fmt.Fprintln(out, line)
	}
}
