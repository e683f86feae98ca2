package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/regpay/regpay/deploy/bench/meter"
	"github.com/regpay/regpay/deploy/bench/report"
	"github.com/regpay/regpay/deploy/bench/result"
	"github.com/regpay/regpay/internal/api/wire"
)

// few is the crowd that the large one is compared with.
const few = 100

// crowd is the cost of new payments while others wait.
type crowd struct {
	Waiting int             `json:"waiting"`
	Windows []result.Window `json:"windows"`
	// IdleCPU is what the installation takes without new payments: milliseconds
	// of CPU a second, by process, the mean of before and after the windows.
	IdleCPU map[string]float64 `json:"idle_cpu_ms_per_second"`
}

// gather measures new payments on two installations, one on which few wait and
// one on which all of them do. Their windows take turns, since the machine
// itself changes from one minute to the next by more than what is looked for.
// Those that waited pay.
func (c endureCommand) gather(ctx context.Context, b *bench, a arm, s *stage, e *endurance) error {
	waiting, err := c.wait(ctx, s, max(c.Waiting, few))
	if err != nil {
		return err
	}
	if err := c.beside(ctx, b, a, s, e); err != nil {
		return err
	}
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

// beside compares an installation on which many wait with another one, that it
// starts and stops.
func (c endureCommand) beside(ctx context.Context, b *bench, a arm, many *stage, e *endurance) (err error) {
	other, err := b.open(ctx, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.close(ctx)) }()
	if err := other.slow(ctx, 0); err != nil {
		return err
	}
	if _, err := c.wait(ctx, other, few); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%d patients wait; measured in %s, when none of them is asked about\n", max(c.Waiting, few), looked)
	if err := pause(ctx, looked); err != nil {
		return err
	}
	e.Few, e.Many = &crowd{Waiting: few}, &crowd{Waiting: max(c.Waiting, few)}
	type side struct {
		*stage
		*crowd
	}
	sides := []side{{other, e.Few}, {many, e.Many}}
	for _, on := range sides {
		if on.IdleCPU, err = on.idle(ctx); err != nil {
			return err
		}
	}
	for _, on := range sides {
		if err := on.warmUp(ctx, c.AtOnce, c.WarmUp); err != nil {
			return err
		}
	}
	for i := range c.Pairs {
		for _, on := range sides {
			fmt.Fprintf(b.out, "%6d waiting: ", on.Waiting)
			w, err := b.measure(ctx, on.stage, i+1, result.Load{AtOnce: c.AtOnce}, 0)
			if err != nil {
				return err
			}
			on.Windows = append(on.Windows, w)
		}
		slices.Reverse(sides)
	}
	for _, on := range sides {
		after, err := on.idle(ctx)
		if err != nil {
			return err
		}
		for name := range after {
			on.IdleCPU[name] = (on.IdleCPU[name] + after[name]) / 2
		}
	}
	return nil
}

// wait starts payments that nobody pays.
func (c endureCommand) wait(ctx context.Context, s *stage, n int) ([]wire.Answer, error) {
	payer := s.driver.(*apiDriver).payer
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

// looked is how long after the last start it is quiet. Each that waits is asked
// about at the channel after 1, 5, 13, 25 and 41 minutes, and the looks at so
// many would take the processors from whatever is measured, on either
// installation. When all began within ten minutes, nobody is asked about from 25
// minutes after the last start to 41 after the first one.
const looked = 26 * time.Minute

// idle is the CPU that is used while nothing new comes, in milliseconds a
// second.
func (s *stage) idle(ctx context.Context) (map[string]float64, error) {
	const d = 10 * time.Second
	pids := meter.Processes(s.in.Stack.Processes())
	before, err := meter.CPU(pids)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, d); err != nil {
		return nil, err
	}
	after, err := meter.CPU(pids)
	used := map[string]float64{}
	for name, t := range after {
		used[family(name)] += float64((t - before[name]).Milliseconds()) / d.Seconds()
	}
	return used, err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// What is told of a crowd.
var (
	speed  = func(w result.Window) float64 { return w.PerSecond }
	own    = report.CPU("worker", "api")
	engine = report.CPU("temporal", "postgres")
)

func (c *crowd) print(out io.Writer) {
	line := func(of func(result.Window) float64) string { return middle(c.Windows, of) }
	fmt.Fprintf(out, "%6d waiting: %s a second; ms of CPU a new payment: worker and API %s, Temporal and PostgreSQL %s; without new ones %.0f and %.0f ms a second\n",
		c.Waiting, line(speed), line(own), line(engine),
		c.IdleCPU["worker"]+c.IdleCPU["api"], c.IdleCPU["temporal"]+c.IdleCPU["postgres"])
}

// compare shows the ratios of windows that were measured next to each other.
func (c *crowd) compare(out io.Writer, to *crowd) {
	beside := func(of func(result.Window) float64) string { return ratio(c.Windows, to.Windows, of) }
	fmt.Fprintf(out, "%d to %d waiting, side by side: %s a second; CPU of worker and API %s, of Temporal and PostgreSQL %s\n",
		c.Waiting, to.Waiting, beside(speed), beside(own), beside(engine))
}

// middle is the median of a figure, with its range.
func middle(windows []result.Window, of func(result.Window) float64) string {
	s := result.Series{Windows: windows}.Over(of)
	return fmt.Sprintf("%.1f [%.1f–%.1f]", s.Median, s.Min, s.Max)
}

// ratio is that of windows that were measured next to each other.
func ratio(windows, to []result.Window, of func(result.Window) float64) string {
	all := make([]float64, len(windows))
	for i := range all {
		all[i] = of(windows[i]) / of(to[i])
	}
	s := result.SpreadOf(all)
	return fmt.Sprintf("%.2f × [%.2f–%.2f]", s.Median, s.Min, s.Max)
}
