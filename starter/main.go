// Command starter is regpay's face: it serves the HTTP API, the channels'
// webhooks, the codec endpoint and the staff's console, and is the command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/telemetry"
)

// Exit codes, for scripts.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitConflict    = 4
	exitUnavailable = 5
)

type command struct {
	JSON    bool             `help:"Print JSON."`
	Version kong.VersionFlag `help:"Print the version."`

	Serve serveCommand `cmd:"" help:"Serve the HTTP API, the channels' webhooks, the codec endpoint and the console."`
	Setup setupCommand `cmd:"" help:"Bring the database and Temporal to what this version needs."`
	Key   keyCommand   `cmd:"" help:"API keys of booking backends and staff."`
	Staff staffCommand `cmd:"" help:"Accounts of people who sign in at the console."`

	Pay    payCommand    `cmd:"" help:"Start a payment."`
	Show   showCommand   `cmd:"" help:"Show a payment."`
	Review reviewCommand `cmd:"" help:"Cases that wait for a person."`
	Refund refundCommand `cmd:"" help:"Return captured money."`
	Stray  strayCommand  `cmd:"" help:"Find money that a channel has and the books missed, and have it returned."`

	Maintenance maintenanceCommand `cmd:"" help:"Times in which a channel, the HIS or a hospital is not to be used."`

	Risk riskCommand `cmd:"" help:"The block list and missed appointments, for the risk rules."`
}

// installationFlags are of the commands that work on the installation itself.
type installationFlags struct {
	Config   string        `help:"Configuration file." default:"regpay.yaml" env:"REGPAY_CONFIG" type:"path"`
	Patience time.Duration `help:"How long to wait for Temporal and the database." default:"1m"`
	Log      string        `help:"Log level." default:"info" enum:"debug,info,warn,error" env:"REGPAY_LOG"`
}

func (f installationFlags) logger() (*zap.Logger, error) { return telemetry.NewLogger(f.Log) }

type serveCommand struct {
	installationFlags
	PProf string `name:"pprof" help:"Loopback address of the Go profiles (/debug/pprof/); none by default." env:"REGPAY_PPROF" placeholder:"ADDRESS"`
}

func (c serveCommand) Run(ctx context.Context) error {
	telemetry.SpendMemory()
	log, err := c.logger()
	if err != nil {
		return err
	}
	return serve(ctx, c, log)
}

type setupCommand struct{ installationFlags }

func (c setupCommand) Run(ctx context.Context) error {
	log, err := c.logger()
	if err != nil {
		return err
	}
	return setup(ctx, c.Config, c.Patience, log)
}

func main() {
	var c command
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k := kong.Parse(&c, kong.Name("starter"), kong.UsageOnError(),
		kong.Description("Registration payments: the API and the command line.\n\n"+
			"Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 conflict, 5 not reachable."),
		kong.Vars{"version": payment.Version}, kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(&c),
		kong.Exit(func(code int) {
			if code != 0 {
				code = exitUsage
			}
			os.Exit(code)
		}))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "starter:", err)
		stop()
		os.Exit(exitCode(err))
	}
}

func exitCode(err error) int {
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return exitFailed
}
