// Command histories records the workflow histories that the replay tests of
// the workflows read.
//
// A worker that is deployed meets payments that an earlier version began. It
// has to come to the same steps in the same order as that version did, or the
// payment stands still. The proof is a replay of what real workers wrote, so
// this command brings up the whole installation, plays one payment of each
// life that takes its own way through the code (see lives), and keeps the
// histories of the payment, its refunds and its stray payments.
//
// What is kept is decrypted: a replay needs no key, and a reviewer sees what
// is in it. The people are invented (see deploy/integration/scenario), the
// counterparties are the sandbox. Names of machines, processes and source
// files are taken out.
//
// It is called by `make histories`. Only when every life was recorded are the
// earlier files replaced.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/config"
)

// Time limits, so that the command ends by itself whatever happens.
const (
	stackTimeout = 40 * time.Minute // the first build of Temporal takes long
	playTimeout  = 10 * time.Minute
	stopTimeout  = time.Minute
)

type options struct {
	Out string `help:"Folder of the files." default:"workflows/testdata/histories" type:"path"`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("histories"), kong.UsageOnError(),
		kong.Description("Records the workflow histories that replay tests use, on a private stack."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, o, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "histories:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, progress io.Writer) (err error) {
	in, err := start(ctx, progress)
	if err != nil {
		return err
	}
	defer func() {
		// Not ctx: it may be what ended.
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		err = errors.Join(err, in.Stop(stopping))
	}()
	ctx, cancel := context.WithTimeout(ctx, playTimeout)
	defer cancel()
	files, err := record(ctx, in, lives(), progress)
	if err != nil {
		return err
	}
	if err := replace(o.Out, files); err != nil {
		return err
	}
	size := 0
	for _, text := range files {
		size += len(text)
	}
	fmt.Fprintf(progress, "%d histories, %d kB, in %s\n", len(files), size/1000, o.Out)
	return nil
}

func start(ctx context.Context, progress io.Writer) (*local.Installation, error) {
	ctx, cancel := context.WithTimeout(ctx, stackTimeout)
	defer cancel()
	return local.Start(ctx, local.Options{
		Stack: stack.Options{
			Name: "histories", Parts: stack.Regpay, Progress: progress, DatabaseURL: "private", TemporalAddress: "private",
			Hospitals: []string{hospital}, PostgresSettings: map[string]string{"max_connections": "200"},
		},
		Risk: config.Risk{Window: time.Hour, ReviewAmountFen: largeAmount},
		Configure: func(c *config.Config) {
			for i := range c.Hospitals {
				// A minute would be right between two companies' clocks; here they
				// are the same.
				c.Hospitals[i].Channels.UnionPay.CloseMargin = time.Second
			}
		},
	})
}
