package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/regpay/regpay/deploy/bench/load"
	"github.com/regpay/regpay/deploy/bench/meter"
	"github.com/regpay/regpay/deploy/bench/result"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/sandbox"
)

type runCommand struct {
	Rounds  int           `help:"Rounds; every arm has its turn in each." default:"5" env:"ROUNDS"`
	Window  time.Duration `help:"How long one load is measured." default:"4s" env:"WINDOW"`
	WarmUp  time.Duration `help:"How long each arm runs before it is measured, 16 at once." default:"20s" env:"WARM_UP"`
	Arms    []string      `help:"Arms to compare; all by default." env:"ARMS" sep:"," placeholder:"NAME"`
	Quick   bool          `help:"Only the loads that the targets need: closed at 1 and 16, open at half of capacity, counterparties at once."`
	Summary string        `help:"Write everything to this file as JSON." env:"SUMMARY" placeholder:"FILE"`
	Curves  string        `help:"Write the latency curves as SVG into this folder." env:"CURVES" placeholder:"DIR"`
	Verbose bool          `help:"Show the stack's progress." short:"v"`
}

// bench is one comparison.
type bench struct {
	runCommand
	self string // this program
	out  io.Writer
	tune func(*local.Options) // has the last word on an installation
	run  result.Run
}

func (c runCommand) Run(ctx context.Context) error {
	b, err := c.bench()
	if err != nil {
		return err
	}
	return b.compare(ctx)
}

func (c runCommand) bench() (*bench, error) {
	self, err := os.Executable()
	return &bench{runCommand: c, self: self, out: os.Stdout}, err
}

// single is a comparison of one arm with nothing.
func single(name string, window time.Duration, verbose bool) (*bench, arm, error) {
	b, err := runCommand{Arms: []string{name}, Window: window, Verbose: verbose}.bench()
	if err != nil {
		return nil, arm{}, err
	}
	arms, err := b.chosen()
	if err != nil {
		return nil, arm{}, err
	}
	return b, arms[0], nil
}

func (b *bench) compare(ctx context.Context) error {
	arms, err := b.chosen()
	if err != nil {
		return err
	}
	began := time.Now()
	b.run = result.Run{StartedAt: began.UTC().Truncate(time.Second), Rounds: b.Rounds, Window: b.Window.Seconds()}
	for round := range b.Rounds {
		// Each arm is first once in a while, and follows another one each time.
		for i := range arms {
			a := arms[(i+round)%len(arms)]
			if err := b.turn(ctx, a, round+1); err != nil {
				return fmt.Errorf("%s, round %d: %w", a.name, round+1, err)
			}
		}
	}
	b.run.Seconds = time.Since(began).Seconds()
	return b.report()
}

