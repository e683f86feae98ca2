// Command bench measures how fast regpay is, beside other ways to do the same
// job on the same machine: the engine alone (an empty workflow of regpay's
// shape), one regular activity for each step, DBOS, and a state machine written
// by hand on PostgreSQL.
//
// Everything real runs: Temporal's server on PostgreSQL with fsync on, the
// sandbox's counterparties with their signatures, regpay's programs. The arms
// take turns, each on databases of its own that are made anew, for several
// rounds; what is quoted are medians over the rounds with their range. After
// each turn the books are held against the channels' and the hospital's.
//
// It is called by `make bench`.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/regpay/regpay/internal/telemetry"
)

type commands struct {
	Run     runCommand     `cmd:"" help:"Compare the arms." default:"withargs"`
	Turns   turnsCommand   `cmd:"" help:"Compare some arms that all stand at once, in turns of seconds: the closest look at a ratio."`
	Profile profileCommand `cmd:"" help:"Find where the time of a payment goes: CPU profiles and statements."`
	Endure  endureCommand  `cmd:"" help:"Run one installation for long: memory over many payments, many payments waiting at once."`
	Archive archiveCommand `cmd:"" help:"Measure the queries with a million past orders in the books."`
	Serve   serveCommand   `cmd:"" help:"Be one of an arm's processes; the comparison starts these." hidden:""`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	telemetry.SpendMemory() // the load generator and the other arms as regpay itself
	if os.Getenv("GOMAXPROCS") == "" && !slices.Contains(os.Args, "serve") {
		runtime.GOMAXPROCS(max(runtime.NumCPU()/2, 1)) // the rest is for what is measured
	}
	var c commands
	k := kong.Parse(&c, kong.Name("bench"), kong.UsageOnError(), kong.Description("Measures regpay beside other ways to do the same job."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
