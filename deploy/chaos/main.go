package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitFailed      = 1   // a rule is violated, too many needed a person, or there is no result
	exitInterrupted = 130 // Ctrl-C
)

type options struct {
	Seed     uint64        `help:"What the plan is drawn from; 0 draws one." env:"SEED" placeholder:"N"`
	Payments int           `help:"How many payments." default:"1000" env:"PAYMENTS"`
	Stream   time.Duration `help:"How long payments and faults keep coming." default:"240s" env:"STREAM"`
	Pace     time.Duration `help:"Between two breakages, about." default:"6s"`
	Window   time.Duration `help:"How long a patient has to pay; some have less." default:"90s"`
	Heal     time.Duration `help:"How long everything may take to come to rest." default:"6m"`
	Summary  string        `help:"Write the result to this file as JSON." env:"SUMMARY" placeholder:"FILE"`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("chaos"), kong.UsageOnError(),
		kong.Description("Plays payments under faults drawn from a seed, heals, and holds the books of everybody against the rules."))
	if o.Seed == 0 {
		o.Seed = 1 + rand.Uint64N(99_999_999)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ok, err := execute(ctx, o, os.Stdout)
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case interrupted:
		fmt.Fprintln(os.Stderr, "chaos: interrupted; everything was stopped")
		os.Exit(exitInterrupted)
	case err != nil:
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(exitFailed)
	case !ok:
		os.Exit(exitFailed)
	}
}

// execute makes a run, prints and writes its result, and says whether it is
// what it has to be.
func execute(ctx context.Context, o options, out io.Writer) (bool, error) {
	s, _, err := play(ctx, o, out)
	if err != nil {
		return false, err
	}
	s.print(out)
	fmt.Fprintf(out, "make chaos SEED=%d repeats the plan.\n", s.Seed)
	if o.Summary != "" {
		return s.OK, s.write(o.Summary)
	}
	return s.OK, nil
}