func (b *bench) chosen() ([]arm, error) {
	all := b.arms()
	if len(b.Arms) == 0 {
		return all, nil
	}
	var chosen []arm
	for _, name := range b.Arms {
		i := slices.IndexFunc(all, func(a arm) bool { return a.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("no arm %q: there are %s", name, strings.Join(result.Arms(), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// ramp is what goes before each window.
const ramp = time.Second

// turn measures one arm under every load, on databases of its own.
func (b *bench) turn(ctx context.Context, a arm, round int) (err error) {
	s, err := b.open(ctx, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if b.run.Machine == (result.Machine{}) {
		if b.run.Machine, err = machine(ctx, s); err != nil {
			return err
		}
	}
	delays := []int{0}
	if a.remote && !b.Quick && !a.brief {
		delays = append(delays, 200)
	}
	for _, ms := range delays {
		if err := s.slow(ctx, ms); err != nil {
			return err
		}
		if ms == 0 {
			if err := s.warmUp(ctx, 16, b.WarmUp); err != nil {
				return err
			}
		}
		if err := b.loads(ctx, s, round, ms); err != nil {
			return err
		}
	}
	return a.check(ctx, s, int(s.done.Load()))
}

// warmUp plays payments that no figure counts. After a start a payment takes
// about a third more CPU: connections are opened, PostgreSQL plans a statement
// anew for its first few calls on each of them, and has no statistics of its
// tables yet.
func (s *stage) warmUp(ctx context.Context, atOnce int, d time.Duration) error {
	nothing := func() error { return nil }
	if _, err := load.Closed(ctx, atOnce, 0, d, s.counted, load.Marks{Begin: nothing, End: nothing}); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	return nil
}

// loads measures an arm whose counterparties take so long to answer.
func (b *bench) loads(ctx context.Context, s *stage, round, ms int) error {
	closed, shares := []int{1, 16, 64}, []float64{0.5, 0.8}
	if b.Quick || s.arm.brief {
		closed, shares = []int{1, 16}, []float64{0.5}
	}
	capacity := 0.0
	for _, n := range closed {
		w, err := b.measure(ctx, s, round, result.Load{AtOnce: n, CounterpartyMS: ms}, 0)
		if err != nil {
			return err
		}
		capacity = max(capacity, w.PerSecond)
	}
	for _, share := range shares {
		if _, err := b.measure(ctx, s, round, result.Load{Share: share, CounterpartyMS: ms}, share*capacity); err != nil {
			return err
		}
	}
	return nil
}

// measure is one window.
func (b *bench) measure(ctx context.Context, s *stage, round int, l result.Load, rate float64) (result.Window, error) {
	marks := &marks{ctx: ctx, s: s}
	var w load.Window
	var err error
	if l.AtOnce > 0 {
		w, err = load.Closed(ctx, l.AtOnce, ramp, b.Window, s.counted, marks.calls())
	} else {
		w, err = load.Open(ctx, rate, ramp, b.Window, uint64(round), s.counted, marks.calls())
	}
	if err != nil {
		return result.Window{}, fmt.Errorf("%+v: %w", l, err)
	}
	out, err := s.sum(ctx, w, marks)
	if err != nil {
		return out, fmt.Errorf("%+v: %w", l, err)
	}
	out.Round, out.Offered = round, rate
	b.run.Add(s.arm.name, l, out)
	fmt.Fprintf(b.out, "round %d  %-20s %s\n", round, s.arm.name, line(l, out))
	return out, nil
}

func line(l result.Load, w result.Window) string {
	how := fmt.Sprintf("%d at once", l.AtOnce)
	if l.AtOnce == 0 {
		how = fmt.Sprintf("%.1f/s (%.0f %%)", w.Offered, 100*l.Share)
	}
	cpu, by := 0.0, ""
	for _, name := range slices.Sorted(maps.Keys(w.CPUMS)) {
		cpu += w.CPUMS[name]
		by += fmt.Sprintf(" %s %.1f", name, w.CPUMS[name])
	}
	return fmt.Sprintf("%3d ms  %-14s %6.1f/s  answer %4.0f/%4.0f/%4.0f  voucher %4.0f/%4.0f/%4.0f  whole %5.0f  CPU %5.1f ms (%s)  WAL %4.1f flushes %5.1f KiB",
		l.CounterpartyMS, how, w.PerSecond, w.Answer.P50, w.Answer.P95, w.Answer.P99, w.Voucher.P50, w.Voucher.P95, w.Voucher.P99,
		w.Whole.P50, cpu, by[1:], w.WALFlushes, w.WALBytes/1024)
}

// counted counts the payments that are played to their end.
func (s *stage) counted(ctx context.Context) (load.Unit, error) {
	u, err := s.driver.next(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, sample *load.Sample) error {
		err := u(ctx, sample)
		if err == nil {
			s.done.Add(1)
		}
		return err
	}, nil
}

// noticeAfter is how long after a settlement within the call the insurance tells
// of it, in milliseconds: not before it has answered.
const noticeAfter = 50

// slow has every counterparty take so many milliseconds to answer, and the
// insurance as long to clear; with none it settles within the call.
func (s *stage) slow(ctx context.Context, ms int) error {
	if !s.arm.remote {
		return nil
	}
	delay := sandbox.Latency{P50: int64(ms), P95: int64(ms)}
	for _, who := range []string{"wechat", "insurance", "his", "identity"} {
		f := sandbox.FaultSpec{LatencyMS: delay}
		if who == "insurance" {
			if f.Insurance.ClearingMS = delay; ms == 0 {
				f.Insurance.SettlesInCall, f.Notification.DelayMS = true, noticeAfter
			}
		}
		if err := s.in.Sandbox.SetFaults(ctx, who, f); err != nil {
			return err
		}
	}
	return nil
}

// marks are the meters at a window's begin and end.
type marks struct {
	ctx context.Context
	s   *stage
	wal [2]meter.WAL
	cpu [2]map[string]time.Duration
}

func (m *marks) calls() load.Marks {
	read := func(i int) func() error {
		return func() (err error) {
			if m.wal[i], err = meter.ReadWAL(m.ctx, m.s.admin); err != nil {
				return err
			}
			m.cpu[i], err = meter.CPU(meter.Processes(m.s.in.Stack.Processes()))
			return err
		}
	}
	return load.Marks{Begin: read(0), End: read(1)}
}

// sum makes a window's figures of what was seen.
func (s *stage) sum(ctx context.Context, w load.Window, m *marks) (result.Window, error) {
	n := float64(w.Over)
	out := result.Window{Payments: w.Over, Seconds: w.Seconds(), PerSecond: n / w.Seconds(), CPUMS: map[string]float64{}}
	var answers, wholes []time.Duration
	for _, sample := range w.Started {
		answers = append(answers, sample.Answered.Sub(sample.Meant))
		wholes = append(wholes, sample.Over.Sub(sample.Meant))
	}
	out.Answer, out.Whole = result.LatencyOf(answers), result.LatencyOf(wholes)
	for name, end := range m.cpu[1] {
		out.CPUMS[family(name)] += float64(end-m.cpu[0][name]) / float64(time.Millisecond) / n
	}
	out.WALFlushes = float64(m.wal[1].Flushes-m.wal[0].Flushes) / n
	out.WALBytes = float64(m.wal[1].Bytes-m.wal[0].Bytes) / n
	if s.arm.vouchers != nil {
		all, err := s.arm.vouchers(ctx, s.db, w.From)
		if err != nil {
			return out, fmt.Errorf("read when vouchers came: %w", err)
		}
		out.Voucher = result.LatencyOf(all)
	}
	if s.arm.histories {
		var err error
		if out.HistoryEvents, out.HistoryBytes, err = meter.Histories(ctx, s.in.Stack.Endpoints(), s.driver.recent()); err != nil {
			return out, err
		}
	}
	return out, nil
}

// family is a process's name without its number: all workers are "worker".
func family(name string) string {
	if at := strings.LastIndexByte(name, '-'); at > 0 {
		return name[:at]
	}
	return name
}
