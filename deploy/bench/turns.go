package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/regpay/regpay/deploy/bench/report"
	"github.com/regpay/regpay/deploy/bench/result"
)

// turnsCommand compares arms as closely as a busy machine allows: all of their
// installations stand at once, and are measured for some seconds each, over and
// over, so that what stands side by side is seconds apart and not minutes. Those
// that are not measured use some 3 % of two processors each.
type turnsCommand struct {
	Arms    []string      `help:"Which; all are held against the first." default:"empty workflow,regpay wechat,regpay mixed" sep:"," placeholder:"NAME"`
	Turns   int           `help:"Turns of each arm." default:"20"`
	AtOnce  int           `help:"Payments under way." default:"16"`
	Window  time.Duration `help:"How long one turn is measured." default:"4s" env:"WINDOW"`
	WarmUp  time.Duration `help:"How long each arm runs before." default:"20s" env:"WARM_UP"`
	Verbose bool          `short:"v"`
}

// standing is an arm's installation, and what was measured of it.
type standing struct {
	*stage
	windows []result.Window
}

func (c turnsCommand) Run(ctx context.Context) (err error) {
	b, err := runCommand{Arms: c.Arms, Window: c.Window, Verbose: c.Verbose}.bench()
	if err != nil {
		return err
	}
	arms, err := b.chosen()
	if err != nil {
		return err
	}
	var all []*standing
	defer func() {
		for _, s := range all {
			err = errors.Join(err, s.close(ctx))
		}
	}()
	for _, a := range arms {
		s, err := b.open(ctx, a)
		if err != nil {
			return err
		}
		all = append(all, &standing{stage: s})
		if err := s.slow(ctx, 0); err != nil {
			return err
		}
		if err := s.warmUp(ctx, c.AtOnce, c.WarmUp); err != nil {
			return err
		}
	}
	order := slices.Clone(all)
	for turn := range c.Turns {
		for _, s := range order {
			w, err := b.measure(ctx, s.stage, turn+1, result.Load{AtOnce: c.AtOnce}, 0)
			if err != nil {
				return fmt.Errorf("%s: %w", s.arm.name, err)
			}
			s.windows = append(s.windows, w)
		}
		slices.Reverse(order) // nobody always follows the same one
	}
	for _, s := range all {
		if err := s.arm.check(ctx, s.stage, int(s.done.Load())); err != nil {
			return fmt.Errorf("%s: %w", s.arm.name, err)
		}
	}
	fmt.Fprintf(b.out, "\n%d turns of %s, %d at once: medians [smallest–largest], and to the first arm in the same turn\n", c.Turns, c.Window, c.AtOnce)
	for _, s := range all {
		fmt.Fprintf(b.out, "%-20s %s a second, %s ms of CPU", s.arm.name, middle(s.windows, speed), middle(s.windows, report.WholeCPU))
		if first := all[0].windows; s != all[0] {
			fmt.Fprintf(b.out, "; %s a second, %s of CPU", ratio(s.windows, first, speed), ratio(s.windows, first, report.WholeCPU))
		}
		fmt.Fprintln(b.out)
	}
	return nil
}
