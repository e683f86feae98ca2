// Command stack prepares, shows and ends local stacks. Stacks are started by
// the programs that use them: the demo, the integration tests, the benchmarks.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/regpay/regpay/deploy/stack"
)

type commands struct {
	Build  buildCommand  `cmd:"" help:"Install PostgreSQL where it is missing and build the binaries, so that later starts take seconds."`
	Up     upCommand     `cmd:"" help:"Run PostgreSQL and Temporal until Ctrl-C."`
	Status statusCommand `cmd:"" help:"Show the stack that was left up."`
	Down   downCommand   `cmd:"" help:"End the stacks that were left up or whose owner was killed."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var c commands
	k := kong.Parse(&c, kong.Name("stack"), kong.Description("regpay's local stack."), kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)))
	k.FatalIfErrorf(k.Run())
}

type buildCommand struct {
	Parts string `default:"all" help:"Comma-separated: postgres, temporal, ui, sandbox, regpay, or all."`
	Race  bool   `help:"Build regpay's own programs with the race detector."`
}

func (c buildCommand) Run(ctx context.Context) error {
	parts, err := parseParts(c.Parts)
	if err != nil {
		return err
	}
	return stack.Prepare(ctx, stack.Options{Parts: parts, Race: c.Race, Progress: os.Stderr})
}

type upCommand struct {
	Parts string `default:"postgres,temporal,ui" help:"Comma-separated: postgres, temporal, ui, sandbox."`
	Keep  bool   `help:"Leave the stack up and return; end it with 'stack down'."`
}

func (c upCommand) Run(ctx context.Context) (err error) {
	parts, err := parseParts(c.Parts)
	if err != nil {
		return err
	}
	s, err := stack.Start(ctx, stack.Options{Name: "up", Parts: parts, Keep: c.Keep, Progress: os.Stderr})
	if err != nil {
		return err
	}
	show(s.Endpoints())
	if c.Keep {
		return s.Leave()
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, s.Stop(stop))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(os.Stderr, "stopping")
		return nil
	case err := <-s.Failed():
		return err
	}
}

type statusCommand struct{}

func (statusCommand) Run() error {
	local, err := stack.LocalFolder()
	if err != nil {
		return err
	}
	st, up := stack.Running(local)
	if !up {
		return errors.New("no stack was left up")
	}
	show(st.Endpoints)
	for _, p := range st.Processes {
		fmt.Printf("process %-20s %d\n", p.Name, p.PID)
	}
	return nil
}

type downCommand struct{}

func (downCommand) Run(ctx context.Context) error {
	local, err := stack.LocalFolder()
	if err != nil {
		return err
	}
	n, err := stack.Down(ctx, local, os.Stderr)
	if err == nil && n == 0 {
		fmt.Fprintln(os.Stderr, "no stack was left up")
	}
	return err
}

func show(e stack.Endpoints) {
	if e.DatabaseURL == "" {
		e.API = "" // reserved, but nobody listens
	}
	for _, line := range [][2]string{
		{"PostgreSQL", e.AdminDatabaseURL}, {"Temporal", e.Temporal}, {"Temporal's UI", e.UI},
		{"regpay's API", e.API}, {"sandbox", e.SandboxAdmin}, {"logs", e.Dir + "/logs"},
	} {
		if line[1] != "" {
			fmt.Printf("%-14s %s\n", line[0], line[1])
		}
	}
}

func parseParts(list string) (stack.Part, error) {
	known := map[string]stack.Part{"postgres": stack.Postgres, "temporal": stack.Temporal, "ui": stack.UI,
		"sandbox": stack.Sandbox, "regpay": stack.Regpay, "all": stack.All}
	var parts stack.Part
	for name := range strings.SplitSeq(list, ",") {
		part, ok := known[strings.TrimSpace(name)]
		if !ok {
			return 0, fmt.Errorf("unknown part %q: want postgres, temporal, ui, sandbox, regpay or all", name)
		}
		parts |= part
	}
	return parts, nil
}
