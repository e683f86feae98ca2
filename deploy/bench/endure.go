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

	"github.com/regpay/regpay/deploy/bench/journey"
	"github.com/regpay/regpay/deploy/bench/load"
	"github.com/regpay/regpay/deploy/bench/meter"
	"github.com/regpay/regpay/deploy/bench/result"
	"github.com/regpay/regpay/internal/api/wire"
)

// endureCommand runs one installation for long: does anything grow with the
// payments that it has seen, or with those that wait?
type endureCommand struct {
	Payments int           `help:"Payments to take through their life, those that waited with the others included." default:"50000" env:"PAYMENTS"`
	Waiting  int           `help:"Payments that first wait for their patients all at once." default:"20000" env:"WAITING"`
	AtOnce   int           `help:"Payments under way." default:"16"`
	Window   time.Duration `help:"How long the cost of a new payment is measured." default:"20s" env:"WINDOW"`
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
	// Memory are samples over the payments, Crowd what a new payment costs while
	// so many others wait.
	Memory []memory `json:"memory"`
	Crowd  []crowd  `json:"crowd,omitempty"`
}

// memory is the resident memory of each process after so many payments, in
// bytes.
type memory struct {
	Payments int64            `json:"payments"`
	Bytes    map[string]int64 `json:"bytes"`
}

// crowd is the cost of new payments while others wait.
type crowd struct {
	Waiting int           `json:"waiting"`
	Window  result.Window `json:"window"`
	// IdleCPU is what the waiting ones alone take: milliseconds of CPU a second,
	// by process, the mean of before and after the window, without new payments.
	// A payment that nobody has paid is asked about at the channel a few times.
	IdleCPU map[string]float64 `json:"idle_cpu_ms_per_second"`
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
		if err := c.gather(ctx, b, s, e); err != nil {
			return err
		}
	}
	if err := c.endure(ctx, s, e); err != nil {
		return err
	}
	e.Payments, e.Seconds = s.done.Load(), time.Since(e.StartedAt).Seconds()
	e.print(b.out)
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

// few is the crowd that the large one is compared with.
const few = 100

// gather measures new payments while few wait, while all of them do, and while
// few wait again: what differs between the first and the last is the machine's
// doing. Those that waited pay.
func (c endureCommand) gather(ctx context.Context, b *bench, s *stage, e *endurance) error {
	payer := s.driver.(*apiDriver).payer
	var waiting []wire.Answer
	for _, n := range []int{few, max(c.Waiting, few), few} {
		if surplus := len(waiting) - n; surplus > 0 {
			if err := c.pay(ctx, b, s, e, waiting[:surplus]); err != nil {
				return err
			}
			waiting = waiting[surplus:]
		}
		more, err := c.wait(ctx, payer, n-len(waiting))
		waiting = append(waiting, more...)
		if err != nil {
			return err
		}
		before, err := s.calm(ctx)
		if err != nil {
			return err
		}
		w, err := b.measure(ctx, s, len(e.Crowd)+1, result.Load{AtOnce: c.AtOnce}, 0)
		if err != nil {
			return err
		}
		after, err := s.idle(ctx)
		if err != nil {
			return err
		}
		for name := range before {
			before[name] = (before[name] + after[name]) / 2
		}
		e.Crowd = append(e.Crowd, crowd{Waiting: n, Window: w, IdleCPU: before})
	}
	return c.pay(ctx, b, s, e, waiting)
}

// pay lets patients pay who waited.
func (c endureCommand) pay(ctx context.Context, b *bench, s *stage, e *endurance, waiting []wire.Answer) error {
	fmt.Fprintf(b.out, "%d patients pay\n", len(waiting))
	payer := s.driver.(*apiDriver).payer
	return each(ctx, c.AtOnce, waiting, func(ctx context.Context, a wire.Answer) error {
		if err := payer.Finish(ctx, a); err != nil {
			return err
		}
		s.done.Add(1)
		return c.sample(s, e)
	})
}

// wait starts payments that nobody pays.
func (c endureCommand) wait(ctx context.Context, payer *journey.Payer, n int) ([]wire.Answer, error) {
	var mu sync.Mutex
	var all []wire.Answer
	err := each(ctx, c.AtOnce, make([]struct{}, n), func(ctx context.Context, _ struct{}) error {
		o, err := payer.Prepare(ctx)
		if err != nil {
			return err
		}
		a, err := payer.Begin(ctx, o.PayWithin(2*time.Hour))
		mu.Lock()
		defer mu.Unlock()
		all = append(all, a)
		return err
	})
	return all, err
}

// Those that wait are asked about at the channel in their first quarter of an
// hour, with as many processors as there are if nothing else is to be done. A
// new payment's cost is measured when that is over: when less than calmCPU
// milliseconds of CPU a second are used, or after calmWithin in any case.
const (
	calmCPU    = 300
	calmWithin = 20 * time.Minute
)

// calm waits for that moment and returns what is still used.
func (s *stage) calm(ctx context.Context) (map[string]float64, error) {
	for began := time.Now(); ; {
		used, err := s.idle(ctx)
		if err != nil {
			return nil, err
		}
		sum := 0.0
		for _, ms := range used {
			sum += ms
		}
		if sum < calmCPU || time.Since(began) > calmWithin {
			return used, nil
		}
	}
}

// idle is the CPU that is used while nothing new comes, in milliseconds a
// second.
func (s *stage) idle(ctx context.Context) (map[string]float64, error) {
	const d = 10 * time.Second
	pids := meter.Processes(s.in.Stack.Processes())
	before, err := meter.CPU(pids)
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	after, err := meter.CPU(pids)
	used := map[string]float64{}
	for name, t := range after {
		used[family(name)] += float64((t - before[name]).Milliseconds()) / d.Seconds()
	}
	return used, err
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

// own is the milliseconds of CPU that some processes take for a new payment, and
// waiting what they take for those that wait, for each new payment.
func (c crowd) own(names ...string) float64 {
	sum := 0.0
	for _, name := range names {
		sum += c.Window.CPUMS[name]
	}
	return sum - c.waiting(names...)
}

func (c crowd) waiting(names ...string) float64 {
	sum := 0.0
	for _, name := range names {
		sum += c.IdleCPU[name]
	}
	return sum / c.Window.PerSecond
}

func (e *endurance) print(out io.Writer) {
	for _, c := range e.Crowd {
		fmt.Fprintf(out, "%6d waiting: %5.1f/s; ms of CPU a new payment: worker and API %5.1f, Temporal and PostgreSQL %5.1f; what the waiting ones take, spread on these: %4.1f and %4.1f; answer %4.0f/%4.0f/%4.0f ms\n",
			c.Waiting, c.Window.PerSecond, c.own("worker", "api"), c.own("temporal", "postgres"), c.waiting("worker", "api"), c.waiting("temporal", "postgres"),
			c.Window.Answer.P50, c.Window.Answer.P95, c.Window.Answer.P99)
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
